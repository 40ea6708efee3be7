"""What a fault does to the request that it hits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from aiohttp import web

from pytest_odfperf.sandbox.api.access.rbac import Action
from pytest_odfperf.sandbox.api.faults.fault_book import STREAM_FAULTS, Faults, is_stream
from pytest_odfperf.sandbox.api.objects.status import StatusError
from pytest_odfperf.sandbox.config.config_values import ApiFault

#: What waits for the end of a freeze, for requests that faults may hit.
_THAWED: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("thawed", default=None)

Answer = Callable[[], Awaitable[web.StreamResponse]]


async def under_faults(
    faults: Faults, request: web.Request, action: Action, answer: Answer
) -> web.StreamResponse:
    """``answer``, or what the rules make of it. Raises `StatusError`."""
    _THAWED.set(faults.thawed)
    await faults.thawed()
    fault = faults.hit(action)
    if fault is not None and fault.kind not in STREAM_FAULTS:
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        ended = await _happen(faults, fault, request, answer)
        if ended is not None:
            return ended
        fault = None
    if is_stream(action):
        return await _stream(faults, fault, request, action, answer)
    return await answer()


async def thawed() -> None:
    """Wait for the end of a freeze, if faults are for this request at all."""
    if (wait := _THAWED.get()) is not None:
        await wait()


async def _happen(
    faults: Faults, fault: ApiFault, request: web.Request, answer: Answer
) -> web.StreamResponse | None:
    if fault.kind == "status":
        details: dict[str, Any] = {}
        if fault.retry_after_s is not None:
            details["retryAfterSeconds"] = fault.retry_after_s
        raise StatusError(fault.status, fault.reason, fault.message, **details)
    if fault.kind == "reset":
        return _reset(request)
    if fault.kind == "lost":
        with contextlib.suppress(StatusError):
            await answer()
        return _reset(request)
    if fault.kind == "hang":
        await faults.cleared.wait()
        return _reset(request)
    if fault.kind == "freeze_s":
        faults.freeze(fault.away_s)
        await faults.thawed()
    elif fault.kind == "restart_s":
        faults.restart(fault.away_s)
        return _reset(request)
    return None


async def _stream(
    faults: Faults, fault: ApiFault | None, request: web.Request, action: Action, answer: Answer
) -> web.StreamResponse:
    with faults.stream(action, fault) as stream:
        work = asyncio.ensure_future(answer())
        ends: tuple[asyncio.Future[Any], ...] = (work, stream.struck)
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            _end_badly(request, action, stream.struck.result())
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
    return web.Response()


def _end_badly(request: web.Request, action: Action, fault: ApiFault) -> None:
    """Written past the response, which goes on believing that all is well."""
    transport = request.transport
    if transport is None:
        return
    if action.verb != "watch":
        _reset(request)
        return
    if fault.kind == "expire":
        gone = StatusError(410, "Expired", "too old resource version: 1 (2)").body()
        line = json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n"
        transport.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(line), line))
    else:
        # A chunk that promises more than comes.
        transport.write(b'100\r\n{"type":"MODIFIED","object":{"kind":"')
    transport.close()


def _reset(request: web.Request) -> web.StreamResponse:
    """Drop the connection so that the client sees a reset, not an end."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
