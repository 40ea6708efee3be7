"""What the Ceph objects behind a StorageClass say of a pool: its recipe, and its overhead."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.cluster.discovery.proposed_pool import Setting
from pytest_odfperf.cluster.facts.devices import data_objects, data_specs
from pytest_odfperf.cluster.facts.pools import CephObjects, StorageClassFacts
from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.reading.recipe_entry import read_recipe
from pytest_odfperf.matrix.reading.yaml_marks import read_yaml

_KINDS = {"rbd": "RBD", "cephfs": "CephFS", "nfs": "NFS before CephFS"}


def ceph_settings(storage_class: StorageClassFacts, ceph: CephObjects) -> dict[str, Setting]:
    """``overhead`` and ``recipe``, as far as they are known."""
    names, kind = data_objects(storage_class)
    found = [(name, ceph.find(kind, name, storage_class.ceph_namespaces)) for name in names]
    specs = [
        (name, spec)
        for name, one in found
        if one is not None
        for spec in data_specs(one, storage_class.parameters.get("pool"))
    ]
    overheads = [overhead for _, spec in specs if (overhead := overhead_of(spec)) is not None]
    settings: dict[str, Setting] = {}
    if overheads and len(overheads) == len(specs):
        settings["overhead"] = Setting(
            # Rounded up: no estimate shall be too small for it.
            value=_rounded_up(max(overheads)),
            comment=f"{kind} {', '.join(dict.fromkeys(name for name, _ in specs))}: "
            + ", ".join(dict.fromkeys(_redundancy(spec) for _, spec in specs)),
        )
    if len(names) == 1 and specs:
        name, spec = specs[0]
        recipe = _recipe(kind, name, spec, storage_class.parameters)
        if recipe is not None:
            settings["recipe"] = Setting(value=recipe, comment=f"the {kind} of the cluster, which exists")
    return settings


def ceph_remarks(storage_class: StorageClassFacts, ceph: CephObjects) -> Iterator[str]:
    """What it is, and what of its parameters moves its figures."""
    given, place = storage_class.parameters, storage_class.ceph_namespaces[0]
    names, kind = data_objects(storage_class)
    sort = _KINDS[storage_class.ceph_kind or "rbd"]
    where = f"{sort} of the Ceph cluster in {place}, data in {kind} {', '.join(names) or '(none is named)'}"
    if storage_class.ceph_kind == "rbd" and given.get("dataPool"):
        where += f", metadata in {given.get('pool', '?')}"
    yield where
    for name in names:
        found = ceph.find(kind, name, storage_class.ceph_namespaces)
        if found is None:
            yield f"{kind} {name} could not be found: overhead and recipe are not known from it"
            continue
        phase = (found.get("status") or {}).get("phase") or "without a phase"
        if phase != "Ready":
            yield f"{kind} {name} is {phase}, not Ready: a run skips it, or see allow_not_ready"
        for spec in data_specs(found, given.get("pool")):
            yield ", ".join(_facts(spec))
    if "rxbounce" in given.get("mapOptions", ""):
        yield f"for virtualization: mapOptions {given['mapOptions']}, which costs some CPU of the node"
    if given.get("encrypted", "").lower() == "true":
        kms = given.get("encryptionKMSID")
        yield (
            f"encrypted{f' with KMS {kms}' if kms else ''}: the namespace of the run may need its token "
            "(Secret ceph-csi-kms-token)"
        )


def overhead_of(spec: Mapping[str, Any]) -> float | None:
    """Bytes on disks for each byte of a pool's data; None: the object does not say."""
    size = _number(spec.get("replicated"), "size")
    data, coding = (_number(spec.get("erasureCoded"), name) for name in ("dataChunks", "codingChunks"))
    if data and coding:
        return (data + coding) / data
    return float(size) if size else None


def _recipe(kind: str, name: str, spec: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any] | None:
    """How such a pool is made, as far as a matrix can say it: what others wrote may be beyond that."""
    said: dict[str, Any] = {"kind": kind, "name": name, **_chunks(spec)}
    if said.get("replicas") == 1:
        said["require_safe_replica_size"] = False
    placed = {
        "failure_domain": spec.get("failureDomain"),
        "device_class": spec.get("deviceClass"),
        "compression": spec.get("compressionMode"),
    }
    if kind == "CephBlockPool":
        placed["map_options"] = given.get("mapOptions")
        placed["encryption_kms_id"] = given.get("encryptionKMSID")
        placed["metadata_pool"] = given.get("pool") if given.get("dataPool") else None
    placed = {setting: value for setting, value in placed.items() if value}
    for recipe in ({**said, **placed}, said, {"kind": kind, "name": name}):
        try:
            read_recipe(read_yaml(json.dumps(recipe), "recipe"), name)
        except InputError:
            continue
        return recipe
    return None


def _chunks(spec: Mapping[str, Any]) -> dict[str, int]:
    size = _number(spec.get("replicated"), "size")
    data, coding = (_number(spec.get("erasureCoded"), name) for name in ("dataChunks", "codingChunks"))
    if data and coding:
        return {"data_chunks": data, "coding_chunks": coding}
    return {"replicas": size} if size else {}


def _redundancy(spec: Mapping[str, Any]) -> str:
    chunks = _chunks(spec)
    if "replicas" in chunks:
        return f"{chunks['replicas']} copies" if chunks["replicas"] > 1 else "one copy"
    if chunks:
        return f"erasure coded, {chunks['data_chunks']}+{chunks['coding_chunks']}"
    return "copies not known"


def _facts(spec: Mapping[str, Any]) -> Iterator[str]:
    yield _redundancy(spec)
    if domain := spec.get("failureDomain"):
        yield f"failure domain {domain}"
    yield f"device class {spec['deviceClass']}" if spec.get("deviceClass") else "devices of any class"
    if (mode := spec.get("compressionMode")) not in (None, "", "none"):
        yield f"compression {mode}"


def _number(part: object, name: str) -> int | None:
    value = part.get(name) if isinstance(part, dict) else None
    return value if type(value) is int and 0 < value <= 100 else None


def _rounded_up(overhead: float) -> float:
    return math.ceil(round(overhead * 1000, 6)) / 1000
