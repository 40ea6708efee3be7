"""What clients did to each pool of a modelled Ceph, as its counters have it: late, and each I/O once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: No counter is later than that; what is older is not kept apart.
_LATEST_S = 120.0


@dataclass(frozen=True, slots=True)
class Done:
    """Operations and bytes."""

    reads: float = 0.0
    read_bytes: float = 0.0
    writes: float = 0.0
    written_bytes: float = 0.0

    def __add__(self, other: Done) -> Done:
        return Done(
            self.reads + other.reads,
            self.read_bytes + other.read_bytes,
            self.writes + other.writes,
            self.written_bytes + other.written_bytes,
        )

    def times(self, factor: float) -> Done:
        return Done(
            self.reads * factor, self.read_bytes * factor, self.writes * factor, self.written_bytes * factor
        )

    @property
    def ios(self) -> float:
        return self.reads + self.writes


#: What a client did in so many seconds.
Course = Callable[[float], Done]


@dataclass(slots=True)
class Client:
    """A client's work on one pool: it may still learn how it went."""

    course: Course
    began_s: float
    #: None: it goes on.
    ended_s: float | None = None

    def done(self, at_s: float) -> Done:
        """Until then."""
        end_s = at_s if self.ended_s is None else min(at_s, self.ended_s)
        return self.course(max(0.0, end_s - self.began_s))


class ClientIo:
    """One per sandbox. Simulated guests tell it what they do, and disturbances of the configuration too."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._before: dict[str, Done] = {}
        self._clients: dict[str, list[Client]] = {}

    def begins(self, pool: str, course: Course, lasts_s: float | None = None) -> Client:
        """From now on a client works on ``pool``, so long or until it is ended."""
        began_s = self._clock_s()
        client = Client(course, began_s, None if lasts_s is None else began_s + lasts_s)
        self._clients.setdefault(pool, []).append(client)
        return client

    def ends(self, client: Client) -> None:
        if client.ended_s is None:
            client.ended_s = self._clock_s()

    @contextmanager
    def working(self, pool: str | None, course: Course) -> Iterator[Client | None]:
        """A client works on ``pool`` inside; None: it is no pool of a modelled Ceph."""
        if pool is None:
            yield None
            return
        client = self.begins(pool, course)
        try:
            yield client
        finally:
            self.ends(client)

    def did(self, pool: str, done: Done) -> None:
        """At once."""
        self._before[pool] = self._before.get(pool, Done()) + done

    def count(self, pool: str, late_s: float = 0.0) -> Done:
        """All that the pool's counters show now, if they are so late."""
        at_s = self._clock_s() - late_s
        clients = self._clients.get(pool, [])
        old = [one for one in clients if one.ended_s is not None and one.ended_s < at_s - _LATEST_S]
        for one in old:
            clients.remove(one)
            self.did(pool, one.done(at_s))
        total = self._before.get(pool, Done())
        for one in clients:
            if one.began_s <= at_s:
                total += one.done(at_s)
        return total

    def rate(self, pool: str, late_s: float = 0.0) -> float:
        """I/Os a second, over the last second."""
        return self.count(pool, late_s).ios - self.count(pool, late_s + 1.0).ios


def steady(per_second: Done) -> Course:
    """The same in each second."""
    return per_second.times
