"""The rows that results.csv and results.parquet have in common: of each test, and of each guest and section.

``scope`` says what a row is of: ``key`` is a test of a key over all its guests, ``job`` one section over all
guests, where sections are unlike and are never added, ``guest`` one section in one guest. What was not
measured is None, and so is every figure of an invalid result. p99 is given as it is, with
``lat_p99_trusted``; other percentiles that too few I/Os carry are None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from pytest_odfperf.measure.aggregate import (
    DirectionMeasurement,
    JobMeasurement,
    LatencyMeasurement,
    least_ios,
)
from pytest_odfperf.measure.record import DIRECTIONS, GuestRecord, Record
from pytest_odfperf.measure.storage_work import StorageWork

Kind = Literal["text", "whole", "real", "flag"]

#: The fields of a key, as the original calls them.
KEY_COLUMNS: Mapping[str, Kind] = {
    "storage_pool": "text",
    "vm_size": "text",
    "pvc_size": "text",
    "concurrency": "whole",
    "fio_profile": "text",
    "block_size": "text",
}
#: Of a row of a test.
WHAT_COLUMNS: Mapping[str, Kind] = {
    "job_name": "text",
    "scope": "text",
    "guest": "text",
    "node": "text",
    "job_load": "text",
    "guest_late_ms": "real",
    "guest_clock_offset_ms": "real",
    "guest_reconnects": "whole",
}
#: Of a test as a whole.
TEST_COLUMNS: Mapping[str, Kind] = {
    "status": "text",
    "reason_code": "text",
    "reason": "text",
    "verdict": "text",
    "doubts": "text",
    "marking": "text",
    "repeat": "whole",
    "block": "whole",
    "order": "whole",
    "round": "whole",
    "target": "text",
    "machine": "text",
    "beside": "text",
    "notes": "text",
    "software": "text",
    "run_id": "text",
    "test": "text",
    "started_at_epoch_ms": "whole",
    "ended_at_epoch_ms": "whole",
    "duration_s": "real",
    "start_skew_ms": "real",
    "shared_window_ms": "real",
    "fairness": "real",
    "capacity_kept_vms": "whole",
    "capacity_broken_vms": "whole",
    "storage_seen_s": "real",
    "storage_read_iops_per_s": "real",
    "storage_read_bytes_per_s": "real",
    "storage_write_iops_per_s": "real",
    "storage_write_bytes_per_s": "real",
    "storage_others_iops_per_s": "real",
    "storage_others_bytes_per_s": "real",
    "storage_recovered_bytes_per_s": "real",
}
_LATENCY: Mapping[str, Kind] = {
    "iops_per_s": "real",
    "total_ios": "whole",
    "lat_mean_ns": "real",
    "lat_stddev_ns": "real",
    "lat_p50_ns": "whole",
    "lat_p95_ns": "whole",
    "lat_p99_ns": "whole",
    "lat_p999_ns": "whole",
    "lat_max_ns": "whole",
    "worst_guest_lat_p99_ns": "whole",
    "median_guest_lat_p99_ns": "whole",
    "lat_p99_trusted": "flag",
    "guest_lat_p99_trusted": "flag",
    "lat_saturated": "flag",
}
_BANDWIDTH: Mapping[str, Kind] = {"bw_bytes_per_s": "real"}

#: Of `_LATENCY`, those that a sample may not carry.
_PERCENTILES = (
    "lat_p50_ns",
    "lat_p95_ns",
    "lat_p999_ns",
    "worst_guest_lat_p99_ns",
    "median_guest_lat_p99_ns",
)
_PLACES = {name: list(_LATENCY).index(name) for name in _PERCENTILES}


def _of_direction(direction: str) -> dict[str, Kind]:
    found = {**_LATENCY, **_BANDWIDTH} if direction != "sync" else _LATENCY
    return {f"{direction}_{name}": kind for name, kind in found.items()}


#: All columns in their order. The first seven have the names of the original's table.
COLUMNS: Mapping[str, Kind] = {
    **KEY_COLUMNS,
    **WHAT_COLUMNS,
    **TEST_COLUMNS,
    **{name: kind for direction in DIRECTIONS for name, kind in _of_direction(direction).items()},
}
#: The columns that are figures of the storage.
FIGURES = frozenset(name for name in COLUMNS if name.startswith(tuple(f"{one}_" for one in DIRECTIONS)))

_latencies = attrgetter(*_LATENCY)
#: Those of each direction.
FIGURE_COLUMNS = {direction: tuple(_of_direction(direction)) for direction in DIRECTIONS}
#: Whoever has so many I/Os carries all percentiles.
_CARRIES_ALL = least_ios(99.9)
_NO_FIGURES = (None,) * len(DIRECTIONS)
Row = tuple[Any, ...]
#: What a row is of, for what only one of the outputs has: the record, its section and its guest.
Source = tuple[Record, JobMeasurement | None, GuestRecord | None]


class RowParts(NamedTuple):
    """A row in pieces. Rows of one test share ``key`` and ``test``; a direction without figures is None."""

    source: Source
    key: Row
    what: Row
    test: Row
    figures: tuple[Row | None, ...]


def row_parts(records: Iterable[Record], text: Callable[[str], str]) -> Iterator[RowParts]:
    """The rows of each record: of the test, of its sections where they are unlike, of each guest."""
    for record in records:
        *names, concurrency, profile, block_size = record.key.fields
        key = (*map(text, names), int(concurrency), text(profile), text(block_size))
        test = _test(record, text)
        jobs = record.jobs if record.apart else ()
        sources: list[Source] = [(record, None, None), *((record, job, None) for job in jobs)]
        sources += [(record, job, guest) for guest in record.guests for job in guest.jobs]
        for source in sources:
            _, job, guest = source
            figures = _figures(job or record) if record.usable else _NO_FIGURES
            yield RowParts(source, key, _what(job, guest, text), test, figures)


def _what(job: JobMeasurement | None, guest: GuestRecord | None, text: Callable[[str], str]) -> Row:
    if job is None:
        return None, "key", *(None,) * (len(WHAT_COLUMNS) - 2)
    name, load = text(job.name), text(job.load) if job.load else None
    if guest is None:
        return name, "job", None, None, load, None, None, None
    node = None if guest.node is None else text(guest.node)
    late_ms, offset_ms = guest.late_ms, guest.clock_offset_ms
    return name, "guest", text(guest.name), node, load, late_ms, offset_ms, guest.reconnects


def _test(record: Record, text: Callable[[str], str]) -> Row:
    def said(value: str | None) -> str | None:
        return text(value) if value else None

    fairness = record.fairness if record.usable else None
    capacity = record.capacity if record.usable else None
    return (
        record.status,
        said(record.reason_code),
        said(record.reason),
        record.verdict,
        said(" ".join(record.codes)),
        said(record.marking),
        record.repeat,
        record.block,
        record.order,
        record.round,
        text(record.target or "file"),
        text(record.machine or "vm"),
        said("; ".join(one.text for one in record.beside)),
        said("; ".join(record.notes)),
        said("; ".join(record.software)),
        text(record.run_id),
        text(record.test),
        record.started_at_epoch_ms,
        record.ended_at_epoch_ms,
        record.duration_s,
        record.start_skew_ms,
        record.shared_window_ms,
        None if fairness is None else fairness.jain,
        None if capacity is None else capacity.kept_vms,
        None if capacity is None else capacity.broken_vms,
        *_storage(record.storage),
    )


def _storage(work: StorageWork | None) -> Row:
    """What the storage's own counters say: not the guests' figures, so also of an invalid result."""
    if work is None:
        return (None,) * 8
    own, seen = work.own, work.unwitnessed is None
    return (
        work.seen_s,
        None if own is None else own.read_iops,
        None if own is None else own.read_bytes_per_s,
        None if own is None else own.write_iops,
        None if own is None else own.write_bytes_per_s,
        sum(one.read_iops + one.write_iops for one in work.others) if seen else None,
        sum(one.read_bytes_per_s + one.write_bytes_per_s for one in work.others) if seen else None,
        work.recovered_bytes_per_s,
    )


def _figures(of: Record | JobMeasurement) -> tuple[Row | None, ...]:
    return _of(of.read), _of(of.write), _of(of.sync)


def _of(part: LatencyMeasurement | None) -> Row | None:
    if part is None:
        return None
    found: Row = _latencies(part)
    # Most samples carry all of them.
    if part.total_ios < _CARRIES_ALL or not part.guest_lat_p99_trusted:
        cells = list(found)
        for name, place in _PLACES.items():
            cells[place] = part.carried_ns(name)
        found = tuple(cells)
    return (*found, part.bw_bytes_per_s) if isinstance(part, DirectionMeasurement) else found
