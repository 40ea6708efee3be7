"""Which pools ran beside a key: the share of its window in which their VMs loaded some devices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from pytest_odfperf.schedule.backends import Relation, Sharing

#: What a pool's VMs do: they boot (from their root disks, and soon lay out files), they lay out files or run
#: fio, their disks are deleted.
Load = Literal["booting", "working", "deleting"]
Disks = Literal["data", "root"]


@dataclass(frozen=True, slots=True)
class LoadWindow:
    """From when to when a pool's VMs did what, in seconds of the host's clock."""

    pool: str
    load: Load
    began_s: float
    ended_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A pool that ran beside a key; ``why`` says why its backend is known to be shared or not.

    ``share`` is that of the key's own window, 0 to 1; None: not known.
    """

    pool: str
    share: float | None
    backend: Sharing
    why: str
    #: Whether its data disks were busy, or the root disks of its VMs, while these booted.
    disks: Disks = "data"

    @property
    def text(self) -> str:
        """In a few words."""
        disks = " (root disks)" if self.disks == "root" else ""
        share = "unknown share" if self.share is None else f"{self.share:.0%}"
        return f"{self.pool}{disks} {share} {self.backend.replace('_', ' ')}"


def neighbours(
    pool: str,
    began_s: float,
    ended_s: float,
    windows: Iterable[LoadWindow],
    relation_of: Callable[[str, Disks], Relation],
) -> tuple[Neighbour, ...]:
    """The other pools that loaded devices between ``began_s`` and ``ended_s``, the longest first.

    Root disks are named only where they are not known to be on other devices than the key's.
    """
    spans: dict[tuple[str, Disks], list[tuple[float, float]]] = {}
    for window in windows:
        span = max(began_s, window.began_s), min(ended_s, window.ended_s)
        if window.pool == pool or span[0] >= span[1]:
            continue
        spans.setdefault((window.pool, "data"), []).append(span)
        if window.load == "booting":
            spans.setdefault((window.pool, "root"), []).append(span)
    found = []
    for (other, disks), pieces in spans.items():
        relation = relation_of(other, disks)
        if disks == "data" or relation.sharing != "separate":
            share = min(1.0, _length_s(pieces) / (ended_s - began_s))
            found.append(
                Neighbour(
                    pool=other, share=round(share, 4), backend=relation.sharing, why=relation.why, disks=disks
                )
            )
    return tuple(sorted(found, key=lambda one: (-(one.share or 0.0), one.pool, one.disks)))


def _length_s(pieces: Iterable[tuple[float, float]]) -> float:
    """What the pieces cover together."""
    covered_s, last_s = 0.0, float("-inf")
    for began_s, ended_s in sorted(pieces):
        covered_s += max(0.0, ended_s - max(began_s, last_s))
        last_s = max(last_s, ended_s)
    return covered_s
