"""How a pool answers as its load grows: the steps of ``--odf-ramp``, and sweeps over queue depths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.variants import variant_name
from pytest_odfperf.measure.capacity.depth_sweep import DepthSweep
from pytest_odfperf.report.number import NS_PER_MS
from pytest_odfperf.report.pictures import spec_parts as parts
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.shown_figures import Shown, ms, rounded, shape_of, shape_text

MOST_SLICES = 24

_STEP_COLUMNS = (
    parts.TEST,
    Column(field="pool", heading="pool"),
    Column(field="load", heading="VMs"),
    Column(field="p99", heading="p99 (ms)"),
    Column(field="worst", heading="slowest guest's p99 (ms)"),
    Column(field="rate", heading="IOPS"),
    Column(field="asked", heading="IOPS asked for"),
    Column(field="kept", heading="limit"),
    Column(field="purpose", heading="step"),
    Column(field="said", heading="answer"),
)
_DEPTH_COLUMNS = (
    parts.TEST,
    Column(field="pool", heading="pool"),
    Column(field="load", heading="queue depth"),
    Column(field="p99", heading="p99 (ms)"),
    Column(field="rate", heading="IOPS"),
    Column(field="kept", heading="limit"),
    Column(field="said", heading="peak"),
)


def capacity_steps(shown: Shown) -> Picture | None:
    """None without ``--odf-ramp``."""
    views: dict[tuple[str, ...], list[tuple[Cell, ...]]] = {}
    limits: dict[tuple[str, ...], int] = {}
    for number, test in enumerate(shown.content.tests):
        record = test.record
        if record is None or record.capacity is None or not record.usable:
            continue
        key, capacity = test.key, record.capacity
        view = (f"{key.profile} {key.block_size}: {key.size}, {key.pvc}", str(capacity.rate_iops))
        limits[view] = capacity.lat_p99_limit_ns
        for step in sorted(capacity.steps, key=lambda one: (one.vms, one.attempt)):
            carried = step.vms == capacity.kept_vms and step.purpose != "drift"
            views.setdefault(view, []).append(
                (
                    number, key.pool, step.vms, ms(step.lat_p99_ns), ms(step.worst_guest_lat_p99_ns),
                    rounded(step.iops_per_s), rounded(step.asked_iops_per_s),
                    "kept" if step.kept else "broken", f"{step.purpose} {step.attempt}",
                    f"carries {step.vms} VMs" if carried else None,
                )
            )  # fmt: skip
    slices = []
    for (label, rate), rows in list(views.items())[:MOST_SLICES]:
        own = tuple(_said_once(rows))
        limit = limits[label, rate] / NS_PER_MS
        for metric, title in (("p99", "p99 latency (ms)"), ("rate", "achieved IOPS")):
            spec = _spec(shown.content.pools, _STEP_COLUMNS, own, metric, title, limit)
            text = f"{label}, {rate} IOPS each: {'p99' if metric == 'p99' else 'IOPS'}"
            slices.append(Slice(label=text, spec=spec, columns=_STEP_COLUMNS, rows=own))
    if not slices:
        return None
    sentence = (
        "How many VMs, each at a fixed rate, does a pool carry within the limit of latency? A dot for each "
        "step that was measured, hollow where the limit was broken; the dashed line is the limit."
    )
    if len(views) > MOST_SLICES:
        sentence += f" {MOST_SLICES} loads are shown, {len(views) - MOST_SLICES} more are in capacity.csv."
    return Picture(name="capacity", title="Capacity in VMs", sentence=sentence, slices=tuple(slices))


def _said_once(rows: Sequence[tuple[Cell, ...]]) -> Iterator[tuple[Cell, ...]]:
    """The answer of a pool at the first of its steps that has it."""
    seen = set()
    for row in rows:
        yield (*row[:-1], None) if row[-1] is None or row[1] in seen else row
        if row[-1] is not None:
            seen.add(row[1])


def depth_curves(shown: Shown) -> Picture | None:
    """None without a profile that was measured at several queue depths."""
    content = shown.content
    numbers = _numbers(shown)
    views: dict[str, list[DepthSweep]] = {}
    for sweep in content.sweeps:
        label = f"{sweep.key.profile} {sweep.key.block_size}: {shape_text(shape_of(sweep.key))}"
        views.setdefault(label, []).append(sweep)
    slices = []
    for label, own in list(views.items())[:MOST_SLICES]:
        rows = tuple(row for sweep in own for row in _depths(sweep, numbers))
        limit_ns = own[0].lat_p99_limit_ns
        limit = None if limit_ns is None else limit_ns / NS_PER_MS
        for metric, title in (("rate", "IOPS"), ("p99", "p99 latency (ms)")):
            spec = _spec(content.pools, _DEPTH_COLUMNS, rows, metric, title, limit)
            text = f"{label}: {'p99' if metric == 'p99' else 'IOPS'}"
            slices.append(Slice(label=text, spec=spec, columns=_DEPTH_COLUMNS, rows=rows))
    if not slices:
        return None
    sentence = (
        "At which queue depth does a pool have its most IOPS, and what do they cost in latency? Reads and "
        "writes together, of repeats the median; hollow where the limit of latency, the dashed line, is "
        "broken."
    )
    if len(views) > MOST_SLICES:
        sentence += f" {MOST_SLICES} loads are shown, {len(views) - MOST_SLICES} more are in depth-sweep.csv."
    return Picture(name="depths", title="Queue depths", sentence=sentence, slices=tuple(slices))


def _numbers(shown: Shown) -> dict[tuple[Key, int], int]:
    """The tests, by the key of their sweep and their depth."""
    found: dict[tuple[Key, int], int] = {}
    for number, test in enumerate(shown.content.tests):
        base, listed = shown.listed(test.key.profile)
        if "iodepth" in listed:
            key = test.key
            name = variant_name(base, {one: at for one, at in listed.items() if one != "iodepth"})
            place = Key(key.pool, key.size, key.pvc, key.concurrency, name, key.block_size)
            found.setdefault((place, listed["iodepth"]), number)
    return found


def _depths(sweep: DepthSweep, numbers: Mapping[tuple[Key, int], int]) -> Iterator[tuple[Cell, ...]]:
    limit = sweep.lat_p99_limit_ns
    for point in sweep.points:
        kept = "no limit" if limit is None else "kept" if point.lat_p99_ns <= limit else "broken"
        yield (
            numbers.get((sweep.key, point.depth)), sweep.key.pool, point.depth, ms(point.lat_p99_ns),
            rounded(point.iops_per_s), kept, "peak" if point == sweep.peak else None,
        )  # fmt: skip


def _spec(
    pools: Sequence[str],
    columns: tuple[Column, ...],
    rows: Sequence[tuple[Cell, ...]],
    metric: str,
    title: str,
    limit_ms: float | None,
) -> parts.Spec:
    names = [column.field for column in columns]
    at, load = names.index(metric), names.index("load")
    values = [value for row in rows if isinstance(value := row[at], int | float)]
    loads = [value for row in rows if isinstance(value := row[load], int)]
    along = {
        "field": "load",
        "type": "quantitative",
        "title": columns[load].heading,
        "scale": {"type": "log", "base": 2, "nice": False, "padding": 14},
        "axis": {"values": sorted(set(loads)), "format": "d", "labelOverlap": True},
    }
    bounds = [*values, limit_ms] if limit_ms is not None and metric == "p99" else values
    up = parts.quantity(metric, title, bounds)
    there = {row[1] for row in rows}
    own = parts.pool_encodings(pools, [pool for pool in pools if pool in there])
    hollow = {"condition": {"test": "datum.kept === 'broken'", "value": 0}, "value": 1}
    order = {"order": {"field": "load", "type": "quantitative"}}
    layers: list[parts.Spec] = [
        {
            "mark": {"type": "line"},
            "encoding": {"x": along, "y": {**up, "aggregate": "median"}, "color": own["color"], **order},
        },
        {
            "mark": {"type": "point", "filled": False, "size": 80},
            "encoding": {
                "x": along,
                "y": up,
                **own,
                "fill": own["color"],
                "fillOpacity": hollow,
                "tooltip": parts.tooltip(columns),
            },
        },
        {
            "mark": {
                "type": "text",
                "dy": -12,
                "fontWeight": 600,
                "align": {"expr": "scale('x', datum.load) > width / 2 ? 'right' : 'left'"},
            },
            "encoding": {"x": along, "y": up, "text": parts.if_there("said")},
        },
    ]
    if limit_ms is not None and metric == "p99":
        layers.insert(
            0,
            {
                "data": {"values": [{"limit": rounded(limit_ms)}]},
                "mark": {"type": "rule", "strokeDash": [5, 4], "strokeWidth": 1.5},
                "encoding": {"y": {**up, "field": "limit"}},
            },
        )
    return parts.view(f"Lines of {title} over {columns[load].heading}", *layers, height=320)
