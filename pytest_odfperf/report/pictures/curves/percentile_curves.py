"""Latency by percentile, down to the tail that the I/Os carry: a line for each pool and repeat."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.measure.aggregate import TAIL_IOS
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.content.stored_histograms import histograms_of
from pytest_odfperf.report.pictures import spec_parts as parts
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.shown_figures import (
    Figure,
    Shape,
    Shown,
    block_bytes,
    ms,
    place_of,
    rounded,
    shape_of,
    shape_text,
    word,
)

MOST_SLICES = 36
#: Lines of one view; further repeats are left out first.
MOST_LINES = 18

#: Of all views together.
MOST_ROWS = 4000

#: -log10(1 - p): 0, 50, 68, 82, 90, 97, 99, ... %; each whole number is one nine more.
_NINES = (0.0, math.log10(2), 0.5, 0.75, *(step / 2 for step in range(2, 14)))
_LABELS = {0: "0", 1: "90", 2: "99", 3: "99.9", 4: "99.99", 5: "99.999", 6: "99.9999"}
_LABEL = f"datum.value < 0.9 && datum.value > 0 ? '50' : {list(_LABELS.values())}[round(datum.value)]"


class _View(NamedTuple):
    profile: str
    shape: Shape
    block_size: str
    part: str
    #: Which dozen of pools.
    page: int


def percentile_curves(shown: Shown) -> Picture | None:
    """None where no histograms are stored."""
    content = shown.content
    views: dict[_View, list[Figure]] = {}
    pages = {pool: number // parts.MOST_SERIES for number, pool in enumerate(content.pools)}
    for figure in (*shown.figures, *shown.syncs):
        key = figure.key
        view = _View(key.profile, shape_of(key), key.block_size, figure.part, pages[key.pool])
        views.setdefault(view, []).append(figure)
    slices: list[Slice] = []
    chosen = _chosen(views)
    known: dict[int, Mapping[tuple[str, str], Histogram]] = {}
    left = MOST_ROWS
    for view in chosen[:MOST_SLICES]:
        figures, label = _lines(view, views[view])
        rows: list[tuple[Cell, ...]] = []
        for figure in figures if left > 0 else ():
            assert figure.test.record is not None
            if figure.number not in known:
                known[figure.number] = histograms_of(content, figure.test.record)
            rows += _points(figure, _merged(known[figure.number], figure.part))
        if rows:
            left -= len(rows)
            slices.append(_slice(content, label, tuple(rows)))
    if not slices:
        return None
    sentence = (
        "How slow are the slowest I/Os? Each step to the right is one nine more; a line ends where fewer "
        f"than {TAIL_IOS} I/Os lie above. All guests' I/Os are pooled, repeats have a line each."
    )
    if len(chosen) > len(slices):
        sentence += f" {len(slices)} views are shown, {len(chosen) - len(slices)} more are not."
    return Picture(name="percentiles", title="Latency by percentile", sentence=sentence, slices=tuple(slices))


def _chosen(views: Mapping[_View, Sequence[Figure]]) -> list[_View]:
    """Those with most pools first; of each profile one block size after the other."""
    pools: dict[Shape, set[str]] = {}
    turns: dict[tuple[str, Shape, str], int] = {}
    turn: dict[_View, int] = {}
    for view in sorted(views, key=lambda one: block_bytes(views[one][0].key)):
        pools.setdefault(view.shape, set()).update(figure.key.pool for figure in views[view])
        place = (view.profile, view.shape, f"{view.part} {view.page}")
        turn[view] = turns[place] = turns.get(place, -1) + 1
    return sorted(views, key=lambda view: (-len(pools[view.shape]), view.shape, turn[view], view.page))


def _lines(view: _View, figures: Sequence[Figure]) -> tuple[list[Figure], str]:
    """Those that are drawn, of all pools as many repeats as can be seen, and what the view is called."""
    pools = list(dict.fromkeys(figure.key.pool for figure in figures))
    repeats = sorted({figure.test.repeat for figure in figures})
    shown = repeats[: max(1, MOST_LINES // len(pools))]
    label = f"{view.profile} {place_of(figures[0].key, view.part)}: {shape_text(view.shape)}"
    if view.page or len(pools) == parts.MOST_SERIES:
        first = view.page * parts.MOST_SERIES + 1
        label += f", pools {first} to {first + len(pools) - 1}"
    if len(shown) < len(repeats):
        label += f", {len(shown)} of {len(repeats)} repeats"
    return [figure for figure in figures if figure.test.repeat in shown], label


def _merged(histograms: Mapping[tuple[str, str], Histogram], part: str) -> Histogram:
    """Of a section, or of all where the key is one whole."""
    section, _, direction = part.rpartition(" ")
    own = [one for (job, of), one in histograms.items() if of == direction and section in ("", job)]
    return Histogram(()).merge(*own)


def _points(figure: Figure, histogram: Histogram) -> Iterator[tuple[Cell, ...]]:
    total, most_ns = histogram.total, figure.measured.lat_max_ns
    for nines in _NINES:
        above = 10.0**-nines
        if total * above < TAIL_IOS:
            return
        percent = max(100 * (1 - above), 1e-9)
        value_ns = min(histogram.percentile_ns(float(f"{percent:.10g}")), most_ns)
        yield (
            figure.number, figure.key.pool, figure.test.repeat, float(f"{percent:.9g}"), ms(value_ns),
            word(figure.test),
        )  # fmt: skip


def _slice(content: RunContent, label: str, rows: tuple[tuple[Cell, ...], ...]) -> Slice:
    columns = (
        parts.TEST,
        Column(field="pool", heading="pool"),
        Column(field="repeat", heading="repeat"),
        Column(field="percent", heading="percentile (%)"),
        Column(field="latency", heading="latency (ms)"),
        Column(field="state", heading="state"),
    )
    shown = list(dict.fromkeys(str(row[1]) for row in rows))
    own = parts.pool_encodings(content.pools, shown)
    percents = [value for row in rows if isinstance(value := row[3], int | float)]
    most = -math.log10(1 - max(percents) / 100)
    along = {
        "field": "nines",
        "type": "quantitative",
        "title": "percentile (%)",
        "axis": {
            "values": [0, rounded(math.log10(2)), *range(1, 7)],
            "labelExpr": _LABEL,
            "labelOverlap": True,
        },
        "scale": {"domain": [0, rounded(max(1, most))], "nice": False},
    }
    up = parts.quantity("latency", "latency (ms)", [], log=True)
    spec = parts.view(
        "Lines of latency over percentiles, a line for each pool and repeat",
        {
            "mark": {"type": "line", "point": {"size": 34}},
            "encoding": {
                "x": along,
                "y": up,
                **own,
                "detail": {"field": "test", "type": "nominal"},
                "tooltip": parts.tooltip(columns),
            },
        },
        height=320,
        transform=[{"calculate": "-log(1 - datum.percent / 100) / LN10", "as": "nines"}],
    )
    return Slice(label=label, spec=spec, columns=columns, rows=rows)
