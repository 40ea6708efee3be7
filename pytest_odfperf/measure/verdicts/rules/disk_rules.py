"""The bytes went to the disk under test."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence

#: Another disk that did so many times the I/Os of the data disk did the work.
OTHER_DISK = 10


def fio_disks(evidence: Evidence) -> Iterator[Doubt]:
    """fio's own list of disks (``disk_util``), which is empty where there is no disk, or nobody can tell."""
    for guest in evidence.guests:
        # A guest is asked for its facts while it still sets up its disk; the witness is of the run itself.
        source = guest.witness.disk if guest.witness is not None else guest.facts.get("mount")
        device = source.removeprefix("/dev/") if isinstance(source, str) else ""
        if device and guest.result.disk_ios:
            problem = _other_disk(guest, device, buffered=bool(evidence.job.buffered))
            if problem is not None:
                yield Doubt(code="wrong_disk", level="invalid", text=f"guest {guest.name}: {problem}")


def _other_disk(guest: GuestEvidence, device: str, *, buffered: bool) -> str | None:
    found = guest.result.disk_ios
    if device not in found:
        return f"the I/O went to {', '.join(list(found)[:4])}, the data disk is {device}"
    counts = {name: ios or 0.0 for name, ios in found.items()}
    other = max((name for name in counts if name != device), key=lambda name: counts[name], default=None)
    if other is not None and counts[other] > OTHER_DISK * counts[device]:
        return f"{counts[other]:.0f} I/Os went to {other}, and {counts[device]:.0f} to the data disk {device}"
    if found[device] == 0 and not buffered:
        return f"the data disk {device} did no I/O: a memory or a cache answered"
    return None
