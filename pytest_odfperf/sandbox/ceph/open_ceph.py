"""The cluster that a configuration asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pytest_odfperf.sandbox.ceph.ceph import Ceph
from pytest_odfperf.sandbox.ceph.client_io import ClientIo
from pytest_odfperf.sandbox.ceph.simulated.simulated_ceph import SimulatedCeph
from pytest_odfperf.sandbox.config.parse_config import SandboxConfig


async def check_ceph(config: SandboxConfig, directory: Path) -> None:
    """Raises `InputError` if a real cluster can not be in ``directory``: packages, room. It takes no time."""
    if config.ceph.real is not None:
        from pytest_odfperf.sandbox.ceph.real.start_ceph import check_cluster

        await check_cluster(config.ceph.real, directory, **_asked(config))


def _asked(config: SandboxConfig) -> dict[str, bool]:
    """What the machines and objects of a configuration need of a real cluster."""
    return {"qemu": config.machine == "qemu", "filesystems": bool(config.ceph.filesystems)}


@asynccontextmanager
async def open_ceph(
    config: SandboxConfig, directory: Path, client_io: ClientIo
) -> AsyncIterator[Ceph | None]:
    """A model, or processes in ``directory`` while the block runs; None if no cluster is asked for.

    The counters of a model are ``client_io``. Its OSDs are spread over the sandbox's nodes. Raises `OdfError`
    if it can not run here.
    """
    if config.ceph.real is None:
        yield None if config.ceph.model is None else SimulatedCeph(config, config.ceph.model, client_io)
        return
    from pytest_odfperf.sandbox.ceph.real.real_ceph import real_ceph

    async with real_ceph(config.ceph.real, directory, config.nodes, **_asked(config)) as ceph:
        yield ceph
