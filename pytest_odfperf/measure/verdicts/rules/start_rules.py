"""Whether all guests measured at the same time, on the clock that they have in common."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.measure.shared_window import span_ms
from pytest_odfperf.measure.verdicts.doubt import Doubt, Level
from pytest_odfperf.measure.verdicts.evidence import Evidence

#: Shares of the measured time that all guests must have in common. Above the first their histograms may be
#: taken whole; below the second the sum of their rates is of no one load.
SHARED, SHARED_AT_ALL = 0.95, 0.90
#: fio itself takes so long to begin, one time more than another.
START_MS = 100.0
#: Guests that are told one instant are not apart so far, however long they measure.
APART_MS = 5_000.0
#: No clock that is kept right is off so far. One that nobody keeps is off by a second or two after its boot:
#: the clock of the machine has whole seconds.
CLOCK_OFF_MS = 5_000.0


def together(evidence: Evidence) -> Iterator[Doubt]:
    """``starts_apart``"""
    guests = evidence.guests
    skew_ms = span_ms([guest.started_at_epoch_ns for guest in guests]) or 0.0
    apart_ms = skew_ms
    if len(evidence.job.phases) > 1:
        # Each phase begins when the one before it is over, in each guest by itself.
        apart_ms = max(apart_ms, span_ms([guest.ended_at_epoch_ns for guest in guests]) or 0.0)
    runtime_ms = 1000.0 * evidence.settings.runtime_s
    shared = max(0.0, 1 - apart_ms / runtime_ms)
    too_far = apart_ms > START_MS and shared < SHARED
    if not too_far and skew_ms <= APART_MS:
        return
    level: Level = "invalid" if too_far and shared < SHARED_AT_ALL else "suspect"
    last = max(guests, key=lambda guest: guest.started_at_epoch_ns)
    what = "its start or end" if apart_ms > skew_ms else "its start"
    late_ms = last.late_ms or 0.0
    late = f", {late_ms / 1000:.3g} s after the instant that all were told" if late_ms > START_MS else ""
    yield Doubt(
        code="starts_apart",
        level=level,
        text=f"the guests measured {apart_ms / 1000:.3g} s apart (limit {APART_MS / 1000:.0f} s): "
        f"{shared:.0%} of the measured {runtime_ms / 1000:.0f} s is shared (limit {SHARED:.0%}, invalid "
        f"below {SHARED_AT_ALL:.0%}); guest {last.name} was the last with {what}{late}",
        figures={"apart_ms": round(apart_ms, 3), "start_skew_ms": round(skew_ms, 3), "shared_part": shared},
    )


def clocks(evidence: Evidence) -> Iterator[Doubt]:
    """``clock_set``, ``clock_off``: figures are not of these clocks, but what fio writes beside them is."""
    for guest in evidence.guests:
        if guest.clock_jump_s:
            yield Doubt(
                code="clock_set",
                level="suspect",
                text=f"guest {guest.name}: its clock was set by {guest.clock_jump_s:+.1f} s while fio ran",
                figures={"clock_jump_s": round(guest.clock_jump_s, 3)},
            )
        offset_ms = guest.clock_offset_ms or 0.0
        if abs(offset_ms) - (guest.clock_uncertainty_ms or 0.0) > CLOCK_OFF_MS:
            yield Doubt(
                code="clock_off",
                level="suspect",
                text=f"guest {guest.name}: its clock is off by {offset_ms / 1000:+.3f} s (limit "
                f"{CLOCK_OFF_MS / 1000:.0f} s), known to {guest.clock_uncertainty_ms or 0:.3g} ms, by the "
                "clock of the machine that measures",
                figures={"clock_offset_ms": round(offset_ms, 3)},
            )
