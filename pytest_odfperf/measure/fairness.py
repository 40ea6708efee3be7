"""How evenly the storage served the guests of a group.

Jain's index alone hides one starved guest among many (one of 50 at 0: 0.98), so the extremes stand beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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


def jain(iops_per_s: Collection[float]) -> float | None:
    """Jain's index of rates, from 1/n to 1 (Jain, Chiu, Hawe 1984); None if nothing was done at all."""
    most = max(iops_per_s, default=0.0)
    if most <= 0:
        return None
    # Scaled, so that no square of a rate is too large or too small for a float.
    squares = sum((rate / most) ** 2 for rate in iops_per_s)
    return (sum(iops_per_s) / most) ** 2 / (len(iops_per_s) * squares)


def fairness(job: str, iops_per_s: Mapping[str, float]) -> Fairness | None:
    """Of the guests' rates by name; None for fewer than two guests, or if nothing was done at all."""
    rates = list(iops_per_s.values())
    index = jain(rates)
    if len(rates) < 2 or index is None:
        return None
    worst = min(iops_per_s, key=lambda name: iops_per_s[name])
    middle = median(rates)
    return Fairness(
        job=job,
        jain=index,
        min_over_median=iops_per_s[worst] / middle if middle else 0.0,
        max_over_min=max(rates) / iops_per_s[worst] if iops_per_s[worst] > 0 else None,
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
