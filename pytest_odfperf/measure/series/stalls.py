"""Times in which nothing completed, from the log of completions and the longest latency.

The mean rate does not tell: with ``rate_iops`` fio makes up for what it could not do, and 20 IOPS with 32 s
of no I/O at all are still 20.0. A line of the log covers the time since the worker's line before, so a line
of few I/Os over a long time is a stall; what was in flight waited that long, so the longest latency must
agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from pytest_odfperf.fio.completion_lines import Line
from pytest_odfperf.fio.completion_log import SectionLog

#: The shortest that counts; in runs of less than 10 s a tenth of the run, but not less than two lines.
LEAST_MS = 1000
_RUN_SHARE, _INTERVALS = 0.1, 2
#: Nor one of less than so many usual times between lines, or so many mean times between I/Os.
_PAUSES, _MEAN_TIMES = 3.0, 12.0
#: What is known of its length from a line that also covers a time of work, and from the longest latency.
_SEEN, _WAITED = 0.7, 0.95
_DEVIATIONS = 3.0
#: So little of the usual rate is nothing.
_HARDLY = 0.05
#: Its lines before and after tell how fast it works.
_NEAR = 2
#: A worker that never completes again has no latency to show: so many times the shortest stall.
_ENDED = 3.0
#: Shares of a section's I/Os: from the first on all of it stood still; a part below the second is not told.
_ALL, _PART = 0.9, 0.1


class Stall(NamedTuple):
    """In ms since the ramp; ``share`` of the section's usual I/Os did not complete in it."""

    from_ms: float
    to_ms: float
    share: float

    @property
    def length_ms(self) -> float:
        return self.to_ms - self.from_ms


def least_ms(interval_ms: int, runtime_ms: int) -> float:
    """How long nothing must complete to count as a stall, on a device that is not slow itself."""
    return min(LEAST_MS, max(_INTERVALS * interval_ms, _RUN_SHARE * runtime_ms))


def stalls_of(log: SectionLog, runtime_ms: int, longest_ns: int, *, pauses: bool = False) -> list[Stall]:
    """The stalls of one section over its workers and directions; ``longest_ns`` is its longest latency.

    ``pauses``: whether the job itself pauses between I/Os (``thinktime``).
    """
    least = least_ms(log.interval_ms, runtime_ms)
    changes: list[tuple[float, float]] = []
    everything = 0.0
    for workers in log.lines.values():
        for lines in workers:
            ios = sum(line.ios for line in lines)
            everything += ios
            if _flows(lines, log.interval_ms, runtime_ms, least, longest_ns / 1e6):
                continue
            for start, end in _quiet(
                lines, ios, log.interval_ms, runtime_ms, least, longest_ns / 1e6, pauses=pauses
            ):
                changes += [(start, float(ios)), (end, -float(ios))]
    return _merged(changes, everything, least, max(_ENDED * least, _RUN_SHARE * runtime_ms))


