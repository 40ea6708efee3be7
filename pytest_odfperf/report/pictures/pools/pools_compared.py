"""The pools side by side: a dot for each repeat, an interval where there are several; all tests of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pytest_odfperf.measure.statistics.spread import spread_of
from pytest_odfperf.report.content.run_content import RunContent, RunTest
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
    unit_of,
    word,
)

#: More rows are in no picture: a browser would no longer follow.
MOST_ROWS = 10_000
_REPEATED = ("rate_mean", "rate_low", "rate_high", "p99_mean", "p99_low", "p99_high")

#: VM size, PVC size, number of VMs; profile; unit of rates; which twelve pools.
_Group = tuple[Shape, str, str, int]


@dataclass(slots=True)
class _Gathered:
    """What one view shows: by place and pool the figures, and the tests that have none."""

    figures: dict[tuple[str, str], list[Figure]] = field(default_factory=dict)
    #: By the bytes of the block size, then as met.
    places: dict[str, int] = field(default_factory=dict)
    without: list[tuple[int, RunTest]] = field(default_factory=list)


def pools_compared(content: RunContent) -> Picture | None:
    """None if no test has a figure."""
    groups = _grouped(content)
    repeated = any(len(own) > 1 for group in groups.values() for own in group.figures.values())
    slices: list[Slice] = []
    left, cut = MOST_ROWS, 0
    for group, gathered in groups.items():
        rows = _rows(gathered, group[2], repeated)
        if len(rows) > left or not gathered.figures:
            cut += bool(gathered.figures)
            continue
        left -= len(rows)
        slices += _slices(content, group, rows, repeated)
    if not slices:
        return None
    sentence = (
        "Which pool is faster, and is that more than scatter? Each dot is one measurement"
        + (", the line through the dots the 95 % interval of their geometric mean" if repeated else "")
        + "; a hollow dot has a state that is written beside it."
    )
    if cut:
        sentence += f" {cut} more views are left out, as there are too many tests; the table has them all."
    return Picture(name="pools", title="Pools compared", sentence=sentence, slices=tuple(slices))


def _grouped(content: RunContent) -> dict[_Group, _Gathered]:
    """The views, those of the shape that most pools were measured in first."""
    pool_page = {pool: number // parts.MOST_SERIES for number, pool in enumerate(content.pools)}
    found: dict[_Group, _Gathered] = {}
    pools: dict[Shape, set[str]] = {}

    def of(test: RunTest) -> _Gathered:
        key = test.key
        return found.setdefault((shape_of(key), key.profile, unit_of(key), pool_page[key.pool]), _Gathered())

    measured = set()
    for figure in figures_of(content):
        gathered, place = of(figure.test), place_of(figure.key, figure.part)
        gathered.figures.setdefault((place, figure.key.pool), []).append(figure)
        gathered.places.setdefault(place, block_bytes(figure.key))
        pools.setdefault(shape_of(figure.key), set()).add(figure.key.pool)
        measured.add(figure.number)
    for number, test in enumerate(content.tests):
        if number not in measured:
            of(test).without.append((number, test))
    profiles = {
        name: number for number, name in enumerate(dict.fromkeys(t.key.profile for t in content.tests))
    }
    order = sorted(
        found, key=lambda group: (-len(pools.get(group[0], ())), group[0], profiles[group[1]], *group[2:])
    )
    return {group: found[group] for group in order}


def _rows(gathered: _Gathered, unit: str, repeated: bool) -> tuple[tuple[Cell, ...], ...]:
    """By place, then by pool as the run has them."""
    places = sorted(
        gathered.places, key=lambda place: (gathered.places[place], list(gathered.places).index(place))
    )
    rank = {place: number for number, place in enumerate(places)}
    rows: list[tuple[int, int, tuple[Cell, ...]]] = []
    for (place, pool), figures in gathered.figures.items():
        means = _means(figures, unit) if repeated else ()
        for figure in figures:
            row = (figure.number, place, pool, figure.rate(unit), figure.p99_ms, word(figure.test))
            rows.append((rank[place], figure.number, (*row, *means)))
            # Once for each place and pool.
            means = (None,) * len(means)
    for number, test in gathered.without:
        for place in _places_of(test, places):
            nothing: tuple[Cell, ...] = (None,) * len(_REPEATED) if repeated else ()
            rows.append(
                (
                    rank.get(place, -1),
                    number,
                    (number, place, test.key.pool, None, None, word(test), *nothing),
                )
            )
    return tuple(row for *_, row in sorted(rows, key=lambda one: one[:2]))


def _places_of(test: RunTest, places: Sequence[str]) -> Iterable[str]:
    """Where a test without figures would be: the places of the other pools' tests of its block size."""
    own = [place for place in places if place.startswith(place_of(test.key, ""))]
    return own or [place_of(test.key, "").strip() or "all"]


