"""Courses over runs: repeats as dots, means with their intervals, levels, changes, marks of versions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import exp, log, sqrt
from statistics import stdev
from typing import TYPE_CHECKING

from pytest_odfperf.measure.statistics.t_distribution import t_quantile
from pytest_odfperf.report.content.trend_content import TrendContent, TrendRun
from pytest_odfperf.report.number import NS_PER_MS
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.spec_parts import Spec, quantity, tooltip, view

if TYPE_CHECKING:
    from pytest_odfperf.measure.trend.courses import Change, Course, Piece, Point, PoolCourse

COLUMNS = (
    Column(field="run", heading="run"),
    Column(field="at", heading="place of the run"),
    Column(field="began", heading="began (UTC)"),
    Column(field="kind", heading="what"),
    Column(field="value", heading="value"),
    Column(field="low", heading="from"),
    Column(field="high", heading="to"),
    Column(field="piece", heading="piece of runs that are alike"),
    Column(field="said", heading="note"),
)
_LEVEL = 0.95
#: Of versions that changed, at the top of the picture.
_MARK_CHARACTERS = 60
#: As `COLUMNS`, or without ids and times.
Row = tuple[Cell, ...]


def course_slice(course: Course, runs: Sequence[TrendRun]) -> Slice:
    """One figure over runs."""
    label = f"{course.cell.key} {course.cell.what}"
    rows = [*course_rows(course), *mark_rows(runs)]
    return Slice(label=label, spec=course_spec(course, runs), columns=COLUMNS, rows=tuple(_whole(rows, runs)))


def course_rows(course: Course) -> list[Row]:
    """The rows of a course without the runs' ids and times, which its place tells, and without marks."""
    divisor = 1.0 if course.cell.metric == "rate" else float(NS_PER_MS)
    rows: list[Row] = []
    for number, piece in enumerate(course.pieces, 1):
        rows += _piece_rows(piece, number, divisor)
    return [*rows, *(_row(run, "invalid", said=why) for run, why in course.gaps.items())]


def course_spec(course: Course, runs: Sequence[TrendRun]) -> Spec:
    """The specification of a course: the same for most that have the same figure."""
    unit, divisor = ("IOPS", 1.0) if course.cell.metric == "rate" else ("ms", float(NS_PER_MS))
    values = [point.value / divisor for piece in course.pieces for point in piece.points]
    return _spec(f"{course.cell.what} ({unit})", values, runs)


def pools_picture(content: TrendContent) -> Picture | None:
    """How each pool went, over all its keys."""
    slices = [_pool_slice(pool, content.runs) for pool in content.pools if len(pool.points) > 1]
    if not slices:
        return None
    return Picture(
        name="trend-pools",
        title="Pools over runs",
        sentence=(
            "How does a pool go as a whole? The median over its figures of each one's ratio to its own mean. "
            "A line is a level, a new one begins where it changed; dashed lines are new versions."
        ),
        slices=tuple(slices),
    )


def courses_picture(
    name: str, title: str, sentence: str, courses: Iterable[Course], runs: Sequence[TrendRun]
) -> Picture | None:
    """Some figures over runs, of which the reader chooses one."""
    slices = tuple(course_slice(course, runs) for course in courses)
    return Picture(name=name, title=title, sentence=sentence, slices=slices) if slices else None


def _pool_slice(pool: PoolCourse, runs: Sequence[TrendRun]) -> Slice:
    what = "rate" if pool.metric == "rate" else "p99"
    rows: list[Row] = [_row(point.run, "mean", value=point.value) for point in pool.points]
    rows += _level_rows(pool.points, pool.changes, 1.0, 1)
    rows += [
        _row(change.run, "change", said=f"{change.outcome}, {change.ratio:.3f}") for change in pool.changes
    ]
    spec = _spec(f"{what}, 1: each figure's mean", [point.value for point in pool.points], runs)
    return Slice(
        label=f"{pool.pool}: {what} of {pool.keys} keys",
        spec=spec,
        columns=COLUMNS,
        rows=tuple(_whole([*rows, *mark_rows(runs)], runs)),
    )


def _piece_rows(piece: Piece, number: int, divisor: float) -> Iterable[Row]:
    for point in piece.points:
        low, high = _interval(point.repeats)
        yield _row(
            point.run, "suspect mean" if point.doubts else "mean", value=point.value / divisor,
            low=low and low / divisor, high=high and high / divisor, piece=number, said=point.doubts,
        )  # fmt: skip
        if len(point.repeats) > 1:
            for repeat in point.repeats:
                yield _row(point.run, "repeat", value=repeat / divisor, piece=number)
    yield from _level_rows(piece.points, piece.changes, divisor, number)
    for change in piece.changes:
        said = f"{change.outcome}, {change.ratio:.3f} ({change.low:.3f} to {change.high:.3f})"
        yield _row(change.run, "change", piece=number, said=said)


def _interval(repeats: Sequence[float]) -> tuple[float | None, float | None]:
    """Of the geometric mean, by Student's t on logarithms."""
    if len(repeats) < 2:
        return None, None
    logs = [log(value) for value in repeats]
    mean = sum(logs) / len(logs)
    half = t_quantile(0.5 + _LEVEL / 2, len(logs) - 1) * stdev(logs) / sqrt(len(logs))
    return exp(mean - half), exp(mean + half)


