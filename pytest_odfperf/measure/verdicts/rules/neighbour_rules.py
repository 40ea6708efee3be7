"""Rules on what ran beside a key: on its devices, or on devices of which that is not known."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.measure.neighbours import Neighbour
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence

#: Of the key's window, in which another pool's data disks may be busy: what two workers' clocks leave open.
OVERLAP_LIMIT = 0.01
#: The same of root disks that VMs boot from: thin clones, read once.
BOOT_LIMIT = 0.1

_CODES = {"shared": "shared_backend", "not_known": "backend_unknown"}


def look_beside(evidence: Evidence) -> Iterator[Doubt]:
    """One doubt for all pools on the same devices, and one for all of which that is not known."""
    for sharing, code in _CODES.items():
        found = [one for one in evidence.beside if one.backend == sharing and _counts(one)]
        if not found:
            continue
        first, *more = found
        share = f"for {first.share:.0%} of its window" if first.share is not None else "for an unknown time"
        limit = BOOT_LIMIT if first.disks == "root" else OVERLAP_LIMIT
        what = "VMs booted from" if first.disks == "root" else "used"
        where = "the same devices" if sharing == "shared" else "devices that may be the same"
        others = f"; and beside {', '.join(one.text for one in more)}" if more else ""
        yield Doubt(
            code=code,
            level="suspect",
            text=f"{first.pool} {what} {where} {share} (limit {limit:.0%}): {first.why}{others}",
            figures={"overlap_share": 1.0 if first.share is None else first.share},
        )


def _counts(one: Neighbour) -> bool:
    if one.disks == "root":
        # Of all clusters' root disks nobody says where they are; only what is known speaks against a figure.
        return one.backend == "shared" and (one.share or 0.0) > BOOT_LIMIT
    return one.share is None or one.share > OVERLAP_LIMIT
