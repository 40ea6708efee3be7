"""The kinds of objects that a run reads or makes, and how the official client calls them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of the API.

    ``api`` is the client's class for kinds that it knows, with ``noun`` as in ``list_namespaced_<noun>``;
    other kinds go through ``CustomObjectsApi``.
    """

    name: str
    group: str
    version: str
    plural: str
    api: str | None = None
    noun: str | None = None

    def __str__(self) -> str:
        return self.name


VM = Kind("VirtualMachine", "kubevirt.io", "v1", "virtualmachines")
VMI = Kind("VirtualMachineInstance", "kubevirt.io", "v1", "virtualmachineinstances")
#: What a VM's ``instancetype`` can be, by kind; that of the cluster has no namespace.
INSTANCETYPES = {
    kind: Kind(kind, "instancetype.kubevirt.io", "v1beta1", plural)
    for kind, plural in (
        ("VirtualMachineInstancetype", "virtualmachineinstancetypes"),
        ("VirtualMachineClusterInstancetype", "virtualmachineclusterinstancetypes"),
    )
}
DATA_VOLUME = Kind("DataVolume", "cdi.kubevirt.io", "v1beta1", "datavolumes")
CLAIM = Kind(
    "PersistentVolumeClaim", "", "v1", "persistentvolumeclaims", "CoreV1Api", "persistent_volume_claim"
)
SECRET = Kind("Secret", "", "v1", "secrets", "CoreV1Api", "secret")
CONFIG_MAP = Kind("ConfigMap", "", "v1", "configmaps", "CoreV1Api", "config_map")
#: Not by the client's own class: its model writes a whole second without the fraction that a MicroTime
#: must have, and the API server refuses that.
LEASE = Kind("Lease", "coordination.k8s.io", "v1", "leases")
EVENT = Kind("Event", "", "v1", "events", "CoreV1Api", "event")
POD = Kind("Pod", "", "v1", "pods", "CoreV1Api", "pod")
NAMESPACE = Kind("Namespace", "", "v1", "namespaces", "CoreV1Api", "namespace")
RESOURCE_QUOTA = Kind("ResourceQuota", "", "v1", "resourcequotas", "CoreV1Api", "resource_quota")
LIMIT_RANGE = Kind("LimitRange", "", "v1", "limitranges", "CoreV1Api", "limit_range")
ACCESS_REVIEW = Kind(
    "SelfSubjectAccessReview",
    "authorization.k8s.io",
    "v1",
    "selfsubjectaccessreviews",
    "AuthorizationV1Api",
    "self_subject_access_review",
)
API_SERVICE = Kind(
    "APIService", "apiregistration.k8s.io", "v1", "apiservices", "ApiregistrationV1Api", "api_service"
)
SUBJECT_REVIEW = Kind(
    "SubjectAccessReview",
    "authorization.k8s.io",
    "v1",
    "subjectaccessreviews",
    "AuthorizationV1Api",
    "subject_access_review",
)
LOCAL_SUBJECT_REVIEW = Kind(
    "LocalSubjectAccessReview",
    "authorization.k8s.io",
    "v1",
    "localsubjectaccessreviews",
    "AuthorizationV1Api",
    "local_subject_access_review",
)
NODE = Kind("Node", "", "v1", "nodes", "CoreV1Api", "node")
STORAGE_CLASS = Kind(
    "StorageClass", "storage.k8s.io", "v1", "storageclasses", "StorageV1Api", "storage_class"
)
VOLUME_ATTACHMENT = Kind(
    "VolumeAttachment", "storage.k8s.io", "v1", "volumeattachments", "StorageV1Api", "volume_attachment"
)
STORAGE_PROFILE = Kind("StorageProfile", "cdi.kubevirt.io", "v1beta1", "storageprofiles")
CEPH_BLOCK_POOL = Kind("CephBlockPool", "ceph.rook.io", "v1", "cephblockpools")
CEPH_FILESYSTEM = Kind("CephFilesystem", "ceph.rook.io", "v1", "cephfilesystems")
CEPH_CLUSTER = Kind("CephCluster", "ceph.rook.io", "v1", "cephclusters")
STORAGE_CLUSTER = Kind("StorageCluster", "ocs.openshift.io", "v1", "storageclusters")
KUBEVIRT = Kind("KubeVirt", "kubevirt.io", "v1", "kubevirts")
DATA_SOURCE = Kind("DataSource", "cdi.kubevirt.io", "v1beta1", "datasources")
CDI = Kind("CDI", "cdi.kubevirt.io", "v1beta1", "cdis")
CLUSTER_VERSION = Kind("ClusterVersion", "config.openshift.io", "v1", "clusterversions")
VOLUME = Kind("PersistentVolume", "", "v1", "persistentvolumes", "CoreV1Api", "persistent_volume")
SNAPSHOT_CONTENT = Kind("VolumeSnapshotContent", "snapshot.storage.k8s.io", "v1", "volumesnapshotcontents")
