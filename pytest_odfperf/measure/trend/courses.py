"""The course of each figure over runs, in pieces that are alike, with its changes; and that of each pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import exp, log
from typing import Literal

import numpy as np

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.compared_figures import METRICS, Cell, Metric, RunFigures
from pytest_odfperf.measure.trend.change_points import (
    LEAST_COURSE,
    Array,
    ChangePoint,
    Expected,
    change_points,
)

CourseState = Literal["worse", "better", "steady", "too short"]
COURSE_STATES: tuple[CourseState, ...] = ("worse", "better", "steady", "too short")

#: What is taken of a metric where its courses say nothing; p99 scatters more.
EXPECTED: Mapping[Metric, Expected] = {
    "rate": Expected(sd=0.05, floor=1.05),
    "lat_p99": Expected(sd=0.15, floor=1.10),
}
#: A pool with fewer figures does not show what a day did to all of them.
_FIGURES = 8
#: The same of a pool's middle over its keys: what runs differ by as a whole.
POOL_EXPECTED: Mapping[Metric, Expected] = {
    "rate": Expected(sd=0.03, floor=1.03),
    "lat_p99": Expected(sd=0.06, floor=1.05),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The level from run ``run`` (its index) on, beside the one before. The interval is at 95 %."""

    run: int
    outcome: Literal["worse", "better"]
    before: float
    after: float
    ratio: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A run's figure: geometric mean and each repeat. ``doubts``: why it is suspect, if so."""

    run: int
    value: float
    repeats: tuple[float, ...]
    doubts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Runs in which a figure means the same. ``changes`` are in the order of runs."""

    points: tuple[Point, ...]
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One figure over runs. ``gaps``: runs in which it was invalid, and why."""

    cell: Cell
    pieces: tuple[Piece, ...]
    gaps: Mapping[int, str] = field(default_factory=dict)

    @property
    def changes(self) -> tuple[Change, ...]:
        found = (change for piece in self.pieces for change in piece.changes)
        return tuple(sorted(found, key=lambda change: change.run))

    @property
    def state(self) -> CourseState:
        """By the newest change, in the piece that the newest figure is of or any other."""
        if self.changes:
            return self.changes[-1].outcome
        long = any(len(piece.points) >= LEAST_COURSE for piece in self.pieces)
        return "steady" if long else "too short"

    @property
    def newest(self) -> Point:
        return max((piece.points[-1] for piece in self.pieces), key=lambda point: point.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolCourse:
    """How a metric of a pool went: the median over its figures of each one's ratio to its own mean."""

    pool: str
    metric: Metric
    points: tuple[Point, ...]
    changes: tuple[Change, ...]
    keys: int
    figures: int


def courses_of(
    runs: Sequence[RunFigures], alike: Mapping[Key, Sequence[int]]
) -> tuple[list[Course], list[PoolCourse]]:
    """The course of each figure that a run has, in the order of keys; and those of pools.

    ``alike``: by key, a number for each run; figures of runs with another number do not mean the same.
    """
    cells = sorted({cell for figures in runs for cell in figures.values})
    found = [_course(cell, runs, alike.get(cell.key)) for cell in cells]
    pools = _pool_courses(found, len(runs))
    days = {(pool.pool, pool.metric): _days(pool) for pool in pools}
    for metric in METRICS:
        places = [
            (number, at)
            for number, course in enumerate(found)
            if course.cell.metric == metric
            for at in range(len(course.pieces))
        ]
        logs = []
        for number, at in places:
            shift = days[found[number].cell.key.pool, metric]
            logs.append(
                [log(point.value) - shift.get(point.run, 0.0) for point in found[number].pieces[at].points]
            )
        for (number, at), told in zip(places, change_points(logs, EXPECTED[metric]), strict=True):
            if told:
                course = found[number]
                pieces = list(course.pieces)
                points = pieces[at].points
                pieces[at] = Piece(points=points, changes=_changes(points, told, metric))
                found[number] = Course(cell=course.cell, pieces=tuple(pieces), gaps=course.gaps)
    return found, pools


def _days(pool: PoolCourse) -> dict[int, float]:
    """By run, what shifts all figures of a pool on that day only: how it differs from the pool's level.

    Nothing for a pool of few figures. Without it, one day that shifts a hundred keys by 3 % would make all of
    them look changed at once.
    """
    if pool.figures < _FIGURES:
        return {}
    ends = [0, *(change.run for change in pool.changes), pool.points[-1].run + 1]
    found: dict[int, float] = {}
    for first, end in pairwise(ends):
        own = [(point.run, log(point.value)) for point in pool.points if first <= point.run < end]
        level = sum(value for _, value in own) / max(1, len(own))
        found |= {run: value - level for run, value in own}
    return found


def _course(cell: Cell, runs: Sequence[RunFigures], alike: Sequence[int] | None) -> Course:
    pieces: dict[int, list[Point]] = {}
    gaps: dict[int, str] = {}
    for run, figures in enumerate(runs):
        if values := figures.values.get(cell):
            point = Point(
                run=run,
                value=exp(sum(map(log, values)) / len(values)),
                repeats=values,
                doubts=figures.suspect.get(cell.key, ""),
            )
            pieces.setdefault(alike[run] if alike is not None else 0, []).append(point)
        elif cell.key in figures.invalid:
            gaps[run] = figures.invalid[cell.key]
    return Course(cell=cell, pieces=tuple(Piece(points=tuple(own)) for own in pieces.values()), gaps=gaps)


def _changes(points: Sequence[Point], told: Sequence[ChangePoint], metric: Metric) -> tuple[Change, ...]:
    ends = [0, *(one.at for one in told), len(points)]
    levels = [
        exp(sum(log(point.value) for point in points[first:end]) / (end - first))
        for first, end in pairwise(ends)
    ]
    return tuple(
        Change(
            run=points[one.at].run,
            outcome="worse" if (one.ratio < 1) == (metric == "rate") else "better",
            before=levels[place],
            after=levels[place + 1],
            ratio=one.ratio,
            low=one.low,
            high=one.high,
            p_value=one.p_value,
        )
        for place, one in enumerate(told)
    )


def _pool_courses(courses: Sequence[Course], runs: int) -> list[PoolCourse]:
    """The course of each pool and metric over ``runs`` runs.

    A key whose definition changed goes on with the level that it has then: what the change did is not seen.
    """
    found: list[PoolCourse] = []
    for metric in METRICS:
        of_pool: dict[str, list[Course]] = {}
        for course in courses:
            if course.cell.metric == metric:
                of_pool.setdefault(course.cell.key.pool, []).append(course)
        means = {pool: _middle_course(own, runs) for pool, own in of_pool.items()}
        there = {pool: np.flatnonzero(np.isfinite(mean)) for pool, mean in means.items()}
        logs = [means[pool][there[pool]].tolist() for pool in means]
        told = change_points(logs, POOL_EXPECTED[metric])
        for pool, own in zip(means, told, strict=True):
            points = tuple(
                Point(run=int(run), value=exp(means[pool][run]), repeats=()) for run in there[pool]
            )
            found.append(
                PoolCourse(
                    pool=pool,
                    metric=metric,
                    points=points,
                    changes=_changes(points, own, metric),
                    keys=len({course.cell.key for course in of_pool[pool]}),
                    figures=len(of_pool[pool]),
                )
            )
    return found


def _middle_course(courses: Sequence[Course], runs: int) -> Array:
    """The median logarithm over figures, run by run, less each one's own level; nan where there is none.

    Levels and runs are fitted in turn, since not every key is in every run.
    """
    pieces = [piece for course in courses for piece in course.pieces if len(piece.points) > 1]
    logs = np.full((len(pieces), runs), np.nan)
    for row, piece in enumerate(pieces):
        for point in piece.points:
            logs[row, point.run] = log(point.value)
    there = np.isfinite(logs).any(axis=0) if pieces else np.zeros(runs, dtype=bool)
    middle = np.zeros(runs)
    for _ in range(5 if pieces else 0):
        level = np.nanmean(logs - middle, axis=1)
        rest = logs - level[:, None]
        middle[there] = np.nanmedian(rest[:, there], axis=0)
    return np.where(there, middle, np.nan)
