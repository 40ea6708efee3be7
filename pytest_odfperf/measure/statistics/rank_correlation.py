"""Whether repeats rise or fall in the order in which they were measured: Spearman's rank correlation."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

from pytest_odfperf.measure.statistics.t_distribution import two_sided

#: Up to so many values all orders are counted (5040); beyond, t with n - 2 degrees of freedom is near enough.
_EXACT = 7
#: An order effect is told where chance makes one so seldom: five repeats in a row up or down are 1.7 %.
TOLD_BELOW = 0.02


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """``rho`` from -1 to 1, and how often chance alone makes one as large, either way."""

    rho: float
    probability: float

    @property
    def told(self) -> bool:
        return self.probability <= TOLD_BELOW


def in_order(values: Sequence[float]) -> RankCorrelation | None:
    """Of ``values`` with the order in which they stand; None below three, and where all are equal."""
    count = len(values)
    if count < 3 or len(set(ranks := _ranks(values))) == 1:
        return None
    rho = _pearson(ranks)
    if count <= _EXACT:
        every = _all_orders(tuple(sorted(ranks)))
        return RankCorrelation(rho, 1 - bisect_left(every, round(abs(rho), 9)) / len(every))
    if abs(rho) >= 1:
        return RankCorrelation(rho, 2 / math.factorial(count))
    return RankCorrelation(rho, two_sided(rho * math.sqrt((count - 2) / (1 - rho * rho)), count - 2))


def _ranks(values: Sequence[float]) -> list[float]:
    """From 1; equal values share the mean of their ranks."""
    ordered = sorted(values)
    first = {value: ordered.index(value) for value in set(values)}
    return [first[value] + (ordered.count(value) + 1) / 2 for value in values]


def _pearson(ranks: Sequence[float]) -> float:
    """With 1, 2, 3 and so on, whose mean is that of the ranks."""
    middle = (len(ranks) + 1) / 2
    above = sum((place - middle) * (rank - middle) for place, rank in enumerate(ranks, 1))
    below = sum((rank - middle) ** 2 for rank in ranks) * sum(
        (place - middle) ** 2 for place in range(1, len(ranks) + 1)
    )
    return max(-1.0, min(1.0, above / math.sqrt(below)))


@lru_cache(maxsize=64)
def _all_orders(ranks: tuple[float, ...]) -> list[float]:
    """The absolute correlation of each order of ``ranks``, sorted."""
    return sorted(round(abs(_pearson(order)), 9) for order in permutations(ranks))
