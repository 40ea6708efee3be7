"""The kinds of objects that the reconcilers work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: An object as JSON.
Obj = dict[str, Any]
#: (namespace, name); the namespace of cluster-scoped objects is "".
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def root(self) -> str:
        """The path of its API group version."""
        return f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        parts = [self.root]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        return "/".join([*parts, *(part for part in (self.plural, name, subresource) if part)])


NAMESPACE = Kind("v1", "Namespace", "namespaces", namespaced=False)
NODE = Kind("v1", "Node", "nodes", namespaced=False)
POD = Kind("v1", "Pod", "pods")
PVC = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
PV = Kind("v1", "PersistentVolume", "persistentvolumes", namespaced=False)
SECRET = Kind("v1", "Secret", "secrets")
EVENT = Kind("v1", "Event", "events")
STORAGE_CLASS = Kind("storage.k8s.io/v1", "StorageClass", "storageclasses", namespaced=False)
VOLUME_ATTACHMENT = Kind("storage.k8s.io/v1", "VolumeAttachment", "volumeattachments", namespaced=False)
API_SERVICE = Kind("apiregistration.k8s.io/v1", "APIService", "apiservices", namespaced=False)
VM = Kind("kubevirt.io/v1", "VirtualMachine", "virtualmachines")
VMI = Kind("kubevirt.io/v1", "VirtualMachineInstance", "virtualmachineinstances")
KUBEVIRT = Kind("kubevirt.io/v1", "KubeVirt", "kubevirts")
CLUSTER_INSTANCETYPE = Kind(
    "instancetype.kubevirt.io/v1beta1",
    "VirtualMachineClusterInstancetype",
    "virtualmachineclusterinstancetypes",
    namespaced=False,
)
CLUSTER_PREFERENCE = Kind(
    "instancetype.kubevirt.io/v1beta1",
    "VirtualMachineClusterPreference",
    "virtualmachineclusterpreferences",
    namespaced=False,
)
DATA_VOLUME = Kind("cdi.kubevirt.io/v1beta1", "DataVolume", "datavolumes")
CDI = Kind("cdi.kubevirt.io/v1beta1", "CDI", "cdis", namespaced=False)
DATA_SOURCE = Kind("cdi.kubevirt.io/v1beta1", "DataSource", "datasources")
STORAGE_PROFILE = Kind("cdi.kubevirt.io/v1beta1", "StorageProfile", "storageprofiles", namespaced=False)
VOLUME_SNAPSHOT = Kind("snapshot.storage.k8s.io/v1", "VolumeSnapshot", "volumesnapshots")
VOLUME_SNAPSHOT_CLASS = Kind(
    "snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "volumesnapshotclasses", namespaced=False
)
VOLUME_SNAPSHOT_CONTENT = Kind(
    "snapshot.storage.k8s.io/v1", "VolumeSnapshotContent", "volumesnapshotcontents", namespaced=False
)
CEPH_CLUSTER = Kind("ceph.rook.io/v1", "CephCluster", "cephclusters")
CEPH_BLOCK_POOL = Kind("ceph.rook.io/v1", "CephBlockPool", "cephblockpools")
CEPH_FILESYSTEM = Kind("ceph.rook.io/v1", "CephFilesystem", "cephfilesystems")
STORAGE_CLUSTER = Kind("ocs.openshift.io/v1", "StorageCluster", "storageclusters")
ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")


def name_of(obj: Obj) -> Name:
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]


def uid_of(obj: Obj) -> str:
    return str(obj["metadata"]["uid"])


def is_deleting(obj: Obj) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def owner_reference(kind: Kind, owner: Obj) -> Obj:
    """As metav1.NewControllerRef makes it."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def owned_by(obj: Obj, owner: Obj) -> bool:
    return any(
        ref.get("uid") == owner["metadata"]["uid"] for ref in obj["metadata"].get("ownerReferences") or []
    )
