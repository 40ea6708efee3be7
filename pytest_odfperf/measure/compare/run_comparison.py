"""A run against baseline runs: what is better, worse, not shown to differ, or not known.

An effect is a ratio, current / baseline. It counts as a difference if it is too large to be chance among
all keys of its metric (`multiplicity`), and beyond the floor: what is smaller may be true, but is nothing
that another session would show again. "No difference shown" is not the absence of proof: the whole interval
must lie within the margin (two one-sided tests, Schuirmann 1987). What is neither is inconclusive.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import Any, Literal

import numpy as np

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.assumed_noise import ASSUMED
from pytest_odfperf.measure.compare.compared_figures import METRICS, Cell, Metric, RunFigures
from pytest_odfperf.measure.compare.multiplicity import rejected, rejected_in_families
from pytest_odfperf.measure.compare.session_model import Estimate, LogSamples, SessionModel, fit

Outcome = Literal["worse", "better", "no difference shown", "inconclusive"]

#: Expected share of false ones among the differences that are told.
Q = 0.10
#: Of the intervals. Their two sides are the two tests at 5 %.
LEVEL = 0.90
#: A difference that is told is at least this large, and at least twice the spread of sessions.
FLOOR, FAMILY_FLOOR, FLOOR_SDS = 0.07, 0.03, 2.0
#: No difference: within this, or three times the spread of sessions.
MARGIN, MARGIN_SDS = 0.10, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A ratio, its interval, and what it comes to. Ratios are current / baseline."""

    outcome: Outcome
    ratio: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedCell(Compared):
    cell: Cell
    #: Geometric means: IOPS or ns.
    current: float
    baseline: float
    #: Repeats of the current run, and of all baseline runs.
    repeats: int
    baseline_repeats: int
    sessions: int
    #: Why a result in it is doubted, if so.
    suspect: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedFamily(Compared):
    """``pattern`` empty: all keys of the pool."""

    pool: str
    pattern: str
    metric: Metric
    cells: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricNoise:
    """What of a metric is not a difference: its limits, as ratios above 1 (1.07: 7 %)."""

    metric: Metric
    session_sd: float
    #: Whether ``session_sd`` is an assumption, since one baseline run can not show it.
    session_assumed: bool
    #: Whether no run has repeats.
    without_repeats: bool
    floor: float
    family_floor: float
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    cells: tuple[ComparedCell, ...] = ()
    families: tuple[ComparedFamily, ...] = ()
    noise: tuple[MetricNoise, ...] = ()
    #: Keys of the current run that no baseline has, and keys of the baseline that the run has not.
    only_current: tuple[Key, ...] = ()
    only_baseline: tuple[Key, ...] = ()
    #: Keys that are not compared, and why.
    refused: Mapping[Key, str] = field(default_factory=dict)
    models: Mapping[Metric, tuple[tuple[Cell, ...], SessionModel]] = field(default_factory=dict)

    def noise_of(self, metric: Metric) -> MetricNoise:
        return next(one for one in self.noise if one.metric == metric)


def compare(
    current: RunFigures, baselines: Sequence[RunFigures], refused: Mapping[Key, str] | None = None
) -> Comparison:
    """Compare ``current`` with sessions that came before; ``refused`` keys are left out, with the reason."""
    left_out = dict(refused or {})
    ours, known = current.keys, {key for figures in baselines for key in figures.keys}
    doubted = {
        key: f"invalid in a baseline run ({why})" for one in baselines for key, why in one.invalid.items()
    }
    left_out |= {key: why for key, why in doubted.items() if key not in known}
    left_out |= {key: f"invalid ({why})" for key, why in current.invalid.items() if key not in ours}
    cells: list[ComparedCell] = []
    families: list[ComparedFamily] = []
    noise: list[MetricNoise] = []
    models: dict[Metric, tuple[tuple[Cell, ...], SessionModel]] = {}
    for metric in METRICS:
        common = tuple(
            sorted(
                cell
                for cell in current.values
                if cell.metric == metric
                and cell.key not in left_out
                and any(cell in figures.values for figures in baselines)
            )
        )
        if not common:
            continue
        model = fit(log_samples(common, current, baselines), ASSUMED[metric])
        models[metric] = (common, model)
        noise.append(metric_noise(metric, model))
        cells += _cells(common, model, noise[-1], _suspects(current, baselines))
        families += _families(common, model, noise[-1])
    return Comparison(
        cells=tuple(cells),
        families=tuple(families),
        noise=tuple(noise),
        only_current=tuple(sorted(ours - known - set(left_out))),
        only_baseline=tuple(sorted(known - ours - set(left_out))),
        refused=left_out,
        models=models,
    )


