"""The ``portforward`` subresource: a WebSocket of raw bytes to a port of a guest.

The dial happens before the upgrade, so that what fails is a plain HTTP answer (KubeVirt,
``pkg/virt-api/rest/portforward.go``).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiohttp import WSMsgType, web

from pytest_odfperf.sandbox.api.faults.injection import thawed
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request, conflict

PROTOCOL = "plain.kubevirt.io"
#: Where a guest's port really is.
PORT_ANNOTATION = "sandbox.odfperf/port-{}"
_PING_S = 1.0
_CHUNK = 32 * 1024
_DIAL_S = 10.0


def _address(vmi: dict[str, Any], port: int) -> tuple[str, int]:
    told = (vmi.get("status") or {}).get("conditions") or ()
    if any(entry.get("type") == "Paused" and entry.get("status") == "True" for entry in told):
        raise conflict("virtualmachineinstances.kubevirt.io", vmi["metadata"]["name"], "VMI is paused")
    annotation = (vmi["metadata"].get("annotations") or {}).get(PORT_ANNOTATION.format(port))
    if annotation:
        host, _, number = annotation.rpartition(":")
        return host, int(number)
    interfaces = (vmi.get("status") or {}).get("interfaces") or []
    if not interfaces or not interfaces[0].get("ipAddress"):
        raise bad_request("no network interfaces are present")
    # The address is an invented one, and nobody but those of the annotations listens in a guest.
    raise _not_dialed(interfaces[0]["ipAddress"], port, "connect: connection refused")


def _not_dialed(host: str, port: int, why: str) -> StatusError:
    return StatusError(
        500, "InternalError", f"Internal error occurred: dialing VM: dial tcp {host}:{port}: {why}"
    )


async def portforward(request: web.Request, vmi: dict[str, Any], port: int) -> web.StreamResponse:
    """Connect the client to ``port`` of the guest until one of them ends. Raises `StatusError`."""
    host, number = _address(vmi, port)
    try:
        async with asyncio.timeout(_DIAL_S):
            reader, writer = await asyncio.open_connection(host, number)
    except (OSError, TimeoutError) as error:
        why = (
            "connect: connection refused"
            if isinstance(error, ConnectionRefusedError)
            else f"i/o timeout ({error})"
        )
        raise _not_dialed(host, number, why) from error
    socket = web.WebSocketResponse(protocols=(PROTOCOL,), max_msg_size=0, compress=False)
    tasks: list[asyncio.Task[None]] = []
    try:
        await socket.prepare(request)
        tasks = [asyncio.create_task(_down(reader, socket)), asyncio.create_task(_keep_alive(socket))]
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                await thawed()
                writer.write(message.data)
                await writer.drain()
    except (ConnectionError, RuntimeError):
        pass  # either end may go at any time
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return socket


async def _down(reader: asyncio.StreamReader, socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            await thawed()
            await socket.send_bytes(data)
    await socket.close()


async def _keep_alive(socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await asyncio.sleep(_PING_S)
            await thawed()
            await socket.ping(b"keep alive")
