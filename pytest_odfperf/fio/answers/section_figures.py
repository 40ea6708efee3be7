"""The figures of one section of fio's answer, each direction by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.answers import section_load
from pytest_odfperf.fio.answers.fio_result import DirectionResult, JobResult, LatencyResult
from pytest_odfperf.fio.answers.reported import COUNTER, ReportedSection
from pytest_odfperf.fio.completion_log import SectionLog
from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.fio.job import Direction, Section
from pytest_odfperf.matrix.model import FioSettings

#: Options that keep the queue from being full, so that Little's law says nothing of the rate.
_HELD_BACK = (
    "rate", "rate_iops", "rate_process", "thinktime", "fsync", "fdatasync", "flow", "latency_target",
)  # fmt: skip
#: Options that make fio issue syncs while it measures.
_SYNCS = ("fsync", "fdatasync", "sync_file_range")


def read_section(
    section: Section,
    entry: Mapping[str, Any],
    phase: int,
    settings: FioSettings,
    log: SectionLog,
    said: Sequence[str],
    reported: ReportedSection,
) -> tuple[JobResult, tuple[str, ...]]:
    """The result of a section, and what is doubtful about it. Raises `FioError`.

    ``said``: what fio said beside its JSON.
    """
    found: dict[Direction, DirectionResult | None] = {"read": None, "write": None}
    notes: list[str] = []
    for direction in found:
        part = entry.get(direction)
        if direction in section.directions:
            if part is None and "mixed" in entry:
                what = f"job {section.name} {direction}"
                raise FioError("config", f"{what}: reads and writes are one, as of unified_rw_reporting")
            found[direction], note = _direction(section, direction, part, settings, log, said)
            notes += [note] if note else []
    if not notes:
        found |= _within(section, {name: part for name, part in found.items() if part}, settings.runtime_s)
    result = JobResult(
        name=section.name,
        phase=phase,
        load=section_load.shown(section),
        kind=section_load.kind(section),
        read=found["read"],
        write=found["write"],
        sync=_sync(section, entry.get("sync"), found["write"]),
        log=log,
        reported=reported,
    )
    return result, tuple(notes)


def _held_back(section: Section) -> bool:
    return any(section.options.get(option, "0") != "0" for option in _HELD_BACK)


def _direction(
    section: Section,
    direction: Direction,
    part: Any,
    settings: FioSettings,
    log: SectionLog,
    said: Sequence[str],
) -> tuple[DirectionResult, str | None]:
    what = f"job {section.name} {direction}"
    if not isinstance(part, dict):
        raise FioError("truncated", f"{what}: missing from the answer")
    counted = number(part, "total_ios", what)
    if counted < 1:
        raise FioError("empty", f"{what}: no I/O was done" + (f" ({said[0]})" if said else ""))
    runtime_ms = number(part, "runtime", what)
    if runtime_ms < 1:
        raise FioError("empty", f"{what}: it ran 0 ms")
    io_bytes = number(part, "io_bytes", what)
    figures = _latencies(what, part)
    completed = figures["histogram"].total
    rate = log.rate_per_s(direction, 1000 * settings.runtime_s)
    note = None
    if rate is None:
        ios = _nearer(section, int(counted), completed, runtime_ms, figures["lat_mean_ns"])
        rate = 1000 * ios / runtime_ms
        note = (
            f"{what}: its rate is from fio's totals, as {log.problem or 'its completions are too few'}; "
            f"it may be off by the I/Os in flight, {100 * abs(completed - counted) / completed:.1f} %"
        )
    # fio's bytes are of an I/O more or less, at the ramp's end.
    low, high = section.block_bytes.get(direction, (0, 0))
    result = DirectionResult(
        iops_per_s=rate,
        bw_bytes_per_s=rate * (low if low and low == high else io_bytes / completed),
        total_ios=completed,
        runtime_ms=int(runtime_ms),
        **figures,
    )
    return result, note


def _within(
    section: Section, parts: Mapping[Direction, DirectionResult], runtime_s: int
) -> dict[Direction, DirectionResult]:
    """Rates from the log, held against the I/Os that completed.

    Whatever late lines of a busy guest say: what completed after the runtime was in flight at its end. Reads
    and writes of a mix follow each other at random, so that only both together tell how many were in time;
    each has its share of them.
    """
    completed = sum(part.total_ios for part in parts.values())
    least, most = (completed - section.numjobs * section.iodepth) / runtime_s, completed / runtime_s
    rate = min(max(sum(part.iops_per_s for part in parts.values()), least), most)
    found = {}
    for direction, part in parts.items():
        iops = rate * part.total_ios / completed
        bandwidth = iops * part.bw_bytes_per_s / part.iops_per_s
        found[direction] = replace(part, iops_per_s=iops, bw_bytes_per_s=bandwidth)
    return found


def _nearer(section: Section, counted: int, completed: int, runtime_ms: float, lat_ns: float) -> int:
    """Which of fio's two counts is nearer to what a full queue completes in that time (Little's law).

    The latter counts the I/Os in flight at the ramp's end, the former does not.
    """
    if _held_back(section) or len(section.directions) > 1 or not lat_ns:
        return completed
    full = section.numjobs * section.iodepth * runtime_ms * 1e6 / lat_ns
    return min((completed, counted), key=lambda count: abs(count - full))


def _sync(section: Section, part: Any, write: DirectionResult | None) -> LatencyResult | None:
    """fsync, fdatasync and the like; None if the section does none.

    fio counts those of fdatasync in the latencies only (3.33 and 3.41). They go at the writes' pace.
    """
    wanted = write is not None and any(section.options.get(option, "0") != "0" for option in _SYNCS)
    what = f"job {section.name} sync"
    lat = part.get("lat_ns") if isinstance(part, dict) else None
    if not wanted or write is None:
        return None
    if not isinstance(part, dict) or not isinstance(lat, dict) or not lat.get("N"):
        raise FioError("empty", f"{what}: none was done in the measured time")
    figures = _latencies(what, part)
    total = figures["histogram"].total
    return LatencyResult(
        iops_per_s=write.iops_per_s * total / write.total_ios,
        total_ios=total,
        runtime_ms=write.runtime_ms,
        **figures,
    )


def _latencies(what: str, part: Mapping[str, Any]) -> dict[str, Any]:
    lat = part.get("lat_ns")
    bins = lat.get("bins") if isinstance(lat, dict) else None
    if not isinstance(lat, dict) or not isinstance(bins, dict) or not bins:
        raise FioError("histogram_differs", f"{what}: no latency histogram (lat_percentiles=1 makes it)")
    try:
        histogram = Histogram.from_bins(bins)
    except ValueError as error:
        raise FioError("impossible_value", f"{what}: {error}") from error
    if histogram.total >= COUNTER:
        raise FioError("impossible_value", f"{what}: its histogram has more I/Os than fio can count")
    if not histogram.total:
        raise FioError("histogram_differs", f"{what}: its latency histogram is empty")
    return {
        "lat_mean_ns": number(lat, "mean", what),
        "lat_stddev_ns": number(lat, "stddev", what),
        "lat_min_ns": int(number(lat, "min", what)),
        "lat_max_ns": int(number(lat, "max", what)),
        "histogram": histogram,
    }


def number(part: Mapping[str, Any], name: str, what: str) -> float:
    """A figure of the answer. Newer versions write whole ones as 1000.000000."""
    value = part.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FioError("truncated", f"{what}: {name} is {value!r:.60}")
    if not 0 <= value < COUNTER:
        raise FioError("impossible_value", f"{what}: {name} is {value!r:.60}")
    return value
