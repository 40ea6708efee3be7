"""How often the gate cries wolf, and what it finds: measured on simulated runs, beside two simpler rules.

    python tests/bench/gate_errors.py [--runs 200] [--seed 1]

prints the table of docs/comparing.md. A run has 120 keys (4 pools, 5 profiles, 6 block sizes) with 5 repeats.
Noise of a repeat is lognormal, with a CV of its own for each key (2.5 to 10 % mostly, 5 % in the middle).
Each session shifts all keys by 2 % and each key by 2 % more (standard deviations). A loss is planted in five
keys of all pools, or in all keys of one pool. Baseline sessions have none.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import log1p

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.compared_figures import Cell, RunFigures
from pytest_odfperf.measure.compare.gate_rule import decide, plan_confirm
from pytest_odfperf.measure.compare.multiplicity import rejected
from pytest_odfperf.measure.compare.run_comparison import compare

Array = NDArray[np.float64]

KEYS = tuple(
    Key(f"pool{pool}", "small", "10Gi", 1, f"profile{profile}", f"{2**size}k")
    for pool in range(4)
    for profile in range(5)
    for size in range(6)
)
CELLS = tuple(Cell(key=key, section="", direction="read", metric="rate") for key in KEYS)
PLANTED = (0, 37, 64, 101, 119)
POOL = tuple(range(30))
REPEATS = 5
SHARED_SD, OWN_SD = 0.02, 0.02
METHODS = ("fixed 10 %", "Mann-Whitney", "Mann-Whitney, BH", "screening", "gate")


@dataclass(frozen=True)
class World:
    """What stays the same over the sessions: the level and the noise of each key."""

    level: Array
    noise: Array

    @classmethod
    def new(cls, rng: np.random.Generator) -> World:
        count = len(KEYS)
        return cls(rng.normal(8, 1, count), 0.05 * np.exp(rng.normal(0, 0.35, count)))

    def session(self, rng: np.random.Generator) -> Array:
        """The levels of one session."""
        return self.level + rng.normal(0, SHARED_SD) + rng.normal(0, OWN_SD, len(KEYS))

    def repeats(self, rng: np.random.Generator, session: Array) -> Array:
        """Logarithms, (keys, repeats)."""
        return session[:, None] + self.noise[:, None] * rng.normal(0, 1, (len(KEYS), REPEATS))


def figures(logs: Array, rows: Iterator[int] | range | list[int]) -> RunFigures:
    return RunFigures(values={CELLS[row]: tuple(np.exp(logs[row]).tolist()) for row in rows})


@dataclass
class Tally:
    """By method: keys told to be worse that are not, and planted ones that were found."""

    runs: int = 0
    false: dict[str, int] = field(default_factory=lambda: dict.fromkeys(METHODS, 0))
    alarmed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(METHODS, 0))
    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(METHODS, 0))

    def add(self, method: str, told: set[int], planted: set[int]) -> None:
        self.false[method] += len(told - planted)
        self.alarmed[method] += bool(told - planted)
        self.found[method] += len(told & planted)


def one_run(
    rng: np.random.Generator, sessions: int, planted: tuple[int, ...], loss: float, tally: Tally
) -> None:
    """One run against ``sessions`` baseline sessions; ``loss`` from 0 to 1 in ``planted``."""
    world = World.new(rng)
    before = [world.repeats(rng, world.session(rng)) for _ in range(sessions)]
    today = world.session(rng)
    today[list(planted)] += log1p(-loss)
    now, again = world.repeats(rng, today), world.repeats(rng, today)
    truth = set(planted) if loss else set()
    tally.runs += 1
    pooled = np.concatenate(before, axis=1)
    tally.add("fixed 10 %", set(np.flatnonzero(now.mean(1) - pooled.mean(1) < np.log(0.9)).tolist()), truth)
    # The default method is below the exact minimum where values are tied.
    p = stats.mannwhitneyu(now, pooled, axis=1, method="exact").pvalue
    below = set(np.flatnonzero(np.median(now, 1) < np.median(pooled, 1)).tolist())
    tally.add("Mann-Whitney", below & set(np.flatnonzero(p < 0.05).tolist()), truth)
    tally.add("Mann-Whitney, BH", below & rejected(dict(enumerate(p.tolist())), 0.05), truth)
    every = range(len(KEYS))
    baselines = [figures(logs, every) for logs in before]
    current = figures(now, every)
    comparison = compare(current, baselines)
    number = {cell: row for row, cell in enumerate(CELLS)}
    tally.add("screening", {number[one.cell] for one in comparison.cells if one.outcome == "worse"}, truth)
    plan = plan_confirm(comparison)
    measured = {*plan.flagged, *(key for keys in plan.controls.values() for key in keys)}
    confirm = figures(again, [row for row in every if KEYS[row] in measured])
    gated = decide(comparison, plan, current, confirm, baselines)
    tally.add("gate", {number[one.cell] for one in gated if one.outcome == "confirmed"}, truth)


def measure(runs: int, seed: int, sessions: int, planted: tuple[int, ...], loss: float) -> Tally:
    """``runs`` runs; the same seed gives the same."""
    rng = np.random.default_rng([seed, sessions, len(planted), round(loss * 1000)])
    tally = Tally()
    for _ in range(runs):
        one_run(rng, sessions, planted, loss, tally)
    return tally


def row(name: str, tally: Tally, planted: int) -> str:
    cells = []
    for method in METHODS:
        false = tally.false[method] / tally.runs
        found = f"{tally.found[method] / tally.runs / planted:.0%}" if planted else "-"
        cells.append(f"{found} / {false:.2f}")
    return f"| {name} | " + " | ".join(cells) + " |"


def worse_pools(runs: int, seed: int, sessions: int, loss: float) -> tuple[float, float]:
    """How often a pool that lost ``loss`` in all its keys is worse as a whole; pools a run that are not."""
    rng = np.random.default_rng([seed, sessions, round(loss * 1000)])
    found = false = 0
    every = range(len(KEYS))
    for _ in range(runs):
        world = World.new(rng)
        before = [world.repeats(rng, world.session(rng)) for _ in range(sessions)]
        today = world.session(rng)
        today[list(POOL)] += log1p(-loss)
        comparison = compare(
            figures(world.repeats(rng, today), every), [figures(logs, every) for logs in before]
        )
        worse = {one.pool for one in comparison.families if not one.pattern and one.outcome == "worse"}
        true = {KEYS[POOL[0]].pool} if loss else set()
        found += len(worse & true)
        false += len(worse - true)
    return found / runs, false / runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print("| baseline; planted | " + " | ".join(METHODS) + " |")
    print("|---|" + "---|" * len(METHODS))
    for sessions in (1, 5, 10):
        what = f"{sessions} session{'s' if sessions > 1 else ''}"
        tally = measure(given.runs, given.seed, sessions, PLANTED, 0.0)
        print(row(f"{what}; nothing (A/A)", tally, 0))
        failed = {name: f"{tally.alarmed[name] / tally.runs:.1%}" for name in METHODS}
        print("| " + f"{what}; A/A runs with an alarm | " + " | ".join(failed.values()) + " |")
        for loss in (0.05, 0.10, 0.15, 0.20, 0.25, 0.30):
            tally = measure(given.runs, given.seed, sessions, PLANTED, loss)
            print(row(f"{what}; -{loss:.0%} in 5 keys", tally, len(PLANTED)), flush=True)
        for loss in (0.10, 0.25):
            tally = measure(given.runs, given.seed, sessions, POOL, loss)
            print(row(f"{what}; -{loss:.0%} in a pool of 30", tally, len(POOL)), flush=True)
    losses = (0.0, 0.05, 0.10, 0.15)
    print("\n| baseline | " + " | ".join(f"-{loss:.0%}" if loss else "A/A" for loss in losses) + " |")
    print("|---|" + "---|" * len(losses))
    for sessions in (1, 5, 10):
        rates = [worse_pools(given.runs, given.seed, sessions, loss) for loss in losses]
        cells = [f"{found:.0%} / {false:.2f}" for found, false in rates]
        cells[0] = f"- / {rates[0][1]:.2f}"
        print(f"| {sessions} session{'s' if sessions > 1 else ''} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
