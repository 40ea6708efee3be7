"""The pools side by side: a dot for each repeat, an interval where there are several; all tests of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pytest_odfperf.measure.statistics.spread import spread_of
from pytest_odfperf.report.content.run_content import RunContent, RunTest
from pytest_odfperf.report.pictures import spec_parts as parts
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.shown_figures import (
    Figure,
    Shape,
    Shown,
    block_bytes,
    place_of,
    rounded,
    shape_of,
    shape_text,
    unit_of,
    word,
)

#: More rows are in no picture: a browser would no longer follow.
MOST_ROWS = 16_000
#: The further columns of a run with several tests of a key.
_REPEATED = 7

#: VM size, PVC size, number of VMs; profile; unit of rates; which twelve pools.
_Group = tuple[Shape, str, str, int]


@dataclass(slots=True)
class _Gathered:
    """What one view shows: by place and pool the figures, and the tests that have none."""

    figures: dict[tuple[str, str], list[Figure]] = field(default_factory=dict)
    #: By the bytes of the block size, then as met.
    places: dict[str, int] = field(default_factory=dict)
    without: list[tuple[int, RunTest]] = field(default_factory=list)


def pools_compared(shown: Shown) -> Picture | None:
    """None if no test has a figure."""
    content = shown.content
    groups = _grouped(shown)
    repeated = any(test.repeat > 1 for test in content.tests)
    slices: list[Slice] = []
    left, cut = MOST_ROWS, 0
    for group, gathered in groups.items():
        # Rows have all figures at least: of most views they need not be made.
        fit = sum(map(len, gathered.figures.values())) <= left
        rows = _rows(gathered, group[2], repeated) if fit and gathered.figures else ()
        if not fit or len(rows) > left or not rows:
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


def _grouped(shown: Shown) -> dict[_Group, _Gathered]:
    """The views, those of the shape that most pools were measured in first."""
    pool_page = {pool: number // parts.MOST_SERIES for number, pool in enumerate(shown.content.pools)}
    found: dict[_Group, _Gathered] = {}
    pools: dict[Shape, set[str]] = {}

    def of(test: RunTest) -> _Gathered:
        key = test.key
        return found.setdefault((shape_of(key), key.profile, unit_of(key), pool_page[key.pool]), _Gathered())

    for figure in shown.figures:
        gathered, place = of(figure.test), place_of(figure.key, figure.part)
        gathered.figures.setdefault((place, figure.key.pool), []).append(figure)
        gathered.places.setdefault(place, block_bytes(figure.key))
        pools.setdefault(shape_of(figure.key), set()).add(figure.key.pool)
    for own in shown.without.values():
        of(own[0][1]).without += own
    order = sorted(
        found,
        key=lambda group: (-len(pools.get(group[0], ())), group[0], shown.profiles[group[1]], *group[2:]),
    )
    return {group: found[group] for group in order}


def _rows(gathered: _Gathered, unit: str, repeated: bool) -> tuple[tuple[Cell, ...], ...]:
    """By place, then by pool as the run has them."""
    met = {place: number for number, place in enumerate(gathered.places)}
    places = sorted(gathered.places, key=lambda place: (gathered.places[place], met[place]))
    rank = {place: number for number, place in enumerate(places)}
    rows: list[tuple[int, int, tuple[Cell, ...]]] = []
    for (place, pool), figures in gathered.figures.items():
        # What is told of all repeats is told once, at the largest.
        last = max(figures, key=lambda figure: figure.measured.iops_per_s)
        for figure in figures:
            more = _over_repeats(figures, unit) if figure is last else _NOTHING
            row = (figure.number, place, pool, figure.rate(unit), figure.p99_ms, word(figure.test))
            rows.append((rank[place], figure.number, (*row, *more) if repeated else row))
    noted: dict[tuple[str, str], list[str]] = {}
    for _, test in gathered.without:
        for place in _places_of(test, places):
            noted.setdefault((place, test.key.pool), []).append(word(test))
    for number, test in gathered.without:
        for place in _places_of(test, places):
            more = (_words(noted.pop((place, test.key.pool), ())), *_NOTHING[1:])
            none = (number, place, test.key.pool, None, None, word(test))
            rows.append((rank.get(place, -1), number, (*none, *more) if repeated else none))
    return tuple(row for *_, row in sorted(rows, key=lambda one: one[:2]))


_NOTHING: tuple[Cell, ...] = (None,) * _REPEATED


def _places_of(test: RunTest, places: Sequence[str]) -> Iterable[str]:
    """Where a test without figures would be: the places of the other pools' tests of its block size."""
    own = [place for place in places if place.startswith(place_of(test.key, ""))]
    return own or [place_of(test.key, "").strip() or "all"]


