"""The objects of a VM group, as the API takes them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from pytest_odfperf.matrix.model import VmShape
from pytest_odfperf.matrix.vm_patch import DATA_SERIAL, merge_patch
from pytest_odfperf.quantity import format_bytes
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.vm import labels, names
from pytest_odfperf.vm.spec import GroupSpec

#: Throw-away VMs need no long goodbye.
GRACE_S = 5


def run_object(run_id: str, namespace: str, data: dict[str, str]) -> dict[str, Any]:
    """The ConfigMap that owns everything of a run."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": names.run_object_name(run_id),
            "namespace": namespace,
            "labels": labels.run_labels(run_id),
        },
        "data": data,
    }


def secret(spec: GroupSpec, vm: str, user_data: Hidden) -> dict[str, Any]:
    """The cloud-init user data of a VM. Inline, KubeVirt takes no more than 2 KiB."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": object_metadata(spec, vm, names.secret_name(vm)),
        "data": {"userdata": base64.b64encode(user_data.reveal().encode()).decode()},
    }


def data_claim(spec: GroupSpec, vm: str) -> dict[str, Any]:
    """The disk that is measured. A plain claim: a DataVolume would add a pod per disk."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": object_metadata(spec, vm, names.data_claim_name(vm)),
        "spec": {
            "accessModes": [spec.shape.access_mode],
            "storageClassName": spec.storage_class,
            "volumeMode": spec.volume_mode,
            "resources": {"requests": {"storage": format_bytes(spec.pvc_size_bytes)}},
        },
    }


def virtual_machine(spec: GroupSpec, vm: str) -> dict[str, Any]:
    """The VM, and the template of its root disk."""
    shape = spec.shape
    extra: dict[str, Any] = {"labels": {**shape.labels, **object_labels(spec, vm)}}
    if shape.annotations:
        extra["annotations"] = dict(shape.annotations)
    body: dict[str, Any] = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {**object_metadata(spec, vm, vm), **extra},
        "spec": {
            "runStrategy": "Always",
            "dataVolumeTemplates": [_root_disk(spec, vm)],
            # A VM's own labels and annotations reach neither its instance nor the pod.
            "template": {"metadata": dict(extra), "spec": {**_instance(spec, vm), **placement(shape)}},
        },
    }
    for name in ("instancetype", "preference"):
        if (named := getattr(shape, name)) is not None:
            body["spec"][name] = {"kind": named.kind, "name": named.name}
    for patch in shape.patches:
        body = merge_patch(body, patch)
    return body


def placement(shape: VmShape) -> dict[str, Any]:
    """Where a VM or pod may be, as both kinds say it."""
    said = {
        "nodeSelector": dict(shape.node_selector),
        "affinity": dict(shape.affinity),
        "tolerations": list(shape.tolerations),
    }
    return {name: value for name, value in said.items() if value}


def _size(spec: GroupSpec) -> dict[str, Any]:
    """CPUs and memory; an instancetype gives them itself, and KubeVirt refuses a VM that says them too."""
    if spec.shape.instancetype is not None:
        return {}
    # KubeVirt would ask for a tenth of the CPUs, and VMs that are packed ten deep measure each other.
    resources = {"cpu": str(spec.vcpus), "memory": format_bytes(spec.memory_bytes)}
    return {
        "cpu": {"cores": spec.vcpus, "sockets": 1, "threads": 1},
        "memory": {"guest": resources["memory"]},
        "resources": {"requests": dict(resources), "limits": dict(resources)},
        "ioThreadsPolicy": "auto",
    }


def clone_account(vm: Mapping[str, Any]) -> str:
    """The service account for which KubeVirt asks whether the root disk of ``vm`` may be cloned.

    (``pkg/virt-controller/watch/vm``; ``serviceAccountName`` since KubeVirt 1.9.)
    """
    spec = vm["spec"]["template"]["spec"]
    if spec.get("serviceAccountName"):
        return str(spec["serviceAccountName"])
    named = [volume["serviceAccount"] for volume in spec.get("volumes") or () if "serviceAccount" in volume]
    return str(named[-1]["serviceAccountName"]) if named else "default"


def _root_disk(spec: GroupSpec, vm: str) -> dict[str, Any]:
    storage: dict[str, Any] = {
        "resources": {"requests": {"storage": format_bytes(spec.guest.root_size_bytes)}}
    }
    if spec.guest.root_storage_class is not None:
        storage["storageClassName"] = spec.guest.root_storage_class
    return {
        "metadata": {"name": names.root_disk_name(vm), "labels": object_labels(spec, vm)},
        "spec": {
            "sourceRef": {
                "kind": "DataSource",
                "name": spec.guest.data_source,
                "namespace": spec.guest.data_source_namespace,
            },
            "storage": storage,
        },
    }


def _instance(spec: GroupSpec, vm: str) -> dict[str, Any]:
    return {
        # A drain shall stop the VM, which is seen, not migrate it in silence.
        "evictionStrategy": "None",
        "terminationGracePeriodSeconds": GRACE_S,
        "domain": {
            **_size(spec),
            "devices": {
                "rng": {},
                "blockMultiQueue": True,
                "autoattachGraphicsDevice": False,
                # A container of the launcher pod then logs what the guest says before SSH is up.
                "logSerialConsole": True,
                "disks": [
                    {"name": "root", "bootOrder": 1, "disk": {"bus": "virtio"}},
                    {"name": "data", "serial": DATA_SERIAL, "disk": {"bus": "virtio"}},
                    {"name": "cloudinit", "disk": {"bus": "virtio"}},
                ],
                "interfaces": [{"name": "default", "masquerade": {}}],
            },
        },
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [
            {"name": "root", "dataVolume": {"name": names.root_disk_name(vm)}},
            {"name": "data", "persistentVolumeClaim": {"claimName": names.data_claim_name(vm)}},
            {"name": "cloudinit", "cloudInitNoCloud": {"secretRef": {"name": names.secret_name(vm)}}},
        ],
    }


def object_labels(spec: GroupSpec, vm: str) -> dict[str, str]:
    """All of a group's objects have them."""
    return {**labels.group_labels(spec.run_id, spec.key), labels.VM: vm}


def object_metadata(spec: GroupSpec, vm: str, name: str) -> dict[str, Any]:
    """Of an object that the run makes itself: named, labelled and owned."""
    return {
        "name": name,
        "namespace": spec.namespace,
        "labels": object_labels(spec, vm),
        "ownerReferences": [spec.owner.reference()],
    }
