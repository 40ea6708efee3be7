"""Append-only JSON lines: one write and one fsync a line, so that a killed process tears nothing.

Lines from many processes to one file opened with O_APPEND do not mix on Linux. A torn last line (power
loss, full disk, a kill in the middle of a long write) is skipped by the reader and counted.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_odfperf.store.durable import sync_folder

#: A day's run is some 30 MB; what is larger is not ours, and would fill the memory.
LARGEST_BYTES = 1 << 30
#: How long a writer waits for the one before it: a write takes milliseconds, unless its process is stopped.
_TURN_S = 1.0


def append(path: Path, entry: Mapping[str, Any]) -> None:
    """Append one line and wait until it is on the disk. Raises `OSError`.

    A folder that is gone is not made anew: what was in it is lost, and somebody has to know.
    """
    line = (json.dumps(entry, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n").encode()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        with _turn(descriptor):
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line  # a torn line before this one must not swallow it
            while line:
                # One write unless the disk is full, and then the next one says so.
                line = line[os.write(descriptor, line) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if not size:
        sync_folder(path.parent)


@contextmanager
def _turn(descriptor: int) -> Generator[None]:
    """One writer at a time: a line that is being written has a size, but no end yet, and looks torn.

    Without a turn (no locks on this file system, or nobody lets go of it) the line is written all the same:
    an empty line more is all that comes of it.
    """
    end = time.monotonic() + _TURN_S
    held = False
    while not held and time.monotonic() < end:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except BlockingIOError:
            time.sleep(0.001)
        except OSError:
            break
    try:
        yield
    finally:
        if held:
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def each_line(path: Path) -> Iterator[bytes]:
    """The lines of a file with their ends, one at a time: of hundreds of megabytes one is in memory.

    None if there is no file. Raises `OSError`, also for what is no file.
    """
    try:
        # Opening a FIFO would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("is not a file")
        if path.stat().st_size > LARGEST_BYTES:
            raise OSError(f"is larger than {LARGEST_BYTES >> 20} MiB")
        with path.open("rb") as file:
            yield from file
    except FileNotFoundError:
        return


def read_lines(path: Path) -> list[bytes]:
    """All lines of a file, none if there is no file. Raises `OSError`, also for what is no file."""
    return [line.removesuffix(b"\n") for line in each_line(path)]


def read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The entries of a journal and the number of lines that are none (torn, alien). Raises `OSError`."""
    entries: list[dict[str, Any]] = []
    broken = 0
    for line in read_lines(path):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if isinstance(entry, dict):
            entries.append(entry)
        else:
            broken += 1
    return entries, broken
