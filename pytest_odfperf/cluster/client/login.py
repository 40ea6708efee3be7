"""Work of the official client that may start a login plugin: it ends in time, and its complaints are heard.

The client raises nothing when a plugin fails: it logs that to the root logger, whose records end up on the
terminal and in reports, and quotes the plugin.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_odfperf.errors import ClusterError, one_line
from pytest_odfperf.redaction import redact
from pytest_odfperf.waiting import SLICE_S, Stop

#: At the start the plugin may ask its user, who has to find a browser first.
FIRST_S = 180.0
#: In mid-run it may only ask a server.
AGAIN_S = 60.0
#: A plugin that is killed has ended within this.
_KILLED_S = 0.5
_LOOK_S = 0.02


class LoginError(ClusterError):
    """A login plugin failed, or did not end."""


def log_in(work: Callable[[], None], seconds: float, stop: Stop) -> None:
    """Do ``work`` in a thread of its own. Raises what it raises.

    Raises `LoginError` if a plugin failed or did not end within ``seconds``, and `InterruptedRunError`; a
    plugin that nobody waits for any more is killed.
    """
    given_up = threading.Event()
    # Not `Thread.is_alive`: a signal that comes in `Thread.join` makes it false for a thread that lives
    # (Python 3.11, `Thread._wait_for_tstate_lock`).
    ended = threading.Event()
    raised: list[BaseException] = []
    said: list[str] = []

    def do() -> None:
        try:
            with _complaints() as complaints:
                try:
                    if not given_up.is_set():
                        work()
                except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                    raised.append(error)
            said.extend(complaints)
        finally:
            ended.set()

    thread = threading.Thread(target=do, name="odfperf-login", daemon=True)
    end_s = time.monotonic() + seconds
    try:
        # In here: when a signal ends the wait for the thread's start, the plugin may run already.
        thread.start()
        while not ended.is_set():
            stop.check()
            if (left_s := end_s - time.monotonic()) <= 0:
                raise LoginError(f"the login plugin of the kubeconfig did not end within {seconds:.0f} s")
            ended.wait(min(SLICE_S, left_s))
    except BaseException:
        given_up.set()
        _end_plugin(thread, ended)
        raise
    if raised:
        raise raised[0]
    if said:
        raise LoginError(f"the login plugin of the kubeconfig failed: {one_line(said[-1], 400)}")


@contextmanager
def _complaints() -> Generator[list[str]]:
    """The errors that this thread logs to the root logger, redacted; they are not logged."""
    complaints: list[str] = []
    thread = threading.get_ident()

    def keep(record: logging.LogRecord) -> bool:
        if record.thread != thread or record.levelno < logging.ERROR:
            return True
        complaints.append(" ".join(redact(record.getMessage()).split()))
        return False

    root = logging.getLogger()
    root.addFilter(keep)
    try:
        yield complaints
    finally:
        root.removeFilter(keep)


def _end_plugin(thread: threading.Thread, ended: threading.Event) -> None:
    """Kill what ``thread`` started, until its work has ended: it may just be about to start something."""
    end_s = time.monotonic() + _KILLED_S
    while not ended.is_set() and time.monotonic() < end_s:
        for child in _descendants(f"/proc/self/task/{thread.native_id}"):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        ended.wait(_LOOK_S)


def _descendants(task: str) -> list[int]:
    """The processes that one thread started, and theirs: Linux tells which they are."""
    found: list[int] = []
    with suppress(OSError):
        for child in Path(f"{task}/children").read_text(encoding="ascii").split():
            found.append(int(child))
            for other in Path(f"/proc/{child}/task").iterdir():
                found += _descendants(str(other))
    return found
