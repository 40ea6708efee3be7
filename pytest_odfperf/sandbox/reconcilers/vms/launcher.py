"""The virt-launcher pod of a VirtualMachineInstance, above all what it requests.

Formulas: KubeVirt ``pkg/virt-controller/services/renderresources.go`` and ``GetMemoryOverhead``.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

from pytest_odfperf.quantity import to_bytes, to_millicores
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import VMI, Obj, owner_reference
from pytest_odfperf.sandbox.reconcilers.vms.kubevirt_moves import Moves
from pytest_odfperf.sandbox.reconcilers.volume_claims import claim_names

_MI = 1 << 20
_PER_VCPU_BYTES = 8 * _MI
_IO_THREAD_BYTES = 8 * _MI
_GUARANTEED_BYTES = 100 * _MI
#: Page tables take a word per 512 words.
_PAGE_TABLE_PART = 512


def vcpus(vmi: Obj) -> int:
    cpu = vmi["spec"].get("domain", {}).get("cpu") or {}
    counts = [int(cpu.get(part) or 1) for part in ("sockets", "cores", "threads")]
    return math.prod(counts)


def guest_memory_bytes(vmi: Obj) -> int:
    domain = vmi["spec"].get("domain", {})
    requests, limits = _resources(vmi)
    guest = (domain.get("memory") or {}).get("guest") or requests.get("memory") or limits.get("memory")
    return to_bytes(str(guest)) if guest else 1 << 30


def _resources(vmi: Obj) -> tuple[dict[str, Any], dict[str, Any]]:
    resources = vmi["spec"].get("domain", {}).get("resources") or {}
    return resources.get("requests") or {}, resources.get("limits") or {}


def _guaranteed(vmi: Obj) -> bool:
    requests, limits = _resources(vmi)
    return all(
        name in limits and requests.get(name, limits[name]) == limits[name] for name in ("cpu", "memory")
    )


def memory_overhead_bytes(vmi: Obj, moves: Moves) -> int:
    devices = vmi["spec"].get("domain", {}).get("devices") or {}
    overhead = guest_memory_bytes(vmi) // _PAGE_TABLE_PART + moves.processes_bytes + _IO_THREAD_BYTES
    overhead += _PER_VCPU_BYTES * vcpus(vmi)
    if devices.get("autoattachGraphicsDevice") is not False:
        overhead += moves.graphics_bytes
    return overhead + (_GUARANTEED_BYTES if _guaranteed(vmi) else 0)


def compute_resources(vmi: Obj, cpu_allocation_ratio: int, moves: Moves) -> Obj:
    """Requests and limits of the compute container. What the VMI requests itself goes before the ratio."""
    asked, limited = _resources(vmi)
    cpu = asked.get("cpu") or limited.get("cpu")
    cpu_milli = to_millicores(str(cpu)) if cpu else math.ceil(vcpus(vmi) * 1000 / cpu_allocation_ratio)
    overhead = memory_overhead_bytes(vmi, moves)
    memory = to_bytes(str(asked["memory"])) if "memory" in asked else guest_memory_bytes(vmi)
    devices = {
        "devices.kubevirt.io/kvm": "1",
        "devices.kubevirt.io/tun": "1",
        "devices.kubevirt.io/vhost-net": "1",
    }
    requests = {
        "cpu": f"{cpu_milli}m",
        "memory": str(memory + overhead),
        "ephemeral-storage": "50M",
        **devices,
    }
    limits: Obj = dict(devices)
    if "cpu" in limited:
        limits["cpu"] = str(limited["cpu"])
    if "memory" in limited:
        limits["memory"] = str(to_bytes(str(limited["memory"])) + overhead)
    return {"requests": requests, "limits": limits}


def _console_log(vmi: Obj, moves: Moves) -> list[Obj]:
    """The container that logs the serial console (KubeVirt ``generateSerialConsoleLogContainer``)."""
    devices = vmi["spec"].get("domain", {}).get("devices") or {}
    if devices.get("logSerialConsole") is not True:
        return []
    limits = {"cpu": "15m", "memory": "60M"}
    requests = limits if _guaranteed(vmi) else {"cpu": "5m", "memory": "35M"}
    return [
        {
            "name": "guest-console-log",
            "image": "sandbox/virt-launcher",
            "resources": {"requests": requests, "limits": limits},
            **({"restartPolicy": "Always"} if moves.console_is_sidecar else {}),
        }
    ]


def pod_name(vmi: Obj) -> str:
    """Always the same for one VMI, so that no second pod can come of a slow cache."""
    suffix = hashlib.sha256(vmi["metadata"]["uid"].encode()).hexdigest()[:5]
    return f"virt-launcher-{vmi['metadata']['name']}-{suffix}"


def launcher_pod(vmi: Obj, cpu_allocation_ratio: int, moves: Moves) -> Obj:
    meta, spec = vmi["metadata"], vmi["spec"]
    claims = [(f"claim-{i}", name) for i, name in enumerate(claim_names(vmi))]
    console = _console_log(vmi, moves)
    sidecars, beside = (console, []) if moves.console_is_sidecar else ([], console)
    placement = {k: spec[k] for k in ("affinity", "tolerations", "topologySpreadConstraints") if k in spec}
    return {
        "metadata": {
            "name": pod_name(vmi),
            "namespace": meta["namespace"],
            "labels": {
                **(meta.get("labels") or {}),
                "kubevirt.io": "virt-launcher",
                "kubevirt.io/created-by": meta["uid"],
                "vm.kubevirt.io/name": meta["name"][:63],
            },
            "annotations": {"kubevirt.io/domain": meta["name"]},
            "ownerReferences": [owner_reference(VMI, vmi)],
        },
        "spec": {
            "restartPolicy": "Never",
            "schedulerName": spec.get("schedulerName") or "default-scheduler",
            "terminationGracePeriodSeconds": int(spec.get("terminationGracePeriodSeconds") or 30) + 15,
            "nodeSelector": {**(spec.get("nodeSelector") or {}), "kubevirt.io/schedulable": "true"},
            **placement,
            "containers": [
                {
                    "name": "compute",
                    "image": "sandbox/virt-launcher",
                    "resources": compute_resources(vmi, cpu_allocation_ratio, moves),
                },
                *beside,
            ],
            **({"initContainers": sidecars} if sidecars else {}),
            "volumes": [{"name": n, "persistentVolumeClaim": {"claimName": c}} for n, c in claims],
        },
    }
