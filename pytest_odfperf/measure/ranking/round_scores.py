"""Scores of pools, round by round.

In a round each pool has VMs of its own, which are made for it. What changes from group to group, and how the
storage drifts meanwhile, is seen between rounds only, never between the repeats within one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from statistics import fmean
from typing import TypeVar

from pytest_odfperf.measure.compare.compared_figures import Round

P = TypeVar("P", bound=Hashable)

#: A pool's scores by round, one for each repeat in it: logarithms.
Scores = Mapping[Round, Sequence[float]]
_STEPS, _NEAR = 500, 1e-12


def scores_by_round(
    values: Mapping[P, Sequence[float]],
    rounds: Mapping[P, Sequence[Round]],
    score: Callable[[Mapping[P, float]], float],
) -> dict[Round, list[float]]:
    """The scores of a pool in the rounds in which it has all figures.

    ``values`` are those of each place, ``rounds`` where each was measured; ``score`` makes one of one value
    for each place.
    """
    split: dict[P, dict[Round, list[float]]] = {}
    for place, own in values.items():
        for value, number in zip(own, rounds[place], strict=True):
            split.setdefault(place, {}).setdefault(number, []).append(value)
    # In the order of the first place's values, so that the same input gives the same sums.
    first = next(iter(split.values()), {})
    found = {}
    for number in first:
        if all(number in by_round for by_round in split.values()):
            repeats = min(len(by_round[number]) for by_round in split.values())
            found[number] = [
                score({place: by_round[number][repeat] for place, by_round in split.items()})
                for repeat in range(repeats)
            ]
    return found


def levels(scores: Mapping[str, Scores]) -> dict[str, float]:
    """Of each pool the mean over its rounds, as far as these are alike for all pools.

    Where a pool lacks a round, what that round was for the others is taken off: least squares with a level
    for each pool and each round, by turns. Only differences between pools mean something.
    """
    means = {pool: {number: fmean(own) for number, own in rounds.items()} for pool, rounds in scores.items()}
    found = {pool: fmean(own.values()) for pool, own in means.items()}
    if len({frozenset(own) for own in means.values()}) < 2:
        return found
    of_round: dict[Round, list[str]] = {}
    for pool, own in means.items():
        for number in own:
            of_round.setdefault(number, []).append(pool)
    for _ in range(_STEPS):
        shift = {
            number: fmean(means[pool][number] - found[pool] for pool in pools)
            for number, pools in of_round.items()
        }
        last = found
        found = {
            pool: fmean(value - shift[number] for number, value in own.items()) for pool, own in means.items()
        }
        if max(abs(found[pool] - last[pool]) for pool in found) < _NEAR:
            break
    return found
