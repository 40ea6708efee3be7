"""SIGINT, SIGTERM and SIGHUP of one process.

The kernel may give a signal to any thread, and only the main thread runs Python's handlers, when it gets to
them. So a thread of its own reads the signals from a pipe (`signal.set_wakeup_fd`) and acts at once, whatever
the main thread waits for; then the main thread is woken.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: What follows the first signal so soon is no second one: ``timeout`` signals the process and then its group,
#: a closed terminal sends SIGHUP, and its shell sends another.
SAME_S = 0.25
_POLL_S = 0.5
_PATIENCE_S = 0.05


class Signals:
    """Handlers from `__enter__` to `__exit__`; those that were there before are put back then.

    ``first`` and ``again`` are called in a thread; ``interruption`` makes the exception that ends what the
    main thread does, at most once and not after `hold`. ``orphaned`` is called when the parent process is
    gone; None: that does not matter.
    """

    def __init__(
        self,
        *,
        note: Callable[[int], None],
        first: Callable[[int], object],
        again: Callable[[int], None],
        interruption: Callable[[int], BaseException],
        orphaned: Callable[[], None] | None = None,
    ) -> None:
        self._note = note
        self._first = first
        self._again = again
        self._interruption = interruption
        self._orphaned = orphaned
        self._parent = os.getppid()
        self._before: dict[signal.Signals, Any] = {}
        self._reading, self._writing = -1, -1
        self._wakeup_before = -1
        self._first_s: float | None = None
        #: Signals that `wake` sent, which are nobody's.
        self._own: dict[int, int] = {}
        self._ran = False
        self._interrupted = False
        self._held = False
        #: The signal that came where its exception would be dropped.
        self._due: int | None = None
        #: Held while a signal of our own is sent, so that it never meets the handlers of before.
        self._waking = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Signals:
        if threading.current_thread() is not threading.main_thread():
            return self  # handlers can not be set here
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._wakeup_before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        # Explicitly: a background job inherits SIGINT as ignored.
        self._before = {number: signal.signal(number, self._in_main) for number in SIGNALS}
        os.register_at_fork(after_in_child=self._restore)
        self._thread = threading.Thread(target=self._watch, name="odfperf-signals", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._waking:
            self._restore()
        if self._thread is not None:
            os.close(self._writing)
            self._thread.join(1.0)
            self._thread = None

    def _restore(self) -> None:
        """Also in a forked child, whose signals are not this process's."""
        before, self._before = self._before, {}
        if before:
            signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in before.items():
            # None: a handler that was not set from Python can not be put back from there.
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def hold(self) -> None:
        """From here on no exception ends what the main thread does; a second signal still ends all."""
        self._held = True

    def wake(self, signum: int = signal.SIGINT) -> None:
        """End what the main thread does, as a signal would."""
        with self._waking:
            if self._interrupted or self._held or not self._before:
                return
            self._own[signum] = self._own.get(signum, 0) + 1
            signal.pthread_kill(threading.main_thread().ident or 0, signum)

    def _in_main(self, signum: int, frame: FrameType | None) -> None:
        self._note(signum)
        self._ran = True
        if self._interrupted or self._held:
            return
        if _is_dropped(frame):
            self._due = signum
            return
        self._interrupted = True
        raise self._interruption(signum)

    def _watch(self) -> None:
        while True:
            ready, _, _ = select.select([self._reading], [], [], _POLL_S)
            if ready:
                numbers = os.read(self._reading, 64)
                if not numbers:
                    os.close(self._reading)
                    return
                for number in numbers:
                    self._received(number)
            elif self._due is not None:
                due, self._due = self._due, None
                self.wake(due)
            elif self._orphaned is not None and os.getppid() != self._parent:
                orphaned, self._orphaned = self._orphaned, None
                orphaned()
                self.wake()

    def _received(self, signum: int) -> None:
        if signum not in SIGNALS or signal.getsignal(signum) != self._in_main:
            return  # somebody else's, such as a debugger's
        if self._own.get(signum):
            self._own[signum] -= 1
            return
        now_s = time.monotonic()
        if self._first_s is not None:
            if now_s - self._first_s >= SAME_S:
                self._again(signum)
            return
        self._first_s = now_s
        with contextlib.suppress(Exception):
            self._first(signum)
        # The handler may be due in a main thread that sleeps, since another one got the signal.
        end_s = now_s + _PATIENCE_S
        while not self._ran and time.monotonic() < end_s:
            time.sleep(_PATIENCE_S / 10)
        if not self._ran:
            self.wake(signum)


def _is_dropped(frame: FrameType | None) -> bool:
    """Whether Python prints what is raised here and goes on: finalizers, and imports whose lock goes."""
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__del__" or (code.co_name == "cb" and "importlib" in code.co_filename):
            return True
        frame = frame.f_back
    return False
