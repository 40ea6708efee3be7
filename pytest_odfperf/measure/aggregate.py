"""The guests' figures become one measurement: rates add up, histograms are pooled.

Percentiles are never averaged: the mean of four workers' p99 was 19 % off the true one. The pooled p99
answers "how slow is a random I/O"; the worst guest's own p99 is given beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.fio.job import Direction
from pytest_odfperf.fio.output import DirectionResult, FioResult, JobResult

#: A percentile with fewer I/Os above it than this is noise.
TAIL_IOS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionMeasurement:
    """Reads or writes of all guests. Latencies are from submission to completion (fio's ``lat``)."""

    iops_per_s: float
    bw_bytes_per_s: float
    total_ios: int
    lat_mean_ns: float
    lat_stddev_ns: float
    lat_p50_ns: int
    lat_p95_ns: int
    lat_p99_ns: int
    lat_max_ns: int
    #: The largest p99 that one guest saw for itself.
    worst_guest_lat_p99_ns: int
    #: Whether at least `TAIL_IOS` I/Os lie above p99.
    lat_p99_trusted: bool
    #: Whether I/Os took longer than the histogram reaches (17 s): percentiles there are lower bounds.
    lat_saturated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMeasurement:
    name: str
    read: DirectionMeasurement | None
    write: DirectionMeasurement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One key's figures. ``read`` and ``write`` are over all jobs that have the direction."""

    jobs: tuple[JobMeasurement, ...]
    read: DirectionMeasurement | None
    write: DirectionMeasurement | None


def combine(results: Mapping[str, FioResult]) -> Measurement:
    """The measurement of a group from each guest's result.

    Raises `FioError` if there is no guest, or the guests did not run the same jobs.
    """
    if not results:
        raise FioError("empty", "no guest gave a result")
    first = next(iter(results.values()))
    names = [(job.name, job.phase) for job in first.jobs]
    for guest, result in results.items():
        if [(job.name, job.phase) for job in result.jobs] != names:
            raise FioError("truncated", f"guest {guest} did not run the same jobs as {next(iter(results))}")
    jobs = tuple(
        JobMeasurement(
            name=name,
            read=_over_jobs([[result.jobs[number]] for result in results.values()], "read"),
            write=_over_jobs([[result.jobs[number]] for result in results.values()], "write"),
        )
        for number, (name, _) in enumerate(names)
    )
    every = [list(result.jobs) for result in results.values()]
    return Measurement(jobs=jobs, read=_over_jobs(every, "read"), write=_over_jobs(every, "write"))


def _over_jobs(guests: list[list[JobResult]], direction: Direction) -> DirectionMeasurement | None:
    """One direction over jobs and guests; None where no job has it.

    Jobs of one phase run at one time, so their rates add up; phases follow each other, so the rate over
    them is weighted by their length: total I/Os / total runtime.
    """
    parts = [
        [(job.phase, part) for job in jobs if (part := getattr(job, direction)) is not None]
        for jobs in guests
    ]
    found = [part for guest in parts for _, part in guest]
    if not found:
        return None
    own = [_pooled(part for _, part in guest) for guest in parts if guest]
    histogram = own[0].merge(*own[1:])
    mean, stddev = _mean_and_stddev(found)
    return DirectionMeasurement(
        iops_per_s=_rate(
            [(phase, part.runtime_ms, part.iops_per_s) for guest in parts for phase, part in guest]
        ),
        bw_bytes_per_s=_rate(
            [(phase, part.runtime_ms, part.bw_bytes_per_s) for guest in parts for phase, part in guest]
        ),
        total_ios=sum(part.total_ios for part in found),
        lat_mean_ns=mean,
        lat_stddev_ns=stddev,
        lat_p50_ns=histogram.percentile_ns(50),
        lat_p95_ns=histogram.percentile_ns(95),
        lat_p99_ns=histogram.percentile_ns(99),
        lat_max_ns=max(part.lat_max_ns for part in found),
        worst_guest_lat_p99_ns=max(guest.percentile_ns(99) for guest in own),
        lat_p99_trusted=histogram.total >= 100 * TAIL_IOS,
        lat_saturated=histogram.saturated,
    )


def _pooled(parts: Iterable[DirectionResult]) -> Histogram:
    return Histogram(()).merge(*(part.histogram for part in parts))


def _rate(rates: list[tuple[int, int, float]]) -> float:
    """Rates (phase, runtime in ms, rate) added within a phase, weighted by time over phases."""
    summed: dict[int, float] = {}
    length_ms: dict[int, int] = {}
    for phase, runtime_ms, rate in rates:
        summed[phase] = summed.get(phase, 0.0) + rate
        length_ms[phase] = max(length_ms.get(phase, 0), runtime_ms)
    return sum(summed[phase] * length_ms[phase] for phase in summed) / sum(length_ms.values())


def _mean_and_stddev(parts: list[DirectionResult]) -> tuple[float, float]:
    """Of all I/Os, from each part's own (Chan, Golub and LeVeque 1979)."""
    counts = [part.histogram.total for part in parts]
    total = sum(counts)
    mean = sum(count * part.lat_mean_ns for count, part in zip(counts, parts, strict=True)) / total
    squares = sum(
        (count - 1) * part.lat_stddev_ns**2 + count * (part.lat_mean_ns - mean) ** 2
        for count, part in zip(counts, parts, strict=True)
    )
    return mean, math.sqrt(squares / (total - 1)) if total > 1 else 0.0
