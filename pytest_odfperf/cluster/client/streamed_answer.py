"""An answer of the API server that goes on: its lines, and how who reads them is woken."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any


def lines_of(answer: Any) -> Iterator[bytes]:
    """The lines of an answer, as they come; empty ones are left out."""
    left = b""
    for piece in answer.stream(65536, decode_content=False):
        *whole, left = (left + piece).split(b"\n")
        yield from (line for line in whole if line.strip())


def cut(answer: Any) -> None:
    """Wake the thread that reads ``answer``; closing alone would wait for it to end."""
    connection = getattr(answer, "connection", None)
    sock = getattr(connection, "sock", None)
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
