"""How often change points are false, and how late true ones are found: our method beside apache-otava's.

    python tests/bench/trend_errors.py [--matrices 20] [--seed 1]

prints the tables of docs/trend.md. A matrix has 120 keys (4 pools); a run is one figure of each. Its noise is
lognormal with a CV of its own for each key (about the one given). With "days", each run shifts all keys by
2 % and each key by 2 % more (standard deviations), as sessions do; with "outliers", one figure in fifty is
10 to 40 % off. A loss is planted in six keys, from the run in the middle on.

Where otava can be imported (pip install apache-otava, which pins numpy and scipy), it gets the same courses
one by one, as lists (an array gives other answers), with its defaults (``max_pvalue`` 0.001) and with
``min_magnitude`` 0.05.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log1p

import numpy as np
from numpy.typing import NDArray

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.compared_figures import Cell, RunFigures
from pytest_odfperf.measure.trend.courses import courses_of

Array = NDArray[np.float64]
Method = Callable[[Array], list[list[int]]]

KEYS, PLANTED = 120, (0, 17, 41, 64, 88, 119)
CELLS = tuple(
    Cell(key=key, section="", direction="read", metric="rate")
    for key in (Key(f"pool{n // 30}", "small", "10Gi", 1, f"profile{n:03}", "4k") for n in range(KEYS))
)


def ours(logs: Array) -> list[list[int]]:
    runs = [
        RunFigures(values={cell: (float(np.exp(value)),) for cell, value in zip(CELLS, column, strict=True)})
        for column in logs.T
    ]
    return [[change.run for change in course.changes] for course in courses_of(runs, {})[0]]


def otava(min_magnitude: float) -> Method:
    from otava.analysis import compute_change_points

    def method(logs: Array) -> list[list[int]]:
        found = []
        for course in np.exp(logs).tolist():
            points, _ = compute_change_points(course, min_magnitude=min_magnitude)
            found.append([point.index for point in points])
        return found

    return method


def methods() -> dict[str, Method]:
    found: dict[str, Method] = {"ours": ours}
    try:
        found |= {"otava": otava(0.0), "otava, 5 %": otava(0.05)}
    except ImportError:
        print("otava is not there: pip install apache-otava")
    return found


@dataclass(frozen=True)
class World:
    """How figures scatter."""

    cv: float
    days: bool = False
    outliers: bool = False

    @property
    def name(self) -> str:
        more = [word for word, there in (("days", self.days), ("outliers", self.outliers)) if there]
        return ", ".join([f"CV {self.cv:.0%}", *more])

    def courses(self, rng: np.random.Generator, runs: int) -> Array:
        """Logarithms, (keys, runs)."""
        own = self.cv * np.exp(rng.normal(0, 0.35, KEYS))
        logs = rng.normal(8, 1, KEYS)[:, None] + own[:, None] * rng.normal(0, 1, (KEYS, runs))
        if self.days:
            logs += rng.normal(0, 0.02, runs) + rng.normal(0, 0.02, (KEYS, runs))
        if self.outliers:
            off = rng.random((KEYS, runs)) < 0.02
            logs += off * log1p(-0.1) * rng.uniform(1, 4, (KEYS, runs))
        return logs


WORLDS = (World(0.02), World(0.05), World(0.02, days=True), World(0.02, days=True, outliers=True))


def false_alarms(rng: np.random.Generator, world: World, runs: int, matrices: int, names: Sequence[Method]):
    """By method: false changes a matrix, and the share of matrices with one."""
    counts = np.zeros((len(names), matrices))
    for matrix in range(matrices):
        logs = world.courses(rng, runs)
        for number, method in enumerate(names):
            counts[number, matrix] = sum(map(len, method(logs)))
    return [(one.mean(), (one > 0).mean()) for one in counts]


def delays(
    rng: np.random.Generator,
    world: World,
    loss: float,
    matrices: int,
    names: Sequence[Method],
    before: int = 10,
):
    """By method: how many runs after the change half of the planted losses are told, within two runs of it.

    And the share that is told after 10 runs.
    """
    longest = 10
    told = np.zeros((len(names), longest, matrices * len(PLANTED)), dtype=bool)
    for matrix in range(matrices):
        logs = world.courses(rng, before + longest)
        logs[list(PLANTED), before:] += log1p(-loss)
        for after in range(1, longest + 1):
            for number, method in enumerate(names):
                found = method(logs[:, : before + after])
                for place, key in enumerate(PLANTED):
                    near = any(abs(at - before) <= 2 for at in found[key])
                    told[number, after - 1, matrix * len(PLANTED) + place] = near
    shares = told.mean(axis=2)
    return [
        (next((after for after, share in enumerate(one, 1) if share >= 0.5), None), one[-1]) for one in shares
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--matrices", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = methods()
    names, all_methods = list(found), list(found.values())
    print(f"false changes a matrix of {KEYS} keys / share of matrices with one\n")
    print("| nothing changes | runs | " + " | ".join(names) + " |")
    print("|---" * (2 + len(names)) + "|")
    for world in WORLDS:
        for runs in (6, 10, 20, 50):
            rng = np.random.default_rng([options.seed, runs])
            cells = false_alarms(rng, world, runs, options.matrices, all_methods)
            print(f"| {world.name} | {runs} | " + " | ".join(f"{a:.2f} / {b:.0%}" for a, b in cells) + " |")
    print("\nruns after the change until half of the losses are told / told after 10 runs\n")
    print("| ten runs, then | loss | " + " | ".join(names) + " |")
    print("|---" * (2 + len(names)) + "|")
    for world in WORLDS:
        for loss in (0.05, 0.10, 0.20):
            rng = np.random.default_rng([options.seed, round(100 * loss)])
            cells = delays(rng, world, loss, max(1, options.matrices // 4), all_methods)
            shown = " | ".join(f"{after or 'more than 10'} / {share:.0%}" for after, share in cells)
            print(f"| {world.name} | {loss:.0%} | {shown} |")


if __name__ == "__main__":
    main()
