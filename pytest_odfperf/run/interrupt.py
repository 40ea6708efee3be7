"""How a run ends before its time: by a signal, or because it is not ours any more."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.runs.sweep import EarlyDelete

#: Exit code of a run that was taken over by somebody else; pytest's own for an interrupted session.
LOST_CODE = 2


def _say(line: str) -> None:
    """Past pytest's capture, and past what holds its terminal's lock."""
    with contextlib.suppress(OSError):
        os.write(2, f"\n{line}\n".encode())


class Interrupt:
    """What one process knows of its end. The first cause counts.

    ``early_delete`` and ``last_words`` are set once the run is open.
    """

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        self.signum: int | None = None
        #: Why the run is not ours any more: then nothing of it may be deleted.
        self.lost: str | None = None
        self.early_delete: Callable[[], EarlyDelete] | None = None
        self.last_words = ""
        #: Ends what the main thread does.
        self.wake: Callable[[], None] = lambda: None
        #: Shows the user a line at once, in any thread.
        self.say: Callable[[str], None] = _say
        self.deleted: EarlyDelete | None = None
        self._begun = False
        self._workers: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str | None:
        """The signal's name."""
        return None if self.signum is None else signal.Signals(self.signum).name

    @property
    def cause(self) -> str | None:
        """Why the run ended before its time, for people; None: it did not, as far as this knows."""
        if self.signum is None and self.lost is None:
            return "interrupted" if self.stop.is_set() else None
        return self.lost or self.name

    @property
    def exit_code(self) -> int | None:
        """None: the run was not interrupted."""
        if self.signum is not None:
            return 128 + self.signum
        return None if self.lost is None else LOST_CODE

    def note(self, signum: int) -> None:
        """Keep the first cause. Takes no lock, so that a signal handler may call it."""
        if self.signum is None and self.lost is None:
            self.signum = signum

    def begin(self, signum: int) -> bool:
        """Stop the run and send its deletes, at once and once; whether this was the first cause."""
        self.note(signum)
        if not self._begin():
            return False
        if self.early_delete is not None:
            self.deleted = self.early_delete()
        self.stop_workers()
        return True

    def lose(self, reason: str) -> None:
        """Stop the run, and leave what it made to whom it belongs now."""
        self.lost = reason
        if self._begin():
            self.stop_workers()
            self.wake()

    def _begin(self) -> bool:
        with self._lock:
            first, self._begun = not self._begun, True
        if first:
            self.stop.set()
        return first

    # -- workers

    def add_worker(self, worker: str, pid: int) -> None:
        self._workers[worker] = pid
        if self._begun:
            self.stop_workers()

    def remove_worker(self, worker: str) -> None:
        self._workers.pop(worker, None)

    def stop_workers(self, signum: int = signal.SIGTERM) -> None:
        """Signal every worker that has not ended."""
        for pid in list(self._workers.values()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signum)

    # -- the second signal

    def leave(self, signum: int) -> NoReturn:
        """End this process and its workers at once, with the one command that finishes the cleanup."""
        self.stop_workers(signal.SIGKILL)
        name = signal.Signals(signum).name
        words = f"\nodfperf: second signal ({name}), ending at once. {self.last_words}".rstrip() + "\n"
        with contextlib.suppress(OSError):
            # A live table hides the cursor.
            os.write(2, ("\x1b[?25h" * os.isatty(2) + words).encode())
        os._exit(128 + (self.signum or signum))