def _flows(lines: Sequence[Line], interval: int, runtime_ms: int, least: float, longest_ms: float) -> bool:
    """Whether a first look shows that there is none: each line in time, none with few I/Os, no long wait."""
    if not lines or longest_ms >= _WAITED * least:
        return False
    ends = [line.end_ms for line in lines]
    longest = max(b - a for a, b in pairwise([0, *ends]))
    counts = sorted(line.ios for line in lines)
    return (
        longest < least + interval / 2
        and 2 * counts[0] >= counts[len(counts) // 2]
        and runtime_ms - ends[-1] < least + interval
    )


def _merged(
    changes: list[tuple[float, float]], everything: float, least: float, least_of_part: float
) -> list[Stall]:
    """What stood still by time: of (nearly) everything, else of a part of it for longer."""
    pieces: list[Stall] = []
    still = 0.0
    for (at, change), (until, _) in pairwise(sorted(changes)):
        still += change
        if until > at:
            pieces.append(Stall(at, until, still / everything))
    whole = _joined(piece for piece in pieces if piece.share >= _ALL)
    found = [stall for stall in whole if stall.length_ms >= _SEEN * least]
    part = _joined(piece for piece in pieces if piece.share >= _PART)
    found += [
        stall
        for stall in part
        if stall.share < _ALL
        and stall.length_ms >= least_of_part
        and not any(stall.from_ms <= one.from_ms and one.to_ms <= stall.to_ms for one in found)
    ]
    return sorted(found)


def _joined(pieces: Iterable[Stall]) -> list[Stall]:
    """Pieces that follow each other as one; its share is their mean over the time."""
    found: list[Stall] = []
    for piece in pieces:
        if found and found[-1].to_ms == piece.from_ms:
            before = found.pop()
            weighted = before.share * before.length_ms + piece.share * piece.length_ms
            piece = Stall(before.from_ms, piece.to_ms, weighted / (before.length_ms + piece.length_ms))
        found.append(piece)
    return found


def _quiet(
    lines: Sequence[Line],
    ios: int,
    interval: int,
    runtime_ms: int,
    least: float,
    longest_ms: float,
    *,
    pauses: bool,
) -> list[tuple[float, float]]:
    """When one worker completed nothing in one direction: (from, to) in ms."""
    if not ios:
        return []
    inside = [line for line in lines if line.end_ms <= runtime_ms]
    rate = ios / runtime_ms
    # After a pause fio makes up for lines that it did not write: they come at once.
    spans = [b.end_ms - a.end_ms for a, b in pairwise(inside) if b.end_ms - a.end_ms >= interval / 2]
    usual = median(spans) if spans else float(interval)
    least = max(least, _PAUSES * usual if usual > 1.5 * interval else 0.0, _MEAN_TIMES / rate)
    found = list(_hardly_moving(inside, interval, least))
    before = 0
    for line, around in zip(inside, _busy_rates(inside, interval), strict=True):
        busy = around or rate
        quiet = line.end_ms - before - line.ios / busy
        # Random completions come as much later now and then.
        surely = quiet - _DEVIATIONS * line.ios**0.5 / busy
        waited = longest_ms >= _WAITED * least
        # If nothing was in flight nothing waited: the guest itself stood still, or the job pauses.
        if (waited and surely >= _SEEN * least) or (not pauses and surely >= least):
            quiet = min(quiet, longest_ms) if waited and longest_ms >= quiet / 2 else quiet
            # The first line comes an interval after the first completion; the others' work is at their
            # beginning.
            first = not before and line.ios / busy >= 0.8 * interval
            end = quiet if first else float(line.end_ms)
            found.append((end - quiet, end))
        before = line.end_ms
    # Its last line that is not full is never written.
    quiet = runtime_ms - before - max(interval, usual)
    if quiet >= _SEEN * least and (longest_ms >= _WAITED * least or quiet >= _ENDED * least):
        found.append((runtime_ms - quiet, float(runtime_ms)))
    return _union(found) if not pauses or longest_ms >= _WAITED * least else []


def _hardly_moving(lines: Sequence[Line], interval: int, least: float) -> Iterator[tuple[float, float]]:
    """Times of several lines in which hardly anything completed: (from, to) in ms."""
    spans = [(a.end_ms, b.end_ms, b.ios) for a, b in pairwise([Line(0, 0), *lines])]
    rates = [ios / (end - start) for start, end, ios in spans if end - start >= interval / 2]
    if not rates:
        return
    hardly = _HARDLY * median(rates)
    since: int | None = None
    # The last one ends whatever goes on until the end.
    for start, end, ios in [*spans, (spans[-1][1], spans[-1][1], 1)]:
        slow = end > start and ios / (end - start) <= hardly
        if slow and since is None:
            since = start
        elif not slow and since is not None:
            if start - since >= least:
                yield float(since), float(start)
            since = None


def _union(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def _busy_rates(lines: Sequence[Line], interval: int) -> list[float | None]:
    """For each line how many I/Os in a ms complete around it, while the device works.

    The lines before tell it, and those after; the lower of both, so that no slow time counts as a stall.
    """
    rates = [
        b.ios / (b.end_ms - a.end_ms) if b.end_ms - a.end_ms >= interval / 2 else None
        for a, b in pairwise([Line(0, 0), *lines])
    ]
    before = _last_known(rates)
    after = _last_known(rates[::-1])[::-1]
    return [
        min((max(side) for side in sides if side), default=None) for sides in zip(before, after, strict=True)
    ]


def _last_known(rates: Sequence[float | None]) -> list[tuple[float, ...]]:
    """For each place the last `_NEAR` rates before it."""
    known: tuple[float, ...] = ()
    found = []
    for rate in rates:
        found.append(known)
        if rate is not None:
            known = (*known, rate)[-_NEAR:]
    return found
