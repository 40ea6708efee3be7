"""Where the level of a course changes for good: many short courses at once, and few false alarms.

A course is one figure over runs, as logarithms of each run's mean. At each place with enough runs on both
sides, the means before and after are held against each other by a t test whose variance is drawn
towards what all courses have in common (`variance_shrinkage`): from eight runs alone nobody could tell their
scatter. The best of the m places counts, with its p-value times m (Bonferroni); so
does the best part in the middle that is not as what is around it. Over all courses the false
discovery rate is bounded (`multiplicity`). What was split is looked at again, part by part, and at the end
each change is tested once more between its neighbours (as Fleming et al. 2023 do, arXiv 2301.03034).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import exp, log

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pytest_odfperf.measure.compare.multiplicity import rejected
from pytest_odfperf.measure.compare.variance_shrinkage import Shrunk, shrink

Array = NDArray[np.float64]

#: Runs that a level has: one or two that are off are bad days, and no change of level.
LEAST_RUNS = 3
#: Of the newest level, since a change is to be told soon.
LEAST_NEWEST = 2
#: In a level of fewer runs all must agree.
_SHORT = 5
#: A shorter course has no place to change at.
LEAST_COURSE = LEAST_RUNS + LEAST_NEWEST
#: Expected share of false ones among the courses that are told to change.
Q = 0.05
_LEFT = (5, 6, 8, 10, 15, 20, 30, 50), (0.994, 0.904, 0.831, 0.834, 0.868, 0.877, 0.914, 0.937)
#: Of the intervals.
LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """``at`` is the place of the first run after it. ``ratio``: the mean after / the mean before."""

    at: int
    ratio: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is taken where the courses say nothing: the scatter of a course's runs, and how well it is known.

    ``floor``: smaller changes are not told, as a ratio above 1.
    """

    sd: float
    df: float = 4.0
    floor: float = 1.05


def change_points(courses: Sequence[Sequence[float]], expected: Expected) -> list[tuple[ChangePoint, ...]]:
    """The changes of each course in the order of its runs. Values are logarithms; there are no gaps."""
    arrays = [np.asarray(course, dtype=np.float64) for course in courses]
    long = [number for number, course in enumerate(arrays) if len(course) >= LEAST_COURSE]
    found: list[tuple[ChangePoint, ...]] = [()] * len(arrays)
    if not long:
        return found
    noise = _noise([arrays[number] for number in long], expected)
    splits = {
        number: _best(arrays[number], float(noise.prior), float(noise.prior_df)) for number in long
    }  # fmt: skip
    p_values = {number: split[1] for number, split in splits.items()}
    chosen = rejected(p_values, Q)
    limit = Q * len(chosen) / len(p_values)
    for number in chosen:
        found[number] = _all(arrays[number], noise, limit, log(expected.floor))
    return found


def _noise(courses: Sequence[Array], expected: Expected) -> Shrunk:
    """The variance that the courses have in common, from what is left beside each one's best split.

    The best of many splits leaves less than the true one would: under normal noise by a share that only
    depends on the length (`_left`).
    """
    variance, df = np.zeros(len(courses)), np.zeros(len(courses))
    for number, course in enumerate(courses):
        rest = _squares(course)[1].min()
        df[number] = max(len(course) - 3, 0)
        variance[number] = rest / max(len(course) - 2, 1) / _left(len(course))
    return shrink(variance, df, expected.sd**2, expected.df)


def _left(length: int) -> float:
    """The share of the noise that is left beside the best split: of 4000 simulated courses of each length."""
    return float(np.interp(length, *_LEFT))


def _places(length: int) -> NDArray[np.int64]:
    return np.arange(LEAST_RUNS, length - LEAST_NEWEST + 1)


def _squares(course: Array) -> tuple[Array, Array]:
    """For each allowed split: mean after less mean before, and the squares around both means."""
    length = len(course)
    before = _places(length)
    sums, squares = np.cumsum(course), float((course**2).sum())
    left, total = sums[before - 1], sums[-1]
    mean_before, mean_after = left / before, (total - left) / (length - before)
    rest = squares - before * mean_before**2 - (length - before) * mean_after**2
    return mean_after - mean_before, np.maximum(rest, 0.0)


def _best(course: Array, prior: float, prior_df: float) -> tuple[tuple[int, ...], float]:
    """The most likely change, or change and way back; and the p-value of there being any."""
    course = course - course.mean()
    one, two = _one_change(course, prior, prior_df), _there_and_back(course, prior, prior_df)
    places, p_value = min(one, two, key=lambda found: found[1])
    return places, min(1.0, 2 * p_value)


