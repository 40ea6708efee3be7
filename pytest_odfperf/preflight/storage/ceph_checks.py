"""Checks of a Ceph cluster: its health by code, OSDs, PGs, recovery, room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_odfperf.preflight.check import (
    Check,
    JsonObject,
    Level,
    Unread,
    doubtful,
    failed,
    not_checked,
    passed,
)
from pytest_odfperf.preflight.storage.ages import age_s, minutes
from pytest_odfperf.preflight.storage.ceph_overview import BESIDE_CLEAN, CephOverview
from pytest_odfperf.preflight.storage.health_steps import is_muted, level_of, next_step

#: Of the raw capacity: Ceph's own ratios, unless an administrator changed them.
NEARLY_FULL, FULL = 0.85, 0.95
#: Rook asks every minute.
PATIENCE_S = 900.0
_LEVELS: tuple[Level, ...] = ("ok", "warn", "FAIL")
_LOOK = "oc describe cephcluster -A; ceph health detail"
#: States of PGs in which nothing can be read or written, or nobody knows.
_STARTING = ("unknown", "creating", "peering", "activating")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolNeed:
    """What the selected keys want of a Ceph pool: ``pool`` is the matrix's name, ``name`` Ceph's."""

    pool: str
    name: str
    #: Of the largest group: what fio writes at least, and its data disks when they are full.
    written_bytes: int
    disks_bytes: int


def ceph(clusters: Sequence[JsonObject] | Unread, now: datetime | None = None) -> list[Check]:
    """One line for each CephCluster; none where there is no Ceph. ``now`` is the API server's clock."""
    if isinstance(clusters, Unread):
        return [] if clusters.status == 404 else [not_checked("Ceph", clusters)]
    return [_health(one, now) for one in clusters]


def _health(cluster: JsonObject, now: datetime | None) -> Check:
    what = f"Ceph {cluster['metadata']['name']}"
    status = _mapping(cluster.get("status"))
    state = _mapping(status.get("ceph"))
    health = str(state.get("health") or "unknown")
    # Of another severity than the whole: it was muted.
    words, worst, steps = [], _LEVELS.index(_overall(health)), []
    for code, found in sorted(_mapping(state.get("details")).items()):
        message = str(_mapping(found).get("message") or "")
        level = _LEVELS.index(level_of(code, message))
        muted = is_muted(str(_mapping(found).get("severity") or ""), health)
        words.append(f"{code}{': ' * bool(message)}{message}{' (muted)' if muted else ''}")
        if not muted or level > 1:
            steps.append((level, next_step(code, message)))
            worst = max(worst, level)
    if status.get("state") not in (None, "Created", "Connected", "Updating"):
        words.append(f"CephCluster is in state {status['state']}: {status.get('message') or 'no message'}")
        worst = max(worst, 2 if status["state"] == "Error" else 1)
    since = age_s(state.get("lastChecked"), now)
    if since is not None and since > PATIENCE_S:
        words.append(f"said {minutes(since)} ago: Rook's operator does not ask Ceph any more")
        steps.append((1, "oc get pods -l app=rook-ceph-operator -A"))
        worst = max(worst, 1)
    shown = f"{health} ({'; '.join(words)})" if words else health
    if worst == 0:
        return passed(what, shown)
    # What to do about the worst comes first.
    step = "; ".join([*dict.fromkeys(text for _, text in sorted(steps, key=lambda one: -one[0])), _LOOK])
    if worst == 1:
        return doubtful(what, f"{shown}: figures may be lower than they should be", step)
    return failed(what, shown, step)


def _overall(health: str) -> Level:
    return {"HEALTH_OK": "ok", "HEALTH_WARN": "warn"}.get(health, "FAIL")  # type: ignore[return-value]


def overview(cluster: JsonObject, found: CephOverview | Unread, needs: Sequence[PoolNeed]) -> Iterator[Check]:
    """What the manager's metrics say beyond the health: a cluster can be HEALTH_OK while PGs are unknown."""
    name = str(cluster["metadata"]["name"])
    if isinstance(found, Unread):
        yield not_checked(f"OSDs and PGs of Ceph {name}", found)
        return
    yield from _osds(name, found, _osds_that_run(cluster))
    yield _pgs(name, found)
    yield from _recovery(name, found)
    if found.slow_ops:
        step = next_step("SLOW_OPS")
        yield doubtful(f"slow requests of Ceph {name}", f"{found.slow_ops:.0f} are slow now", step)
    for need in needs:
        yield from _pool(need, found)


def _osds_that_run(cluster: JsonObject) -> int:
    """How many OSDs Rook has; 0: it does not say."""
    stores = _mapping(
        _mapping(_mapping(_mapping(cluster.get("status")).get("storage")).get("osd")).get("storeType")
    )
    return sum(count for count in stores.values() if type(count) is int and count > 0)


