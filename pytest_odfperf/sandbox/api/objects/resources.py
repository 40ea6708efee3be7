"""The kinds that the server knows, as discovery shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind; ``status`` says whether it has a status subresource, ``custom`` that a CRD defines it."""

    group: str
    version: str
    plural: str
    kind: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    status: bool = True
    custom: bool = False
    #: Kept nowhere: answered when it is created (access reviews).
    review: bool = False
    #: The webhook that reads its objects first, and says what is wrong with their shape.
    mutator: str = ""
    #: Whether a PUT of what is not there creates it, and one without a resourceVersion is taken.
    put_creates: bool = False
    put_blindly: bool = True
    #: Whether a collection of it can be deleted.
    deletes_all: bool = True
    #: Whether it is part of `kubectl get all`.
    in_all: bool = False
    #: Read here, but written by nobody.
    read_only: bool = False
    #: Parts that can only be created, with the kind of what is posted.
    created_below: tuple[tuple[str, str], ...] = ()

    @property
    def generation(self) -> bool:
        """Whether its objects count the changes of their spec."""
        return self.custom or self.plural == "pods"

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_name(self) -> str:
        """As messages name it: ``virtualmachines.kubevirt.io``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def discovery(self) -> list[dict[str, Any]]:
        verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
        if self.read_only:
            verbs = ["get", "list", "watch"]
        elif not self.deletes_all:
            verbs.remove("deletecollection")
        entry = {
            "name": self.plural,
            "singularName": self.kind.lower(),
            "namespaced": self.namespaced,
            "kind": self.kind,
            "verbs": ["create"] if self.review else verbs,
        }
        if self.short:
            entry["shortNames"] = list(self.short)
        if self.in_all:
            entry["categories"] = ["all"]
        entries = [entry]
        if self.status and not self.review:
            status = {**entry, "name": f"{self.plural}/status", "verbs": ["get", "patch", "update"]}
            for name in ("shortNames", "categories"):
                status.pop(name, None)
            status["singularName"] = ""
            if not self.read_only:
                entries.append(status)
        for name, kind in self.created_below:
            below = {"name": f"{self.plural}/{name}", "singularName": "", "kind": kind, "verbs": ["create"]}
            entries.append({**below, "namespaced": self.namespaced})
        return entries


def _core(plural: str, kind: str, *short: str, **more: Any) -> Resource:
    return Resource("", "v1", plural, kind, short, **more)


def _custom(group: str, version: str, plural: str, kind: str, *short: str, **more: Any) -> Resource:
    return Resource(group, version, plural, kind, short, custom=True, put_blindly=False, **more)


def _read_only(group: str, version: str, plural: str, kind: str, *short: str, **more: Any) -> Resource:
    return Resource(group, version, plural, kind, short, read_only=True, **more)


def _shape(plural: str, kind: str, *short: str, namespaced: bool = True) -> Resource:
    """An instancetype or preference of KubeVirt."""
    group = "instancetype.kubevirt.io"
    return _custom(group, "v1beta1", plural, kind, *short, namespaced=namespaced, status=False)


_RBAC = "rbac.authorization.k8s.io"
_REVIEW = "authorization.k8s.io"
_WHO = "authentication.k8s.io"
_KUBEVIRT = "kubevirt.io"
_CDI = "cdi.kubevirt.io"
_CEPH = "ceph.rook.io"
_SNAPSHOT = "snapshot.storage.k8s.io"

RESOURCES = (
    _core("namespaces", "Namespace", "ns", namespaced=False, deletes_all=False),
    _core("nodes", "Node", "no", namespaced=False),
    _core("pods", "Pod", "po", in_all=True, created_below=(("binding", "Binding"),)),
    _core("events", "Event", "ev", status=False, put_creates=True),
    _core("secrets", "Secret", status=False),
    _core("configmaps", "ConfigMap", "cm", status=False),
    _core(
        "serviceaccounts", "ServiceAccount", "sa", status=False, created_below=(("token", "TokenRequest"),)
    ),
    _core("persistentvolumeclaims", "PersistentVolumeClaim", "pvc"),
    _core("persistentvolumes", "PersistentVolume", "pv", namespaced=False),
    _core("resourcequotas", "ResourceQuota", "quota"),
    _core("limitranges", "LimitRange", "limits", status=False, put_creates=True),
    Resource("events.k8s.io", "v1", "events", "Event", ("ev",), status=False),
    Resource("apiregistration.k8s.io", "v1", "apiservices", "APIService", namespaced=False),
    Resource(
        "coordination.k8s.io", "v1", "leases", "Lease", status=False, put_creates=True, put_blindly=False
    ),
    Resource(
        "storage.k8s.io", "v1", "storageclasses", "StorageClass", ("sc",), namespaced=False, status=False
    ),
    Resource(_RBAC, "v1", "roles", "Role", status=False, put_creates=True),
    Resource(_RBAC, "v1", "rolebindings", "RoleBinding", status=False, put_creates=True),
    Resource(_RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False, status=False, put_creates=True),
    Resource(
        _RBAC,
        "v1",
        "clusterrolebindings",
        "ClusterRoleBinding",
        namespaced=False,
        status=False,
        put_creates=True,
    ),
    Resource(
        "scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", ("pc",), namespaced=False, status=False
    ),
    Resource(
        _REVIEW, "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False, review=True
    ),
    Resource(
        _REVIEW, "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", namespaced=False, review=True
    ),
    Resource(_REVIEW, "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False, review=True),
    Resource(_REVIEW, "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", review=True),
    Resource(_WHO, "v1", "selfsubjectreviews", "SelfSubjectReview", namespaced=False, review=True),
    Resource(_WHO, "v1", "tokenreviews", "TokenReview", namespaced=False, review=True),
    _custom(
        _KUBEVIRT,
        "v1",
        "virtualmachines",
        "VirtualMachine",
        "vm",
        "vms",
        in_all=True,
        mutator="virtualmachines-mutator.kubevirt.io",
    ),
    _custom(
        _KUBEVIRT,
        "v1",
        "virtualmachineinstances",
        "VirtualMachineInstance",
        "vmi",
        "vmis",
        in_all=True,
        mutator="virtualmachineinstances-mutator.kubevirt.io",
    ),
    _custom(_KUBEVIRT, "v1", "kubevirts", "KubeVirt", "kv"),
    _shape("virtualmachineinstancetypes", "VirtualMachineInstancetype", "vminstancetype", "vmf"),
    _shape(
        "virtualmachineclusterinstancetypes", "VirtualMachineClusterInstancetype", "vmcf", namespaced=False
    ),
    _shape("virtualmachinepreferences", "VirtualMachinePreference", "vmpref", "vmp"),
    _shape("virtualmachineclusterpreferences", "VirtualMachineClusterPreference", "vmcp", namespaced=False),
    _custom(_CDI, "v1beta1", "datavolumes", "DataVolume", "dv", "dvs", in_all=True),
    _custom(_CDI, "v1beta1", "cdis", "CDI", namespaced=False),
    _custom(_CDI, "v1beta1", "datasources", "DataSource", "das"),
    _custom(_CDI, "v1beta1", "storageprofiles", "StorageProfile", namespaced=False),
    _custom(_SNAPSHOT, "v1", "volumesnapshots", "VolumeSnapshot", "vs"),
    _custom(
        _SNAPSHOT,
        "v1",
        "volumesnapshotclasses",
        "VolumeSnapshotClass",
        "vsclass",
        "vsclasses",
        namespaced=False,
        status=False,
    ),
    _custom(
        _SNAPSHOT, "v1", "volumesnapshotcontents", "VolumeSnapshotContent", "vsc", "vscs", namespaced=False
    ),
    _custom(_CEPH, "v1", "cephclusters", "CephCluster", "ceph"),
    _custom(_CEPH, "v1", "cephblockpools", "CephBlockPool", "cephbp"),
    _custom(_CEPH, "v1", "cephfilesystems", "CephFilesystem", "cephfs"),
    # What clients look at beside, as `kubectl get all` does. There are none of most.
    _read_only("", "v1", "services", "Service", "svc", in_all=True),
    _read_only("", "v1", "endpoints", "Endpoints", "ep", status=False),
    _read_only("", "v1", "replicationcontrollers", "ReplicationController", "rc", in_all=True),
    _read_only("apps", "v1", "daemonsets", "DaemonSet", "ds", in_all=True),
    _read_only("apps", "v1", "deployments", "Deployment", "deploy", in_all=True),
    _read_only("apps", "v1", "replicasets", "ReplicaSet", "rs", in_all=True),
    _read_only("apps", "v1", "statefulsets", "StatefulSet", "sts", in_all=True),
    _read_only(
        "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", in_all=True
    ),
    _read_only("batch", "v1", "cronjobs", "CronJob", "cj", in_all=True),
    _read_only("batch", "v1", "jobs", "Job", in_all=True),
    _read_only("networking.k8s.io", "v1", "ingresses", "Ingress", "ing"),
    _read_only("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb"),
    _read_only("storage.k8s.io", "v1", "csidrivers", "CSIDriver", namespaced=False, status=False),
    _read_only("storage.k8s.io", "v1", "csinodes", "CSINode", namespaced=False, status=False),
    Resource("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", namespaced=False),
    _read_only(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        "crd",
        "crds",
        namespaced=False,
    ),
    _custom("ocs.openshift.io", "v1", "storageclusters", "StorageCluster"),
    _custom("config.openshift.io", "v1", "clusterversions", "ClusterVersion", namespaced=False),
)

BY_PATH = {(resource.group, resource.version, resource.plural): resource for resource in RESOURCES}
BY_KIND = {(resource.api_version, resource.kind): resource for resource in RESOURCES}
