"""Capacities of pools and depth sweeps: for the terminal, as CSV, and for the HTML report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from pytest_odfperf.measure.capacity.depth_sweep import DepthSweep
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.number import NS_PER_MS, digits, short
from pytest_odfperf.report.tables.csv_cells import cell_text

STEP_COLUMNS = (
    "storage_pool", "vm_size", "pvc_size", "fio_profile", "block_size", "vms", "attempt", "purpose",
    "started_at_epoch_ms", "asked_iops_per_s", "iops_per_s", "lat_p99_ns", "worst_guest_lat_p99_ns",
    "fairness", "kept", "broke",
)  # fmt: skip
DEPTH_COLUMNS = (
    "storage_pool", "vm_size", "pvc_size", "concurrency", "fio_profile", "block_size", "iodepth",
    "iops_per_s", "lat_p99_ns", "suspect", "peak", "kept",
)  # fmt: skip


def capacity_lines(records: Iterable[Record], sweeps: Sequence[DepthSweep]) -> list[str]:
    """A line for each answer and each sweep."""
    lines = [
        f"Capacity of {place_text(record)}: {record.capacity.text}"
        for record in records
        if record.capacity is not None
    ]
    return lines + [sweep_text(sweep) for sweep in sweeps]


def place_text(record: Record) -> str:
    """The key without a number of VMs, which is what is looked for."""
    key = record.key
    return f"{key.pool}:{key.size}:{key.pvc}:{key.profile}:{key.block_size}"


def sweep_text(sweep: DepthSweep) -> str:
    """A depth sweep in one line."""
    peak = sweep.peak
    line = (
        f"Depth sweep of {sweep.key}: most at depth {peak.depth} ({short(peak.iops_per_s)} IOPS, p99 "
        f"{_ms(peak.lat_p99_ns)} ms)"
    )
    if sweep.lat_p99_limit_ns is not None:
        kept = sweep.deepest_kept
        limit = f"p99 {_ms(sweep.lat_p99_limit_ns)} ms"
        line += (
            f"; no depth keeps {limit}"
            if kept is None
            else f"; {limit} is kept up to depth {kept.depth} ({short(kept.iops_per_s)} IOPS)"
        )
    if sweep.missing:
        line += f"; not measured: depth {', '.join(map(str, sweep.missing))}"
    return line


def _ms(ns: float) -> str:
    return digits(ns / NS_PER_MS)


def steps_csv(records: Iterable[Record]) -> str:
    """A row for each step of each answer, in the order in which they were measured."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(STEP_COLUMNS)
    for record in records:
        for step in record.capacity.steps if record.capacity is not None else ():
            key = record.key
            names = [cell_text(one) for one in (key.pool, key.size, key.pvc, key.profile, key.block_size)]
            table.writerow(
                [
                    *names, step.vms, step.attempt, step.purpose, step.started_at_epoch_ms,
                    f"{step.asked_iops_per_s:.1f}", f"{step.iops_per_s:.1f}",
                    step.lat_p99_ns, step.worst_guest_lat_p99_ns,
                    f"{step.fairness:.4f}", int(step.kept), cell_text("; ".join(step.broke)),
                ]
            )  # fmt: skip
    return text.getvalue()


def depths_csv(sweeps: Iterable[DepthSweep]) -> str:
    """A row for each depth of each sweep. ``kept`` is empty where no limit was said."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(DEPTH_COLUMNS)
    for sweep in sweeps:
        limit = sweep.lat_p99_limit_ns
        for point in sweep.points:
            table.writerow(
                [
                    *map(cell_text, sweep.key.fields), point.depth, f"{point.iops_per_s:.1f}",
                    point.lat_p99_ns, int(point.suspect), int(point == sweep.peak),
                    "" if limit is None else int(point.lat_p99_ns <= limit),
                ]
            )  # fmt: skip
    return text.getvalue()
