"""results.csv: one row per job per guest, for spreadsheets and scripts.

Latency is fio's ``lat``, from submission to completion. What was not measured is an empty cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

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
)

#: A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t")


def render_csv(records: Iterable[Record]) -> str:
    """The whole file. A record without figures has one row, with its status."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for record in records:
        found = [(guest.name, job) for guest in record.guests for job in guest.jobs]
        for guest, job in found or [("", JobMeasurement(name="", read=None, write=None))]:
            table.writerow(
                [
                    *map(_text, record.key.fields),
                    _text(job.name),
                    *_figures(job.read),
                    *_figures(job.write),
                    _text(guest),
                    record.status,
                    _text(record.run_id),
                    _text(record.marking or ""),
                    _text(record.target or "file"),
                    *_latency(job.sync),
                    _text(job.load),
                    _text("; ".join(record.notes)),
                ]
            )
    return text.getvalue()


def _text(value: str) -> str:
    # Readers differ in what a lone line end inside a cell means; no name needs one.
    value = value.replace("\r", " ").replace("\n", " ")
    return f"'{value}" if value.startswith(_FORMULA) else value


def _figures(part: DirectionMeasurement | None) -> tuple[str, str, str, str]:
    iops, mean, p99 = _latency(part)
    return (iops, f"{part.bw_bytes_per_s / 1024:.2f}" if part else "", mean, p99)


def _latency(part: LatencyMeasurement | None) -> tuple[str, str, str]:
    if part is None:
        return ("", "", "")
    return (f"{part.iops_per_s:.2f}", f"{part.lat_mean_ns / 1e6:.6f}", f"{part.lat_p99_ns / 1e6:.6f}")
