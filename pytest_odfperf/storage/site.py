"""The cluster as far as it decides how pools are made: Ceph's place, classes and pools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_odfperf.storage.csi_handle import is_sort
from pytest_odfperf.storage.made_labels import is_ours
from pytest_odfperf.storage.topology import Topology

JsonObject = Mapping[str, Any]

#: From a full ratio of 0.95 on, writes stop; from this one on Ceph warns, and figures are of a full cluster.
NEARFULL = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioner:
    """Who makes the volumes of a kind (RBD, CephFS), and with what secrets: parameters of a StorageClass."""

    name: str
    cluster_id: str
    secrets: Mapping[str, str]

    @classmethod
    def of(cls, kind: str, namespace: str, classes: Mapping[str, JsonObject]) -> Provisioner:
        """As a StorageClass of the cluster has it, else as Rook names them.

        Of ODF in provider mode ``clusterID`` is no namespace, so it is taken from a class that is there.
        """
        for _, found in sorted(classes.items()):
            name = str(found.get("provisioner", ""))
            parameters = found.get("parameters") or {}
            cluster_id = parameters.get("clusterID")
            its_own = name == f"{namespace}.{kind}.csi.ceph.com" and cluster_id
            if (its_own or (is_sort(name, kind) and cluster_id == namespace)) and not is_ours(found):
                secrets = {
                    parameter: str(value)
                    for parameter, value in parameters.items()
                    if parameter.endswith(("-secret-name", "-secret-namespace"))
                }
                # A class that names none leaves them to be the usual ones.
                secrets = secrets or _usual_secrets(kind, namespace)
                return cls(name=name, cluster_id=str(cluster_id), secrets=secrets)
        return cls(
            name=f"{namespace}.{kind}.csi.ceph.com",
            cluster_id=namespace,
            secrets=_usual_secrets(kind, namespace),
        )


def _usual_secrets(kind: str, namespace: str) -> dict[str, str]:
    secrets = {}
    for step, account in (
        ("provisioner", "provisioner"),
        ("controller-expand", "provisioner"),
        ("node-stage", "node"),
    ):
        secrets[f"csi.storage.k8s.io/{step}-secret-name"] = f"rook-csi-{kind}-{account}"
        secrets[f"csi.storage.k8s.io/{step}-secret-namespace"] = namespace
    return secrets


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StorageSite:
    """One Ceph cluster of a Kubernetes cluster, read once. Objects are by their names in Kubernetes."""

    namespace: str
    #: The name of ODF's StorageCluster; None: it is Rook without ODF.
    storage_cluster: str | None = None
    topology: Topology = field(default_factory=Topology)
    #: Of pools that name none; None: all devices.
    device_class: str | None = None
    #: Raw bytes, before copies.
    total_bytes: int | None = None
    free_bytes: int | None = None
    #: What Ceph itself says can still be written, of its fullest OSD (MAX AVAIL).
    max_avail_bytes: int | None = None
    classes: Mapping[str, JsonObject] = field(default_factory=dict)
    block_pools: Mapping[str, JsonObject] = field(default_factory=dict)
    filesystems: Mapping[str, JsonObject] = field(default_factory=dict)
    rbd: Provisioner = field(kw_only=True)
    cephfs: Provisioner = field(kw_only=True)
    #: What could not be read, and what that means.
    notes: tuple[str, ...] = ()

    def objects(self, kind: str) -> Mapping[str, JsonObject]:
        return self.block_pools if kind == "CephBlockPool" else self.filesystems

    @property
    def usable_bytes(self) -> int | None:
        """Raw bytes that can be written before Ceph warns that it is nearly full; None: not known."""
        if self.total_bytes is None or self.free_bytes is None:
            return self.max_avail_bytes
        free_bytes = max(0, self.free_bytes - round(self.total_bytes * (1 - NEARFULL)))
        return free_bytes if self.max_avail_bytes is None else min(free_bytes, self.max_avail_bytes)

    @property
    def metadata_pool(self) -> str | None:
        """The replicated pool of the cluster's own RBD class: images of others have their metadata there."""
        for _, found in sorted(self.classes.items()):
            name = (found.get("parameters") or {}).get("pool")
            pool = self.block_pools.get(str(name))
            if found.get("provisioner") != self.rbd.name or is_ours(found) or pool is None:
                continue
            size = ((pool.get("spec") or {}).get("replicated") or {}).get("size")
            ready = (pool.get("status") or {}).get("phase") == "Ready"
            if isinstance(size, int) and size > 1 and ready and not is_ours(pool):
                return str(name)
        return None
