"""The objects that are there when a sandbox starts: what an administrator and the operators have made."""

from __future__ import annotations

import platform

from pytest_odfperf.quantity import format_millicores
from pytest_odfperf.sandbox.config.parse_config import (
    IMAGES_NAMESPACE,
    STORAGE_NAMESPACE,
    MachineKind,
    NodeConfig,
    SandboxConfig,
    StorageClassConfig,
)
from pytest_odfperf.sandbox.instancetype_rules import INSTANCETYPES, PREFERENCES
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.conditions import condition, merged
from pytest_odfperf.sandbox.reconcilers.operator_objects import create_operator_objects
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    API_SERVICE,
    CDI,
    CLUSTER_INSTANCETYPE,
    CLUSTER_PREFERENCE,
    DATA_SOURCE,
    KUBEVIRT,
    NAMESPACE,
    NODE,
    ROLE,
    ROLE_BINDING,
    STORAGE_CLASS,
    STORAGE_PROFILE,
    Kind,
    Obj,
)
from pytest_odfperf.sandbox.reconcilers.storage.claim_states import DEFAULT_CLASS, DEFAULT_VIRT_CLASS
from pytest_odfperf.sandbox.reconcilers.storage.storage_profiles import storage_profile

CNV_NAMESPACE = "openshift-cnv"
#: The Role with which OpenShift lets every logged-in user clone its images.
CLONE_ROLE = "os-images.kubevirt.io:view"
_RBAC = "rbac.authorization.k8s.io"
NODE_MARKING = "odfperf/marking"
#: An annotation that tells which StorageClasses are on the same devices; Ceph's tell it by their objects.
_ODFPERF = "odfperf/"
BACKEND = f"{_ODFPERF}backend"
#: What is on the disk of the sandbox's host, and not limited.
_HOST_DISK = "host-disk"
#: KubeVirt lets that many VMs onto a node.
_KVM_DEVICES = "1000"


async def create_objects(api: Api, config: SandboxConfig, marking: str | None) -> None:
    """Create all of them; those that are there already stay as they are."""
    namespaces = {"default", STORAGE_NAMESPACE, IMAGES_NAMESPACE, CNV_NAMESPACE, *config.namespaces}
    for namespace in sorted(namespaces | {ns for ns, _ in config.data_sources}):
        await api.create(NAMESPACE, {"metadata": {"name": namespace}})
    for node in config.nodes:
        await _create(api, NODE, _node(node, marking))
    for sc in config.storage_classes:
        await api.create(STORAGE_CLASS, _storage_class(sc, config))
        await _create(api, STORAGE_PROFILE, storage_profile(sc.name, sc.provisioner, sc.volume_mode))
    for namespace, name in config.data_sources:
        await _create(api, DATA_SOURCE, _data_source(namespace, name))
    for namespace in sorted({namespace for namespace, _ in config.data_sources}):
        await api.create(ROLE, _clone_role(namespace))
        await api.create(ROLE_BINDING, _clone_binding(namespace))
    for kind, specs in (
        (CLUSTER_INSTANCETYPE, {**INSTANCETYPES, **config.instancetypes}),
        (CLUSTER_PREFERENCE, {**PREFERENCES, **config.preferences}),
    ):
        for name, spec in specs.items():
            await api.create(kind, {"metadata": {"name": name}, "spec": spec})
    await _create(api, KUBEVIRT, _kubevirt(config))
    await _create(api, CDI, _cdi())
    await _create(api, API_SERVICE, _virt_api())
    await create_operator_objects(api, config)


async def _create(api: Api, kind: Kind, obj: Obj) -> None:
    """With its status, which a server with the status subresource leaves out of a create."""
    if await api.create(kind, obj):
        meta = obj["metadata"]
        await api.patch_status(kind, (meta.get("namespace", ""), meta["name"]), obj["status"])


def _node(node: NodeConfig, marking: str | None) -> Obj:
    labels = {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node-role.kubernetes.io/worker": "",
        "kubevirt.io/schedulable": str(node.ready).lower(),
    }
    if marking:
        labels[NODE_MARKING] = marking
    labels.update(node.labels)
    taints = [dict(taint) for taint in node.taints]
    if not node.ready:
        taints.append({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})
    if node.unschedulable:
        taints.append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
    spec: Obj = {"taints": taints} if taints else {}
    if node.unschedulable:
        spec["unschedulable"] = True
    resources = {
        "cpu": format_millicores(node.cpu_milli),
        "memory": str(node.memory_bytes),
        "pods": str(node.pods),
        "ephemeral-storage": str(1 << 40),
        "devices.kubevirt.io/kvm": _KVM_DEVICES,
        "devices.kubevirt.io/tun": _KVM_DEVICES,
        "devices.kubevirt.io/vhost-net": _KVM_DEVICES,
    }
    ready = (
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
        if node.ready
        else condition("Ready", "False", "KubeletNotReady", "not ready by the sandbox's configuration")
    )
    status = {
        "capacity": resources,
        "allocatable": resources,
        "conditions": merged([], [ready]),
        "nodeInfo": {
            "architecture": "amd64",
            "operatingSystem": "linux",
            "kubeletVersion": "v1.34.0-sandbox",
            "osImage": "pytest-odfperf sandbox",
            "kernelVersion": platform.release(),
        },
        "addresses": [{"type": "Hostname", "address": node.name}],
    }
    if node.volumes_in_use:
        status["volumesInUse"] = list(node.volumes_in_use)
    if node.volumes_attached:
        status["volumesAttached"] = [{"name": name, "devicePath": ""} for name in node.volumes_attached]
    return {"metadata": {"name": node.name, "labels": labels}, "spec": spec, "status": status}


