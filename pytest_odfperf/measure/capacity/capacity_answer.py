"""The answer: how many VMs a pool carries, as an interval, with what broke first and every step."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_odfperf.measure.capacity.capacity_search import CapacitySearch
from pytest_odfperf.measure.capacity.step_outcome import StepOutcome

#: A p99 at the end that is so many times that of the beginning, or a part of it, is told.
_DRIFT = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityAnswer:
    """``kept_vms`` VMs were carried each time; ``broken_vms`` were not, at least once."""

    rate_iops: int
    lat_p99_limit_ns: int
    #: 0: not even one.
    kept_vms: int
    #: None: nothing that was tried broke the limit.
    broken_vms: int | None
    #: What broke at ``broken_vms``.
    broke_first: tuple[str, ...]
    #: The cluster has no room for so many; None: room was never the end.
    no_room_vms: int | None
    #: Of the largest number that was tried, if it was all that was to be tried.
    most_vms: int
    steps: tuple[StepOutcome, ...]
    #: What the last step, like the first, says of the time between them; None: nothing.
    drift: str | None

    @property
    def text(self) -> str:
        """One line for people."""
        asked = f"at {self.rate_iops} I/Os a second each within p99 {self.lat_p99_limit_ns / 1e6:g} ms"
        if self.broken_vms is not None:
            line = (
                f"carries {self.kept_vms} VMs {asked}, not {self.broken_vms}: {'; '.join(self.broke_first)}"
            )
        elif self.no_room_vms is not None:
            line = f"carries {self.kept_vms} VMs {asked}, and the cluster has no room for {self.no_room_vms}"
        else:
            line = f"carries at least {self.kept_vms} VMs {asked}; more were not asked for"
        return f"{line}; {self.drift}" if self.drift else line


def answer_of(
    search: CapacitySearch, steps: tuple[StepOutcome, ...], *, rate_iops: int, lat_p99_limit_ns: int
) -> CapacityAnswer:
    """The answer of a search that has ended; ``steps`` in the order in which they were measured."""
    broken = search.smallest_broken
    first = next((step for step in steps if step.vms == broken and not step.kept), None)
    return CapacityAnswer(
        rate_iops=rate_iops,
        lat_p99_limit_ns=lat_p99_limit_ns,
        kept_vms=search.largest_kept,
        broken_vms=broken,
        broke_first=first.broke if first else (),
        no_room_vms=search.no_room,
        most_vms=search.most,
        steps=steps,
        drift=_drift(steps),
    )


def _drift(steps: tuple[StepOutcome, ...]) -> str | None:
    last = next((step for step in steps if step.purpose == "drift"), None)
    if last is None:
        return None
    before = next(step for step in steps if step.vms == last.vms)
    ratio = last.lat_p99_ns / before.lat_p99_ns
    if before.kept == last.kept and 1 / _DRIFT <= ratio <= _DRIFT:
        return None
    return (
        f"with {last.vms} VMs again at the end p99 was {last.lat_p99_ns / 1e6:.3g} ms after "
        f"{before.lat_p99_ns / 1e6:.3g} ms at first: the pool, or what is beside it, changed meanwhile"
    )
