"""The states of a pool's placement groups (PGs), by its age and by how many failure domains there are.

A fresh pool's PGs are unknown to the manager, then peer, then are active and clean; that took seconds on
16.2 to 20.2. Pools begin with 32 PGs on 16.2 and 17.2, and with one from 18.2 on, which the manager splits
later, in the middle of whatever is measured then (20.2: within 100 s). The names of states and their order
are those of ``ceph status``.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What the autoscaler makes of a small pool.
USUAL_PGS = 32
#: How long splitting takes; PGs are made one after another.
_SPLIT_FOR_S = 5.0
_UNKNOWN, _PEERING = 0.3, 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlacement:
    """What the states of a pool's PGs follow from."""

    size: int
    min_size: int
    #: Data chunks; 0: replicated.
    data_chunks: int
    #: Failure domains that its rule can choose from.
    domains: int
    #: Whether anything is in it.
    holds_objects: bool
    #: None: the manager decides.
    pg_num: int | None
    #: Whether the manager begins with one PG.
    starts_at_one: bool


def pg_num(placement: PoolPlacement, age_s: float, split_s: float) -> int:
    """How many PGs a pool has at this age."""
    if placement.pg_num is not None:
        return placement.pg_num
    if not placement.starts_at_one:
        return USUAL_PGS
    if age_s < split_s:
        return 1
    return min(USUAL_PGS, 1 + int((age_s - split_s) / _SPLIT_FOR_S * (USUAL_PGS - 1)))


def pg_states(placement: PoolPlacement, age_s: float, settle_s: float, split_s: float) -> dict[str, int]:
    """The states of all PGs of a pool, and how many are in each."""
    count = pg_num(placement, age_s, split_s)
    if placement.domains == 0 or age_s < _UNKNOWN * settle_s:
        return {"unknown": count}
    if age_s < _PEERING * settle_s:
        made = count // 2
        return _counts({"creating+peering": count - made, "unknown": made})
    if age_s < settle_s:
        peering = max(1, count // 4)
        return _counts({"peering": peering, lasting_state(placement): count - peering})
    split = not placement.pg_num and placement.starts_at_one and 1 < count < USUAL_PGS
    if split and is_active(placement):
        # Those that were split last are not where they belong yet.
        moving = max(1, count // 4)
        return _counts({"active+remapped+backfilling": moving, lasting_state(placement): count - moving})
    return {lasting_state(placement): count}


def lasting_state(placement: PoolPlacement) -> str:
    """The state that the PGs of a pool come to."""
    there = min(placement.size, placement.domains)
    if there == placement.size:
        return "active+clean"
    degraded = "degraded" if placement.holds_objects else ""
    if there >= placement.min_size:
        return "+".join(filter(None, ("active", "undersized", degraded)))
    if there < placement.data_chunks:
        return "incomplete"
    return "+".join(filter(None, ("undersized", degraded, "peered")))


def is_active(placement: PoolPlacement) -> bool:
    """Whether I/O to the pool will ever be served."""
    return "active" in lasting_state(placement) and placement.domains > 0


def _counts(states: dict[str, int]) -> dict[str, int]:
    return {state: count for state, count in states.items() if count}