def _caps(sc: StorageClassConfig, config: SandboxConfig) -> dict[str, str]:
    """What volumes can not exceed, as an administrator may say it of any StorageClass."""
    backend = config.backends.get(sc.model.backend or "") if config.machine == "simulated" else None
    found: dict[str, float | None] = {"iops": sc.iops, "bandwidth": sc.bandwidth_bytes_per_s}
    if backend is not None:
        found |= {"backend-iops": backend.iops, "backend-bandwidth": backend.bandwidth}
    return {f"{_ODFPERF}{name}": f"{cap:.0f}" for name, cap in found.items() if cap is not None}


def _storage_class(sc: StorageClassConfig, config: SandboxConfig) -> Obj:
    annotations: dict[str, str] = (
        {} if sc.provisioner.endswith(".csi.ceph.com") else {BACKEND: _devices(sc, config.machine)}
    )
    annotations |= {**_caps(sc, config), **sc.annotations}
    if sc.default:
        annotations |= {DEFAULT_CLASS: "true", DEFAULT_VIRT_CLASS: "true"}
    return {
        "metadata": {"name": sc.name, "annotations": annotations},
        "provisioner": sc.provisioner,
        "parameters": dict(sc.parameters),
        "reclaimPolicy": "Delete",
        "volumeBindingMode": sc.binding_mode,
        "allowVolumeExpansion": True,
    }


def _devices(sc: StorageClassConfig, machine: MachineKind) -> str:
    if machine == "simulated":
        return sc.model.backend or sc.name
    limited = sc.iops is not None or sc.bandwidth_bytes_per_s is not None
    return sc.name if limited else f"{_HOST_DISK}{f' {sc.directory}' if sc.directory else ''}"


def _data_source(namespace: str, name: str) -> Obj:
    source = {"snapshot": {"name": f"{name}-image", "namespace": namespace}}
    ready = condition("Ready", "True", "Ready", "DataSource is ready to be consumed")
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"source": source},
        "status": {"source": source, "conditions": merged([], [ready])},
    }


def _kubevirt(config: SandboxConfig) -> Obj:
    developer = {"cpuAllocationRatio": config.cpu_allocation_ratio}
    return {
        "metadata": {"name": "kubevirt-kubevirt-hyperconverged", "namespace": CNV_NAMESPACE},
        "spec": {"configuration": {"developerConfiguration": developer}},
        "status": {
            "phase": "Deployed",
            "observedKubeVirtVersion": f"v{config.kubevirt_version}.0",
            "conditions": merged([], [condition("Available", "True", "AllComponentsReady")]),
        },
    }


def _cdi() -> Obj:
    return {
        "metadata": {"name": "cdi-kubevirt-hyperconverged"},
        "spec": {},
        "status": {
            "phase": "Deployed",
            "observedVersion": "sandbox",
            "conditions": merged([], [condition("Available", "True", "DeployCompleted")]),
        },
    }


def _virt_api() -> Obj:
    """virt-api as an aggregated API; while it is not Available, it is away: ``api/admission/virt_api.py``."""
    available = condition("Available", "True", "Passed", "all checks passed")
    return {
        "metadata": {"name": "v1.subresources.kubevirt.io"},
        "spec": {
            "group": "subresources.kubevirt.io",
            "version": "v1",
            "groupPriorityMinimum": 1000,
            "versionPriority": 15,
            "service": {"name": "virt-api", "namespace": CNV_NAMESPACE, "port": 443},
        },
        "status": {"conditions": merged([], [available])},
    }


def _clone_role(namespace: str) -> Obj:
    rules = [
        {"apiGroups": ["cdi.kubevirt.io"], "resources": ["datavolumes/source"], "verbs": ["create"]},
        {"apiGroups": ["cdi.kubevirt.io"], "resources": ["datasources"], "verbs": ["get", "list", "watch"]},
    ]
    return {"metadata": {"name": CLONE_ROLE, "namespace": namespace}, "rules": rules}


def _clone_binding(namespace: str) -> Obj:
    return {
        "metadata": {"name": CLONE_ROLE, "namespace": namespace},
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": CLONE_ROLE},
        "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": "system:authenticated"}],
    }
