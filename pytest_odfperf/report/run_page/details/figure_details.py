"""Figures in a test's details: of all VMs, of each VM, over the repeats, and of each step of a capacity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from pytest_odfperf.matrix.values.limit import METRICS
from pytest_odfperf.measure.aggregate import (
    DirectionMeasurement,
    JobMeasurement,
    LatencyMeasurement,
    least_ios,
)
from pytest_odfperf.measure.record import DIRECTIONS, GuestRecord, Record
from pytest_odfperf.measure.witness import DiskWork
from pytest_odfperf.report.number import MEBI, NS_PER_MS
from pytest_odfperf.report.parts import shown_parts
from pytest_odfperf.report.run_page.details.detail_part import Cell, Plain, exact, near, rough, table

_HEADS = (
    "IOPS", "MiB/s", "mean ms", "sd ms", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "max ms", "I/Os",
    "p99 of worst VM ms", "p99 of middle VM ms",
)  # fmt: skip
_PERCENTILES = ("lat_p50_ns", "lat_p95_ns", "lat_p99_ns", "lat_p999_ns")
_OF_GUESTS = ("worst_guest_lat_p99_ns", "median_guest_lat_p99_ns")
#: What a figure of a limit is divided by, and its unit then.
_UNITS = {"ns": (NS_PER_MS, "ms"), "bytes/s": (MEBI, "MiB/s")}


def section_figures(record: Record) -> Plain | None:
    """All figures of a usable measurement, of the key as a whole and of each section."""
    if not record.usable:
        return None
    rows = []
    if not record.apart and len(record.jobs) > 1:
        for part in shown_parts(record):
            rows += [["all", name, *_figures(one)] for name, one in _directions(part)]
    for job in record.jobs:
        rows += [[job.name, name, *_figures(one)] for name, one in _directions(job)]
    note = "≥: some I/Os took longer than the histogram reaches." if any(map(_saturated, record.jobs)) else ""
    return table("Figures of all VMs", ("Section", "Direction", *_HEADS), rows, note)


def _saturated(job: JobMeasurement) -> bool:
    return any(one.lat_saturated for _, one in _directions(job))


def _directions(of: object) -> Iterator[tuple[str, LatencyMeasurement]]:
    for name in DIRECTIONS:
        one: LatencyMeasurement | None = getattr(of, name)
        if one is not None:
            yield name, one


def _figures(one: LatencyMeasurement) -> list[Cell]:
    bandwidth = one.bw_bytes_per_s / MEBI if isinstance(one, DirectionMeasurement) else None
    found: list[Cell] = [
        exact(one.iops_per_s),
        exact(bandwidth),
        exact(one.lat_mean_ns / NS_PER_MS),
        near(one.lat_stddev_ns / NS_PER_MS),
    ]
    found += [_percentile(one, name) for name in _PERCENTILES]
    found += [exact(one.lat_max_ns / NS_PER_MS), one.total_ios]
    return found + [_percentile(one, name) for name in _OF_GUESTS]


def _percentile(one: LatencyMeasurement, name: str) -> Cell:
    value_ns = one.carried_ns(name)
    return "n/a" if value_ns is None else _latency(value_ns, exact, one.lat_saturated)


_LEAST = [least_ios(percent) for percent in (50, 99, 99.9)]


def _of_one(one: LatencyMeasurement) -> list[Cell]:
    """What is shown of one of many VMs. There are very many of them, so it is done in one go."""
    ios, saturated = one.total_ios, one.lat_saturated
    found: list[Cell] = [rough(one.iops_per_s)]
    for value_ns, least in zip((one.lat_p50_ns, one.lat_p99_ns, one.lat_p999_ns), _LEAST, strict=True):
        told = value_ns is not None and ios >= least
        found.append(_latency(value_ns or 0, rough, saturated) if told else "n/a")
    found.append(rough(one.lat_max_ns / NS_PER_MS))
    return found


@lru_cache(maxsize=8192)  # the middles of fio's columns come again and again
def _latency(value_ns: int, rounded: Callable[[float | None], float | None], saturated: bool) -> Cell:
    figure = rounded(value_ns / NS_PER_MS)
    return f"≥{figure}" if saturated else figure


def guest_figures(record: Record) -> Plain | None:
    """What each VM got, in three digits; all of it is in results.csv."""
    if not record.usable or len(record.guests) < 2:
        return None
    rows = [
        [guest.name, job.name, name, *_of_one(one)]
        for guest in record.guests
        for job in guest.jobs
        for name, one in _directions(job)
    ]
    heads = ("VM", "Section", "Direction", "IOPS", "p50 ms", "p99 ms", "p99.9 ms", "max ms")
    return table("Figures of each VM", heads, rows, "Three digits; results.csv has all of them.")


def guests(record: Record) -> Plain | None:
    """Where each VM ran, and by which clock."""
    heads = (
        "VM", "Node", "Late ms", "Clock ahead ms", "± ms", "Clock set by s", "Connected anew",
        "Migrated from",
    )  # fmt: skip
    rows = [
        [
            guest.name,
            guest.node,
            rough(guest.late_ms),
            rough(guest.clock_offset_ms),
            rough(guest.clock_uncertainty_ms),
            rough(guest.clock_jump_s),
            guest.reconnects or None,
            guest.migrated_from,
        ]
        for guest in record.guests
    ]
    told = []
    if record.start_skew_ms is not None:
        told.append(f"{rough(record.start_skew_ms)} ms between the first and the last start")
    if record.shared_window_ms is not None:
        told.append(f"{rough(record.shared_window_ms)} ms measured by all of them")
    return table("VMs", heads, rows, "; ".join(told))


def witnesses(record: Record) -> Plain | None:
    """What each VM's kernel counted of its disks while fio ran."""
    heads = (
        "VM", "Disk", "Read MiB", "Written MiB", "Discarded MiB", "Flushes", "Other disks", "Swapped pages",
        "CPU busy %", "CPU stolen %", "Mounted", "Changed",
    )  # fmt: skip
    rows = [row for guest in record.guests if (row := _witness(guest)) is not None]
    return table("What each VM's kernel counted", heads, rows)


