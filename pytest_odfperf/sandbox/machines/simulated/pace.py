"""When in its run a simulated volume completes its I/Os: evenly, with jitter, or as a fault has it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

#: How much of one second's deviation the next one keeps: storage is not new each second.
_KEPT = 0.5
#: Cells of a run, of a second at most.
_LEAST_CELLS = 60
_LEAST_RATE = 0.02


@dataclass(frozen=True, slots=True)
class Pace:
    """The share of a run's I/Os that is done by a time."""

    #: At the end of each cell.
    done: tuple[float, ...]
    runtime_ms: int

    def share(self, at_ms: int) -> float:
        place = at_ms / self.runtime_ms * len(self.done)
        cell = min(int(place), len(self.done) - 1)
        before = self.done[cell - 1] if cell else 0.0
        return before + (self.done[cell] - before) * min(1.0, place - cell)


def pace(runtime_ms: int, steps: Sequence[tuple[float, float]], jitter: float, random: Random) -> Pace | None:
    """Rates (from second, how fast) hold until the next one; before the first it is 1. None: evenly.

    ``jitter`` is the relative standard deviation from second to second.
    """
    if not steps and not jitter:
        return None
    cells = max(_LEAST_CELLS, math.ceil(runtime_ms / 1000))
    drift, rates = 0.0, []
    for cell in range(cells):
        drift = _KEPT * drift + math.sqrt(1 - _KEPT**2) * random.gauss(0, jitter)
        usual = _mean_rate(steps, cell * runtime_ms / cells / 1000, (cell + 1) * runtime_ms / cells / 1000)
        rates.append(usual * max(_LEAST_RATE, 1 + drift))
    total, done = sum(rates), 0.0
    shares = []
    for rate in rates:
        done += rate / total if total else 1 / cells
        shares.append(done)
    return Pace((*shares[:-1], 1.0), runtime_ms)


def _mean_rate(steps: Sequence[tuple[float, float]], begin_s: float, end_s: float) -> float:
    marks = [(0.0, 1.0), *steps, (math.inf, 0.0)]
    done = 0.0
    for (begin, rate), (end, _) in pairwise(marks):
        done += rate * max(0.0, min(end, end_s) - max(begin, begin_s))
    return done / (end_s - begin_s)
