"""A look at what shows a cause, and what the looks at disks and at machines share."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pytest_odfperf.cluster.causes.seen import VmSeen, condition, name_of, words

#: How long a state is waited out. ``no``: it does not heal. ``soon``: a controller tries again at once.
#: ``retry``: it does so with back-off. ``stall``, ``schedule``: timeouts of the matrix. ``free``: room that
#: only others can free.
Heals = Literal["no", "soon", "retry", "stall", "schedule", "free"]


class Look(NamedTuple):
    """An object that shows a cause. ``heals`` is given where this one heals otherwise than its row says."""

    object: str
    words: str
    heals: Heals | None = None
    token: str = ""


def has(text: str, marks: tuple[str, ...]) -> bool:
    return any(mark in text.lower() for mark in map(str.lower, marks))


def vm_of(seen: VmSeen) -> str:
    return f"VirtualMachine {seen.name}"


def vmi_of(seen: VmSeen) -> str:
    return f"VirtualMachineInstance {seen.name}"


def volume_of(seen: VmSeen) -> str:
    return f"DataVolume {name_of(seen.root)}" if seen.root else "DataVolume"


def failure_of(seen: VmSeen) -> str:
    return words(condition(seen.vm, "Failure", "True"))


def unsynchronized(seen: VmSeen, *reasons: str) -> str:
    told = condition(seen.instance, "Synchronized", "False")
    return words(told) if told and told.get("reason") in reasons else ""


def volume_says(seen: VmSeen, sort: str, *reasons: str) -> str:
    """The words of a condition of the root disk that is not True; a quota has the status Unknown."""
    told = condition(seen.root, sort, "False", "Unknown")
    return words(told) if told and told.get("reason") in reasons else ""
