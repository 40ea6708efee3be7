"""Which number of VMs is tried next, and what the answer is. Pure: told of outcomes, asked for steps.

Doubling until a step breaks the limit, then bisection between the last that kept it and the first that broke
it, then both ends again until each was measured as often as asked. The answer is an interval, since the
edge is not sharp: the largest number that kept the limit every time, and the smallest above it that broke it
at least once. At the end the first number is measured once more: if it does not keep the limit then, or not
as it did, the pool is another than at the beginning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Purpose = Literal["doubling", "bisection", "edge", "drift"]


@dataclass(frozen=True, slots=True)
class Step:
    """A group of ``vms`` VMs to be measured; ``attempt`` counts those of this number, from 1."""

    vms: int
    attempt: int
    purpose: Purpose


@dataclass(slots=True)
class CapacitySearch:
    """The search between ``start`` and ``most`` VMs; each end of the answer is measured ``repeats`` times."""

    start: int
    most: int
    repeats: int
    #: Outcomes by number of VMs: whether each attempt kept the limit.
    kept: dict[int, list[bool]] = field(default_factory=dict)
    #: What the cluster has no room for: this many VMs and more.
    no_room: int | None = None
    _drifted: bool = False
    #: What had room once, and has none any more.
    _unrepeatable: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not 1 <= self.start <= self.most or self.repeats < 1:
            raise ValueError(
                f"from {self.start} to {self.most} VMs, {self.repeats} times: there is no search"
            )

    @property
    def largest_kept(self) -> int:
        """The largest number that kept the limit every time, below all that broke it; 0: none did."""
        broken = self.smallest_broken
        return max(
            (vms for vms, kept in self.kept.items() if all(kept) and (broken is None or vms < broken)),
            default=0,
        )

    @property
    def smallest_broken(self) -> int | None:
        """The smallest number that broke it at least once; None: none did."""
        return min((vms for vms, kept in self.kept.items() if not all(kept)), default=None)

    def next(self) -> Step | None:
        """What to measure now; None: the answer is there."""
        low, high = self.largest_kept, self._ceiling
        if high is None:
            if low < self.most:
                return self._step(min(max(2 * low, self.start), self.most), "doubling")
        elif high - low > 1:
            return self._step((low + high) // 2, "bisection")
        for vms in (low, self.smallest_broken):
            if vms and vms not in self._unrepeatable and len(self.kept[vms]) < self.repeats:
                return self._step(vms, "edge")
        if not self._drifted and len(self.kept) > 1 and self.kept.get(self.start):
            return self._step(self.start, "drift")
        return None

    def told(self, step: Step, kept: bool) -> None:
        """Note whether ``step`` kept the limit."""
        if step.purpose == "drift":
            # It says whether the pool is still the same, and changes no answer.
            self._drifted = True
            return
        self.kept.setdefault(step.vms, []).append(kept)

    def told_no_room(self, step: Step) -> None:
        """Note that the cluster has no room for so many VMs."""
        if step.purpose == "drift":
            self._drifted = True
        elif step.purpose == "edge":
            self._unrepeatable.add(step.vms)
        else:
            self.no_room = step.vms

    @property
    def _ceiling(self) -> int | None:
        """The smallest number that is known not to be carried, for want of speed or of room."""
        known = [vms for vms in (self.smallest_broken, self.no_room) if vms is not None]
        return min(known, default=None)

    def _step(self, vms: int, purpose: Purpose) -> Step:
        return Step(vms, len(self.kept.get(vms, ())) + (2 if purpose == "drift" else 1), purpose)
