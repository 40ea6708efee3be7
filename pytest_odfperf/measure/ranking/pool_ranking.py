"""Pools in order of their figures, with the ranks that are possible.

A pool's score is the geometric mean over what all pools have in common: first within each profile, so that a
profile with nine block sizes does not weigh nine times, then over profiles with declared weights. The
geometric mean is the only one whose order does not depend on what the figures are divided by (Fleming and
Wallace, CACM 29(3) 1986). Rates and p99 are scores of their own.

The ranks that a pool may have come from the pairwise differences of the scores, at 95 % for all pairs
together (Bonferroni; `pair_difference` for each): from 1 + the pools that are surely better to the number of
pools - those that are surely worse (Mogstad, Romano, Shaikh and Wilhelm 2024).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from statistics import fmean
from typing import Literal

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.assumed_noise import ASSUMED
from pytest_odfperf.measure.compare.compared_figures import METRICS, Cell, Metric, Round, RunFigures
from pytest_odfperf.measure.ranking.pair_difference import PairDifference, Source, pair_difference
from pytest_odfperf.measure.ranking.round_scores import Scores, levels, scores_by_round

CONFIDENCE = 0.95
#: Pools whose scores are nearer than this are not told apart, however alike their repeats are.
LEAST_DIFFERENCE = 0.01

#: Of figures whose round is not told, and of a pool that has no whole one.
_ONE_ROUND: Round = ("", 1)
_NO_ROUND: Round = ("", 0)

#: A key without its pool, the section and the direction: what pools have in common.
Place = tuple[str, str, int, str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedPool:
    """``share``: of the best pool's score, at most 1. Ranks are from 1."""

    pool: str
    rank: int
    share: float
    #: None: it has no repeats, so nothing is known.
    rank_low: int | None = None
    rank_high: int | None = None

    @property
    def text(self) -> str:
        """``2 (1-4)``, or ``2`` where the interval is not known."""
        return str(self.rank) if self.rank_low is None else f"{self.rank} ({self.rank_low}-{self.rank_high})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """One metric. ``pools`` in order; ``incomplete`` have no rank, by pool what they lack."""

    metric: Metric
    pools: tuple[RankedPool, ...] = ()
    incomplete: Mapping[str, tuple[str, ...]]
    #: How many figures the scores are made of, and how many repeats there are of each.
    figures: int = 0
    repeats: int = 0
    #: In how many rounds the pool with the fewest was measured as a whole.
    rounds: int = 1
    #: What the intervals are from; ``both``: some pairs of pools have not two rounds in common. None: there
    #: are none.
    intervals_from: Source | Literal["both"] | None = None
    #: Figures that no ranked pool has, or that not all can have: left out for all.
    left_out: int = 0
    weights: Mapping[str, float]

    @property
    def intervals_known(self) -> bool:
        return any(pool.rank_low is not None for pool in self.pools)


def rank_pools(
    figures: RunFigures, selected: Iterable[Key], weights: Mapping[str, float]
) -> tuple[Ranking, ...]:
    """A ranking for each metric; none where fewer than two pools were to be measured.

    ``selected`` are the keys that were to be measured, ``weights`` are by profile; 1 where nothing is said.
    """
    wanted: dict[str, set[tuple[object, ...]]] = {}
    for key in selected:
        wanted.setdefault(key.pool, set()).add(_common(key))
    if len(wanted) < 2:
        return ()
    common = set.intersection(*wanted.values())
    found = [_rank(metric, figures, list(wanted), common, weights) for metric in METRICS]
    return tuple(ranking for ranking in found if ranking is not None)


def _common(key: Key) -> tuple[object, ...]:
    return (key.size, key.pvc, key.concurrency, key.profile, key.block_size)


def _rank(
    metric: Metric,
    figures: RunFigures,
    pools: Sequence[str],
    common: set[tuple[object, ...]],
    weights: Mapping[str, float],
) -> Ranking | None:
    values: dict[str, dict[Place, tuple[float, ...]]] = {pool: {} for pool in pools}
    rounds: dict[str, dict[Place, tuple[Round, ...]]] = {pool: {} for pool in pools}
    weak: set[Place] = set()
    for cell, samples in figures.values.items():
        if _common(cell.key) not in common or cell.key.pool not in values:
            continue
        place = _place(cell)
        if cell.metric == metric:
            values[cell.key.pool][place] = samples
            rounds[cell.key.pool][place] = figures.rounds.get(cell) or (_ONE_ROUND,) * len(samples)
        elif metric == "lat_p99" and replace(cell, metric=metric) not in figures.values:
            # Too few I/Os for a p99 are no fault of the pool.
            weak.add(place)
    places = {place for own in values.values() for place in own} - weak
    unmeasured = common - {tuple(place[:5]) for place in places | weak}
    if not places:
        return None
    lacking = {pool: sorted({_text(place) for place in places - set(own)}) for pool, own in values.items()}
    incomplete = {pool: tuple(lacks) for pool, lacks in lacking.items() if lacks}
    complete = [pool for pool in pools if pool not in incomplete]
    scores = {}
    for pool in complete:
        own = {place: values[pool][place] for place in sorted(places)}
        scores[pool] = scores_by_round(own, rounds[pool], partial(_score, weights=weights)) or {
            # No round is whole: there is an order, and no interval.
            _NO_ROUND: [_score({place: math.exp(fmean(map(math.log, own[place]))) for place in own}, weights)]
        }
    ranked, sources = _ranked(scores, metric)
    return Ranking(
        metric=metric,
        pools=ranked,
        incomplete=incomplete,
        figures=len(places),
        repeats=min((len(values[pool][place]) for pool in complete for place in places), default=0),
        rounds=min((len(own) for own in scores.values()), default=1),
        intervals_from=next(iter(sources)) if len(sources) == 1 else "both" if sources else None,
        left_out=len(weak) + len(unmeasured),
        weights={place[3]: weights.get(place[3], 1.0) for place in sorted(places)},
    )


def _place(cell: Cell) -> Place:
    key = cell.key
    return (key.size, key.pvc, key.concurrency, key.profile, key.block_size, cell.section, cell.direction)


def _text(place: Place) -> str:
    return ":".join(map(str, place[:5])) + " " + " ".join(filter(None, place[5:]))


def _score(values: Mapping[Place, float], weights: Mapping[str, float]) -> float:
    """The logarithm of the weighted geometric mean."""
    logs: dict[str, list[float]] = {}
    for place, value in values.items():
        logs.setdefault(place[3], []).append(math.log(value))
    weight = {profile: weights.get(profile, 1.0) for profile in logs}
    return sum(weight[name] * fmean(own) for name, own in logs.items()) / sum(weight.values())


def _ranked(scores: Mapping[str, Scores], metric: Metric) -> tuple[tuple[RankedPool, ...], set[Source]]:
    """The pools in order, and what their intervals are from."""
    sign = 1 if metric == "rate" else -1
    means = {pool: sign * level for pool, level in levels(scores).items()}
    ordered = sorted(means, key=lambda pool: (-means[pool], pool))
    pairs = len(ordered) * (len(ordered) - 1) / 2
    apart: dict[tuple[str, str], PairDifference] = {}
    for one, other in combinations(ordered, 2):
        level = 1 - (1 - CONFIDENCE) / pairs / 2
        apart[one, other] = pair_difference(scores[one], scores[other], ASSUMED[metric].session_sd, level)
    better, worse = dict.fromkeys(ordered, 0), dict.fromkeys(ordered, 0)
    for (one, other), difference in apart.items():
        if abs(difference.by) > max(LEAST_DIFFERENCE, difference.reach):
            first, second = (one, other) if sign * difference.by > 0 else (other, one)
            better[second] += 1
            worse[first] += 1
    found = []
    for number, pool in enumerate(ordered, 1):
        ranked = RankedPool(pool=pool, rank=number, share=math.exp(means[pool] - means[ordered[0]]))
        if len(scores[pool]) > 1 or any(len(own) > 1 for own in scores[pool].values()):
            # The order is by all rounds, a pair by those that both have: where rounds are lacking, the rank
            # may lie beside what the pairs say, and is possible all the same.
            low, high = min(number, 1 + better[pool]), max(number, len(ordered) - worse[pool])
            ranked = replace(ranked, rank_low=low, rank_high=high)
        found.append(ranked)
    return tuple(found), {one.source for one in apart.values() if one.source is not None}
