"""One lie: how it is told, and what must speak against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: Told by simulated guests in a whole run; by the fio of this machine under the guest's script.
Way = Literal["simulated", "real fio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    name: str
    #: What is not as the figures say.
    says: str
    family: str
    way: Way = "simulated"
    #: The codes of doubts, or reasons of errors, that speak of this lie.
    right: frozenset[str]
    #: Of a whole run: the StorageClass, the profile, the VMs, and what else the pool has in the matrix.
    storage_class: Mapping[str, Any] = field(default_factory=dict)
    profile: str = "reads"
    vms: int = 1
    pool: Mapping[str, Any] = field(default_factory=dict)
    #: Lies of one setting are told in one run, each by a pool of its own, with this in the sandbox.
    setting: str = "usual"
    sandbox: Mapping[str, Any] = field(default_factory=dict)
    #: Pools that run at one time.
    workers: int = 4


def faulty(name: str, says: str, family: str, right: str, faults: Mapping[str, Any], **more: Any) -> Lie:
    """Told by guests with ``faults``; ``right`` has spaces between the codes."""
    storage_class = {**more.pop("storage_class", {}), "faults": faults}
    return Lie(
        name=name,
        says=says,
        family=family,
        right=frozenset(right.split()),
        storage_class=storage_class,
        **more,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the plugin made of a lie or of a clean result."""

    name: str
    #: Verdict of a measurement; ``error`` where there is none.
    verdict: str
    #: Codes of the doubts; the reason of the error.
    codes: tuple[str, ...]
    text: str

    @property
    def doubted(self) -> bool:
        return self.verdict != "valid"


def caught(lie: Lie, heard: Heard) -> bool:
    """Doubted, and for what is wrong with it."""
    return heard.doubted and bool(lie.right & set(heard.codes))
