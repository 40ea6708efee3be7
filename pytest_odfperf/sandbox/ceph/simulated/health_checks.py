"""Ceph's health checks that follow from pools, PGs and how full OSDs are.

Codes and words are those of docs.ceph.com, "Health checks", and of ``ceph status`` on 16.2 and 18.2. PGs that
only just are not as they should be are told of by no check: a cluster whose PGs are all unknown says
HEALTH_OK for a minute (measured).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["HEALTH_WARN", "HEALTH_ERR"]
#: ``mon_osd_nearfull_ratio``, ``..._backfillfull_ratio``, ``..._full_ratio``.
NEARFULL_RATIO, BACKFILLFULL_RATIO, FULL_RATIO = 0.85, 0.90, 0.95
_USUAL_SIZE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    code: str
    severity: Severity
    message: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolHealth:
    """What the checks look at in one pool."""

    replicas: int | None
    objects: int
    size: int
    #: Copies or chunks of each object that are where they should be.
    there: int
    states: Mapping[str, int]
    #: Whether its PGs have been as they are for long enough to be told of.
    stuck: bool
    full: bool
    #: Of the fullest OSD that it may use.
    used_ratio: float


def checks_of(pools: Sequence[PoolHealth], osds: int, used_ratios: Sequence[float]) -> list[Check]:
    """All checks; ``used_ratios`` are those of the OSDs."""
    return [
        *_fullness(pools, used_ratios),
        *_redundancy(pools, osds),
        *_placement_groups(pools),
    ]


def _fullness(pools: Sequence[PoolHealth], used_ratios: Sequence[float]) -> Iterator[Check]:
    levels: tuple[tuple[str, float, Severity, str], ...] = (
        ("FULL", FULL_RATIO, "HEALTH_ERR", "full"),
        ("BACKFILLFULL", BACKFILLFULL_RATIO, "HEALTH_WARN", "backfillfull"),
        ("NEARFULL", NEARFULL_RATIO, "HEALTH_WARN", "nearfull"),
    )
    above = float("inf")
    for name, ratio, severity, word in levels:
        if osds := len([used for used in used_ratios if ratio <= used < above]):
            yield Check(code=f"OSD_{name}", severity=severity, message=f"{osds} {word} osd(s)", count=osds)
        hit = [pool for pool in pools if ratio <= pool.used_ratio < above or (name == "FULL" and pool.full)]
        if hit:
            words = f"{len(hit)} pool(s) {word}"
            yield Check(code=f"POOL_{name}", severity="HEALTH_WARN", message=words, count=len(hit))
        above = ratio


def _redundancy(pools: Sequence[PoolHealth], osds: int) -> Iterator[Check]:
    if 0 < osds < _USUAL_SIZE:
        words = f"OSD count {osds} < osd_pool_default_size {_USUAL_SIZE}"
        yield Check(code="TOO_FEW_OSDS", severity="HEALTH_WARN", message=words, count=_USUAL_SIZE - osds)
    if single := len([pool for pool in pools if pool.replicas == 1]):
        words = f"{single} pool(s) have no replicas configured"
        yield Check(code="POOL_NO_REDUNDANCY", severity="HEALTH_WARN", message=words, count=single)


def _placement_groups(pools: Sequence[PoolHealth]) -> Iterator[Check]:
    inactive = incomplete = degraded = undersized = 0
    missing = copies = 0
    for pool in pools:
        copies += pool.objects * pool.size
        for state, count in pool.states.items():
            parts = state.split("+")
            incomplete += count if "incomplete" in parts else 0
            degraded += count if "degraded" in parts else 0
            if pool.stuck:
                inactive += count if "active" not in parts else 0
                undersized += count if "undersized" in parts else 0
        if any("degraded" in state for state in pool.states):
            missing += pool.objects * (pool.size - pool.there)
    if told := _told((inactive, "inactive"), (incomplete, "incomplete")):
        words = f"Reduced data availability: {told}"
        yield Check(
            code="PG_AVAILABILITY", severity="HEALTH_WARN", message=words, count=inactive or incomplete
        )
    told = _told((degraded, "degraded"), (undersized, "undersized"))
    if missing:
        share = f"{missing}/{copies} objects degraded ({missing / copies:.3%})"
        told = ", ".join(filter(None, (share, told)))
    if told:
        words = f"Degraded data redundancy: {told}"
        yield Check(code="PG_DEGRADED", severity="HEALTH_WARN", message=words, count=degraded or undersized)


def _told(*counts: tuple[int, str]) -> str:
    return ", ".join(f"{count} {'pgs' if count > 1 else 'pg'} {word}" for count, word in counts if count)


def overall(checks: Sequence[Check]) -> str:
    """The worst severity."""
    severities = {check.severity for check in checks}
    return next((level for level in ("HEALTH_ERR", "HEALTH_WARN") if level in severities), "HEALTH_OK")
