"""Append-only JSON lines: one write and one fsync a line, so that a killed process tears nothing.

Lines of up to several kilobytes from many processes to one file opened with O_APPEND do not mix on
Linux; a torn last line (power loss, full disk) is skipped by the reader and counted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def append(path: Path, entry: Mapping[str, Any]) -> None:
    """Append one line and wait until it is on the disk. Raises `OSError`."""
    line = (json.dumps(entry, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n").encode()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line  # a torn line before this one must not swallow it
        written = os.write(descriptor, line)
        if written != len(line):
            raise OSError(f"{path}: only {written} of {len(line)} bytes were written")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The entries of a journal and the number of lines that are none (torn, alien)."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return [], 0
    entries: list[dict[str, Any]] = []
    broken = 0
    for line in lines:
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if isinstance(entry, dict):
            entries.append(entry)
        else:
            broken += 1
    return entries, broken
