"""When the API server was away or in trouble, and for how long: said in the log, told to whoever listens."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

#: A child of the logger that writes the logs of pools.
LOGGER = logging.getLogger("odfperf.cluster")
#: Shorter ones are everyday life.
WORTH_SAYING_S = 2.0
#: One that lasts so long is said while it lasts.
_SAID_AFTER_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time in which calls failed and were repeated. ``why``: what most of them ended with."""

    began_at_epoch_s: float
    seconds: float
    why: str
    failures: int
    #: True: it ended with an answer. False: somebody gave up. None: nobody needs an answer any more.
    back: bool | None

    def __str__(self) -> str:
        end = {True: "back", False: "given up", None: "no longer awaited"}[self.back]
        return f"API server {_state(self.why)} for {self.seconds:.0f} s ({self.why}), {end}"


class Outages:
    """The outages that the calls and watches of one process see: one at a time, however many wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = 0
        self._began_s = 0.0
        self._reasons: Counter[str] = Counter()
        self._said = False
        #: Called at the end of each outage that is worth saying, in the thread that saw it.
        self.listeners: list[Callable[[Outage], None]] = []

    def met(self) -> Trouble:
        """To be told of the failures of one call or watch."""
        return Trouble(self)

    def enter(self, since_s: float) -> None:
        with self._lock:
            if not self._waiting:
                self._began_s, self._said = since_s, False
                self._reasons.clear()
            self._waiting += 1

    def note(self, why: str) -> None:
        with self._lock:
            self._reasons[why] += 1
            lasts_s = time.monotonic() - self._began_s
            say = lasts_s >= _SAID_AFTER_S and not self._said
            self._said = self._said or say
        if say:
            LOGGER.warning("API server %s for %.0f s (%s), waiting", _state(why), lasts_s, why)

    def leave(self, *, back: bool | None) -> None:
        with self._lock:
            self._waiting -= 1
            seconds = time.monotonic() - self._began_s
            if self._waiting or seconds < WORTH_SAYING_S:
                return
            outage = Outage(
                began_at_epoch_s=time.time() - seconds,
                seconds=seconds,
                why=self._reasons.most_common(1)[0][0],
                failures=self._reasons.total(),
                back=back,
            )
        LOGGER.log(logging.ERROR if back is False else logging.WARNING, "%s", outage)
        for listener in self.listeners:
            listener(outage)


class Trouble:
    """What one call or watch meets; `ended` is called in any case."""

    def __init__(self, outages: Outages) -> None:
        self._outages = outages
        self._entered = False

    def failed(self, why: str, since_s: float) -> None:
        """An attempt, begun at the monotonic time ``since_s``, failed and is going to be repeated."""
        if not self._entered:
            self._entered = True
            self._outages.enter(since_s)
        self._outages.note(why)

    def ended(self, *, back: bool | None) -> None:
        if self._entered:
            self._entered = False
            self._outages.leave(back=back)


def _state(why: str) -> str:
    return "in trouble" if why[:1].isdigit() else "away"
