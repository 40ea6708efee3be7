"""The Service of the manager's metrics: where the API server's proxy finds them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from pytest_odfperf.sandbox.ceph.ceph import Ceph, CephError
from pytest_odfperf.sandbox.ceph.client_io import ClientIo
from pytest_odfperf.sandbox.ceph.modelled_io import with_modelled_io
from pytest_odfperf.sandbox.config.parse_config import STORAGE_NAMESPACE

#: The file in the folder of services that says where the Service leads.
ADDRESS_FILE = f"{STORAGE_NAMESPACE}.rook-ceph-mgr.metrics.address"


@asynccontextmanager
async def metrics_service(
    ceph: Ceph | None, services: Path, client_io: ClientIo | None = None
) -> AsyncIterator[None]:
    """While the block runs, each request to the Service is answered with the metrics of that moment.

    ``client_io``: what simulated machines do to a real cluster, which does not see it.
    """
    if ceph is None:
        yield
        return
    services.mkdir(parents=True, exist_ok=True, mode=0o700)
    address = services / ADDRESS_FILE
    if ceph.metrics_url is not None and client_io is None:
        address.write_text(ceph.metrics_url)
        yield
        return
    async with _served(ceph, client_io) as url:
        address.write_text(url)
        yield


@asynccontextmanager
async def _served(ceph: Ceph, client_io: ClientIo | None) -> AsyncIterator[str]:
    """For a cluster whose manager is no process, or does not know all clients."""

    async def answer(_: web.Request) -> web.Response:
        try:
            text = await ceph.metrics()
            if client_io is not None:
                text = with_modelled_io(text, client_io)
        except CephError as error:
            return web.Response(status=503, text=f"{error}\n")
        return web.Response(text=text, content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}/metrics"
    finally:
        await runner.cleanup()
