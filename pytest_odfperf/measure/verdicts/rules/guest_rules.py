"""Whether all guests of a group measured the same thing."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.measure.fairness import Fairness, fairness_of
from pytest_odfperf.measure.verdicts.doubt import Doubt, Level
from pytest_odfperf.measure.verdicts.evidence import Evidence
from pytest_odfperf.measure.window_rates import within_shared_time

# --- how evenly the guests were served --------------------------------------------------------------------

#: The slowest guest's rate, of the median's; below the second the figures are not of one thing.
UNEVEN, STARVED = 0.5, 0.1
#: Jain's index of two guests at 1:2, or of ten of which one has nothing.
JAIN = 0.9


def uneven(evidence: Evidence) -> Iterator[Doubt]:
    """``uneven_guests``"""
    results = within_shared_time(
        {guest.name: guest.result for guest in evidence.guests},
        {guest.name: guest.started_at_epoch_ns / 1e6 for guest in evidence.guests},
        1000 * evidence.settings.runtime_s,
    )
    for one in fairness_of(results):
        if one.min_over_median < UNEVEN or one.jain < JAIN:
            yield _uneven(one, "invalid" if one.min_over_median < STARVED else "suspect")


def _uneven(one: Fairness, level: Level) -> Doubt:
    return Doubt(
        code="uneven_guests",
        level=level,
        text=f"job {one.job}: guest {one.worst_guest} did {one.worst_guest_iops_per_s:.4g} IOPS, the "
        f"median guest "
        f"{one.median_guest_iops_per_s:.4g} (limit {UNEVEN:.0%} of it, invalid below {STARVED:.0%}); "
        f"Jain's index "
        f"{one.jain:.2f} (limit {JAIN})",
        figures={
            "jain": round(one.jain, 4),
            "min_over_median": round(one.min_over_median, 4),
            "worst_guest_iops_per_s": round(one.worst_guest_iops_per_s, 2),
            "median_guest_iops_per_s": round(one.median_guest_iops_per_s, 2),
        },
    )
