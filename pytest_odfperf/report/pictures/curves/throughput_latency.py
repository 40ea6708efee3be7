"""Throughput against latency: a line for each pool over its loads, which bends where the pool is full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.variants import variant_name
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.pictures import spec_parts as parts
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.shown_figures import Figure, Shown, place_of, unit_of, word

MOST_SLICES = 24
#: Of all slices together.
MOST_ROWS = 2400

_LOADS = {"vms": "number of VMs", "iodepth": "iodepth", "numjobs": "numjobs"}


class _View(NamedTuple):
    """What one view holds still while ``load`` changes."""

    load: str
    profile: str
    size: str
    pvc: str
    vms: int | None
    block_size: str
    part: str

    @property
    def unit(self) -> str:
        return unit_of(self._key)

    @property
    def _key(self) -> Key:
        return Key("any", self.size, self.pvc, self.vms or 1, self.profile, self.block_size)

    @property
    def label(self) -> str:
        vms = [] if self.vms is None else ["1 VM" if self.vms == 1 else f"{self.vms} VMs"]
        what = place_of(self._key, self.part)
        return f"{self.profile} {what} by {_LOADS[self.load]}: {', '.join([self.size, self.pvc, *vms])}"


@dataclass(slots=True)
class _Line:
    """The figures of one pool by its load."""

    loads: dict[int, list[Figure]] = field(default_factory=dict)


def throughput_latency(shown: Shown) -> Picture | None:
    """None unless a pool was measured at two loads that differ in nothing else."""
    content = shown.content
    views = _views(shown)
    slices: list[Slice] = []
    left, cut = MOST_ROWS, 0
    for view in sorted(views, key=lambda one: -sum(len(line.loads) for line in views[one].values())):
        rows = _rows(views[view], view.unit)
        if len(slices) == MOST_SLICES or len(rows) > left:
            cut += 1
            continue
        left -= len(rows)
        slices.append(_slice(content, view, rows, views[view]))
    if not slices:
        return None
    sentence = (
        "How much does a pool carry before its latency rises? A line goes from the lowest load to the "
        "highest, through the medians of repeats; where it bends upwards the pool is full. Lower and further "
        "right is better."
    )
    if cut:
        sentence += f" The {len(slices)} views with the most loads are shown, {cut} more are not."
    return Picture(
        name="throughput-latency",
        title="Throughput against latency",
        sentence=sentence,
        slices=tuple(slices),
    )


def _views(shown: Shown) -> dict[_View, dict[str, _Line]]:
    """By view and pool the lines with two loads or more."""
    found: dict[_View, dict[str, _Line]] = {}
    several = len({test.key.concurrency for test in shown.content.tests}) > 1
    for figure in shown.figures:
        key = figure.key
        base, listed = shown.listed(key.profile)
        for load in (*(("vms",) if several else ()), *listed):
            rest = {name: number for name, number in listed.items() if name != load}
            view = _View(
                load=load,
                profile=variant_name(base, rest),
                size=key.size,
                pvc=key.pvc,
                vms=None if load == "vms" else key.concurrency,
                block_size=key.block_size,
                part=figure.part,
            )
            line = found.setdefault(view, {}).setdefault(key.pool, _Line())
            line.loads.setdefault(key.concurrency if load == "vms" else listed[load], []).append(figure)
    kept = {
        view: {pool: line for pool, line in lines.items() if len(line.loads) > 1}
        for view, lines in found.items()
    }
    return {view: lines for view, lines in kept.items() if lines}


def _rows(lines: Mapping[str, _Line], unit: str) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        (one.number, pool, load, one.rate(unit), one.p50_ms, one.p99_ms, word(one.test))
        for pool, line in lines.items()
        for load, figures in sorted(line.loads.items())
        for one in figures
    )


def _slice(
    content: RunContent, view: _View, rows: tuple[tuple[Cell, ...], ...], lines: Mapping[str, _Line]
) -> Slice:
    columns = (
        parts.TEST,
        Column(field="pool", heading="pool"),
        Column(field="load", heading=_LOADS[view.load]),
        Column(field="rate", heading=view.unit),
        Column(field="p50", heading="p50 (ms)"),
        Column(field="p99", heading="p99 (ms)"),
        Column(field="state", heading="state"),
    )
    return Slice(
        label=view.label, spec=_spec(content.pools, list(lines), columns, rows), columns=columns, rows=rows
    )


def _spec(
    pools: Sequence[str], shown: Sequence[str], columns: tuple[Column, ...], rows: Sequence[tuple[Cell, ...]]
) -> parts.Spec:
    unit, load = columns[3].heading, columns[2].heading
    along = parts.quantity("rate", f"achieved {unit}", _numbers_in(rows, 3))
    up = parts.quantity("latency", "latency (ms)", [], log=True)
    dash = parts.named("percentile", "latency", scale={"domain": ["p50", "p99"], "range": [[2, 3], [1, 0]]})
    own = parts.pool_dots(pools, shown)
    middle = {"x": {**along, "aggregate": "median"}, "y": {**up, "aggregate": "median"}}
    return parts.view(
        f"Lines of latency over achieved {unit}, a point for each {load}",
        {
            "mark": {"type": "line"},
            "encoding": {
                **middle,
                "color": own["color"],
                "strokeDash": dash,
                "order": {"field": "load", "type": "quantitative"},
            },
        },
        {
            "mark": {"type": "point", "filled": False},
            "encoding": {"x": along, "y": up, **own, "tooltip": parts.tooltip(columns)},
        },
        {
            "mark": {"type": "text", "dy": -9, "fontSize": 10},
            "encoding": {
                **middle,
                "detail": [{"field": "pool"}, {"field": "percentile"}],
                "text": {"field": "load", "type": "quantitative"},
            },
        },
        height=340,
        transform=[{"fold": ["p50", "p99"], "as": ["percentile", "latency"]}],
    )


def _numbers_in(rows: Sequence[tuple[Cell, ...]], place: int) -> list[float]:
    return [value for row in rows if isinstance(value := row[place], int | float)]