def _witness(guest: GuestRecord) -> list[Cell] | None:
    seen = guest.witness
    if seen is None:
        return None
    work = seen.work
    changed = []
    if seen.before != seen.after:
        changed.append("the disk")
    if seen.mount_before != seen.mount_after:
        changed.append(f"the mount, to {seen.mount_after}")
    return [
        guest.name,
        seen.disk,
        None if work is None else rough(work.read_bytes / MEBI),
        None if work is None else rough(work.written_bytes / MEBI),
        None if work is None else rough(work.discarded_bytes / MEBI) or None,
        None if work is None else work.flushes or None,
        "; ".join(map(_other, seen.others)),
        seen.swapped_pages or None,
        None if seen.busy_part is None else rough(seen.busy_part * 100),
        None if seen.steal_part is None else rough(seen.steal_part * 100),
        seen.mount_before,
        ", ".join(changed),
    ]


def _other(work: DiskWork) -> str:
    return f"{work.name} {rough(work.read_bytes / MEBI)} read, {rough(work.written_bytes / MEBI)} written MiB"


def over_repeats(record: Record) -> Plain | None:
    """Geometric means with their intervals."""
    over = record.over_repeats
    if over is None:
        return None
    heads = ("Figure", "Unit", "Mean", "Low", "High", "CV %", "Repeats", "Grade", "Order")
    rows: list[list[Cell]] = []
    for one in over.figures:
        divisor, unit = _UNITS.get(METRICS[one.metric], (1, METRICS[one.metric]))
        order = ("rises" if (one.order_rho or 0) > 0 else "falls") if one.order_told else None
        values = [
            exact(None if value is None else value / divisor)
            for value in (one.geometric_mean, one.low, one.high)
        ]
        cv = None if one.cv is None else near(one.cv * 100)
        rows.append([one.name, unit, *values, cv, one.count, one.grade, order])
    note = f"Of {over.count_text}. Geometric means, 95 % intervals (t on logarithms)."
    return table("Over the repeats", heads, rows, note) or {"title": "Over the repeats", "text": note}


def capacity_steps(record: Record) -> Plain | None:
    """Each step of a search for the number of VMs that a pool carries."""
    if record.capacity is None:
        return None
    heads = (
        "VMs", "Step", "Asked IOPS", "IOPS", "p99 ms", "p99 of worst VM ms", "Fairness", "Limit",
    )  # fmt: skip
    rows = [
        [
            step.vms,
            step.purpose,
            exact(step.asked_iops_per_s),
            exact(step.iops_per_s),
            exact(step.lat_p99_ns / NS_PER_MS),
            exact(step.worst_guest_lat_p99_ns / NS_PER_MS),
            near(step.fairness),
            "; ".join(step.broke) or "kept",
        ]
        for step in record.capacity.steps
    ]
    found = table("Capacity", heads, rows) or {"title": "Capacity"}
    return {**found, "text": record.capacity.text}
