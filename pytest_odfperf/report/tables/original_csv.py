"""results.csv as storage-perf-tests writes it (``--odf-csv original``), for scripts that read its table.

Header, columns, quotes, order of rows and numbers are its own: texts in double quotes, IOPS and KiB/s rounded
down to whole numbers, milliseconds to two decimals. What is otherwise stands in docs/analysis.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from pytest_odfperf.measure.aggregate import DirectionMeasurement, JobMeasurement
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.tables.csv_cells import cell_text

COLUMNS = (
    "storage_pool", "vm_size", "pvc_size", "concurrency", "fio_profile", "block_size", "job_name",
    "read_iops", "read_bw_kib", "read_lat_avg_ms", "read_lat_p99_ms",
    "write_iops", "write_bw_kib", "write_lat_avg_ms", "write_lat_p99_ms",
)  # fmt: skip


def render_original_csv(records: Iterable[Record]) -> str:
    """A row for each section in each guest that has figures; nothing of a test without, or an invalid one."""
    shown = [
        (_path(record, guest.name), record, guest)
        for record in records
        if record.usable
        for guest in record.guests
    ]
    lines = [",".join(map(_text, COLUMNS))]
    for _, record, guest in sorted(shown, key=lambda one: one[0]):
        key = ",".join(map(_text, record.key.fields))
        lines += [f"{key},{_text(job.name)},{','.join(_figures(job))}" for job in guest.jobs]
    return "\n".join(lines) + "\n"


def _path(record: Record, guest: str) -> tuple[str, int]:
    """Rows are in the order of the paths of fio's answers, as sort puts them; repeats in theirs."""
    return "/".join((*record.key.fields, f"{guest}-fio.json")), record.repeat


def _text(value: str) -> str:
    quoted = cell_text(value).replace('"', '""')
    return f'"{quoted}"'


def _figures(job: JobMeasurement) -> Iterator[str]:
    for part in (job.read, job.write):
        yield from _direction(part) if part is not None else ("",) * 4


def _direction(part: DirectionMeasurement) -> Iterator[str]:
    yield str(math.floor(part.iops_per_s))
    yield str(math.floor(part.bw_bytes_per_s / 1024))
    yield _ms(part.lat_mean_ns)
    yield _ms(part.lat_p99_ns)


def _ms(value_ns: float) -> str:
    """Rounded down to hundredths, and written as jq does: without a point if it is whole."""
    found = math.floor(value_ns / 10_000) / 100
    return str(int(found)) if found.is_integer() else repr(found)
