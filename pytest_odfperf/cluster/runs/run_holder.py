"""Who holds a run: a process, told apart from every other one, and whether it is known to have ended."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """``identity``: ``user@host:pid/start``, where ``start`` is unique to each start of the controller.

    ``process``: ``place/pid/ticks``, which names a process only on the machine that it runs on; may be empty.
    """

    identity: str
    process: str

    @property
    def account(self) -> str:
        """``user@host``."""
        return self.identity.rpartition(":")[0]

    @classmethod
    def of_this_process(cls) -> Holder:
        pid = os.getpid()
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # an account without a name, as in a pod
            user = str(os.getuid())
        ticks, place = _ticks(pid), _place()
        return cls(
            f"{user}@{socket.gethostname()}:{pid}/{uuid.uuid4().hex[:12]}",
            f"{place}/{pid}/{ticks}" if place and ticks else "",
        )

    def has_ended(self, me: Holder) -> bool:
        """Whether this holder's process is known to be gone, as seen by ``me``, the process that asks.

        Only where both are of one account on one machine since the same boot and in one pid namespace: two
        containers can have one host name, and see other processes.
        """
        place, _, rest = self.process.partition("/")
        if self.account != me.account or not place or place != me.process.partition("/")[0]:
            return False
        pid, _, ticks = rest.partition("/")
        return not pid.isdecimal() or _ticks(int(pid)) != ticks


def _place() -> str:
    """This boot of this machine and the namespace that pids are counted in; empty if that is not known."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}.{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _ticks(pid: int) -> str:
    """When a process began, in clock ticks since boot (proc(5), field 22 of stat); empty if it has ended."""
    try:
        # The second field is the command in brackets, which may hold anything.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