def _means(figures: Sequence[Figure], unit: str) -> tuple[Cell, ...]:
    rates = [figure.rate(unit) for figure in figures]
    return (*_interval(rates), *_interval([figure.p99_ms for figure in figures]))


def _interval(values: Iterable[float | None]) -> tuple[Cell, Cell, Cell]:
    """The geometric mean, and between what it is."""
    known = [value for value in values if value]
    spread = spread_of(known) if len(known) > 1 else None
    if spread is None or spread.low is None or spread.high is None:
        return None, None, None
    return rounded(spread.geometric_mean), rounded(spread.low), rounded(spread.high)


def _slices(
    content: RunContent, group: _Group, rows: tuple[tuple[Cell, ...], ...], repeated: bool
) -> list[Slice]:
    shape, profile, unit, page = group
    columns = [
        parts.TEST,
        Column(field="place", heading="block size and direction"),
        Column(field="pool", heading="pool"),
        Column(field="rate", heading=unit),
        Column(field="p99", heading="p99 (ms)"),
        Column(field="state", heading="state"),
    ]
    if repeated:
        for name, what in (("rate", unit), ("p99", "p99")):
            end = " (ms)" if name == "p99" else ""
            columns += [
                Column(field=f"{name}_mean", heading=f"{what}, geometric mean of the repeats{end}"),
                Column(field=f"{name}_low", heading=f"{what}, 95 % interval from{end}"),
                Column(field=f"{name}_high", heading=f"{what}, 95 % interval to{end}"),
            ]
    shown = list(dict.fromkeys(str(row[2]) for row in rows))
    where = f"{profile}: {shape_text(shape)}"
    if len(content.pools) > parts.MOST_SERIES:
        where += f", pools {page * parts.MOST_SERIES + 1} to {page * parts.MOST_SERIES + len(shown)}"
    found = []
    for metric, title, place in (("rate", unit, 3), ("p99", "p99 latency (ms)", 4)):
        cells = [row[place] for row in rows]
        values = [cell for cell in cells if isinstance(cell, int | float)]
        if values:
            spec = _spec(content.pools, shown, tuple(columns[:6]), metric, title, values, repeated)
            what = unit if metric == "rate" else f"p99{'' if unit == 'IOPS' else ' of blocks from 1M on'}"
            found.append(Slice(label=f"{where}, {what}", spec=spec, columns=tuple(columns), rows=rows))
    return found


def _spec(
    pools: Sequence[str],
    shown: Sequence[str],
    columns: tuple[Column, ...],
    metric: str,
    title: str,
    values: Sequence[float],
    repeated: bool,
) -> parts.Spec:
    along = parts.quantity(metric, title, values)
    own = parts.pool_encodings(pools, shown)
    layers: list[parts.Spec] = []
    if repeated:
        layers.append(
            {
                "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.55},
                "encoding": {
                    "x": {**along, "field": f"{metric}_low"},
                    "x2": {"field": f"{metric}_high"},
                    "color": own["color"],
                },
            }
        )
    layers += [
        {
            "mark": {"type": "point", "filled": False},
            "encoding": {"x": along, **parts.pool_dots(pools, shown), "tooltip": parts.tooltip(columns)},
        },
        {
            "mark": {"type": "text", "align": "left", "dx": 8},
            "encoding": {"x": along, "text": _state_text(metric, known=True)},
        },
        {
            "mark": {"type": "text", "align": "left", "fontStyle": "italic"},
            "encoding": {"x": {"value": 4}, "text": _state_text(metric, known=False), "color": own["color"]},
        },
    ]
    return parts.view(
        f"Dot plot of {title} by block size, direction and pool",
        *layers,
        height={"step": 13 if len(shown) > 1 else 22, "for": "offset" if len(shown) > 1 else "position"},
        encoding={
            "y": parts.named("place", None, axis={"grid": True, "tickBand": "extent"}),
            **({"yOffset": parts.named("pool", None)} if len(shown) > 1 else {}),
        },
    )


def _state_text(metric: str, *, known: bool) -> parts.Spec:
    test = f"isValid(datum.{metric}) && datum.state !== 'passed'" if known else f"!isValid(datum.{metric})"
    return {"condition": {"test": test, "field": "state", "type": "nominal"}, "value": ""}
