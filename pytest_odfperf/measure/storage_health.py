"""What the storage said of its health around a key: states at moments, and what a record keeps of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

CephKind = Literal["rbd", "cephfs", "nfs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """One of Ceph's health checks: its code, HEALTH_WARN or HEALTH_ERR, its words."""

    code: str
    severity: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CephState:
    """A Ceph cluster at a moment, as its operator saw it."""

    health: str
    checks: tuple[HealthCheck, ...] = ()
    #: Of its raw capacity, 0 to 1; None: not known.
    used_share: float | None = None
    #: When the operator asked Ceph, in its words.
    checked_at: str | None = None
    #: What is wrong with the CephCluster object itself: it does not reach its Ceph, say.
    trouble: str | None = None

    @property
    def codes(self) -> set[str]:
        return {check.code for check in self.checks}

    @property
    def text(self) -> str:
        """Health and codes."""
        return " ".join([self.health, *sorted(self.codes)])


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """The Ceph object behind a pool at a moment; ``identity`` is another one once it was made anew."""

    phase: str
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PgCount:
    """How many PGs are in a state (``degraded``); one is in several at a time."""

    state: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PgState:
    """The placement groups of a Ceph cluster at a moment: how many, and the states that any of them is in."""

    total: int
    states: tuple[PgCount, ...]

    def count(self, state: str) -> int:
        """How many are in ``state``."""
        return next((one.count for one in self.states if one.state == state), 0)

    @property
    def text(self) -> str:
        """Those that are not simply active and clean."""
        return ", ".join(
            f"{one.count} {one.state}" for one in self.states if one.state not in ("active", "clean")
        )


@dataclass(frozen=True, slots=True)
class PgMoment:
    """As `CephMoment`, of the PGs."""

    at_s: float
    state: PgState


@dataclass(frozen=True, slots=True)
class CephMoment:
    """From ``at_s`` on, in seconds of the key's window; what was before it is at 0."""

    at_s: float
    state: CephState


@dataclass(frozen=True, slots=True)
class PoolMoment:
    """The same of a Ceph object, by kind and name; ``state`` None: it was deleted."""

    at_s: float
    name: str
    state: PoolState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthEvidence:
    """All that was seen in a key's window, in the order of time."""

    kind: CephKind
    ceph: tuple[CephMoment, ...] = ()
    pools: tuple[PoolMoment, ...] = ()
    #: Empty: not known.
    pgs: tuple[PgMoment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageHealth:
    """What a record keeps: before and after its window, and what changed between."""

    before: str
    after: str
    changed: tuple[str, ...] = ()
    #: When Ceph was asked for ``after``, in its operator's words.
    checked_at: str | None = None
    #: What PGs were in other states than active and clean, each time that this changed; None: not known.
    pgs: tuple[str, ...] | None = None

    @property
    def shown(self) -> str:
        """In one line."""
        if not self.changed:
            return self.before
        return f"{self.before}; {'; '.join(self.changed)}"


def storage_health(evidence: HealthEvidence) -> StorageHealth | None:
    """None where nothing is known of the Ceph cluster."""
    if not evidence.ceph:
        return None
    return StorageHealth(
        before=evidence.ceph[0].state.text,
        after=evidence.ceph[-1].state.text,
        changed=(*_ceph_changes(evidence.ceph), *_pool_changes(evidence.pools)),
        checked_at=evidence.ceph[-1].state.checked_at,
        pgs=tuple(moment.state.text or "all active and clean" for moment in evidence.pgs) or None,
    )


def _ceph_changes(moments: tuple[CephMoment, ...]) -> list[str]:
    found = []
    for before, after in pairwise(moments):
        parts = []
        if before.state.health != after.state.health:
            parts.append(f"{before.state.health} -> {after.state.health}")
        parts += [f"{code} came" for code in sorted(after.state.codes - before.state.codes)]
        parts += [f"{code} went" for code in sorted(before.state.codes - after.state.codes)]
        if before.state.trouble != after.state.trouble:
            parts.append(after.state.trouble or f"no more: {before.state.trouble}")
        if parts:
            found.append(f"after {after.at_s:.1f} s: {', '.join(parts)}")
    return found


def _pool_changes(moments: tuple[PoolMoment, ...]) -> list[str]:
    found, last = [], dict[str, PoolState | None]()
    for moment in moments:
        before, after = last.get(moment.name), moment.state
        if moment.name in last and before != after:
            if after is None:
                what = "was deleted"
            elif before is None or before.identity != after.identity:
                what = f"was made anew, {after.phase}"
            else:
                what = f"{before.phase} -> {after.phase}"
            found.append(f"after {moment.at_s:.1f} s: {moment.name} {what}")
        last[moment.name] = after
    return found
