"""What the guests of a key did until a moment of its window, in bytes and I/Os of one direction.

fio tells what it did in the measured time of each phase, and its log when; what it did in a ramp it leaves
out. The counters of the guest's kernel are of all of it, so that the ramps did the rest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult
from pytest_odfperf.fio.job import Direction
from pytest_odfperf.measure.series.guest_series import Series
from pytest_odfperf.measure.storage_work import PoolWork, inner_span
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence

#: A ramp may have been many times as fast as the rest, where a burst was used up in it.
_MOST_RAMP = 20.0


@dataclass(frozen=True, slots=True)
class Course:
    """How much was done until a moment, in one guest: straight between the points."""

    times_s: Sequence[float]
    done_bytes: Sequence[float]
    #: I/Os as the guest's kernel passed them on, for each byte.
    ios_per_byte: float

    def until(self, at_s: float) -> float:
        """Bytes."""
        number = bisect_right(self.times_s, at_s)
        if number == 0:
            return 0.0
        if number == len(self.times_s):
            return self.done_bytes[-1]
        from_s, to_s = self.times_s[number - 1], self.times_s[number]
        share = (at_s - from_s) / (to_s - from_s) if to_s > from_s else 1.0
        return self.done_bytes[number - 1] + share * (self.done_bytes[number] - self.done_bytes[number - 1])


@dataclass(slots=True)
class _Kept:
    evidence: Evidence | None = None
    found: dict[tuple[float, Direction], list[Course]] = field(default_factory=dict)


_KEPT = _Kept()


def courses(evidence: Evidence, window_s: float, direction: Direction) -> list[Course]:
    """One for each guest. Times are of a window that begins with the first guest's start."""
    # Several rules ask for those of one key.
    if _KEPT.evidence is not evidence:
        _KEPT.evidence, _KEPT.found = evidence, {}
    if (window_s, direction) not in _KEPT.found:
        _KEPT.found[window_s, direction] = _courses(evidence, window_s, direction)
    return _KEPT.found[window_s, direction]


def _courses(evidence: Evidence, window_s: float, direction: Direction) -> list[Course]:
    began_ns = min(guest.started_at_epoch_ns for guest in evidence.guests)
    ended_ns = max(guest.ended_at_epoch_ns for guest in evidence.guests)
    # Guests of a sandbox may tell of more time than went by.
    scale = min(1.0, window_s / max(1e-3, (ended_ns - began_ns) / 1e9))
    return [_course(evidence, guest, direction, began_ns, scale) for guest in evidence.guests]


def between(found: Iterable[Course], from_s: float, to_s: float) -> tuple[float, float]:
    """Bytes and I/Os of all guests between two moments."""
    total_bytes = total_ios = 0.0
    for course in found:
        done = max(0.0, course.until(to_s) - course.until(from_s))
        total_bytes += done
        total_ios += done * course.ios_per_byte
    return total_bytes, total_ios


def guests_beside(evidence: Evidence) -> PoolWork | None:
    """What the guests did while the storage counted, on average; None: nobody counted."""
    span = inner_span(evidence.counters) if evidence.counters is not None else None
    if span is None or evidence.counters is None:
        return None
    from_s, to_s = span.middle_s
    window_s, seconds = evidence.counters.window_s, max(1e-3, to_s - from_s)
    found: list[float] = []
    for direction in ("read", "write"):
        moved, ios = between(courses(evidence, window_s, direction), from_s, to_s)
        found += [round(ios / seconds, 1), round(moved / seconds)]
    return PoolWork(
        pool="guests",
        read_iops=found[0],
        read_bytes_per_s=found[1],
        write_iops=found[2],
        write_bytes_per_s=found[3],
    )


def _course(
    evidence: Evidence, guest: GuestEvidence, direction: Direction, began_ns: int, scale: float
) -> Course:
    settings, phases = evidence.settings, evidence.job.phases
    at_s = (guest.started_at_epoch_ns - began_ns) / 1e9 * scale
    length_s = max(1e-3, (guest.ended_at_epoch_ns - guest.started_at_epoch_ns) / 1e9) * scale
    nominal_s = settings.ramp_s + settings.runtime_s
    unit = length_s / (nominal_s * max(1, len(phases)))
    measured = [_measured(guest.result, phase, direction) for phase in range(len(phases))]
    total = sum(moved for moved, _ in measured)
    ios = sum(count for _, count in measured)
    seen = guest.witness.work if guest.witness is not None else None
    pace, per_byte = 1.0, ios / total if total else 0.0
    if seen is not None and total:
        did, requests = (
            (seen.read_bytes, seen.reads) if direction == "read" else (seen.written_bytes, seen.writes)
        )
        if settings.ramp_s:
            pace = (did - total) / (total * settings.ramp_s / settings.runtime_s)
            pace = min(_MOST_RAMP, max(0.0, pace))
        if requests and did:
            per_byte = requests / did
    times, done = [at_s], [0.0]
    for phase, (moved, _) in enumerate(measured):
        ramp_end_s = at_s + unit * (phase * nominal_s + settings.ramp_s)
        times.append(ramp_end_s)
        done.append(done[-1] + pace * moved * settings.ramp_s / settings.runtime_s)
        shares = _shares(guest, evidence, phase, direction)
        first = done[-1]
        for share_s, share in shares or [(1.0, 1.0)]:
            times.append(ramp_end_s + unit * settings.runtime_s * share_s)
            done.append(first + moved * share)
    return Course(times, done, per_byte)


def _measured(result: FioResult, phase: int, direction: Direction) -> tuple[float, float]:
    """Bytes and I/Os of the sections of a phase."""
    moved = ios = 0.0
    for job in result.jobs:
        part: DirectionResult | None = getattr(job, direction)
        if job.phase == phase and part is not None and part.iops_per_s:
            moved += part.total_ios * part.bw_bytes_per_s / part.iops_per_s
            ios += part.total_ios
    return moved, ios


def _shares(
    guest: GuestEvidence, evidence: Evidence, phase: int, direction: Direction
) -> list[tuple[float, float]]:
    """(part of the runtime, part of what was done until then), where one series tells of all of it."""
    names = [job.name for job in guest.result.jobs if job.phase == phase and getattr(job, direction)]
    found: list[Series] = [
        one for one in guest.series or () if one.direction == direction and one.job in names
    ]
    if len(found) != 1 or len(names) != 1:
        return []
    rates = found[0].rates
    total = sum(rates)
    if not total:
        return []
    step = found[0].sample_ms / (1000 * evidence.settings.runtime_s)
    sums = accumulate(rates)
    return [(min(1.0, step * number), done / total) for number, done in enumerate(sums, 1)]
