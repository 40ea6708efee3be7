"""The pod that a key is measured in instead of a VM: the same size, the same data disk, the guest's script.

It asks for no privilege, no user and no group, so that OpenShift's ``restricted-v2`` gives it its own. Its
only process serves the script's verbs, which the client calls through ``pods/exec``.
"""

from __future__ import annotations

import base64
from typing import Any

from pytest_odfperf.fio.raw_device import DEVICE
from pytest_odfperf.quantity import format_bytes
from pytest_odfperf.vm import labels, names
from pytest_odfperf.vm.cloudinit import DATA_DIR, guest_conf, resource
from pytest_odfperf.vm.manifests import GRACE_S, object_labels, object_metadata, placement
from pytest_odfperf.vm.spec import GroupSpec

#: The only container.
CONTAINER = "fio"
#: Where the script looks for its settings and its first job; the script itself is there too.
FILES_DIR = "/etc/odfperf"
SCRIPT = f"{FILES_DIR}/odfperf-guest"
#: What the script keeps of a job. In memory, as a VM's ``/run`` is.
_STATE_DIR = "/run/odfperf"
_STATE_SIZE = "256Mi"


def command(verb: str) -> tuple[str, ...]:
    """How the script is called in the pod."""
    return ("sh", SCRIPT, *verb.split())


def files_secret(spec: GroupSpec, vm: str) -> dict[str, Any]:
    """The files that a VM gets by cloud-init. No key is among them: nobody logs in to a pod."""
    files = {
        "guest.conf": guest_conf(spec.layout_bytes, spec.target, SERVICES="pod"),
        "job.fio": spec.job,
        "odfperf-guest": resource("odfperf-guest"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": object_metadata(spec, vm, names.secret_name(vm)),
        "data": {name: base64.b64encode(text.encode()).decode() for name, text in files.items()},
    }


def pod(spec: GroupSpec, vm: str) -> dict[str, Any]:
    """The pod. What ends in it does not begin again: a key is of one start."""
    shape = spec.shape
    metadata = object_metadata(spec, vm, vm)
    metadata["labels"] = {**shape.labels, **object_labels(spec, vm), labels.MACHINE: "pod"}
    if shape.annotations:
        metadata["annotations"] = dict(shape.annotations)
    # By the name that it has in a VM, so that the jobs are the same; runtimes make the folders above it.
    disk = {"volumeDevices": [{"name": "data", "devicePath": DEVICE}]} if spec.volume_mode == "Block" else {}
    mounts = [
        {"name": "files", "mountPath": FILES_DIR, "readOnly": True},
        {"name": "state", "mountPath": _STATE_DIR},
    ]
    if not disk:
        mounts.append({"name": "data", "mountPath": DATA_DIR})
    # The same for both makes it Guaranteed, as the VMs' launchers are.
    size = {"cpu": str(spec.vcpus), "memory": format_bytes(spec.memory_bytes)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": GRACE_S,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            **placement(shape),
            "containers": [
                {
                    "name": CONTAINER,
                    "image": spec.image,
                    "command": list(command("serve")),
                    "resources": {"requests": size, "limits": dict(size)},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    # Its last words are then in its state.
                    "terminationMessagePolicy": "FallbackToLogsOnError",
                    "volumeMounts": mounts,
                    **disk,
                }
            ],
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": names.data_claim_name(vm)}},
                {"name": "files", "secret": {"secretName": names.secret_name(vm)}},
                {"name": "state", "emptyDir": {"medium": "Memory", "sizeLimit": _STATE_SIZE}},
            ],
        },
    }