def _level_rows(
    points: Sequence[Point], changes: Sequence[Change], divisor: float, piece: int
) -> Iterable[Row]:
    """The two ends of each level, which is the geometric mean of its runs."""
    ends = [change.run for change in changes]
    last = max((point.run for point in points), default=0) + 1
    for first, end in pairwise([0, *ends, last]):
        own = [point for point in points if first <= point.run < end]
        if own:
            mean = exp(sum(log(point.value) for point in own) / len(own)) / divisor
            for run in dict.fromkeys((own[0].run, own[-1].run)):
                yield _row(run, f"level from {own[0].run + 1}", value=mean, piece=piece)


def mark_rows(runs: Sequence[TrendRun]) -> list[Row]:
    """What changed between runs, beside the figures."""
    found = []
    for at, run in enumerate(runs):
        if run.marks:
            text = "; ".join(run.marks)
            short = text if len(text) <= _MARK_CHARACTERS else f"{text[: _MARK_CHARACTERS - 1]}…"
            found.append(_row(at, "other versions", said=short))
    return found


def _row(
    at: int,
    kind: str,
    *,
    value: float | None = None,
    low: float | None = None,
    high: float | None = None,
    piece: int | None = None,
    said: str = "",
) -> Row:
    numbers = [None if one is None else float(f"{one:.5g}") for one in (value, low, high)]
    return (at + 1, kind, *numbers, piece, said)


def _whole(rows: Iterable[Row], runs: Sequence[TrendRun]) -> Iterable[Row]:
    for at, *rest in rows:
        run = runs[int(at or 1) - 1]
        yield (run.run_id, at, run.day, *rest)


def _spec(heading: str, values: Sequence[float], runs: Sequence[TrendRun]) -> Spec:
    x: Spec = {
        "field": "at",
        "type": "quantitative",
        "title": f"run ({runs[0].day[:10]} to {runs[-1].day[:10]})",
        "scale": {"domain": [0.5, len(runs) + 0.5], "nice": False},
        "axis": {"tickMinStep": 1, "format": "d", "grid": False},
    }
    y = quantity("value", heading, values)
    tip = tooltip(COLUMNS)

    def only(test: str) -> Spec:
        return {"transform": [{"filter": test}]}

    change: Spec = {"x": {**x, "field": "before"}}
    before = {"calculate": "datum.at - 0.5", "as": "before"}
    # Beside the line, where there is room.
    half = len(runs) / 2 + 1
    sides = ((f"datum.at <= {half}", "left", 4), (f"datum.at > {half}", "right", -4))
    layers: list[Spec] = [
        {
            "transform": [{"filter": "datum.kind === 'other versions'"}, before],
            "mark": {"type": "rule", "strokeDash": [3, 3]},
            "encoding": {**change, "tooltip": tip},
        },
        {
            "transform": [{"filter": "datum.kind === 'other versions'"}, before],
            "mark": {"type": "text", "angle": 270, "align": "right", "baseline": "top", "dx": -4, "dy": 3},
            "encoding": {**change, "y": {"value": 0}, "text": {"field": "said"}},
        },
        {
            "transform": [{"filter": "datum.kind === 'change'"}, before],
            "mark": {"type": "rule", "strokeWidth": 2.5},
            "encoding": {**change, "tooltip": tip},
        },
        *(_change_text(change, before, test, align, dx) for test, align, dx in sides),
        {
            **only("indexof(datum.kind, 'level') === 0"),
            "mark": {"type": "line", "strokeWidth": 3, "opacity": 0.5},
            "encoding": {
                "x": x, "y": y, "detail": [{"field": "kind"}, {"field": "piece"}],
            },
        },
        {
            **only("datum.kind === 'repeat'"),
            "mark": {"type": "point", "size": 14, "opacity": 0.6},
            "encoding": {"x": x, "y": y, "tooltip": tip},
        },
        {
            **only("isValid(datum.low)"),
            "mark": {"type": "rule"},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
        },
        {
            **only("datum.kind === 'mean' || datum.kind === 'suspect mean'"),
            "mark": {"type": "point", "size": 70},
            "encoding": {
                "x": x,
                "y": y,
                "shape": {
                    "field": "kind",
                    "type": "nominal",
                    "scale": {"domain": ["mean", "suspect mean"], "range": ["circle", "diamond"]},
                    "legend": None,
                },
                "fillOpacity": {"condition": {"test": "datum.kind === 'mean'", "value": 1}, "value": 0},
                "tooltip": tip,
            },
        },
        {
            **only("datum.kind === 'invalid'"),
            "mark": {"type": "text", "text": "invalid", "angle": 270, "align": "left", "dx": 4},
            "encoding": {"x": x, "y": {"value": "height"}, "tooltip": tip},
        },
    ]  # fmt: skip
    return view(f"{heading} over {len(runs)} runs", *layers, height=300)


def _change_text(x: Spec, before: Spec, test: str, align: str, dx: int) -> Spec:
    mark = {"type": "text", "align": align, "baseline": "bottom", "dx": dx, "dy": -2, "fontWeight": "bold"}
    return {
        "transform": [{"filter": f"datum.kind === 'change' && {test}"}, before],
        "mark": mark,
        "encoding": {**x, "y": {"value": "height"}, "text": {"field": "said"}},
    }