def log_samples(cells: Sequence[Cell], current: RunFigures, baselines: Sequence[RunFigures]) -> LogSamples:
    """The logarithms of ``cells``, each of which is in ``current`` and in one of ``baselines``."""
    runs = [*baselines, current]
    mean, count = np.full((len(cells), len(runs)), np.nan), np.zeros((len(cells), len(runs)))
    squares, within_df = np.zeros(len(cells)), np.zeros(len(cells))
    for column, figures in enumerate(runs):
        for row, cell in enumerate(cells):
            if values := figures.values.get(cell):
                logs = [log(value) for value in values]
                mean[row, column] = middle = sum(logs) / len(logs)
                count[row, column] = len(logs)
                squares[row] += sum((value - middle) ** 2 for value in logs)
                within_df[row] += len(logs) - 1
    pools = {pool: number for number, pool in enumerate(dict.fromkeys(cell.key.pool for cell in cells))}
    return LogSamples(
        current=mean[:, -1],
        current_n=count[:, -1],
        baseline=mean[:, :-1],
        baseline_n=count[:, :-1],
        squares=squares,
        within_df=within_df,
        pool=np.array([pools[cell.key.pool] for cell in cells], dtype=np.int64),
    )


def metric_noise(metric: Metric, model: SessionModel) -> MetricNoise:
    sd = model.session_sd
    return MetricNoise(
        metric=metric,
        session_sd=sd,
        session_assumed=bool(np.isinf(model.session_df)),
        without_repeats=bool(model.samples.within_df.sum() == 0),
        floor=1 + max(FLOOR, FLOOR_SDS * sd),
        family_floor=1 + max(FAMILY_FLOOR, FLOOR_SDS * sd),
        margin=1 + max(MARGIN, MARGIN_SDS * sd),
    )


def _suspects(current: RunFigures, baselines: Sequence[RunFigures]) -> dict[Key, str]:
    found = {key: f"baseline: {why}" for figures in baselines for key, why in figures.suspect.items()}
    return found | dict(current.suspect)


def _cells(
    cells: Sequence[Cell], model: SessionModel, noise: MetricNoise, suspects: Mapping[Key, str]
) -> list[ComparedCell]:
    estimate = model.keys()
    names = range(len(cells))
    p_values = dict(zip(names, map(float, estimate.p_value), strict=True))
    family = {row: (cells[row].key.pool, cells[row].pattern) for row in names}
    differs = rejected_in_families(p_values, family, Q)
    samples = model.samples
    return [
        ComparedCell(
            cell=cell,
            current=exp(float(samples.current[row])),
            baseline=exp(float(np.nanmean(samples.baseline[row]))),
            repeats=int(samples.current_n[row]),
            baseline_repeats=int(samples.baseline_n[row].sum()),
            sessions=int((samples.baseline_n[row] > 0).sum()),
            suspect=suspects.get(cell.key),
            **_judged(estimate, row, noise.metric, row in differs, noise.floor, noise.margin),
        )
        for row, cell in enumerate(cells)
    ]


def _families(cells: Sequence[Cell], model: SessionModel, noise: MetricNoise) -> list[ComparedFamily]:
    found = []
    levels: list[list[tuple[str, str]]] = [
        [(cell.key.pool, "") for cell in cells],
        [(cell.key.pool, cell.pattern) for cell in cells],
    ]
    for level in levels:
        names = list(dict.fromkeys(level))
        place = {name: number for number, name in enumerate(names)}
        estimate = model.families(np.array([place[name] for name in level], dtype=np.int64))
        p_values: dict[Hashable, float] = dict(zip(names, map(float, estimate.p_value), strict=True))
        differs = rejected(p_values, Q)
        found += [
            ComparedFamily(
                pool=name[0],
                pattern=name[1],
                metric=noise.metric,
                cells=level.count(name),
                **_judged(estimate, number, noise.metric, name in differs, noise.family_floor, noise.margin),
            )
            for number, name in enumerate(names)
        ]
    return found


def _judged(
    estimate: Estimate, row: int, metric: Metric, differs: bool, floor: float, margin: float
) -> dict[str, Any]:
    effect, half = float(estimate.effect[row]), float(estimate.half_width(LEVEL)[row])
    outcome: Outcome = "inconclusive"
    if differs and abs(effect) >= log(floor):
        outcome = "worse" if (effect < 0) == (metric == "rate") else "better"
    elif abs(effect) + half < log(margin):
        outcome = "no difference shown"
    return {
        "outcome": outcome,
        "ratio": exp(effect),
        "low": exp(effect - half),
        "high": exp(effect + half),
        "p_value": float(estimate.p_value[row]),
    }
