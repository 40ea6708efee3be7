"""All pools and loads at a glance: each figure against the mean of the pools, and written in its cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from statistics import fmean
from typing import NamedTuple

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.report.content.run_content import RunTest
from pytest_odfperf.report.pictures import spec_parts as parts
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.pools.baseline_changes import usable_tests
from pytest_odfperf.report.pictures.pools.stored_comparison import stored_keys
from pytest_odfperf.report.pictures.shown_figures import (
    Figure,
    Shape,
    Shown,
    block_bytes,
    place_of,
    rounded,
    shape_of,
    shape_text,
    word,
)

#: Rows of all views together.
MOST_ROWS = 2000
#: From this ratio to the mean on colours are the strongest.
_FULL = 2.0
_METRICS = (("rate", "IOPS"), ("lat_p99", "p99 (ms)"))
#: Cells have no room for words, and little for figures.
_NARROW = "bandwidth('x') < 48"
#: What a cell shows beside its figure.
_MARKS = {"suspect": "?", "limit broken": "!", "failed": "×"}


class _Place(NamedTuple):
    """A row of a view: what the pools have in common."""

    profile: str
    block_size: str
    part: str


#: By shape, place and pool.
_Figures = dict[Shape, dict[_Place, dict[str, list[Figure]]]]


def heat_map(shown: Shown) -> Picture | None:
    """None unless two pools have a figure of the same load, or there is a baseline."""
    figures: _Figures = {}
    for figure in shown.figures:
        key = figure.key
        place = _Place(key.profile, key.block_size, figure.part)
        figures.setdefault(shape_of(key), {}).setdefault(place, {}).setdefault(key.pool, []).append(figure)
    compared, cut = _first(_against_baseline(shown), MOST_ROWS // 2)
    own, more = _first(_against_pools(shown, figures), MOST_ROWS - sum(len(one.rows) for one in compared))
    slices = [*own, *compared]
    if not slices:
        return None
    sentence = (
        "Where is which pool strong or weak? Each cell has its figure, of repeats the geometric mean; its "
        "colour is the ratio to the geometric mean of the pools, or to the baseline: blue is better, orange "
        f"is worse, {_FULL:g} times and more the strongest. "
        + ", ".join(f"{mark} {state}" for state, mark in _MARKS.items())
        + "."
    )
    if cut or more:
        sentence += f" {len(slices)} views are shown, more are left out; the table has all figures."
    return Picture(name="heat-map", title="Pools by load", sentence=sentence, slices=tuple(slices))


def _first(views: Iterator[Slice], most_rows: int) -> tuple[list[Slice], bool]:
    """As many as fit, and whether there are more, which are not even made."""
    found: list[Slice] = []
    for made in views:
        most_rows -= len(made.rows)
        if most_rows < 0:
            return found, True
        found.append(made)
    return found, False


def _against_pools(shown: Shown, figures: _Figures) -> Iterator[Slice]:
    for shape in sorted(figures, key=lambda one: (-sum(map(len, figures[one].values())), one)):
        for direction, (metric, unit) in product(("read", "write"), _METRICS):
            places = [place for place in figures[shape] if place.part.endswith(direction)]
            rows: list[tuple[Cell, ...]] = []
            for place in sorted(places, key=_order(shown)):
                rows += _row_of(shown, shape, place, figures[shape][place], metric)
            label = f"{shape_text(shape)}: {direction} {unit}"
            yield from _pages(shown.content.pools, label, metric, unit, rows)


def _row_of(
    shown: Shown, shape: Shape, place: _Place, pools: dict[str, list[Figure]], metric: str
) -> Iterator[tuple[Cell, ...]]:
    values = {pool: _mean(own, metric) for pool, own in pools.items()}
    known = [value for value in values.values() if value is not None]
    if len(known) < 2:
        return
    middle = math.exp(fmean(map(math.log, known)))
    text = _text(place)
    for pool in shown.content.pools:
        if pool in pools:
            value, first = values[pool], pools[pool][0]
            ratio = None if value is None else rounded(value / middle)
            figure = None if value is None else rounded(value)
            yield first.number, text, pool, figure, ratio, _state([one.test for one in pools[pool]])
        elif own := shown.without.get(Key(pool, *shape, place.profile, place.block_size)):
            yield own[0][0], text, pool, None, None, _state([test for _, test in own])


def _against_baseline(shown: Shown) -> Iterator[Slice]:
    """The ratios of comparison.json; a key that is not in the run is in none."""
    tests: dict[str, list[RunTest]] = {}
    for test in shown.content.tests:
        tests.setdefault(str(test.key), []).append(test)
    found: dict[tuple[Shape, str, str], dict[_Place, list[tuple[Cell, ...]]]] = {}
    usable = usable_tests(shown.content)
    comparisons = [run.comparison for run in shown.content.runs if run.comparison is not None]
    for one in stored_keys(comparisons):
        number = usable.get(one.what)
        if number is None or not one.part.endswith(("read", "write")):
            continue
        key = Key.parse(one.what)
        place = _Place(key.profile, key.block_size, one.part)
        state = _state(tests[one.what])
        ratio = rounded(one.ratio)
        row = (number, _text(place), key.pool, ratio, ratio, state)
        view = (shape_of(key), one.part.rpartition(" ")[2], one.metric)
        found.setdefault(view, {}).setdefault(place, []).append(row)
    for (shape, direction, metric), places in sorted(found.items()):
        rows = [row for place in sorted(places, key=_order(shown)) for row in places[place]]
        what = "rate" if metric == "rate" else "p99"
        label = f"{shape_text(shape)}: {direction} {what} against the baseline"
        yield from _pages(shown.content.pools, label, metric, f"{what}, now / baseline", rows)


def _pages(
    pools: Sequence[str], label: str, metric: str, unit: str, rows: Sequence[tuple[Cell, ...]]
) -> Iterator[Slice]:
    """A view for each dozen of pools."""
    for first in range(0, len(pools), parts.MOST_SERIES):
        shown = pools[first : first + parts.MOST_SERIES]
        own = tuple(row for row in rows if row[2] in shown)
        if own:
            there = {row[2] for row in own}
            more = f", pools {first + 1} to {first + len(shown)}" if len(pools) > len(shown) else ""
            yield _slice(label + more, metric, unit, [pool for pool in shown if pool in there], own)


def _text(place: _Place) -> str:
    key = Key("any", "any", "any", 1, place.profile, place.block_size)
    return f"{place.profile} {place_of(key, place.part)}"


def _order(shown: Shown) -> Callable[[_Place], tuple[int, int, str]]:
    def order(place: _Place) -> tuple[int, int, str]:
        key = Key("any", "any", "any", 1, place.profile, place.block_size)
        return shown.profiles.get(place.profile, -1), block_bytes(key), place.part

    return order


def _mean(figures: Sequence[Figure], metric: str) -> float | None:
    values = [figure.rate("IOPS") if metric == "rate" else figure.p99_ms for figure in figures]
    known = [value for value in values if value and value > 0]
    return math.exp(fmean(map(math.log, known))) if known else None


def _state(tests: Sequence[RunTest]) -> str:
    """The word that is not ``passed``, if any repeat has one."""
    return next((found for found in map(word, tests) if found != "passed"), "passed")


def _slice(
    label: str, metric: str, unit: str, pools: Sequence[str], rows: tuple[tuple[Cell, ...], ...]
) -> Slice:
    columns = (
        parts.TEST,
        Column(field="place", heading="profile, block size, direction"),
        Column(field="pool", heading="pool"),
        Column(field="value", heading=unit),
        Column(field="ratio", heading="ratio"),
        Column(field="state", heading="state"),
    )
    ratio: parts.Spec = {
        "field": "ratio",
        "type": "quantitative",
        "scale": {
            "type": "log",
            "domain": [1 / _FULL, _FULL],
            "clamp": True,
            "range": "diverging",
            "interpolate": "rgb",
            "reverse": metric == "lat_p99",
        },
        "legend": {"title": "ratio", "orient": "top", "values": [0.5, 0.71, 1, 1.41, 2]},
    }
    # None at all: of this dozen of pools no test has a figure.
    values = [float(row[3]) for row in rows if isinstance(row[3], int | float)]
    figure = parts.if_there("value")
    digits = ".3s" if min(values, default=1) >= 1 else ".3~r"
    figure["condition"] |= {"type": "quantitative", "format": digits}
    marked = [{"test": f"datum.state === '{state}'", "value": mark} for state, mark in _MARKS.items()]
    nothing = [
        {"test": f"!isValid(datum.value) && {_NARROW}", "value": "–"},
        {"test": "!isValid(datum.value)", "field": "state"},
    ]
    axis = {"domain": False, "ticks": False}
    # About six pixels a letter.
    aslant = f"bandwidth('x') < {7 * max(map(len, pools)) + 6}"
    turned = {
        "labelAngle": {"expr": f"{aslant} ? -40 : 0"},
        "labelAlign": {"expr": f"{aslant} ? 'left' : 'center'"},
        "labelLimit": 180,
    }
    size = {"expr": f"{_NARROW} ? 9 : 12"}
    spec = parts.view(
        f"Heat map of {unit} by load and pool, coloured by the ratio",
        {"mark": {"type": "rect"}, "encoding": {"color": ratio, "tooltip": parts.tooltip(columns)}},
        {"mark": {"type": "text", "fontSize": size}, "encoding": {"text": figure}},
        {
            "mark": {
                "type": "text",
                "align": "right",
                "dx": {"expr": "min(28, bandwidth('x') / 2 - 1)"},
                "dy": {"expr": f"{_NARROW} ? -7 : 0"},
                "fontSize": size,
                "fontWeight": 700,
            },
            "encoding": {"text": {"condition": marked, "value": ""}},
        },
        {
            "mark": {"type": "text", "fontStyle": "italic", "limit": {"expr": "bandwidth('x')"}},
            "encoding": {"text": {"condition": nothing, "value": ""}},
        },
        height=24 * len({row[1] for row in rows}),
        encoding={
            "y": parts.named("place", None, axis=axis),
            "x": parts.named(
                "pool", None, axis={"orient": "top", **turned, **axis}, scale={"domain": list(pools)}
            ),
        },
    )
    return Slice(label=label, spec=spec, columns=columns, rows=rows)