def _osds(name: str, found: CephOverview, expected: int) -> Iterator[Check]:
    """The manager does not count an OSD that is down and out (16.2): so Rook's number is asked for too."""
    what, counted = f"OSDs of Ceph {name}", len(found.osds)
    total = max(counted, expected)
    if not counted:
        # A manager of another kind than we know.
        yield doubtful(what, "not known: the manager counts none", "ceph osd stat")
        return
    up = sum(osd.up for osd in found.osds.values())
    is_in = sum(osd.is_in for osd in found.osds.values())
    if up == is_in == total:
        yield passed(what, f"{total} of {total} are up and in")
        return
    apart = [
        f"{osd} is {' and '.join(['down'] * (not state.up) + ['out'] * (not state.is_in))}"
        for osd, state in found.osds.items()
        if not (state.up and state.is_in)
    ]
    if total > counted:
        apart.append(f"{total - counted} more that Rook has are down and out, or never came up")
    shown = "; ".join([*apart[:5], *([f"and {len(apart) - 5} more"] if len(apart) > 5 else [])])
    yield failed(what, f"{up} of {total} are up, {is_in} in ({shown})", next_step("OSD_DOWN"))


def _pgs(name: str, found: CephOverview) -> Check:
    what, total = f"PGs of Ceph {name}", found.pg_total
    if not total:
        if not any(pool.name for pool in found.pools.values()):
            return passed(what, "there are none, since there is no pool")
        return doubtful(what, "not known: the manager counts none", "ceph pg stat")
    active, clean = found.pgs("active"), found.pgs("clean")
    other = {state: count for state, count in found.pg_states.items() if state not in BESIDE_CLEAN}
    shown = ", ".join(f"{count} {state}" for state, count in sorted(other.items(), key=lambda one: -one[1]))
    beside = [
        f"{found.pgs(state)} {state}" for state in ("scrubbing", "deep", "snaptrim") if found.pgs(state)
    ]
    if active >= total and clean >= total:
        return passed(
            what, f"all {total} are active and clean" + (f" ({', '.join(beside)})" if beside else "")
        )
    detail = f"{min(active, clean)} of {total} are active and clean" + (f" ({shown})" if shown else "")
    if any(found.pgs(state) for state in _STARTING):
        return failed(what, f"{detail}; HEALTH_OK does not count these", "wait until all are (ceph pg stat)")
    if active < total:
        return failed(what, f"{detail}: some data can not be reached", next_step("PG_AVAILABILITY"))
    return failed(what, f"{detail}: data moves or copies are missing", next_step("PG_DEGRADED"))


def _recovery(name: str, found: CephOverview) -> Iterator[Check]:
    objects = sum(pool.recovering_objects_per_s for pool in found.pools.values())
    rate = sum(pool.recovering_bytes_per_s for pool in found.pools.values())
    words = [
        f"{count:.0f} objects are {word}"
        for word, count in (
            ("degraded", found.degraded_objects),
            ("misplaced", found.misplaced_objects),
            ("unfound", found.unfound_objects),
        )
        if count
    ]
    if objects or rate:
        words.append(f"{objects:.0f} objects and {rate / 1e6:.1f} MB a second are recovered")
    if words:
        yield doubtful(f"recovery of Ceph {name}", "; ".join(words), "wait until it is over (ceph -s)")


def _pool(need: PoolNeed, found: CephOverview) -> Iterator[Check]:
    pool = found.pool(need.name)
    if pool is None:
        return
    what = f"Ceph pool {need.name} of pool {need.pool}"
    if pool.pg_total is not None and pool.pg_total < len(found.osds):
        one = pool.pg_total == 1
        yield doubtful(
            what,
            f"has {pool.pg_total} PG{'' if one else 's'} on {len(found.osds)} OSDs, so "
            + ("one of them does all its work first" if one else "some of them do none of its work"),
            "give it targetSizeRatio, or pg_num; more PGs are split in time, not while it is measured",
        )
    room = pool.max_avail_bytes
    if room is None:
        return
    shown = f"{_size(room)} can be written (MAX AVAIL)"
    if room < need.written_bytes:
        least = f"the largest group writes {_size(need.written_bytes)} at least"
        yield failed(
            what, f"{shown}, and {least}", "make room (ceph df), or leave the group out: --odf-exclude"
        )
    elif room < need.disks_bytes:
        most = f"the data disks of the largest group are {_size(need.disks_bytes)}"
        yield doubtful(
            what, f"{shown}, and {most}, were they full", "smaller PVC sizes, or fewer VMs at once"
        )


def used_share(cluster: JsonObject) -> Check | None:
    """How full a Ceph is; None if it does not say."""
    capacity = _mapping(_mapping(_mapping(cluster.get("status")).get("ceph")).get("capacity"))
    used, total = capacity.get("bytesUsed"), capacity.get("bytesTotal")
    if type(used) is not int or type(total) is not int or total <= 0:
        return None
    what, share = f"room of Ceph {cluster['metadata']['name']}", used / total
    shown = f"{share:.0%} of {_size(total)} (raw) are used"
    if share >= FULL:
        return failed(what, f"{shown}: writes are refused from {FULL:.0%} on", next_step("OSD_FULL"))
    if share >= NEARLY_FULL:
        return doubtful(what, f"{shown}: nearly full from {NEARLY_FULL:.0%} on", next_step("OSD_NEARFULL"))
    return passed(what, shown)


def _size(count: float) -> str:
    return f"{count / (1 << 40):.1f} TiB" if count >= 1 << 40 else f"{count / (1 << 30):.1f} GiB"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
