"""What fio itself says of a section, beyond the figures that are made of it.

It is for the rules that hold one against the other (docs/verdicts.md). What is missing or no number is None;
versions and options differ in what is there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: fio's counters have 64 bits; larger numbers can not be calculated with either.
COUNTER = 2**64
#: All that an entry can have figures of.
_DIRECTIONS = ("read", "write", "trim", "mixed")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedDirection:
    """Reads, writes or trims, as fio counts them."""

    total_ios: float | None = None
    io_bytes: float | None = None
    runtime_ms: float | None = None
    iops_per_s: float | None = None
    bw_bytes_per_s: float | None = None
    #: ``N`` of its latencies.
    lat_count: float | None = None
    #: Percent to ns, as fio calculates them from the histogram.
    percentiles_ns: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedSection:
    """One entry of ``jobs``."""

    #: The options that it ran with; None: it does not say.
    options: Mapping[str, str] | None = None
    #: Summed over its workers.
    job_runtime_ms: float | None = None
    #: When it began, by the guest's clock; 3.36 and newer. Its zero is that of ``job_start_clock_id``.
    started_ms: float | None = None
    #: Percent of the I/Os that were issued while so many were in flight, by the least depth of each range.
    depth_shares: Mapping[int, float] = field(default_factory=dict)
    #: Of one CPU, which a worker used on the mean, 0 to 1.
    cpu_share: float = 0.0
    #: I/Os that failed while fio went on, and the errno of the first.
    failed_ios: float = 0.0
    first_error: int = 0
    #: Only those with I/Os.
    directions: Mapping[str, ReportedDirection] = field(default_factory=dict)
    sync: ReportedDirection | None = None


def read_reported(entry: Mapping[str, Any], common: Mapping[str, Any]) -> ReportedSection:
    """``entry``: of ``jobs``; ``common``: ``global options``."""
    own = entry.get("job options")
    parts = {name: part for name in _DIRECTIONS if isinstance(part := entry.get(name), dict)}
    found = {name: _direction(part) for name, part in parts.items()}
    sync = entry.get("sync")
    cpu = [count(entry, name) or 0.0 for name in ("usr_cpu", "sys_cpu")]
    failed = entry.get("total_err", 0)
    return ReportedSection(
        options={name: str(value) for name, value in {**common, **own}.items()}
        if isinstance(own, Mapping)
        else None,
        job_runtime_ms=count(entry, "job_runtime"),
        started_ms=count(entry, "job_start") or None,
        depth_shares=_depths(entry.get("iodepth_level")),
        cpu_share=min(1.0, sum(cpu) / 100),
        # What is no number is not none.
        failed_ios=value if (value := count({"": failed}, "")) is not None else 1.0,
        first_error=int(count(entry, "first_error") or 0),
        directions={name: part for name, part in found.items() if part.total_ios or part.io_bytes},
        sync=_direction(sync) if isinstance(sync, dict) else None,
    )


def count(part: Mapping[str, Any], name: str) -> float | None:
    """A figure from 0 on; None if there is no such."""
    value = part.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < COUNTER:
        return None
    return value if math.isfinite(value) else None


def _direction(part: Mapping[str, Any]) -> ReportedDirection:
    lat = part.get("lat_ns")
    lat = lat if isinstance(lat, dict) else {}
    listed = lat.get("percentile")
    named = listed if isinstance(listed, dict) else {}
    percentiles = {str(percent): count(named, percent) for percent in named}
    return ReportedDirection(
        total_ios=count(part, "total_ios"),
        io_bytes=count(part, "io_bytes"),
        runtime_ms=count(part, "runtime"),
        iops_per_s=count(part, "iops"),
        bw_bytes_per_s=count(part, "bw_bytes"),
        lat_count=count(lat, "N"),
        percentiles_ns={percent: value for percent, value in percentiles.items() if value is not None},
    )


def _depths(levels: Any) -> dict[int, float]:
    """``{"1": 0.1, ">=64": 99.9}`` by numbers."""
    if not isinstance(levels, dict):
        return {}
    shares = {str(name).removeprefix(">="): count(levels, name) for name in levels}
    return {int(name): share for name, share in shares.items() if share is not None and name.isdecimal()}
