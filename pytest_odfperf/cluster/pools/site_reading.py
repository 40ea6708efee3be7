"""Reads what of a cluster decides how pools are made there. What is optional and may not be read is noted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import (
    CEPH_BLOCK_POOL,
    CEPH_CLUSTER,
    CEPH_FILESYSTEM,
    NODE,
    POD,
    STORAGE_CLASS,
    STORAGE_CLUSTER,
    Kind,
)
from pytest_odfperf.cluster.facts.ceph.mgr_metrics import read_metrics
from pytest_odfperf.cluster.facts.pools import ODF_NAMESPACE
from pytest_odfperf.cluster.facts.rights import GRANT, GRANT_SETUP
from pytest_odfperf.errors import ClusterError, InputError
from pytest_odfperf.matrix.model import Pool
from pytest_odfperf.prometheus_text import Sample, read_samples
from pytest_odfperf.storage.site import Provisioner, StorageSite
from pytest_odfperf.storage.topology import USUAL_DOMAIN, Osd, Topology
from pytest_odfperf.waiting import Stop

_OSD_PODS = "app=rook-ceph-osd"
_METRICS = ("ceph_osd_metadata", "ceph_pool_metadata", "ceph_pool_max_avail")


def read_sites(cluster: Cluster, pools: Iterable[Pool], stop: Stop) -> dict[StorageSite, list[Pool]]:
    """The Ceph clusters on which ``pools`` are made, with the pools of each.

    Raises `ClusterError` for a cluster that has no Ceph of Rook, or whose objects can not be read, and
    `InputError` if recipes do not say which Ceph is meant.
    """
    calls = Calls(cluster, stop)
    clusters = {str(one["metadata"].get("namespace", "")): one for one in _needed(calls, CEPH_CLUSTER)}
    if not clusters:
        raise ClusterError("the cluster has no CephCluster: pools can be made where ODF, or Rook, has one")
    by_place: dict[str, list[Pool]] = {}
    for pool in pools:
        place = _place(pool, clusters)
        by_place.setdefault(place, []).append(pool)
    classes = _by_name(_needed(calls, STORAGE_CLASS))
    sites: dict[StorageSite, list[Pool]] = {}
    for place, members in by_place.items():
        sites[_Reader(cluster, calls, place, clusters[place], classes).site()] = members
    return sites


def _place(pool: Pool, clusters: Mapping[str, JsonObject]) -> str:
    said = pool.recipe.namespace if pool.recipe is not None else None
    there = ", ".join(sorted(clusters))
    place = pool.recipe.place if pool.recipe is not None else None
    if said is not None:
        if said not in clusters:
            raise InputError(
                f"recipe of pool {pool.name!r}: namespace {said} has no CephCluster (there are: {there})",
                place=place,
            )
        return said
    if len(clusters) == 1:
        return next(iter(clusters))
    if ODF_NAMESPACE in clusters:
        return ODF_NAMESPACE
    raise InputError(
        f"recipe of pool {pool.name!r} does not say on which Ceph: say namespace (there are: {there})",
        place=place,
    )


def _needed(calls: Calls, kind: Kind, namespace: str | None = None) -> list[JsonObject]:
    try:
        return calls.items(kind, namespace)
    except ApiError as error:
        if error.status == 404:  # the cluster has no such kind, so nothing of it
            return []
        if error.status != 403:
            raise
        raise ClusterError(f"the {kind.plural} can not be read: {error.message}; {GRANT}") from error


def _by_name(items: Iterable[JsonObject]) -> dict[str, JsonObject]:
    return {item["metadata"]["name"]: item for item in items}


class _Reader:
    """Reads one site."""

    def __init__(
        self,
        cluster: Cluster,
        calls: Calls,
        namespace: str,
        ceph_cluster: JsonObject,
        classes: Mapping[str, JsonObject],
    ) -> None:
        self._cluster = cluster
        self._calls = calls
        self._namespace = namespace
        self._ceph = ceph_cluster
        self._classes = classes
        self._notes: list[str] = []

    def site(self) -> StorageSite:
        name, namespace = self._ceph["metadata"]["name"], self._namespace
        if (_at(self._ceph, "spec", "external") or {}).get("enable"):
            raise ClusterError(
                f"CephCluster {namespace}/{name} is external: its pools are made where it runs"
            )
        block_pools = _by_name(_needed(self._calls, CEPH_BLOCK_POOL, namespace))
        storage = next(iter(self._optional(STORAGE_CLUSTER)), None)
        capacity = _at(self._ceph, "status", "ceph", "capacity") or {}
        topology = self._topology(storage, block_pools, samples := self._metrics())
        return StorageSite(
            namespace=namespace,
            storage_cluster=storage["metadata"]["name"] if storage else None,
            topology=topology,
            device_class=self._device_class(storage, topology.device_classes),
            total_bytes=_whole(capacity.get("bytesTotal")),
            free_bytes=_whole(capacity.get("bytesAvailable")),
            max_avail_bytes=_max_avail(samples, block_pools),
            classes=self._classes,
            block_pools=block_pools,
            filesystems=_by_name(_needed(self._calls, CEPH_FILESYSTEM, namespace)),
            rbd=Provisioner.of("rbd", namespace, self._classes),
            cephfs=Provisioner.of("cephfs", namespace, self._classes),
            notes=tuple(self._notes),
        )

    def _optional(self, kind: Kind, **query: Any) -> list[JsonObject]:
        try:
            return self._calls.items(kind, None if kind is NODE else self._namespace, **query)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            if error.status == 403:
                self._notes.append(f"{kind.plural} not read: {error.message}; {GRANT_SETUP}")
            return []

    def _metrics(self) -> list[Sample]:
        try:
            return read_samples(read_metrics(self._cluster, self._namespace), _METRICS)
        except ApiError as error:
            self._notes.append(f"the metrics of Ceph's manager not read: {error}")
            return []

    def _device_class(self, storage: JsonObject | None, seen: tuple[str, ...]) -> str | None:
        """ODF's default; else the only one there is. What no OSD of those that were ``seen`` has is none."""
        said = _at(storage or {}, "status", "defaultCephDeviceClass")
        if said and (not seen or said in seen):
            return str(said)
        told = _at(self._ceph, "status", "storage", "deviceClasses") or []
        names = seen or tuple(str(one["name"]) for one in told if isinstance(one, dict) and one.get("name"))
        return names[0] if len(names) == 1 else None

    def _topology(
        self, storage: JsonObject | None, block_pools: Mapping[str, JsonObject], samples: list[Sample]
    ) -> Topology:
        status = (storage or {}).get("status") or {}
        own = [
            str(domain)
            for name, pool in sorted(block_pools.items())
            if (domain := _at(pool, "spec", "failureDomain")) and not name.startswith(".")
        ]
        named = status.get("failureDomainValues")
        return Topology(
            failure_domain=str(status.get("failureDomain") or (own[0] if own else USUAL_DOMAIN)),
            named=tuple(map(str, named)) if isinstance(named, list) else (),
            osds=self._osds(samples),
            node_labels={
                node["metadata"]["name"]: node["metadata"].get("labels") or {}
                for node in self._optional(NODE)
            },
            in_use=frozenset(
                str(_at(pool, "spec", "failureDomain"))
                for pool in block_pools.values()
                if _at(pool, "status", "phase") == "Ready"
            ),
        )

    def _osds(self, samples: list[Sample]) -> tuple[Osd, ...] | None:
        """As the manager says it; else by the pods of OSDs."""
        found = [
            Osd(sample.labels.get("hostname", ""), sample.labels.get("device_class", ""))
            for sample in samples
            if sample.name == "ceph_osd_metadata"
        ]
        if found:
            return tuple(found)
        pods = self._optional(POD, label_selector=_OSD_PODS)
        placed = [str(node) for pod in pods if (node := _at(pod, "spec", "nodeName"))]
        return tuple(Osd(node) for node in placed) or None


def _max_avail(samples: list[Sample], block_pools: Mapping[str, JsonObject]) -> int | None:
    """Raw bytes: what Ceph says can still be written into a replicated pool, times its copies."""
    names = {
        sample.labels.get("pool_id"): sample.labels.get("name")
        for sample in samples
        if sample.name == "ceph_pool_metadata"
    }
    found = []
    for sample in samples:
        if sample.name == "ceph_pool_max_avail":
            pool = block_pools.get(str(names.get(sample.labels.get("pool_id"))))
            size = _at(pool or {}, "spec", "replicated", "size")
            if isinstance(size, int) and size > 0:
                found.append(round(sample.value * size))
    return max(found, default=None)


def _at(found: Any, *path: str) -> Any:
    for step in path:
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _whole(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None
