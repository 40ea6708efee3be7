"""Whether a step keeps the limit, and what broke first if not. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_odfperf.measure.aggregate import JobMeasurement, LatencyMeasurement
from pytest_odfperf.measure.verdicts.rules.guest_rules import JAIN
from pytest_odfperf.measure.verdicts.rules.steady_rules import HELD

#: The slowest guest's own p99 may be so many times the limit.
WORST_GUEST = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """One measured step: its figures over all directions and sections, and what it broke."""

    vms: int
    attempt: int
    purpose: str
    #: Of the run's clock, so that steps can be put in order.
    started_at_epoch_ms: int
    #: All VMs together, reads and writes; the slowest section counts.
    iops_per_s: float
    asked_iops_per_s: float
    #: The worst of all directions and sections.
    lat_p99_ns: int
    worst_guest_lat_p99_ns: int
    fairness: float
    #: What did not hold, with figures and limits; empty: the limit was kept.
    broke: tuple[str, ...]

    @property
    def kept(self) -> bool:
        return not self.broke


def outcome_of(
    jobs: tuple[JobMeasurement, ...],
    *,
    vms: int,
    attempt: int,
    purpose: str,
    started_at_epoch_ms: int,
    fairness: float,
    rate_iops: int,
    lat_p99_limit_ns: int,
) -> StepOutcome:
    """What a step of ``vms`` VMs, each asked for ``rate_iops``, came to.

    ``fairness``: Jain's index of the guests' rates, of the section that is served least evenly; 1 with one
    guest. Latency counts for reads, writes and syncs alike.
    """
    asked = float(vms * rate_iops)
    slowest = min(sum(part.iops_per_s for part in (job.read, job.write) if part) for job in jobs)
    parts = list(_parts(jobs))
    p99 = max(part.lat_p99_ns for _, part in parts)
    worst = max(part.worst_guest_lat_p99_ns for _, part in parts)
    broke = [
        f"{name} p99 {_ms(part.lat_p99_ns)} (limit {_ms(lat_p99_limit_ns)})"
        for name, part in parts
        if part.lat_p99_ns > lat_p99_limit_ns
    ]
    if slowest < HELD * asked:
        broke.append(f"the rate was not held: {slowest:.0f} of {asked:.0f} I/Os a second")
    if worst > WORST_GUEST * lat_p99_limit_ns:
        broke.append(
            f"the slowest guest's p99 {_ms(worst)} (limit {_ms(round(WORST_GUEST * lat_p99_limit_ns))})"
        )
    if fairness < JAIN:
        broke.append(f"the guests had unlike rates: fairness {fairness:.2f} (limit {JAIN})")
    return StepOutcome(
        vms=vms,
        attempt=attempt,
        purpose=purpose,
        started_at_epoch_ms=started_at_epoch_ms,
        iops_per_s=slowest,
        asked_iops_per_s=asked,
        lat_p99_ns=p99,
        worst_guest_lat_p99_ns=worst,
        fairness=fairness,
        broke=tuple(broke),
    )


def _parts(jobs: tuple[JobMeasurement, ...]) -> Iterator[tuple[str, LatencyMeasurement]]:
    for job in jobs:
        for direction in ("read", "write", "sync"):
            part: LatencyMeasurement | None = getattr(job, direction)
            if part is not None:
                yield f"{job.name} {direction}", part


def _ms(ns: int) -> str:
    return f"{ns / 1e6:.3g} ms"
