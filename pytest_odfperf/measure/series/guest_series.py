"""What a guest did from moment to moment: IOPS and latencies of each section, from fio's log of completions.

A line of the log is a whole number of completions in the time since the worker's line before. They are spread
evenly over that time, and cut at the samples of one grid, so that workers and guests can be added.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from operator import add, mul
from statistics import median
from typing import NamedTuple

from pytest_odfperf.fio.answers.fio_result import FioResult, JobResult, LatencyResult
from pytest_odfperf.fio.completion_lines import Line
from pytest_odfperf.fio.completion_log import SectionLog
from pytest_odfperf.fio.histogram import BUCKETS, index_of, lowest_of

#: The longest sample of a series. Short runs have shorter ones, so that they too have about fifty.
LONGEST_STEP_MS = 1000
#: A profile may ask for lines so often that each says nothing.
_MOST_STEPS = 4000
_LEAST_STEPS = 50


class Sample(NamedTuple):
    """All workers of a section in one direction, until ``end_ms`` after its ramp. Latencies None: no I/O."""

    end_ms: int
    iops_per_s: float
    lat_mean_ns: int | None = None
    #: The upper edges of the columns that the 99th of 100 I/Os and the longest I/O fell into.
    lat_p99_below_ns: int | None = None
    lat_max_below_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One direction of one section in one guest."""

    job: str
    direction: str
    sample_ms: int
    samples: tuple[Sample, ...] = field(repr=False)

    @property
    def rates(self) -> list[float]:
        return [sample.iops_per_s for sample in self.samples]


def series_of(result: FioResult, runtime_ms: int) -> tuple[Series, ...]:
    """All series of a guest; a section without a log of its completions has none."""
    found = []
    for job in result.jobs:
        for direction in ("read", "write"):
            part: LatencyResult | None = getattr(job, direction)
            if part is not None and (series := _series(job, direction, part, runtime_ms)) is not None:
                found.append(series)
    return tuple(found)


def sample_ms(interval_ms: int, runtime_ms: int) -> int:
    """The log's interval, unless that is needlessly short."""
    usual = min(LONGEST_STEP_MS, runtime_ms // _LEAST_STEPS)
    return max(interval_ms, usual, -(-runtime_ms // _MOST_STEPS), 1)


def tail_ms(lines: Sequence[Line], interval_ms: int) -> float:
    """How long after its last line a worker may be silent at the end: fio drops a window that is not full."""
    usual = median(b.end_ms - a.end_ms for a, b in pairwise(lines)) if len(lines) > 1 else interval_ms
    return interval_ms + 2 * max(float(usual), interval_ms)


def _series(job: JobResult, direction: str, part: LatencyResult, runtime_ms: int) -> Series | None:
    log = job.log
    workers = [lines for lines in log.lines.get(direction, ()) if lines]
    if not workers:
        return None
    sample = sample_ms(log.interval_ms, runtime_ms)
    known_ms = min(_known_ms(lines, log, runtime_ms) for lines in workers)
    count = int(known_ms / sample + 0.5)
    if count < 1:
        return None
    ios = [0.0] * count
    columns: list[Sequence[int] | None] = [None] * count
    for lines in workers:
        _spread(lines, sample, ios, columns)
    # The last sample may not be known to its end.
    ios[-1] *= sample / min(sample, known_ms - (count - 1) * sample)
    means, top = _column_means(part, log.coarseness), index_of(part.lat_max_ns) >> log.coarseness
    samples = []
    for number, (done, counts) in enumerate(zip(ios, columns, strict=True), 1):
        rate = 1000 * done / sample
        if counts is None:
            samples.append(Sample(number * sample, rate))
        else:
            samples.append(
                Sample(
                    number * sample, rate, *_latencies(counts, means, log.coarseness, part.lat_max_ns, top)
                )
            )
    return Series(job=job.name, direction=direction, sample_ms=sample, samples=tuple(samples))


def _known_ms(lines: Sequence[Line], log: SectionLog, runtime_ms: int) -> int:
    last_ms = max((line.end_ms for line in lines if line.end_ms <= runtime_ms), default=0)
    return runtime_ms if runtime_ms - last_ms > tail_ms(lines, log.interval_ms) else last_ms


def _spread(
    lines: Sequence[Line], sample: int, ios: list[float], columns: list[Sequence[int] | None]
) -> None:
    """Add one worker's lines: its I/Os by the time of each sample, latencies where most of the line is."""
    count = len(ios)
    before = 0
    for end, done, counts in lines:
        first, last = before // sample, min(end // sample, count)
        if first >= count:
            return
        if first == last:
            ios[first] += done
        else:
            a_ms = done / (end - before)
            ios[first] += ((first + 1) * sample - before) * a_ms
            for number in range(first + 1, last):
                ios[number] += sample * a_ms
            if last < count:
                ios[last] += (end - last * sample) * a_ms
        middle = (before + end) // 2 // sample
        if middle < count:
            known = columns[middle]
            columns[middle] = counts if known is None else list(map(add, known, counts))
        before = end


def _latencies(
    counts: Sequence[int], means: Sequence[float], coarseness: int, longest_ns: int, top: int
) -> tuple[int | None, int | None, int | None]:
    total = sum(counts)
    if not total:
        return None, None, None
    # No I/O is above the column of the longest one, ``top``.
    column = min(top, len(counts) - 1)
    while column > 0 and not counts[column]:
        column -= 1
    highest, above = column, counts[column]
    while column > 0 and 100 * above <= total:
        column -= 1
        above += counts[column]
    return (
        round(sum(map(mul, counts, means)) / total),
        min(_edge_ns(column, coarseness), longest_ns),
        min(_edge_ns(highest, coarseness), longest_ns),
    )


def _column_means(part: LatencyResult, coarseness: int) -> list[float]:
    """The mean latency in each column of the log, in ns, over the whole run: its histogram is finer."""
    found = list(_middles_ns(coarseness))
    indices, ios, sums = part.histogram.buckets, part.histogram.ios, part.histogram.sums_ns
    start = 0
    while start < len(indices):
        column = indices[start] >> coarseness
        end = bisect_left(indices, (column + 1) << coarseness, start)
        found[column] = sum(sums[start:end]) / sum(ios[start:end])
        start = end
    return found


@cache
def _edge_ns(column: int, coarseness: int) -> int:
    return lowest_of(min((column + 1) << coarseness, BUCKETS))


@cache
def _middles_ns(coarseness: int) -> tuple[float, ...]:
    edges = [
        lowest_of(min(index, BUCKETS)) for index in range(0, BUCKETS + (1 << coarseness), 1 << coarseness)
    ]
    return tuple((low + high) / 2 for low, high in pairwise(edges))
