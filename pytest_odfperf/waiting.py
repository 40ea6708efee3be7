"""Waits that have a deadline and wake at once when the run is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pytest_odfperf.errors import DeadlineError, InterruptedRunError

#: Python runs signal handlers in the main thread only, and a signal that the kernel gives to another
#: thread does not end the main thread's sleep; so no sleep is longer than this.
SLICE_S = 0.2


class Stop:
    """Set once, by a signal or an interrupt; every wait of the run looks at it.

    One with a ``parent`` is also set when that is: a part of the run that can be ended by itself.
    """

    def __init__(self, parent: Stop | None = None) -> None:
        self._event = threading.Event()
        self._parent = parent

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set() or (self._parent is not None and self._parent.is_set())

    def check(self) -> None:
        """Raise `InterruptedRunError` if the run was told to stop."""
        if self.is_set():
            raise InterruptedRunError("the run was told to stop")

    def sleep(self, seconds: float) -> None:
        """Sleep; raise `InterruptedRunError` at once when the run is told to stop."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._event.wait(min(SLICE_S, left)) or self.is_set():
                break
        self.check()


class Deadline:
    """A point in time, and what was awaited until then."""

    def __init__(self, awaited: str, seconds: float) -> None:
        self.awaited = awaited
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left_s(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def passed(self) -> bool:
        return self.left_s() == 0.0

    def check(self, last_state: str) -> None:
        """Raise `DeadlineError` with ``last_state`` if the time is over."""
        if self.passed():
            raise DeadlineError(self.awaited, self.seconds, last_state)


def wait_for(event: threading.Event, deadline: Deadline, stop: Stop, last_state: Callable[[], str]) -> None:
    """Wait for ``event``; raises `DeadlineError` or `InterruptedRunError`."""
    while not event.wait(min(SLICE_S, deadline.left_s())):
        stop.check()
        deadline.check(last_state())
