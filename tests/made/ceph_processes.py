"""Which processes belong to a folder."""

from __future__ import annotations

import os
from pathlib import Path


def processes_of(directory: Path) -> list[str]:
    """Command lines of living processes that name this folder."""
    return list(commands_of(directory).values())


def commands_of(directory: Path) -> dict[int, str]:
    """The same by their numbers."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(directory) in line and state != "Z":
            found[int(entry.name)] = line
    return found
