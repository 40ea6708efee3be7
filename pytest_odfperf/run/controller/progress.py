"""How far the run is: per pool what is done, what runs, and when all will have ended. Told of events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.schedule.backends import Apart
from pytest_odfperf.schedule.estimate import makespan_s
from pytest_odfperf.schedule.plan_text import time_text


@dataclass
class PoolProgress:
    """One pool: counts of its keys by outcome, and the key that runs now."""

    total: int
    estimate_s: float
    outcomes: Counter[str] = field(default_factory=Counter)
    running: str | None = None
    running_since_s: float = 0.0
    started_s: float | None = None
    ended_s: float | None = None

    @property
    def done(self) -> int:
        return self.outcomes.total()

    def left_s(self, now_s: float) -> float:
        """Estimated seconds until this pool has ended, from the plan and what its keys really took."""
        per_key_s = self.estimate_s / self.total
        measured = self.outcomes["passed"] + self.outcomes["failed"]
        if measured and self.started_s is not None:
            spent_s = (self.running_since_s if self.running else now_s) - self.started_s
            per_key_s = (per_key_s + spent_s) / (1 + measured) if spent_s > 0 else per_key_s
        left_s = per_key_s * (self.total - self.done)
        return max(0.0, left_s - (now_s - self.running_since_s)) if self.running else left_s


class Progress:
    """The progress of all pools; ``keys`` are those that will run, ``estimates_s`` is by pool.

    A key is there once for each of its repeats that will run; ``repeats`` is how many each has. ``apart``:
    which pools may run at one time, see `PoolQueue`.
    """

    def __init__(
        self,
        keys: Sequence[Key],
        estimates_s: Mapping[str, float],
        workers: int,
        apart: Apart | None = None,
        *,
        repeats: int = 1,
    ) -> None:
        totals = Counter(key.pool for key in keys)
        self.pools = {pool: PoolProgress(total, estimates_s.get(pool, 0.0)) for pool, total in totals.items()}
        self._workers = max(1, workers)
        self._repeats = repeats
        #: What is counted.
        self.noun = "key" if repeats == 1 else "measurement"
        self._apart = apart

    def key_started(self, key: Key, now_s: float, repeat: int = 1) -> bool:
        """Note that ``key`` runs; True if its pool starts with it."""
        pool = self.pools[key.pool]
        of = f" ({repeat} of {self._repeats})" if self._repeats > 1 else ""
        pool.running, pool.running_since_s = f"{key}{of}", now_s
        if pool.started_s is not None:
            return False
        pool.started_s = now_s
        return True

    def key_ended(self, key: Key, outcome: str, now_s: float) -> bool:
        """Note that ``key`` came to ``outcome``; True if its pool ends with it."""
        pool = self.pools[key.pool]
        pool.outcomes[outcome] += 1
        pool.running = None
        if pool.done < pool.total or pool.ended_s is not None:
            return False
        pool.ended_s = now_s
        return True

    @property
    def total(self) -> int:
        return sum(pool.total for pool in self.pools.values())

    @property
    def done(self) -> int:
        return sum(pool.done for pool in self.pools.values())

    def left_s(self, now_s: float) -> float:
        """Estimated seconds to the end: pools that have not started go to the worker that is free first."""
        busy = {name: pool.left_s(now_s) for name, pool in self.pools.items() if pool.running}
        waiting = {
            name: pool.left_s(now_s)
            for name, pool in self.pools.items()
            if not pool.running and pool.ended_s is None
        }
        return makespan_s(waiting, self._workers, self._apart, busy)

    def heartbeat(self, now_s: float) -> str:
        """One line for a log: keys done, what runs for how long, seconds to the end."""
        running = [
            f"{name} {pool.done}/{pool.total} {(pool.running or '').partition(':')[2]} "
            f"{now_s - pool.running_since_s:.0f}s"
            for name, pool in self.pools.items()
            if pool.running
        ]
        shown = "; ".join(running[:4]) + (f"; and {len(running) - 4} more" if len(running) > 4 else "")
        left = time_text(self.left_s(now_s))
        return f"odfperf: {self.done}/{self.total} {self.noun}s, ETA {left} | {shown or 'between keys'}"
