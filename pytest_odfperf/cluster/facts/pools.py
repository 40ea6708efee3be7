"""The pools of a matrix as the cluster has them: StorageClass, volume mode, Ceph object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_odfperf.cluster.client.calls import JsonObject
from pytest_odfperf.cluster.facts.caps import caps_of
from pytest_odfperf.cluster.facts.provisioners import CephKind, ceph_kind, ceph_prefix, usual_mode
from pytest_odfperf.matrix.model import AccessMode, Pool, VolumeMode

ODF_NAMESPACE = "openshift-storage"
#: An annotation of StorageClasses: those with the same value are on the same devices.
BACKEND = "odfperf/backend"
_NAME_LENGTH = 100
_NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageClassFacts:
    """What a StorageClass says of itself, apart from the names of its secrets."""

    name: str
    provisioner: str
    binding_mode: str
    parameters: Mapping[str, str]
    #: The name of the devices behind it, if its annotation `BACKEND` says one.
    backend: str | None = None
    #: What its volumes can not exceed.
    caps: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, found: JsonObject) -> StorageClassFacts:
        parameters = found.get("parameters") or {}
        annotations = found["metadata"].get("annotations") or {}
        return cls(
            name=found["metadata"]["name"],
            provisioner=str(found.get("provisioner", "")),
            binding_mode=str(found.get("volumeBindingMode") or "Immediate"),
            parameters={
                name: str(value)
                for name, value in sorted(parameters.items())
                if not name.endswith(("-secret-name", "-secret-namespace"))
            },
            backend=str(annotations[BACKEND])[:_NAME_LENGTH] if annotations.get(BACKEND) else None,
            caps=caps_of(str(found.get("provisioner", "")), parameters, annotations),
        )

    @property
    def ceph_kind(self) -> CephKind | None:
        """Which of Ceph's services its volumes are of; None: it is not Ceph's."""
        return ceph_kind(self.provisioner)

    @property
    def ceph_namespaces(self) -> tuple[str, ...]:
        """Where the Ceph objects can be.

        The provisioners of ODF and Rook begin with it; else ``clusterID`` may be it (Rook), or ODF's is.
        """
        prefix = ceph_prefix(self.provisioner)
        if prefix and "." not in prefix:
            return (prefix,)
        cluster = self.parameters.get("clusterID", "")
        named = (cluster,) if _NAMESPACE.fullmatch(cluster) else ()
        return tuple(dict.fromkeys((*named, ODF_NAMESPACE)))


@dataclass(frozen=True, slots=True)
class CephObjects:
    """The CephBlockPools and CephFilesystems that could be read, by the name that Ceph knows them by."""

    block_pools: Mapping[str, JsonObject]
    filesystems: Mapping[str, JsonObject]
    #: By namespace: the fsid of the Ceph cluster there, where it could be read.
    fsids: Mapping[str, str] = field(default_factory=dict)

    def find(self, kind: str, name: object, namespaces: Iterable[str]) -> JsonObject | None:
        """The object of that name, if one could be read; two Ceph clusters may have pools of one name."""
        objects = {"CephBlockPool": self.block_pools, "CephFilesystem": self.filesystems}.get(kind, {})
        for place in namespaces:
            if (found := objects.get(f"{place}/{name}")) is not None:
                return found
        return objects.get(str(name))


def named(items: list[JsonObject]) -> dict[str, JsonObject]:
    """Ceph objects by name and by ``namespace/name``.

    ``spec.name`` is there where Kubernetes allows no such name.
    """
    found = {}
    for item in items:
        name = str((item.get("spec") or {}).get("name") or item["metadata"]["name"])
        found[name] = item
        if place := item["metadata"].get("namespace"):
            found[f"{place}/{name}"] = item
    return found


def volume_mode(pool: Pool, storage_class: StorageClassFacts | None) -> VolumeMode:
    """The matrix's word, else what the provisioner serves best: see `provisioners`."""
    if pool.volume_mode is not None:
        return pool.volume_mode
    if storage_class is None:
        return "Filesystem"
    return usual_mode(storage_class.provisioner, storage_class.parameters)


def access_problem(
    storage_class: StorageClassFacts | None, mode: VolumeMode, access_modes: Iterable[AccessMode]
) -> str | None:
    """Why the data disks of a pool can not be made with these access modes; None if nothing is known."""
    if storage_class is None or storage_class.ceph_kind != "rbd" or mode == "Block":
        return None
    if "ReadWriteMany" not in access_modes:
        return None
    return "RBD serves ReadWriteMany as volume mode Block only; set volume_mode: Block or another access_mode"


def problem(pool: Pool, classes: Mapping[str, StorageClassFacts], ceph: CephObjects) -> str | None:
    """Why ``pool`` can not be measured; None if nothing is known against it."""
    storage_class = classes.get(pool.storage_class)
    if storage_class is None:
        known = ", ".join(sorted(classes)) or "none"
        return f"StorageClass {pool.storage_class!r} does not exist (known: {known})"
    return None if pool.allow_not_ready else not_ready(pool, storage_class, ceph)


def not_ready(pool: Pool, storage_class: StorageClassFacts, ceph: CephObjects) -> str | None:
    """The first of the Ceph objects behind ``pool`` that is not Ready; None if none is known not to be."""
    for kind, name, found in behind(pool, storage_class, ceph):
        phase = (found.get("status") or {}).get("phase") or "without a phase"
        if phase != "Ready":
            return f"{kind} {name} is {phase}, not Ready"
    return None


def behind(
    pool: Pool, storage_class: StorageClassFacts, ceph: CephObjects
) -> list[tuple[str, str, JsonObject]]:
    """The Ceph objects that a pool's volumes come from: those that could be read."""
    wanted: list[tuple[str, Any]] = []
    if storage_class.ceph_kind == "rbd":
        # With erasure coding ``pool`` holds the metadata, ``dataPool`` the data.
        wanted = [("CephBlockPool", storage_class.parameters.get(p)) for p in ("dataPool", "pool")]
    elif storage_class.ceph_kind is not None:
        wanted = [("CephFilesystem", storage_class.parameters.get("fsName"))]
    if pool.recipe is not None:
        wanted.append((pool.recipe.kind, pool.recipe.name or pool.name))
    found = []
    for kind, name in dict.fromkeys(wanted):
        one = ceph.find(kind, name, storage_class.ceph_namespaces)
        if one is not None:
            found.append((kind, str(name), one))
    return found
