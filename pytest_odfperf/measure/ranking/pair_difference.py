"""How far two pools are apart, and how far they may lie apart by chance.

By rounds that both have: the differences within the rounds, so that what drifts from round to round is in
neither, with Student's t. Where there are no two of these, what changes between groups of VMs was not
measured: an assumption stands for it, with the weight that it has between runs (Welch 1947; degrees of
freedom of the sum by Satterthwaite 1946).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Literal

from pytest_odfperf.measure.compare.assumed_noise import ASSUMED_SESSIONS
from pytest_odfperf.measure.ranking.round_scores import Scores
from pytest_odfperf.measure.statistics.t_distribution import t_quantile

#: ``rounds``: from the rounds that both have; ``assumed``: by the assumption.
Source = Literal["rounds", "assumed"]


@dataclass(frozen=True, slots=True)
class PairDifference:
    """``by`` is the first pool's score less the second's, as logarithms.

    ``reach``: what chance may make of it, to either side; infinite, and ``source`` None, where nothing is
    known.
    """

    by: float
    reach: float = math.inf
    source: Source | None = None


def pair_difference(one: Scores, other: Scores, assumed_sd: float, level: float) -> PairDifference:
    """The difference of two pools. ``level`` is the probability below the upper end of its interval."""
    shared = [number for number in one if number in other]
    if len(shared) > 1:
        apart = [fmean(one[number]) - fmean(other[number]) for number in shared]
        reach = t_quantile(level, len(apart) - 1) * math.sqrt(variance(apart) / len(apart))
        return PairDifference(fmean(apart), reach, "rounds")
    samples = [_samples(scores, shared or list(scores)) for scores in (one, other)]
    if not all(samples):
        return PairDifference(0.0)
    by = fmean(samples[0]) - fmean(samples[1])
    if min(map(len, samples)) < 2:
        return PairDifference(by)
    parts = [(variance(own) / len(own), len(own) - 1.0) for own in samples]
    parts.append((2 * assumed_sd**2, ASSUMED_SESSIONS))
    total = sum(part for part, _ in parts)
    df = total**2 / sum(part**2 / freedom for part, freedom in parts)
    return PairDifference(by, t_quantile(level, df) * math.sqrt(total), "assumed")


def _samples(scores: Scores, rounds: Sequence[tuple[str, int]]) -> list[float]:
    """The means of ``rounds``; the repeats of a single one."""
    if len(rounds) == 1:
        return list(scores[rounds[0]])
    return [fmean(scores[number]) for number in rounds]
