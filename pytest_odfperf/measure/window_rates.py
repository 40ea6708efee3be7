"""Rates within the time in which all guests measured.

A guest that runs before or after the others has the storage to itself then, so that the sum of the guests'
rates over their own times is more than the storage ever did (two guests of 4 s and 2 s: 30.4k, together
never above 24k). The log of completions says what each did within the shared time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult, JobResult, LatencyResult
from pytest_odfperf.fio.completion_lines import Line

#: From this share of the run on, the whole run is the shared time: the difference is below what a rate is
#: known to.
WHOLE = 0.995
#: From one ms to another.
Span = tuple[float, float]
#: A shorter shared time has no rate.
_LEAST = 0.05


def shared_spans(starts_ms: Mapping[str, float], runtime_ms: int) -> dict[str, Span] | None:
    """The shared time of guests that began at ``starts_ms`` on one clock, in ms since each one's start.

    None: it is (nearly) the whole run, or (nearly) nothing of it.
    """
    if len(starts_ms) < 2:
        return None
    last = max(starts_ms.values())
    shared_ms = min(starts_ms.values()) + runtime_ms - last
    if not _LEAST * runtime_ms <= shared_ms < WHOLE * runtime_ms:
        return None
    return {name: (last - start, last - start + shared_ms) for name, start in starts_ms.items()}


def within_shared_time(
    results: Mapping[str, FioResult], starts_ms: Mapping[str, float], runtime_ms: int
) -> Mapping[str, FioResult]:
    """``results`` with rates of the time that all guests share; everything else is of the whole runs.

    ``starts_ms``: when each guest began, by one clock; empty: not known, all rates stay.
    """
    spans = shared_spans(starts_ms, runtime_ms)
    if spans is None:
        return results
    return {
        name: replace(result, jobs=tuple(_within(job, spans[name], runtime_ms) for job in result.jobs))
        for name, result in results.items()
    }


def _within(job: JobResult, span_ms: Span, runtime_ms: int) -> JobResult:
    changes: dict[str, Any] = {}
    for direction in ("read", "write", "sync"):
        part: LatencyResult | None = getattr(job, direction)
        if part is None:
            continue
        share = share_of_rate(job, direction, span_ms, runtime_ms)
        rates: dict[str, Any] = {"iops_per_s": part.iops_per_s * share}
        if isinstance(part, DirectionResult):
            rates["bw_bytes_per_s"] = part.bw_bytes_per_s * share
        changes[direction] = replace(part, **rates)
    return replace(job, **changes)


def share_of_rate(job: JobResult, direction: str, span_ms: Span, runtime_ms: int) -> float:
    """The rate within a span of a section's measured time, as a share of that over all of it.

    1.0 without a log. All phases of a job begin as much later in a guest as the job does.
    """
    # Syncs are not in the log; they go at the writes' pace.
    workers = job.log.lines.get("write" if direction == "sync" else direction, ())
    within = whole = 0.0
    for lines in workers:
        marks = _marks(lines, runtime_ms)
        whole += _until(marks, runtime_ms)
        within += _until(marks, span_ms[1]) - _until(marks, span_ms[0])
    if whole <= 0:
        return 1.0
    return within / (span_ms[1] - span_ms[0]) / (whole / runtime_ms)


def _marks(lines: Sequence[Line], runtime_ms: int) -> list[tuple[float, float]]:
    """(ms, I/Os until then), from 0; a last line that is not full is filled up at its rate."""
    marks = [(0.0, 0.0)]
    done = 0
    for line in lines:
        if line.end_ms > runtime_ms:
            break
        done += line.ios
        marks.append((float(line.end_ms), float(done)))
    if len(marks) > 2:
        usual_ms = sorted(b[0] - a[0] for a, b in pairwise(marks))[len(marks) // 2]
        (before_ms, before), (last_ms, last) = marks[-2:]
        if 0 < runtime_ms - last_ms <= 2 * usual_ms and last_ms > before_ms:
            rate = (last - before) / (last_ms - before_ms)
            marks.append((float(runtime_ms), last + rate * (runtime_ms - last_ms)))
    return marks


def _until(marks: Sequence[tuple[float, float]], at_ms: float) -> float:
    for (start_ms, before), (end_ms, after) in pairwise(marks):
        if at_ms <= end_ms:
            return before + (after - before) * (at_ms - start_ms) / max(1.0, end_ms - start_ms)
    return marks[-1][1]
