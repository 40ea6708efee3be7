"""Change points: what must be told and how soon, and how seldom what has not changed is."""

from __future__ import annotations

from itertools import pairwise
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.compared_figures import Cell, RunFigures
from pytest_odfperf.measure.trend.change_points import LEAST_COURSE, Expected, change_points
from pytest_odfperf.measure.trend.courses import Course, courses_of

EXPECTED = Expected(sd=0.05)


def courses(rng: np.random.Generator, count: int, runs: int, cv: float) -> np.ndarray:
    """Logarithms; as in sessions, each run shifts all, and each course by itself."""
    own = rng.normal(0, cv, (count, runs)) + rng.normal(0, 0.02, (count, runs))
    return rng.normal(8, 1, count)[:, None] + own + rng.normal(0, 0.02, runs)


def told(logs: np.ndarray) -> dict[int, list[int]]:
    """By course, where it changes by itself."""
    found = change_points(logs.tolist(), EXPECTED)
    return {number: [one.at for one in own] for number, own in enumerate(found) if own}


def told_of_pools(logs: np.ndarray) -> dict[int, list[int]]:
    """The same of courses that are rates of keys in four pools."""
    cells = [
        Cell(key=key, section="", direction="read", metric="rate")
        for key in (Key(f"p{n // 30}", "s", "1Gi", 1, f"f{n:03}", "4k") for n in range(len(logs)))
    ]
    runs = [
        RunFigures(values={cell: (float(np.exp(value)),) for cell, value in zip(cells, column, strict=True)})
        for column in logs.T
    ]
    found, _ = courses_of(runs, {})
    return {n: [one.run for one in course.changes] for n, course in enumerate(found) if course.changes}


def test_what_does_not_change_is_seldom_told_to() -> None:
    """At most one false change in ten matrices of 120 keys: apache-otava has 10 to 30 (docs/trend.md)."""
    rng = np.random.default_rng(1)
    lengths = [(cv, runs) for cv in (0.01, 0.03) for runs in (6, 10, 20, 30, 50)]
    false = [told_of_pools(courses(rng, 120, runs, cv)) for cv, runs in lengths]
    assert sum(map(len, false)) <= 1


@pytest.mark.parametrize(("loss", "after", "share"), [(0.2, 2, 0.8), (0.1, 3, 0.6), (0.2, 5, 0.95)])
def test_a_loss_is_told_after_a_few_runs_and_at_its_place(loss: float, after: int, share: float) -> None:
    rng = np.random.default_rng(2)
    planted, found, false = range(0, 120, 20), 0, 0
    for _ in range(10):
        logs = courses(rng, 120, 10 + after, 0.01)
        logs[list(planted), 10:] += log(1 - loss)
        own = told_of_pools(logs)
        found += sum(any(abs(at - 10) <= 1 for at in own.get(number, [])) for number in planted)
        false += len(own.keys() - set(planted))
    assert found >= share * 10 * len(planted)
    assert false <= 6


def test_two_changes_are_two_and_one_bad_day_is_none() -> None:
    rng = np.random.default_rng(3)
    logs = rng.normal(8, 0.01, (40, 24))
    logs[0, 8:16] -= 0.2
    logs[1, 12] -= 0.4
    logs[2, 22:] -= 0.2
    assert told(logs) == {0: [8, 16], 2: [22]}


def test_a_change_below_the_floor_is_not_told_however_sure_it_is() -> None:
    rng = np.random.default_rng(4)
    logs = rng.normal(8, 0.001, (20, 30))
    logs[0, 15:] += log(1.04)
    logs[1, 15:] += log(1.06)
    assert told(logs) == {1: [15]}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.floats(-5, 20), max_size=12), max_size=6))
def test_any_courses_have_changes_at_places_with_enough_runs_on_both_sides(logs: list[list[float]]) -> None:
    found = change_points(logs, EXPECTED)
    assert len(found) == len(logs)
    for course, own in zip(logs, found, strict=True):
        assert not own or len(course) >= LEAST_COURSE
        ends = [0, *(one.at for one in own), len(course)]
        assert not own or all(b - a >= 2 for a, b in pairwise(ends))
        assert all(one.low <= one.ratio <= one.high for one in own)


CELLS = [
    Cell(key=Key(pool, "s", "1Gi", 1, f"f{n}", "4k"), section="", direction="read", metric=metric)
    for pool in ("a", "b")
    for n in range(8)
    for metric in ("rate", "lat_p99")
]


def runs_of(rng: np.random.Generator, count: int, change: int, factor: float) -> list[RunFigures]:
    """Pool ``a`` has ``factor`` of its rate, and the inverse of its latency, from run ``change`` on."""
    found = []
    for run in range(count):
        shift = factor if run >= change else 1.0
        values = {}
        for cell in CELLS:
            own = (shift if cell.metric == "rate" else 1 / shift) if cell.key.pool == "a" else 1.0
            values[cell] = tuple(1000 * own * np.exp(rng.normal(0, 0.01, 2)))
        found.append(RunFigures(values=values))
    return found


def by_state(found: list[Course], pool: str) -> set[str]:
    return {course.state for course in found if course.cell.key.pool == pool}


def test_less_rate_and_more_latency_are_worse_in_keys_and_in_the_pool() -> None:
    rng = np.random.default_rng(5)
    for factor, word in ((0.8, "worse"), (1.3, "better")):
        found, of_pools = courses_of(runs_of(rng, 10, 6, factor), {})
        assert (by_state(found, "a"), by_state(found, "b")) == ({word}, {"steady"})
        assert {change.run for course in found for change in course.changes} == {6}
        pools = {(pool.pool, pool.metric): pool for pool in of_pools}
        assert [[one.outcome, one.run] for one in pools["a", "rate"].changes] == [[word, 6]]
        assert pools["a", "rate"].changes[0].ratio == pytest.approx(factor, rel=0.03)
        assert not pools["b", "rate"].changes


def test_runs_that_measured_something_else_are_no_change_and_invalid_ones_are_gaps() -> None:
    runs = runs_of(np.random.default_rng(6), 12, 6, 0.5)
    key = CELLS[0].key
    del runs[3].values[CELLS[0]]
    runs[3].invalid[key] = "stall"
    runs[4].suspect[key] = "noisy"
    keys = {cell.key for cell in CELLS}
    found, _ = courses_of(runs, {one: [0] * 6 + [1] * 6 for one in keys})
    assert {change for course in found for change in course.changes} == set()
    course = next(one for one in found if one.cell == CELLS[0])
    assert [[point.run for point in piece.points] for piece in course.pieces] == [
        [0, 1, 2, 4, 5], [6, 7, 8, 9, 10, 11],
    ]  # fmt: skip
    assert course.gaps == {3: "stall"}
    assert [point.doubts for point in course.pieces[0].points] == ["", "", "", "noisy", ""]
    # What came back is the same piece again.
    again, _ = courses_of(runs, {one: [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0] for one in keys})
    assert {change.run for course in again for change in course.changes} == {6}


def test_few_runs_are_too_short_and_say_so() -> None:
    found, _ = courses_of(runs_of(np.random.default_rng(7), 4, 2, 0.5), {})
    assert {course.state for course in found} == {"too short"}
