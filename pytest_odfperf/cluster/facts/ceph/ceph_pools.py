"""The pools of Ceph behind a StorageClass, by Ceph's own names, and those that are on other devices."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_odfperf.cluster.facts.devices import parts_of, parts_of_class
from pytest_odfperf.cluster.facts.pools import CephObjects, StorageClassFacts
from pytest_odfperf.schedule.backends import ALL

#: Where a file system's object can not be read: what Rook and ODF call its first data pool.
_FIRST_DATA = "data0"


def ceph_pools(
    storage_class: StorageClassFacts, ceph: CephObjects
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those with the data, and those that have metadata only (headers and object maps, or inodes)."""
    given = storage_class.parameters
    if storage_class.ceph_kind == "rbd":
        data, pool = given.get("dataPool"), given.get("pool")
        if data and pool and data != pool:
            return (data,), (pool,)
        one = data or pool
        return ((one,) if one else ()), ()
    if storage_class.ceph_kind is None or not (name := given.get("fsName")):
        return (), ()
    metadata = (f"{name}-metadata",)
    if given.get("pool"):
        return (given["pool"],), metadata
    found = ceph.find("CephFilesystem", name, storage_class.ceph_namespaces)
    spec = (found or {}).get("spec") or {}
    pools = spec.get("dataPools")
    first = pools[0] if isinstance(pools, list) and pools and isinstance(pools[0], dict) else {}
    label = str(first.get("name") or _FIRST_DATA)
    return (label if spec.get("preservePoolNames") else f"{name}-{label}",), metadata


def pools_elsewhere(storage_class: StorageClassFacts, ceph: CephObjects) -> tuple[str, ...]:
    """The block pools that are known to be on other devices than the class's data."""
    own = parts_of_class(storage_class, ceph)
    if not own:
        return ()
    places = storage_class.ceph_namespaces
    found = {
        str((one.get("spec") or {}).get("name") or one["metadata"]["name"])
        for one in ceph.block_pools.values()
        if one["metadata"].get("namespace") in places and _apart(own, parts_of(one))
    }
    return tuple(sorted(found))


def _apart(one: Iterable[str], other: Iterable[str]) -> bool:
    """Of parts as ``root/device class``: whether no device can be of both."""
    others = [part.partition("/") for part in other]
    for root, _, device_class in (part.partition("/") for part in one):
        for other_root, _, other_class in others:
            if root == other_root and (device_class == other_class or ALL in (device_class, other_class)):
                return False
    return True
