"""One start of a simulated guest's fio service, and what it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field


class ProtocolError(Exception):
    """A line ``error CODE TEXT`` of the guest protocol."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{code} {text}")


@dataclass(slots=True)
class FioRun:
    """One start of the fio service. Lives on when the connection is lost."""

    token: str
    deadline_s: float
    job: bytes
    #: By the guest's steady clock: what fio would have taken, however fast the simulation goes.
    started_clock_ns: int = 0
    ended_clock_ns: int = 0
    #: The epoch clock and the steady one before the start, and after the end.
    epochs_ns: tuple[int, int, int, int] = (0, 0, 0, 0)
    exit_code: int = 0
    timed_out: bool = False
    result: bytes = b""
    log: bytes = b""
    #: fio's own log files, as `bundle` puts them together.
    logs: bytes = b""
    witness: bytes = b""
    task: asyncio.Task[None] | None = field(default=None, repr=False)


def bundle(logs: Mapping[str, str]) -> bytes:
    """As ``tail --verbose --lines=+1`` shows several files."""
    return "\n".join(f"==> {name} <==\n{text}" for name, text in logs.items()).encode()
