"""What a cluster shows of its storage. Only StorageClasses must be readable; what else was not, is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.kinds import (
    CEPH_BLOCK_POOL,
    CEPH_CLUSTER,
    CEPH_FILESYSTEM,
    DATA_SOURCE,
    NODE,
    STORAGE_CLASS,
    STORAGE_PROFILE,
    Kind,
)
from pytest_odfperf.cluster.facts.cluster_facts import fsids, workers
from pytest_odfperf.cluster.facts.pools import CephObjects, StorageClassFacts, named
from pytest_odfperf.cluster.facts.rights import GRANT
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.matrix.model import GuestSettings

#: What each kind is good for: said where it can not be read.
_WITHOUT = {
    NODE: "the zones of the nodes are not known, so it is taken for a cluster of one zone",
    STORAGE_PROFILE: "volume modes are those of the table in docs/storage-drivers.md",
    CEPH_CLUSTER: "which Ceph pools are of one cluster is not known",
    CEPH_BLOCK_POOL: "overhead, recipe and devices of RBD are not known",
    CEPH_FILESYSTEM: "overhead, recipe and devices of CephFS are not known",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStorage:
    """``classes`` and ``profiles`` as the API has them, by name; ``unread`` are sentences."""

    server: str
    classes: Mapping[str, JsonObject]
    profiles: Mapping[str, JsonObject] = field(default_factory=dict)
    ceph: CephObjects = field(default_factory=lambda: CephObjects({}, {}))
    #: The nodes that VMs run on.
    workers: tuple[JsonObject, ...] = ()
    #: Whether the matrix's DataSource is there; None: not known.
    has_data_source: bool | None = None
    unread: tuple[str, ...] = ()


def read_storage(calls: Calls, server: str, guest: GuestSettings) -> FoundStorage:
    """Ask the cluster. Raises `ClusterError` if its StorageClasses can not be read."""
    try:
        listed = calls.items(STORAGE_CLASS)
    except ApiError as error:
        if error.status != 403:
            raise
        raise ClusterError(f"the StorageClasses can not be read: {error.message}; {GRANT}") from error
    unread: dict[str, None] = {}

    def optional(kind: Kind, namespace: str | None = None) -> list[JsonObject]:
        return _optional(lambda: calls.items(kind, namespace), kind, unread)

    classes = {str(one["metadata"]["name"]): one for one in listed}
    facts = [StorageClassFacts.of(one) for one in listed]
    ceph_places = {
        sort: dict.fromkeys(
            place
            for one in facts
            if (one.ceph_kind == "rbd") == (sort == "rbd") and one.ceph_kind
            for place in one.ceph_namespaces
        )
        for sort in ("rbd", "files")
    }
    is_ceph = any(ceph_places.values())
    clusters = optional(CEPH_CLUSTER) if is_ceph else []
    block_pools: dict[str, JsonObject] = {}
    filesystems: dict[str, JsonObject] = {}
    for place in ceph_places["rbd"]:
        block_pools |= named(optional(CEPH_BLOCK_POOL, place))
    for place in ceph_places["files"]:
        filesystems |= named(optional(CEPH_FILESYSTEM, place))
    return FoundStorage(
        server=server,
        classes=classes,
        profiles={str(one["metadata"]["name"]): one for one in optional(STORAGE_PROFILE)},
        ceph=CephObjects(block_pools, filesystems, fsids(clusters)),
        workers=tuple(workers(optional(NODE))),
        has_data_source=_has_data_source(calls, guest),
        unread=tuple(unread),
    )


def _optional(read: Callable[[], list[JsonObject]], kind: Kind, unread: dict[str, None]) -> list[JsonObject]:
    try:
        return read()
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        why = "the cluster has none" if error.status == 404 else error.message
        unread[f"{kind.plural} could not be read ({why}): {_WITHOUT[kind]}"] = None
        return []


def _has_data_source(calls: Calls, guest: GuestSettings) -> bool | None:
    try:
        calls.get(DATA_SOURCE, guest.data_source, guest.data_source_namespace)
    except ApiError as error:
        if error.status in (403, 404):
            return False if error.status == 404 else None
        raise
    return True
