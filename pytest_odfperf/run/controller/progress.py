"""How far the run is: per pool what is done, what runs, and when all will have ended. Told of events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.schedule.backends import Apart
from pytest_odfperf.schedule.estimate import makespan_s
from pytest_odfperf.schedule.plan_text import time_text

if TYPE_CHECKING:
    from pytest_odfperf.run.controller.open_run import Run


@dataclass
class RoundProgress:
    """A pool in one round: counts of its keys by outcome, and when it began and ended."""

    total: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    started_s: float | None = None
    ended_s: float | None = None

    @property
    def done(self) -> int:
        return self.outcomes.total()


@dataclass
class PoolProgress:
    """One pool: its rounds by their numbers, and the key that runs now."""

    estimate_s: float
    rounds: dict[int, RoundProgress] = field(default_factory=dict)
    running: str | None = None
    running_since_s: float = 0.0

    @property
    def total(self) -> int:
        return sum(one.total for one in self.rounds.values())

    @property
    def done(self) -> int:
        return sum(one.done for one in self.rounds.values())

    @property
    def ended(self) -> bool:
        return all(one.ended_s is not None for one in self.rounds.values())

    @property
    def rounds_left(self) -> int:
        """How many have not ended."""
        return sum(one.ended_s is None for one in self.rounds.values())

    def count(self, outcome: str) -> int:
        return sum(one.outcomes[outcome] for one in self.rounds.values())

    def left_s(self, now_s: float) -> float:
        """Estimated seconds until this pool has ended, from the plan and what its keys really took."""
        per_key_s = self.estimate_s / self.total
        measured = self.count("passed") + self.count("failed")
        if measured:
            until_s = self.running_since_s if self.running else now_s
            spent_s = sum(
                (until_s if one.ended_s is None else one.ended_s) - one.started_s
                for one in self.rounds.values()
                if one.started_s is not None
            )
            per_key_s = (per_key_s + spent_s) / (1 + measured) if spent_s > 0 else per_key_s
        left_s = per_key_s * (self.total - self.done)
        return max(0.0, left_s - (now_s - self.running_since_s)) if self.running else left_s


def progress_of(run: Run, keys: Sequence[tuple[Key, int]], workers: int) -> Progress:
    """The progress of ``run``; ``keys`` are those that will run, each with its round."""
    return Progress(
        [key for key, _ in keys],
        run.plan.estimates_s,
        max(1, workers),
        run.apart,
        repeats=run.plan.repeats,
        rounds=run.plan.rounds,
        numbers=[number for _, number in keys],
    )


class Progress:
    """The progress of all pools; ``keys`` are those that will run, ``estimates_s`` is by pool.

    A key is there once for each of its repeats that will run, in the round that ``numbers`` says at its place
    (none: in one); ``repeats`` and ``rounds`` are how many there are. ``apart``: which pools may run at one
    time, see `PoolQueue`.
    """

    def __init__(
        self,
        keys: Sequence[Key],
        estimates_s: Mapping[str, float],
        workers: int,
        apart: Apart | None = None,
        *,
        repeats: int = 1,
        rounds: int = 1,
        numbers: Sequence[int] = (),
    ) -> None:
        self.pools: dict[str, PoolProgress] = {}
        for key, number in zip(keys, numbers or [1] * len(keys), strict=True):
            pool = self.pools.setdefault(key.pool, PoolProgress(estimates_s.get(key.pool, 0.0)))
            pool.rounds.setdefault(number, RoundProgress()).total += 1
        self._workers = max(1, workers)
        self._repeats = repeats
        self._rounds = rounds
        #: What is counted.
        self.noun = "key" if repeats == 1 else "measurement"
        self._apart = apart

    def part(self, key: Key, number: int = 1) -> RoundProgress:
        """The pool of ``key`` in round ``number``."""
        return self.pools[key.pool].rounds[number]

    def part_text(self, number: int) -> str:
        """``round 2 of 5``; empty without rounds."""
        return f"round {number} of {self._rounds}" if self._rounds > 1 else ""

    def key_started(self, key: Key, now_s: float, repeat: int = 1, number: int = 1) -> bool:
        """Note that ``key`` runs; True if its pool starts with it, in round ``number``."""
        pool, part = self.pools[key.pool], self.part(key, number)
        of = f" ({repeat} of {self._repeats})" if self._repeats > 1 else ""
        pool.running, pool.running_since_s = f"{key}{of}", now_s
        if part.started_s is not None:
            return False
        part.started_s = now_s
        return True

    def key_ended(self, key: Key, outcome: str, now_s: float, number: int = 1) -> bool:
        """Note that ``key`` came to ``outcome``; True if its pool ends with it, in round ``number``."""
        part = self.part(key, number)
        part.outcomes[outcome] += 1
        self.pools[key.pool].running = None
        if part.done < part.total or part.ended_s is not None:
            return False
        part.ended_s = now_s
        return True

    @property
    def total(self) -> int:
        return sum(pool.total for pool in self.pools.values())

    @property
    def done(self) -> int:
        return sum(pool.done for pool in self.pools.values())

    def left_s(self, now_s: float) -> float:
        """Estimated seconds to the end: pools that have not started go to the worker that is free first."""
        busy: dict[str, float] = {}
        waiting: dict[str, float] = {}
        rounds: dict[str, int] = {}
        for name, pool in self.pools.items():
            if (left := pool.rounds_left) == 0 and not pool.running:
                continue
            left_s = pool.left_s(now_s)
            if pool.running:
                busy[name] = left_s / max(1, left)
                left, left_s = left - 1, left_s - busy[name]
            if left > 0:
                waiting[name], rounds[name] = left_s, left
        return makespan_s(waiting, self._workers, self._apart, busy, rounds)

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
