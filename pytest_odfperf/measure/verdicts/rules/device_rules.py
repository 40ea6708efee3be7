"""The device can do this: no rate is above what the volumes, or all of a backend together, can give."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence

#: What a throttle lets through beyond its rate, and for how long it lets a burst through at the beginning
#: (QEMU: a tenth of a second's I/Os; measured rates under throttles are within 1 %).
BEYOND_SHARE, BURST_S = 0.03, 0.2
_UNITS = {"iops": "IOPS", "bandwidth": "bytes/s"}


def caps(evidence: Evidence) -> Iterator[Doubt]:
    """Each volume against its caps, and all volumes of the group against those of the backend."""
    if not evidence.caps:
        return
    allowed = 1 + BEYOND_SHARE + BURST_S / evidence.settings.runtime_s
    for phase in range(len(evidence.job.phases)):
        guests = {guest.name: _rates(guest, phase) for guest in evidence.guests}
        for name, cap in evidence.caps.items():
            kind = name.removeprefix("backend_")
            if kind != name:
                total = sum(rates.get(kind, 0.0) for rates in guests.values())
                volumes = f"all {len(guests)} volumes together"
                yield from _above(volumes, kind, total, cap, allowed, "the backend's cap")
                continue
            for guest, rates in guests.items():
                rate = rates.get(kind, 0.0)
                yield from _above(f"guest {guest}", kind, rate, cap, allowed, "its volume's cap")


def _above(who: str, kind: str, rate: float, cap: float, allowed: float, what: str) -> Iterator[Doubt]:
    if rate > cap * allowed:
        unit = _UNITS[kind.rpartition("_")[2]]
        direction = "" if "_" not in kind else f" of {kind.partition('_')[0]}s"
        yield Doubt(
            code="above_cap",
            level="invalid",
            text=f"{who}: {rate:.0f} {unit}{direction}, and {what} is {cap:.0f} (limit {cap * allowed:.0f})",
            figures={"rate_per_s": rate, "cap_per_s": cap},
        )


def _rates(guest: GuestEvidence, phase: int) -> dict[str, float]:
    """What a guest's sections of one phase came to together, by the names of caps."""
    found: dict[str, float] = {}
    for job in guest.result.jobs:
        if job.phase != phase:
            continue
        for direction, part in (("read", job.read), ("write", job.write)):
            if part is not None:
                for kind, rate in (("iops", part.iops_per_s), ("bandwidth", part.bw_bytes_per_s)):
                    for name in (kind, f"{direction}_{kind}"):
                        found[name] = found.get(name, 0.0) + rate
    return found
