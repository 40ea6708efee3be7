"""The processes of an attempt: found by a mark in their environment, so that none can hide from its group."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

MARK = "ODF_CHAOS_MARK"


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    command: str


def marked(mark: str) -> list[Process]:
    """All living processes with ``mark``; zombies have no environment."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            # The second field may hold spaces and brackets.
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found.append(Process(int(folder.name), parent, command[:200]))
    return sorted(found, key=lambda process: process.pid)


def workers(controller: int, mark: str) -> list[int]:
    """The xdist workers: execnet starts each with ``python -c``."""
    return [one.pid for one in marked(mark) if one.parent == controller and " -c " in one.command]


def send(pid: int, signum: int) -> bool:
    """Whether there was such a process."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return False
    return True
