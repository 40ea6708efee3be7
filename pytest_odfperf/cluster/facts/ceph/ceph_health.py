"""A CephCluster, and the Ceph objects behind pools, as states of health.

Rook's operator asks Ceph every minute or so and writes down what it hears (``status.ceph``, ``lastChecked``).
The states of PGs are not in it: a cluster whose PGs are still unknown can say HEALTH_OK.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_odfperf.cluster.client.calls import JsonObject
from pytest_odfperf.cluster.client.kinds import CEPH_CLUSTER, Kind
from pytest_odfperf.cluster.facts.ceph.ceph_pools import ceph_pools, pools_elsewhere
from pytest_odfperf.cluster.facts.pools import CephObjects, StorageClassFacts, behind
from pytest_odfperf.matrix.model import Pool
from pytest_odfperf.measure.storage_health import CephKind, CephState, HealthCheck, PoolState

_WORDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class CephStorage:
    """What a pool's health is read from: objects as ``KIND namespace/name``."""

    kind: CephKind
    cluster: str
    objects: tuple[str, ...]
    #: Ceph's pools: with the data, with metadata only, of root disks, on other devices.
    data: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    root: tuple[str, ...] = ()
    separate: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSources:
    """Where the health of each pool's storage is read; ``unknown``: the pools of Ceph where it can not be."""

    storage: Mapping[str, CephStorage]
    unknown: tuple[str, ...]
    #: All that is read, as it was at the start.
    states: Mapping[str, CephState | PoolState]


def health_sources(
    pools: Iterable[Pool],
    classes: Mapping[str, StorageClassFacts],
    ceph: CephObjects,
    clusters: Sequence[JsonObject],
    root_class: str | None = None,
) -> HealthSources:
    """From the objects that could be read. Pools of other storage are in none of it."""
    root = classes.get(root_class) if root_class is not None else None
    root_pools = sum(ceph_pools(root, ceph), ()) if root is not None else ()
    storage: dict[str, CephStorage] = {}
    unknown: list[str] = []
    states: dict[str, CephState | PoolState] = {}
    for pool in pools:
        storage_class = classes.get(pool.storage_class)
        if storage_class is None or storage_class.ceph_kind is None:
            continue
        cluster = _cluster_of(storage_class, clusters)
        if cluster is None:
            unknown.append(pool.name)
            continue
        found = {_name(kind, one): one for kind, _, one in behind(pool, storage_class, ceph)}
        states |= {name: pool_state(one) for name, one in found.items()}
        name = _name(CEPH_CLUSTER.name, cluster)
        states[name] = ceph_state(cluster)
        data, metadata = ceph_pools(storage_class, ceph)
        storage[pool.name] = CephStorage(
            kind=storage_class.ceph_kind,
            cluster=name,
            objects=tuple(name for name in found),
            data=data,
            metadata=metadata,
            root=root_pools,
            separate=pools_elsewhere(storage_class, ceph),
        )
    return HealthSources(storage=storage, unknown=tuple(unknown), states=states)


def states_of(kind: Kind, found: Iterable[JsonObject]) -> dict[str, CephState | PoolState]:
    """The states of objects of one kind, by name."""
    state = ceph_state if kind is CEPH_CLUSTER else pool_state
    return {_name(kind.name, one): state(one) for one in found}


def _cluster_of(storage_class: StorageClassFacts, clusters: Sequence[JsonObject]) -> JsonObject | None:
    for place in storage_class.ceph_namespaces:
        for cluster in clusters:
            if cluster["metadata"].get("namespace") == place:
                return cluster
    return clusters[0] if len(clusters) == 1 else None


def _name(kind: str, found: JsonObject) -> str:
    return f"{kind} {found['metadata'].get('namespace', '')}/{found['metadata']['name']}"


def ceph_state(cluster: JsonObject) -> CephState:
    """The state of a CephCluster. What is not there is not known."""
    status = _mapping(cluster.get("status"))
    ceph = _mapping(status.get("ceph"))
    capacity = _mapping(ceph.get("capacity"))
    used, total = _number(capacity.get("bytesUsed")), _number(capacity.get("bytesTotal"))
    checks = [
        HealthCheck(
            code=str(code)[:100],
            severity=str(_mapping(found).get("severity") or "unknown")[:40],
            message=" ".join(str(_mapping(found).get("message") or "").split())[:_WORDS],
        )
        for code, found in sorted(_mapping(ceph.get("details")).items())
    ]
    return CephState(
        health=str(ceph.get("health") or "unknown")[:40],
        checks=tuple(checks),
        used_share=round(used / total, 4) if used is not None and total else None,
        checked_at=str(ceph["lastChecked"])[:60] if ceph.get("lastChecked") else None,
        trouble=_trouble(cluster["metadata"]["name"], status),
    )


def _trouble(name: str, status: JsonObject) -> str | None:
    if status.get("state") not in (None, "Created", "Connected", "Updating"):
        message = " ".join(str(status.get("message") or "").split())[:_WORDS]
        return (
            f"CephCluster {name} is in state {str(status['state'])[:40]}{f': {message}' if message else ''}"
        )
    return None


def pool_state(found: JsonObject) -> PoolState:
    """The state of a CephBlockPool or CephFilesystem."""
    status = _mapping(found.get("status"))
    number = status.get("poolID")
    identity = f"{found['metadata'].get('uid', '')}{f' pool {number}' if number is not None else ''}"
    return PoolState(phase=str(status.get("phase") or "without a phase")[:40], identity=identity)


def _mapping(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None
