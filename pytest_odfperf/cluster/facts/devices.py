"""The devices behind a pool, as the matrix, the StorageClass and the Ceph objects tell them.

Of Ceph the data pool counts: ``dataPool`` with erasure coding (``pool`` has the metadata only), the data pool
of a file system. Pools of one cluster are on other devices only if both name a device class and these differ,
or if their CRUSH roots differ; a pool without a class is on all devices. Other drivers tell by a parameter,
or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pytest_odfperf.cluster.client.calls import JsonObject
from pytest_odfperf.cluster.facts.pools import BACKEND, CephObjects, StorageClassFacts
from pytest_odfperf.matrix.model import Pool
from pytest_odfperf.schedule.backends import ALL, Backend

#: Of Ceph, where the pool names no CRUSH root.
_ROOT = "default"


class Tells(NamedTuple):
    """A parameter of a driver's StorageClasses that names devices; whether other values are other devices."""

    parameter: str
    others_are_separate: bool


#: By the provisioner's whole name.
TELLS: Mapping[str, Tells] = {
    "topolvm.io": Tells("topolvm.io/device-class", True),
    "topolvm.cybozu.com": Tells("topolvm.cybozu.com/device-class", True),
    "linstor.csi.linbit.com": Tells("linstor.csi.linbit.com/storagePool", True),
    "kubevirt.io.hostpath-provisioner": Tells("storagePool", False),
    "nfs.csi.k8s.io": Tells("server", False),
    "csi-powermax.dellemc.com": Tells("SYMID", True),
}


def backend_of(pool: Pool, storage_class: StorageClassFacts | None, ceph: CephObjects) -> Backend:
    """What is known of the devices behind ``pool``."""
    return backend_of_class(storage_class, ceph, pool.storage_class, pool.backend)


def backend_of_class(
    storage_class: StorageClassFacts | None, ceph: CephObjects, name: str, matrix_name: str | None = None
) -> Backend:
    """The same of a StorageClass that is called ``name``, and that the matrix may name the devices of."""
    devices: dict[str, Any] = {"why": f"StorageClass {name} could not be read"}
    if storage_class is not None:
        found = _of_ceph(storage_class, ceph) if storage_class.ceph_kind else _of_driver(storage_class)
        devices = {**found, "annotation": storage_class.backend}
        if storage_class.backend is not None:
            devices["why"] = f"annotation {BACKEND} of StorageClass {name}"
    if matrix_name is not None:
        devices["why"] = "the matrix's `backend`"
    return Backend(storage_class=name, matrix_name=matrix_name, **devices)


def _of_driver(storage_class: StorageClassFacts) -> dict[str, Any]:
    driver, name = storage_class.provisioner, storage_class.name
    tells = TELLS.get(driver)
    value = storage_class.parameters.get(tells.parameter) if tells else None
    if tells is None or not value:
        return {
            "why": f"StorageClass {name} of {driver} does not tell its devices; say `backend` in the matrix, "
            f"or annotate it with {BACKEND}"
        }
    return {
        "why": f"parameter {tells.parameter} of StorageClass {name}",
        "family": driver,
        "system": "",
        "parts": (value,),
        "parts_are_certain": tells.others_are_separate,
    }


def _of_ceph(storage_class: StorageClassFacts, ceph: CephObjects) -> dict[str, Any]:
    places = storage_class.ceph_namespaces
    cluster = storage_class.parameters.get("clusterID", places[0])
    fsid = next((ceph.fsids[place] for place in places if place in ceph.fsids), None)
    system = {
        "family": "Ceph",
        "system": fsid or f"clusterID {cluster}",
        # Another clusterID may lead to the same cluster.
        "system_is_certain": fsid is not None,
    }
    wanted, kind = data_objects(storage_class)
    parts: list[str] = []
    for name in wanted:
        found = ceph.find(kind, name, places)
        if found is None:
            return {**system, "why": f"{kind} {name} of StorageClass {storage_class.name} could not be read"}
        parts += _parts(found, storage_class.parameters.get("pool"))
    if not parts:
        return {**system, "why": f"StorageClass {storage_class.name} names no {kind}"}
    return {
        **system,
        "why": f"{kind} {', '.join(wanted)} of StorageClass {storage_class.name}",
        "parts": tuple(dict.fromkeys(parts)),
    }


def data_objects(storage_class: StorageClassFacts) -> tuple[list[str], str]:
    """The names of the Ceph objects that have the data, and their kind."""
    given = storage_class.parameters
    if storage_class.ceph_kind != "rbd":
        return [given["fsName"]] if given.get("fsName") else [], "CephFilesystem"
    one = given.get("dataPool") or given.get("pool")
    return [one] if one else _constrained(given.get("topologyConstrainedPools", "")), "CephBlockPool"


def _constrained(text: str) -> list[str]:
    """The pools of a StorageClass that has one for each failure domain: a JSON list in a parameter."""
    try:
        entries = json.loads(text or "[]")
        return [str(entry.get("dataPool") or entry["poolName"]) for entry in entries]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


def parts_of_class(storage_class: StorageClassFacts, ceph: CephObjects) -> tuple[str, ...]:
    """The parts of Ceph's devices that a class of Ceph has its data on; empty: not known."""
    return tuple(_of_ceph(storage_class, ceph).get("parts", ()))


def parts_of(found: JsonObject) -> list[str]:
    """The same of a CephBlockPool."""
    return _parts(found, None)


def data_specs(found: JsonObject, data_pool: str | None) -> list[Mapping[str, Any]]:
    """The specs of the pools that have the data: of a CephBlockPool its own, of a file system those that may.

    ``data_pool`` is the parameter ``pool`` of its StorageClass.
    """
    spec = found.get("spec") or {}
    if "dataPools" not in spec:
        return [spec]
    pools: Sequence[Any] = spec["dataPools"] or [spec]
    name = found["metadata"]["name"] if "metadata" in found else ""
    called = {
        label: one
        for number, one in enumerate(pools)
        for label in (f"{name}-{one.get('name') or f'data{number}'}", one.get("name"))
    }
    # Without a parameter new files go to the first one; a name that is none of them may be any.
    return list(pools[:1] if data_pool is None else [called[data_pool]] if data_pool in called else pools)


def _parts(found: JsonObject, data_pool: str | None) -> list[str]:
    return [part for one in data_specs(found, data_pool) for part in _classes(one)]


def _classes(spec: Mapping[str, Any]) -> list[str]:
    root = str(spec.get("crushRoot") or _ROOT)
    hybrid = (spec.get("replicated") or {}).get("hybridStorage") or {}
    names = [hybrid.get("primaryDeviceClass"), hybrid.get("secondaryDeviceClass")]
    named = [str(name) for name in (names if any(names) else [spec.get("deviceClass")]) if name]
    return [f"{root}/{name}" for name in named] or [f"{root}/{ALL}"]