def _one_change(course: Array, prior: float, prior_df: float) -> tuple[tuple[int, ...], float]:
    effect, rest = _squares(course)
    length = len(course)
    before = _places(length)
    df = prior_df + length - 2
    variance = (prior_df * prior + rest) / df
    t = np.abs(effect) / np.sqrt(variance * (1 / before + 1 / (length - before)))
    best = int(t.argmax())
    return (int(before[best]),), len(before) * 2 * float(stats.t.sf(t[best], df))


def _there_and_back(course: Array, prior: float, prior_df: float) -> tuple[tuple[int, ...], float]:
    """Some runs in the middle against all others: a split alone does not see a level that came back."""
    length = len(course)
    first, end = _middles(length)
    if not len(first):
        return (), 1.0
    sums = np.concatenate([[0.0], np.cumsum(course)])
    inner = end - first
    mean_inner = (sums[end] - sums[first]) / inner
    mean_outer = (sums[-1] - sums[end] + sums[first]) / (length - inner)
    rest = (course**2).sum() - inner * mean_inner**2 - (length - inner) * mean_outer**2
    df = prior_df + length - 2
    variance = (prior_df * prior + np.maximum(rest, 0.0)) / df
    t = np.abs(mean_inner - mean_outer) / np.sqrt(variance * (1 / inner + 1 / (length - inner)))
    best = int(t.argmax())
    return (int(first[best]), int(end[best])), len(t) * 2 * float(stats.t.sf(t[best], df))


@cache
def _middles(length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and end of each middle part that is allowed."""
    pairs = [
        (first, end)
        for first in range(LEAST_RUNS, length)
        for end in range(first + LEAST_RUNS, length - LEAST_NEWEST + 1)
    ]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _all(course: Array, noise: Shrunk, limit: float, floor: float) -> tuple[ChangePoint, ...]:
    prior, prior_df = float(noise.prior), float(noise.prior_df)
    places: list[int] = []
    parts = [(0, len(course))]
    while parts:
        first, end = parts.pop()
        if end - first >= LEAST_COURSE:
            found, p_value = _best(course[first:end], prior, prior_df)
            if p_value <= limit:
                own = [first + at for at in found]
                places += own
                parts += pairwise([first, *own, end])
    # The weakest goes first, since its neighbours become stronger by it.
    places.sort()
    while places:
        told = [
            _told(course, before, at, after, prior, prior_df)
            for before, at, after in zip(
                [0, *places], places, [*places[1:], len(course)], strict=False
            )
        ]  # fmt: skip
        weak = [abs(log(one.ratio)) / floor if one.p_value <= limit else 0.0 for one in told]
        bounds = [0, *places, len(course)]
        for number, (first, at, end) in enumerate(zip(bounds, places, bounds[2:], strict=False)):
            if not _agree(course[first:at], course[at:end]):
                weak[number] = 0.0
        for number, (at, following) in enumerate(pairwise(places)):
            if following - at < LEAST_RUNS:
                weaker = number if weak[number] <= weak[number + 1] else number + 1
                weak[weaker] = 0.0
        if min(weak) >= 1:
            return tuple(told)
        del places[weak.index(min(weak))]
    return ()


def _agree(before: Array, after: Array) -> bool:
    """Whether each run of a short level lies on its side: two bad days beside a good one are no level."""
    middle = (before.mean() + after.mean()) / 2
    up = after.mean() > before.mean()
    return not (
        (len(before) < _SHORT and np.any((before > middle) == up))
        or (len(after) < _SHORT and np.any((after < middle) == up))
    )


def _told(course: Array, first: int, at: int, end: int, prior: float, prior_df: float) -> ChangePoint:
    """The change at ``at`` between the runs from ``first`` and those before ``end``."""
    before, after = course[first:at], course[at:end]
    effect = float(after.mean() - before.mean())
    rest = float(((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum())
    df = prior_df + len(before) + len(after) - 2
    sd = ((prior_df * prior + rest) / df * (1 / len(before) + 1 / len(after))) ** 0.5
    places = max(1, len(before) + len(after) - LEAST_COURSE + 1)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, df)) * sd
    return ChangePoint(
        at=at,
        ratio=exp(effect),
        low=exp(effect - half),
        high=exp(effect + half),
        p_value=min(1.0, places * 2 * float(stats.t.sf(abs(effect) / sd, df))),
    )
