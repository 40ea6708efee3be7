"""How CDI clones for a DataVolume: what of, in which way, and what it waits for.

CDI ``pkg/controller/clone/planner.go``, ``common.go``, ``pkg/controller/common/util.go``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_odfperf.quantity import to_bytes
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    DATA_SOURCE,
    DATA_VOLUME,
    POD,
    PV,
    PVC,
    STORAGE_CLASS,
    STORAGE_PROFILE,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
    Name,
    Obj,
    owned_by,
)
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.claim_states import is_bound, users
from pytest_odfperf.sandbox.reconcilers.storage.volumes import driver_of

Sort = Literal["pvc", "snapshot"]
#: As CDI names its ways.
Strategy = Literal["csi-clone", "snapshot", "copy"]
#: What a claim that CDI clones is filled by.
CLONE_SOURCE = "VolumeCloneSource"


_SOURCES = {"pvc", "snapshot", "blank"}


@dataclass(frozen=True, slots=True)
class CloneSource:
    sort: Sort
    name: Name


@dataclass(frozen=True, slots=True)
class Way:
    """How a clone is made; ``fallback``: reason and words of why it is a copy."""

    strategy: Strategy
    fallback: tuple[str, str] | None = None


def source_of(caches: Caches, dv: Obj) -> CloneSource | None:
    """What a DataVolume is cloned of; None: it is no clone, or its DataSource is not there."""
    namespace = dv["metadata"]["namespace"]
    found = dv["spec"].get("source") or {}
    if reference := dv["spec"].get("sourceRef"):
        namespace = reference.get("namespace") or namespace
        found = data_source(caches, (namespace, reference["name"])) or {}
    sorts: tuple[Sort, ...] = ("pvc", "snapshot")
    for sort in sorts:
        if place := found.get(sort):
            return CloneSource(sort, (place.get("namespace") or namespace, place["name"]))
    return None


def data_source(caches: Caches, name: Name) -> Obj | None:
    """What a DataSource leads to, maybe by way of another one; None if it is not there."""
    seen = set()
    while name not in seen:
        seen.add(name)
        found = caches[DATA_SOURCE].get(*name)
        if found is None:
            return None
        source: Obj = found["spec"].get("source") or {}
        if (other := source.get("dataSource")) is None:
            return source
        name = (other.get("namespace") or name[0], other["name"])
    return None


def source_problem(caches: Caches, dv: Obj) -> str | None:
    """Why there is nothing to fill a DataVolume with; None: there is, or it is to be blank."""
    if ref := dv["spec"].get("sourceRef"):
        namespace = ref.get("namespace") or dv["metadata"]["namespace"]
        if data_source(caches, (namespace, ref["name"])) is None:
            return f'DataSource "{namespace}/{ref["name"]}" not found'
    elif not _SOURCES & set(source := dv["spec"].get("source") or {}):
        known = "sourceRef, pvc, snapshot, blank"
        return f"a sandbox has no source {', '.join(source) or 'none'} (known: {known})"
    origin = source_of(caches, dv)
    if origin is None or is_image(caches, dv, origin):
        return None
    kind = PVC if origin.sort == "pvc" else VOLUME_SNAPSHOT
    if caches[kind].get(*origin.name) is None:
        return f"The source {origin.sort} {origin.name[1]} doesn't exist"
    return None


def is_image(caches: Caches, dv: Obj, source: CloneSource) -> bool:
    """Whether it is cloned of the guest image: what DataSources lead to that is no object here."""
    missing = source.sort == "snapshot" and caches[VOLUME_SNAPSHOT].get(*source.name) is None
    return missing and "sourceRef" in dv["spec"]


def owner_of(caches: Caches, claim: Obj) -> Obj | None:
    """The DataVolume that a claim is of."""
    dv = caches[DATA_VOLUME].get(claim["metadata"]["namespace"], claim["metadata"]["name"])
    return dv if dv is not None and owned_by(claim, dv) else None


def _way_of_snapshot(caches: Caches, snapshot: Obj, class_name: str) -> Way:
    status = snapshot.get("status") or {}
    content = caches[VOLUME_SNAPSHOT_CONTENT].get("", status.get("boundVolumeSnapshotContentName") or "")
    sc = caches[STORAGE_CLASS].get("", class_name) or {}
    if content is not None and content["spec"]["driver"] != driver_of(sc):
        words = "The storageclass provisioner does not match the volumesnapshotcontent driver"
        return Way("copy", ("NoProvisionerMatch", words))
    return Way("snapshot")


def requested_bytes(claim: Obj) -> int:
    return to_bytes(str(claim["spec"]["resources"]["requests"]["storage"]))


def source_object(caches: Caches, dv: Obj, sort: Sort) -> Obj | None:
    """The claim or the snapshot that a DataVolume is a clone of."""
    source = source_of(caches, dv)
    kind = PVC if sort == "pvc" else VOLUME_SNAPSHOT
    return caches[kind].get(*source.name) if source and source.sort == sort else None


def size_of(caches: Caches, dv: Obj) -> str | None:
    """Of what a DataVolume is a clone of; None: it is none, or of the guest image."""
    if (claim := source_object(caches, dv, "pvc")) is not None:
        return str(claim["spec"]["resources"]["requests"]["storage"])
    snapshot = source_object(caches, dv, "snapshot") or {}
    return (snapshot.get("status") or {}).get("restoreSize")


def too_small(source_size: str, size: str) -> str | None:
    """Why nothing of ``source_size`` can be cloned into so little; None if it can."""
    had, wanted = to_bytes(source_size), to_bytes(size)
    if had <= wanted:
        return None
    said = f"target resources requests storage size is smaller than the source {wanted} < {had}"
    return f"The clone doesn't meet the validation requirements: {said}"


def waits_for(caches: Caches, source: Obj) -> str | None:
    """The words of what a clone of a claim waits for; empty: for its volume; None: it can begin."""
    if not is_bound(source):
        return ""
    meta = source["metadata"]
    using = users(caches[POD].objects, source)
    if using:
        names = ", ".join(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in using)
        return f"pod {names} using PersistentVolumeClaim {meta['name']}"
    return None


def way_of(caches: Caches, dv: Obj, class_name: str, volume_mode: str, size: str) -> Way:
    """How a DataVolume is cloned into a claim of that class."""
    if (snapshot := source_object(caches, dv, "snapshot")) is not None:
        return _way_of_snapshot(caches, snapshot, class_name)
    source = source_object(caches, dv, "pvc")
    return (
        Way("csi-clone") if source is None else _way_of_claim(caches, source, class_name, volume_mode, size)
    )


def _way_of_claim(caches: Caches, source: Obj, class_name: str, volume_mode: str, size: str) -> Way:
    profile = caches[STORAGE_PROFILE].get("", class_name) or {}
    wanted = (profile.get("status") or {}).get("cloneStrategy") or "csi-clone"
    if wanted == "copy":
        return Way("copy")
    sc = caches[STORAGE_CLASS].get("", class_name) or {}
    if _driver(caches, source) != driver_of(sc):
        return Way("copy", ("IncompatibleProvisioners", "Provisioners are incompatible"))
    if (source["spec"].get("volumeMode") or "Filesystem") != volume_mode:
        words = "The volume modes of source and target are incompatible"
        return Way("copy", ("IncompatibleVolumeModes", words))
    if to_bytes(size) > requested_bytes(source) and not sc.get("allowVolumeExpansion"):
        return Way("copy", ("NoVolumeExpansion", "No volume expansion is possible"))
    if wanted == "snapshot":
        classes = caches[VOLUME_SNAPSHOT_CLASS].objects.values()
        if driver_of(sc) not in [one["driver"] for one in classes]:
            return Way("copy", ("NoVolumeSnapshotClass", "No compatible volumesnapshotclass found"))
        return Way("snapshot")
    return Way("csi-clone")


def _driver(caches: Caches, claim: Obj) -> str:
    """Of its volume; as long as it has none, that of its class."""
    volume = caches[PV].get("", claim["spec"].get("volumeName") or "")
    if volume is not None:
        return str((volume["spec"].get("csi") or {}).get("driver"))
    return driver_of(caches[STORAGE_CLASS].get("", claim["spec"].get("storageClassName") or "") or {})
