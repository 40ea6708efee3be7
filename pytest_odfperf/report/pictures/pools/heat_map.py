"""All pools and loads at a glance: each figure against the mean of the pools, and written in its cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from statistics import fmean

from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.pictures import spec_parts as parts
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.shown_figures import (
    Figure,
    Shape,
    block_bytes,
    figures_of,
    place_of,
    rounded,
    shape_of,
    shape_text,
    word,
)

#: Rows of all views together.
MOST_ROWS = 4000
#: From this ratio to the mean on colours are the strongest.
_FULL = 2.0

_METRICS = (("rate", "IOPS"), ("p99", "p99 (ms)"))


def heat_map(content: RunContent) -> Picture | None:
    """None unless two pools have a figure of the same load."""
    places: dict[tuple[Shape, str], dict[str, list[Figure]]] = {}
    for figure in figures_of(content):
        place = f"{figure.key.profile} {place_of(figure.key, figure.part)}"
        places.setdefault((shape_of(figure.key), place), {}).setdefault(figure.key.pool, []).append(figure)
    shapes: dict[Shape, dict[str, dict[str, list[Figure]]]] = {}
    for (shape, place), pools in places.items():
        if len(pools) > 1:
            shapes.setdefault(shape, {})[place] = pools
    slices: list[Slice] = []
    left, cut = MOST_ROWS, 0
    for shape in sorted(shapes, key=lambda one: (-sum(map(len, shapes[one].values())), one)):
        for direction, (metric, unit) in product(("read", "write"), _METRICS):
            own = {place: pools for place, pools in shapes[shape].items() if place.endswith(direction)}
            rows = _rows(content, own, metric)
            if len(rows) > left:
                cut += 1
            elif rows:
                left -= len(rows)
                slices.append(_slice(f"{shape_text(shape)}: {direction} {unit}", metric, unit, rows))
    if not slices:
        return None
    sentence = (
        "Where is which pool strong or weak? Each cell has its figure, of repeats the geometric mean; its "
        f"colour is the ratio to the geometric mean of the pools: blue is better, orange is worse, {_FULL:g} "
        "times and more the strongest."
    )
    if cut:
        sentence += f" {cut} more views are left out; the table has all figures."
    return Picture(name="heat-map", title="Pools by load", sentence=sentence, slices=tuple(slices))


def _rows(
    content: RunContent, places: dict[str, dict[str, list[Figure]]], metric: str
) -> tuple[tuple[Cell, ...], ...]:
    order = {key: number for number, key in enumerate(dict.fromkeys(t.key.profile for t in content.tests))}
    rows: list[tuple[Cell, ...]] = []
    for place, pools in sorted(places.items(), key=lambda one: _rank(one[1], order)):
        values = {pool: _mean(figures, metric) for pool, figures in pools.items()}
        known = [value for value in values.values() if value is not None]
        if len(known) < 2:
            continue
        middle = math.exp(fmean(map(math.log, known)))
        for pool in (pool for pool in content.pools if pool in pools):
            value, first = values[pool], pools[pool][0]
            ratio = None if value is None else rounded(value / middle)
            shown = None if value is None else rounded(value)
            rows.append((first.number, place, pool, shown, ratio, _state(pools[pool])))
    return tuple(rows)


def _rank(pools: dict[str, list[Figure]], order: dict[str, int]) -> tuple[int, int, str]:
    first = next(iter(pools.values()))[0]
    return order[first.key.profile], block_bytes(first.key), first.part


def _mean(figures: Sequence[Figure], metric: str) -> float | None:
    values = [figure.rate("IOPS") if metric == "rate" else figure.p99_ms for figure in figures]
    known = [value for value in values if value]
    return math.exp(fmean(map(math.log, known))) if known else None


def _state(figures: Sequence[Figure]) -> str:
    """The word that is not ``passed``, if any repeat has one."""
    return next((found for found in map(word, (one.test for one in figures)) if found != "passed"), "passed")


def _slice(label: str, metric: str, unit: str, rows: tuple[tuple[Cell, ...], ...]) -> Slice:
    columns = (
        parts.TEST,
        Column(field="place", heading="profile, block size, direction"),
        Column(field="pool", heading="pool"),
        Column(field="value", heading=unit),
        Column(field="ratio", heading="ratio to the pools' geometric mean"),
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
            "reverse": metric == "p99",
        },
        "legend": {"title": "ratio to the mean", "orient": "top", "values": [0.5, 0.71, 1, 1.41, 2]},
    }
    figure = {"field": "value", "type": "quantitative", "format": ".3s" if metric == "rate" else ".3~r"}
    marked = {"condition": {"test": "datum.state !== 'passed'", "field": "state"}, "value": ""}
    spec = parts.view(
        f"Heat map of {unit} by load and pool, coloured by the ratio to the pools' geometric mean",
        {
            "mark": {"type": "rect", "strokeWidth": 1},
            "encoding": {"color": ratio, "tooltip": parts.tooltip(columns)},
        },
        {"mark": {"type": "text", "fontSize": 12}, "encoding": {"text": figure}},
        {
            "mark": {"type": "text", "align": "left", "dx": 26, "fontStyle": "italic"},
            "encoding": {"text": marked},
        },
        height={"step": 24},
        encoding={
            "y": parts.named("place", None, axis={"domain": False, "ticks": False}),
            "x": parts.named(
                "pool", None, axis={"orient": "top", "labelAngle": 0, "domain": False, "ticks": False}
            ),
        },
    )
    return Slice(label=label, spec=spec, columns=columns, rows=rows)
