"""The guests' figures become one measurement: rates add up, histograms are pooled.

Percentiles are never averaged: the mean of four workers' p99 was 19 % off the true one. The pooled p99
answers "how slow is a random I/O"; the worst guest's own p99, and that of the guest in the middle, are given
beside it. A percentile that the sample does not carry is not shown: fewer than `TAIL_IOS` I/Os lie above it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult, JobResult, LatencyResult
from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.measure.window_rates import within_shared_time

#: A percentile with fewer I/Os above it than this is noise.
TAIL_IOS = 100
_SORTS = ("read", "write", "sync")
#: By their names in a record.
PERCENTILES: Mapping[str, float] = {
    "lat_p50_ns": 50,
    "lat_p95_ns": 95,
    "lat_p99_ns": 99,
    "lat_p999_ns": 99.9,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyMeasurement:
    """The I/Os of one sort of all guests: reads, writes, or syncs (fsync, fdatasync).

    Latencies are from submission to completion (fio's ``lat``); that of a sync is how long a commit takes.
    """

    iops_per_s: float
    total_ios: int
    lat_mean_ns: float
    lat_stddev_ns: float
    #: Percentiles over all I/Os, whether the sample carries them or not: see `carried_ns`.
    lat_p50_ns: int
    lat_p95_ns: int
    lat_p99_ns: int
    #: None where the sample does not carry it.
    lat_p999_ns: int | None = None
    lat_max_ns: int
    #: The largest p99 that one guest saw for itself, and that of the guest in the middle (of two the lower).
    worst_guest_lat_p99_ns: int
    median_guest_lat_p99_ns: int | None = None
    #: Whether the sample carries p99, and whether each guest's I/Os carry its own.
    lat_p99_trusted: bool
    guest_lat_p99_trusted: bool = False
    #: Whether I/Os took longer than the histogram reaches (17 s): percentiles there are lower bounds.
    lat_saturated: bool

    def carried_ns(self, name: str) -> int | None:
        """The percentile ``name`` (``lat_p99_ns``); None if the sample does not carry it."""
        value: int | None = getattr(self, name)
        if name.endswith("guest_lat_p99_ns"):
            return value if self.guest_lat_p99_trusted else None
        return value if carried(self.total_ios, PERCENTILES[name]) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionMeasurement(LatencyMeasurement):
    """Reads or writes of all guests: the IOPS and the bandwidth are of the same I/Os."""

    bw_bytes_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMeasurement:
    """One section of the profile, over all guests; a direction that it does not do is None."""

    name: str
    #: Number of the phase it ran in; sections of one phase ran at one time.
    phase: int = 0
    #: What it does, for people: ``rw=randread bs=8k iodepth=16 numjobs=4``.
    load: str = ""
    read: DirectionMeasurement | None
    write: DirectionMeasurement | None
    sync: LatencyMeasurement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One key's figures.

    ``read``, ``write`` and ``sync`` are over all sections that have them, if these are alike: the same
    options, but for those that say when and on which file. They are None if the sections are unlike, as a
    sum or a mean of a log writer and a random reader means nothing; then each section has its own figures,
    in ``jobs``.
    """

    jobs: tuple[JobMeasurement, ...]
    read: DirectionMeasurement | None
    write: DirectionMeasurement | None
    sync: LatencyMeasurement | None = None


def combine(
    results: Mapping[str, FioResult], starts_ms: Mapping[str, float] | None = None, runtime_ms: int = 0
) -> Measurement:
    """The measurement of a group from each guest's result.

    With ``starts_ms``, when each guest began by one clock (and none if that is not known), rates are of the
    time in which all of them measured; latencies are of the whole runs.

    Raises `FioError` if there is no guest, or the guests did not run the same jobs.
    """
    if not results:
        raise FioError("empty", "no guest gave a result")
    first = next(iter(results.values()))
    names = [(job.name, job.phase) for job in first.jobs]
    for guest, result in results.items():
        if [(job.name, job.phase) for job in result.jobs] != names:
            raise FioError("truncated", f"guest {guest} did not run the same jobs as {next(iter(results))}")
    if starts_ms is not None:
        results = within_shared_time(results, starts_ms, runtime_ms)
    jobs = _jobs(results)
    return Measurement(jobs=jobs, **_over_all(results, jobs))


def jobs_of(result: FioResult) -> tuple[JobMeasurement, ...]:
    """The sections of one guest."""
    return _jobs({"": result})


def _jobs(results: Mapping[str, FioResult]) -> tuple[JobMeasurement, ...]:
    first = next(iter(results.values()))
    found = []
    for number, job in enumerate(first.jobs):
        own = [[result.jobs[number]] for result in results.values()]
        figures: dict[str, Any] = {direction: _over_jobs(own, direction) for direction in _SORTS}
        found.append(JobMeasurement(name=job.name, phase=job.phase, load=job.load, **figures))
    return tuple(found)


def _over_all(results: Mapping[str, FioResult], jobs: Sequence[JobMeasurement]) -> dict[str, Any]:
    every = [list(result.jobs) for result in results.values()]
    found: dict[str, Any] = {}
    for direction in _SORTS:
        parts = [part for job in jobs if (part := getattr(job, direction)) is not None]
        # Of one section alone they are that section's.
        found[direction] = parts[0] if len(parts) == 1 else _over_jobs(every, direction)
    return found


def carried(ios: int, percent: float) -> bool:
    """Whether ``ios`` I/Os are enough for a percentile: at least `TAIL_IOS` of them lie above it."""
    return ios >= least_ios(percent)


@lru_cache(64)
def least_ios(percent: float) -> int:
    """How many I/Os are enough."""
    return math.ceil(100 * TAIL_IOS / (100 - Fraction(str(percent))))


def _over_jobs(guests: list[list[JobResult]], direction: str) -> LatencyMeasurement | None:
    """One direction over jobs and guests; None where no job has it, or unlike ones have.

    Jobs of one phase run at one time, so their rates add up; phases follow each other, so the rate over
    them is weighted by their length: total I/Os / total runtime.
    """
    parts = [
        [(job.phase, part) for job in jobs if (part := getattr(job, direction)) is not None]
        for jobs in guests
    ]
    found = [part for guest in parts for _, part in guest]
    kinds = {job.kind for jobs in guests for job in jobs if getattr(job, direction) is not None}
    if not found or len(kinds) > 1:
        return None
    own = [_pooled(part for _, part in guest) for guest in parts if guest]
    histogram = own[0].merge(*own[1:])
    mean, stddev = _mean_and_stddev(found)
    least_ns, most_ns = min(part.lat_min_ns for part in found), max(part.lat_max_ns for part in found)

    def percentile_ns(percent: float, of: Histogram = histogram) -> int:
        # Buckets are told by their middles, and the last one has no end: no latency is beyond those measured.
        return int(min(max(of.percentile_ns(percent), least_ns), most_ns))

    of_guests = [percentile_ns(99, guest) for guest in own]

    figures: dict[str, Any] = {
        "iops_per_s": _rate(
            [(phase, part.runtime_ms, part.iops_per_s) for guest in parts for phase, part in guest]
        ),
        "total_ios": sum(part.total_ios for part in found),
        "lat_mean_ns": mean,
        "lat_stddev_ns": stddev,
        "lat_p50_ns": percentile_ns(50),
        "lat_p95_ns": percentile_ns(95),
        "lat_p99_ns": percentile_ns(99),
        "lat_p999_ns": percentile_ns(99.9) if carried(histogram.total, 99.9) else None,
        "lat_max_ns": most_ns,
        "worst_guest_lat_p99_ns": max(of_guests),
        "median_guest_lat_p99_ns": statistics.median_low(of_guests),
        "lat_p99_trusted": carried(histogram.total, 99),
        # The guest with the fewest I/Os may be the slowest.
        "guest_lat_p99_trusted": all(carried(guest.total, 99) for guest in own),
        "lat_saturated": histogram.saturated,
    }
    if not all(isinstance(part, DirectionResult) for part in found):
        return LatencyMeasurement(**figures)
    bandwidths = [(phase, part.runtime_ms, part.bw_bytes_per_s) for guest in parts for phase, part in guest]
    return DirectionMeasurement(**figures, bw_bytes_per_s=_rate(bandwidths))


def _pooled(parts: Iterable[LatencyResult]) -> Histogram:
    return Histogram(()).merge(*(part.histogram for part in parts))


def _rate(rates: list[tuple[int, int, float]]) -> float:
    """Rates (phase, runtime in ms, rate) added within a phase, weighted by time over phases."""
    summed: dict[int, float] = {}
    length_ms: dict[int, int] = {}
    for phase, runtime_ms, rate in rates:
        summed[phase] = summed.get(phase, 0.0) + rate
        length_ms[phase] = max(length_ms.get(phase, 0), runtime_ms)
    return sum(summed[phase] * length_ms[phase] for phase in summed) / sum(length_ms.values())


def _mean_and_stddev(parts: Sequence[LatencyResult]) -> tuple[float, float]:
    """Of all I/Os, from each part's own (Chan, Golub and LeVeque 1979)."""
    counts = [part.histogram.total for part in parts]
    total = sum(counts)
    mean = sum(count * part.lat_mean_ns for count, part in zip(counts, parts, strict=True)) / total
    squares = sum(
        (count - 1) * part.lat_stddev_ns**2 + count * (part.lat_mean_ns - mean) ** 2
        for count, part in zip(counts, parts, strict=True)
    )
    return mean, math.sqrt(squares / (total - 1)) if total > 1 else 0.0
