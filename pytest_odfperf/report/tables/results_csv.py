"""results.csv: one row per job per guest, for spreadsheets and scripts.

Latency is fio's ``lat``, from submission to completion. What was not measured is an empty cell, and so is
every figure of an invalid result. p99 is given as it is; ``weak_lat_p99`` names the directions whose I/Os
are too few for it. The other percentiles are empty then.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import replace

from pytest_odfperf.measure.aggregate import DirectionMeasurement, JobMeasurement, LatencyMeasurement
from pytest_odfperf.measure.record import Record

COLUMNS = (
    "storage_pool",
    "vm_size",
    "pvc_size",
    "concurrency",
    "fio_profile",
    "block_size",
    "job_name",
    "read_iops",
    "read_bw_kib",
    "read_lat_avg_ms",
    "read_lat_p99_ms",
    "write_iops",
    "write_bw_kib",
    "write_lat_avg_ms",
    "write_lat_p99_ms",
    "guest",
    "status",
    "run_id",
    "marking",
    "target",
    "sync_iops",
    "sync_lat_avg_ms",
    "sync_lat_p99_ms",
    "job_load",
    "notes",
    "verdict",
    "doubts",
    *(
        f"{direction}_lat_{percentile}_ms"
        for direction in ("read", "write", "sync")
        for percentile in ("p50", "p95", "p999")
    ),
    "weak_lat_p99",
    "beside",
    "repeat",
    "block",
    "order",
)

_NOTHING = JobMeasurement(name="", read=None, write=None)

#: A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t")


def render_csv(records: Iterable[Record]) -> str:
    """The whole file. A record without figures has one row, with its status."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for record in records:
        found = [(guest.name, job) for guest in record.guests for job in guest.jobs]
        for guest, measured in found or [("", _NOTHING)]:
            job = measured if record.usable else replace(measured, read=None, write=None, sync=None)
            table.writerow(
                [
                    *map(cell_text, record.key.fields),
                    cell_text(job.name),
                    *_figures(job.read),
                    *_figures(job.write),
                    cell_text(guest),
                    record.status,
                    cell_text(record.run_id),
                    cell_text(record.marking or ""),
                    cell_text(record.target or "file"),
                    *_latency(job.sync),
                    cell_text(job.load),
                    cell_text("; ".join(record.notes)),
                    record.verdict or "",
                    cell_text(" ".join(record.codes)),
                    *(cell for part in (job.read, job.write, job.sync) for cell in _percentiles(part)),
                    _weak(job),
                    cell_text("; ".join(one.text for one in record.beside)),
                    record.repeat,
                    record.block or "",
                    record.order or "",
                ]
            )
    return text.getvalue()


def cell_text(value: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    # Readers differ in what a lone line end inside a cell means; no name needs one.
    value = value.replace("\r", " ").replace("\n", " ")
    return f"'{value}" if value.startswith(_FORMULA) else value


def _figures(part: DirectionMeasurement | None) -> tuple[str, str, str, str]:
    iops, mean, p99 = _latency(part)
    return (iops, f"{part.bw_bytes_per_s / 1024:.2f}" if part else "", mean, p99)


def _latency(part: LatencyMeasurement | None) -> tuple[str, str, str]:
    if part is None:
        return ("", "", "")
    return (f"{part.iops_per_s:.2f}", _ms(part.lat_mean_ns), _ms(part.lat_p99_ns))


def _percentiles(part: LatencyMeasurement | None) -> tuple[str, str, str]:
    if part is None:
        return ("", "", "")
    p50, p95, p999 = (_ms(part.carried_ns(name)) for name in ("lat_p50_ns", "lat_p95_ns", "lat_p999_ns"))
    return (p50, p95, p999)


def _weak(job: JobMeasurement) -> str:
    parts = {"read": job.read, "write": job.write, "sync": job.sync}
    return " ".join(name for name, part in parts.items() if part is not None and not part.lat_p99_trusted)


def _ms(value_ns: float | None) -> str:
    return "" if value_ns is None else f"{value_ns / 1e6:.6f}"
