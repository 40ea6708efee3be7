"""A client of QMP, QEMU's control protocol: JSON lines over a socket.

https://www.qemu.org/docs/master/interop/qmp-spec.html
"""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

from pytest_odfperf.errors import OdfError

#: One answer; QEMU's are a few kilobytes.
_LINE_BYTES = 1 << 22


class Qmp:
    """One connection. Events are kept in `events`, in the order in which they came."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next = 0
        self._closed = False

    async def connect(self, end: socket.socket, deadline_s: float) -> None:
        """Talk over ``end``, which this object closes; `OdfError` if QEMU says nothing in time."""
        self._reader, self._writer = await asyncio.open_connection(sock=end, limit=_LINE_BYTES)
        self._reading = asyncio.create_task(self._read(), name="qmp")
        try:
            await asyncio.wait_for(asyncio.shield(self._greeted), deadline_s)
        except TimeoutError:
            raise OdfError(f"QEMU did not open its control socket in {deadline_s:.0f} s") from None
        await self.execute("qmp_capabilities", deadline_s=deadline_s)

    async def execute(
        self, command: str, arguments: dict[str, Any] | None = None, *, deadline_s: float = 30.0
    ) -> Any:
        """What the command returns; `OdfError` if it fails, QEMU ends, or no answer comes in time."""
        if self._closed:
            raise OdfError(f"QEMU has ended before {command}")
        self._next += 1
        number = self._next
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        request: dict[str, Any] = {"execute": command, "id": number}
        if arguments:
            request["arguments"] = arguments
        try:
            self._writer.write(json.dumps(request).encode() + b"\n")
            message = await asyncio.wait_for(answer, deadline_s)
        except TimeoutError:
            raise OdfError(f"QEMU did not answer {command} in {deadline_s:.0f} s") from None
        finally:
            self._answers.pop(number, None)
        if "error" in message:
            raise OdfError(f"QEMU refused {command}: {message['error'].get('desc', message['error'])}")
        return message["return"]

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError):
            pass
        finally:
            self._closed = True
            gone = OdfError("QEMU closed its control socket")
            if not self._greeted.done():
                self._greeted.set_exception(gone)
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.set_exception(gone)
            # Nobody may be waiting for the greeting any more; then its error was not retrieved.
            if not self._greeted.cancelled():
                self._greeted.exception()

    def _take(self, message: dict[str, Any]) -> None:
        if "QMP" in message:
            if not self._greeted.done():
                self._greeted.set_result(None)
        elif "event" in message:
            self.events.append(message)
        elif (waiting := self._answers.get(message.get("id", 0))) and not waiting.done():
            waiting.set_result(message)

    async def drain(self, deadline_s: float) -> None:
        """Wait until QEMU has closed its end, so that `events` is complete."""
        await asyncio.wait([self._reading], timeout=deadline_s)

    def close(self) -> None:
        if hasattr(self, "_reading"):
            self._reading.cancel()
            self._writer.close()
