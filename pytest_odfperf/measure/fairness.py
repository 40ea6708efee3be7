"""How evenly the storage served the guests of a group.

Jain's index alone hides one starved guest among many (one of 50 at 0: 0.98), so the extremes stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from pytest_odfperf.fio.answers.fio_result import FioResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """Of one section, over the guests' IOPS (reads and writes together)."""

    job: str
    #: (sum x)^2 / (n sum x^2): 1 if all are equal, 1/n if one has all (Jain, Chiu, Hawe 1984).
    jain: float
    min_over_median: float
    #: None if a guest got nothing.
    max_over_min: float | None
    worst_guest: str
    worst_guest_iops_per_s: float
    median_guest_iops_per_s: float


def fairness(job: str, iops_per_s: Mapping[str, float]) -> Fairness | None:
    """Of the guests' rates by name; None for fewer than two guests, or if nothing was done at all."""
    rates = list(iops_per_s.values())
    if len(rates) < 2 or not any(rates):
        return None
    worst = min(iops_per_s, key=lambda name: iops_per_s[name])
    # Scaled, so that no square of a rate is too large or too small for a float.
    most = max(rates)
    squares = sum((rate / most) ** 2 for rate in rates)
    middle = median(rates)
    return Fairness(
        job=job,
        jain=(sum(rates) / most) ** 2 / (len(rates) * squares),
        min_over_median=iops_per_s[worst] / middle if middle else 0.0,
        max_over_min=most / iops_per_s[worst] if iops_per_s[worst] > 0 else None,
        worst_guest=worst,
        worst_guest_iops_per_s=iops_per_s[worst],
        median_guest_iops_per_s=middle,
    )


def fairness_of(results: Mapping[str, FioResult]) -> tuple[Fairness, ...]:
    """For each section; none for a single guest."""
    rates: dict[str, dict[str, float]] = {}
    for guest, result in results.items():
        for job in result.jobs:
            parts = [part for part in (job.read, job.write) if part is not None]
            rates.setdefault(job.name, {})[guest] = sum(part.iops_per_s for part in parts)
    found = [fairness(job, of_guests) for job, of_guests in rates.items()]
    return tuple(one for one in found if one is not None)


def least_fair(found: Iterable[Fairness]) -> Fairness | None:
    """The section that served its guests the most unevenly; None without any."""
    return min(found, key=lambda one: (one.min_over_median, one.jain), default=None)
