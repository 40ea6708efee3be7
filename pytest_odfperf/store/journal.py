"""Append-only JSON lines: one write and one fsync a line, so that a killed process tears nothing.

Lines from many processes to one file opened with O_APPEND do not mix on Linux; a torn last line (power
loss, full disk) is skipped by the reader and counted.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_odfperf.store.durable import sync_folder

#: A day's run is some 30 MB; what is larger is not ours, and would fill the memory.
LARGEST_BYTES = 1 << 30


def append(path: Path, entry: Mapping[str, Any]) -> None:
    """Append one line and wait until it is on the disk. Raises `OSError`.

    A folder that is gone is not made anew: what was in it is lost, and somebody has to know.
    """
    line = (json.dumps(entry, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n").encode()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
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


def read_lines(path: Path) -> list[bytes]:
    """The lines of a file, none if there is no file. Raises `OSError`, also for what is no file."""
    try:
        # Opening a FIFO would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("is not a file")
        if path.stat().st_size > LARGEST_BYTES:
            raise OSError(f"is larger than {LARGEST_BYTES >> 20} MiB")
        return path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []


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
