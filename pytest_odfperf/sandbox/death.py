"""Child processes that do not outlive this one, even if it is killed."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

#: prctl(2). The signal comes when the *thread* that forked ends, so fork on one that lives as long as needed.
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> Callable[[], None]:
    """A ``preexec_fn``: the kernel kills the child when the thread that starts it is gone."""
    # Loaded before the fork: the child of a process with threads may only make system calls.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return in_child
