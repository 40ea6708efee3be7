"""A storage that is disturbed at random while keys are measured: what is drawn, and what must be noticed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

#: Of a key's window, in which counters that are late do not tell what was done in it, at its two ends.
FIRST_S, LAST_S = 12.0, 3.0
#: What lasts so long within a window is noticed.
NOTICED_S = 5.0
#: How long after its end a fault may still be in the counters.
AFTER_S = 12.0


@dataclass(frozen=True, slots=True)
class Kind:
    change: Mapping[str, Any]
    #: One of these codes must name it.
    codes: frozenset[str]
    #: Whether it shows in what is counted within the window only.
    inner: bool = False


KINDS: Mapping[str, Kind] = {
    "noisy neighbour": Kind(
        {"clients": {"others": {"iops": 30_000, "block_size": "16k", "reads": 0.5}}},
        frozenset({"others_io"}),
    ),
    "neighbour in the pool": Kind(
        {"clients": {"rep3": {"iops": 30_000, "block_size": "64k", "reads": 0.5}}},
        frozenset({"storage_saw_more"}),
        inner=True,
    ),
    "recovery": Kind({"recovery": "300Mi"}, frozenset({"recovery_ran"})),
    "dead OSD": Kind({"osds_down": [1]}, frozenset({"osd_lost"})),
    "two dead OSDs": Kind({"osds_down": [0, 2]}, frozenset({"osd_lost", "pgs_inactive"})),
    "OSD out": Kind({"osds_out": [2]}, frozenset({"osd_lost"})),
    "hung OSD": Kind({"osds_hung": [0]}, frozenset({"osd_hung"})),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """In seconds after the first VM was made."""

    kind: str
    from_s: float
    to_s: float


def draw_faults(seed: int, lasts_s: float) -> list[Fault]:
    """One after the other, with calm times between them."""
    random = Random(f"storage-{seed}")
    names = random.sample(list(KINDS), len(KINDS))
    found, at_s = [], random.uniform(2, 12)
    for name in names:
        to_s = at_s + random.uniform(13, 20)
        if to_s > lasts_s:
            break
        found.append(Fault(name, round(at_s, 1), round(to_s, 1)))
        at_s = to_s + random.uniform(6, 14)
    return found


def changes(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    """The ``changes`` of a sandbox's Ceph."""
    found: list[dict[str, Any]] = []
    for fault in faults:
        found.append({"after_s": fault.from_s, **KINDS[fault.kind].change})
        found.append({"after_s": fault.to_s, "clients": {}})
    return found


def broken(records: Sequence[Mapping[str, Any]], faults: Sequence[Fault], began_s: float) -> list[str]:
    """What was not noticed or named, and what was doubted without a reason; ``began_s`` since the epoch."""
    found = []
    for record in records:
        from_s, to_s = (record[f"{end}_at_epoch_ms"] / 1000 - began_s for end in ("started", "ended"))
        codes = {doubt["code"] for doubt in record["doubts"]}
        near = False
        for fault in faults:
            kind = KINDS[fault.kind]
            first_s, last_s = (from_s + FIRST_S, to_s - LAST_S) if kind.inner else (from_s, to_s - LAST_S)
            near |= fault.from_s < to_s + 2 and from_s < fault.to_s + AFTER_S
            seen_s = min(fault.to_s, last_s) - max(fault.from_s, first_s)
            if seen_s >= NOTICED_S and not codes & kind.codes:
                found.append(
                    f"{record['key']} ({from_s:.0f} to {to_s:.0f} s): {fault} is not named by {sorted(codes)}"
                )
        if not near and codes:
            found.append(f"{record['key']} ({from_s:.0f} to {to_s:.0f} s) is doubted: {record['doubts']}")
    return found