def _over_repeats(figures: Sequence[Figure], unit: str) -> tuple[Cell, ...]:
    note = _words(state for state in map(word, (one.test for one in figures)) if state != "passed")
    rates = [figure.rate(unit) for figure in figures]
    return (note, *_interval(rates), *_interval([figure.p99_ms for figure in figures]))


def _words(states: Iterable[str]) -> str | None:
    """``invalid, 2 failed``."""
    counts = Counter(states)
    return ", ".join(f"{count} {state}" if count > 1 else state for state, count in counts.items()) or None


def _interval(values: Iterable[float | None]) -> tuple[Cell, Cell, Cell]:
    """The geometric mean, and between what it is."""
    known = [value for value in values if value and value > 0]
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
        columns.append(Column(field="note", heading="states of the repeats"))
        for name, what in (("rate", unit), ("p99", "p99")):
            end = " (ms)" if name == "p99" else ""
            columns += [
                Column(field=f"{name}_mean", heading=f"{what}, geometric mean of the repeats{end}"),
                Column(field=f"{name}_low", heading=f"{what}, 95 % interval from{end}"),
                Column(field=f"{name}_high", heading=f"{what}, 95 % interval to{end}"),
            ]
    there = {row[2] for row in rows}
    shown = [pool for pool in content.pools if pool in there]
    where = f"{profile}: {shape_text(shape)}"
    if len(content.pools) > parts.MOST_SERIES:
        where += f", pools {page * parts.MOST_SERIES + 1} to {page * parts.MOST_SERIES + len(shown)}"
    found = []
    for metric, title, place in (("rate", unit, 3), ("p99", "p99 latency (ms)", 4)):
        if any(row[place] is not None for row in rows):
            spec = _spec(content.pools, shown, tuple(columns[:6]), metric, title, rows, repeated)
            what = unit if metric == "rate" else f"p99{'' if unit == 'IOPS' else ' of blocks from 1M on'}"
            found.append(Slice(label=f"{where}, {what}", spec=spec, columns=tuple(columns), rows=rows))
    return found


def _spec(
    pools: Sequence[str],
    shown: Sequence[str],
    columns: tuple[Column, ...],
    metric: str,
    title: str,
    rows: Sequence[tuple[Cell, ...]],
    repeated: bool,
) -> parts.Spec:
    at = [column.field for column in columns].index(metric)
    values = [value for row in rows if isinstance(value := row[at], int | float)]
    along = parts.quantity(metric, title, values)
    own = parts.pool_encodings(pools, shown)
    layers: list[parts.Spec] = []
    if repeated:
        interval = {"x": {**along, "field": f"{metric}_low"}, "x2": {"field": f"{metric}_high"}}
        layers.append(
            {
                "mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.55},
                "encoding": {**interval, "color": own["color"]},
            }
        )
    said = "note" if repeated else "state"
    places = len({row[1] for row in rows})
    known = f"isValid(datum.{metric})"
    told = f"{known} && isValid(datum.{said}) && datum.{said} !== 'passed'"
    # A percentile that the I/Os do not carry is none.
    few = f"!{known} && isValid(datum.rate)"
    far = f"scale('x', datum.{metric}) > 0.75 * width"
    layers += [
        {
            "mark": {"type": "point", "filled": False},
            "encoding": {"x": along, **parts.pool_dots(pools, shown), "tooltip": parts.tooltip(columns)},
        },
        {
            "mark": {
                "type": "text",
                "align": {"expr": f"{far} ? 'right' : 'left'"},
                "dx": {"expr": f"{far} ? -8 : 8"},
            },
            "encoding": {"x": along, "text": {"condition": {"test": told, "field": said}, "value": ""}},
        },
        {
            "mark": {"type": "text", "align": "left", "fontStyle": "italic"},
            "encoding": {
                "x": {"value": 4},
                "text": {
                    "condition": [
                        {"test": few, "value": "too few I/Os for p99"},
                        {"test": f"!{known} && isValid(datum.{said})", "field": said},
                    ],
                    "value": "",
                },
                "color": own["color"],
            },
        },
    ]
    offset = {"yOffset": parts.named("pool", None, scale={"domain": list(shown)})} if len(shown) > 1 else {}
    return parts.view(
        f"Dot plot of {title} by block size, direction and pool",
        *layers,
        height=places * (11 * len(shown) + 8) if offset else 24 * places,
        encoding={"y": parts.named("place", None, axis={"grid": True, "tickBand": "extent"}), **offset},
    )
