"""Instancetypes and preferences: what a VM gets of them, and what may not be said beside them.

Sources: KubeVirt ``pkg/instancetype/apply`` and ``pkg/instancetype/preference``; the sizes of the u series
are those of its common instancetypes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.quantity import to_bytes

Obj = dict[str, Any]

API_VERSION = "instancetype.kubevirt.io/v1beta1"
#: The plural of each kind; those of the cluster have no namespace.
PLURALS = {
    "VirtualMachineInstancetype": "virtualmachineinstancetypes",
    "VirtualMachineClusterInstancetype": "virtualmachineclusterinstancetypes",
    "VirtualMachinePreference": "virtualmachinepreferences",
    "VirtualMachineClusterPreference": "virtualmachineclusterpreferences",
}
#: The kinds of the two fields of a VM, the usual one first.
KINDS = {
    "instancetype": ("VirtualMachineClusterInstancetype", "VirtualMachineInstancetype"),
    "preference": ("VirtualMachineClusterPreference", "VirtualMachinePreference"),
}


def _size(vcpus: int, memory: str) -> Obj:
    return {"cpu": {"guest": vcpus}, "memory": {"guest": memory}}


#: What every cluster has.
INSTANCETYPES: Mapping[str, Obj] = {
    "u1.nano": _size(1, "512Mi"),
    "u1.micro": _size(1, "1Gi"),
    "u1.small": _size(1, "2Gi"),
    "u1.medium": _size(1, "4Gi"),
    "u1.2xmedium": _size(2, "4Gi"),
    "u1.large": _size(2, "8Gi"),
    "u1.xlarge": _size(4, "16Gi"),
    "u1.2xlarge": _size(8, "32Gi"),
}
PREFERENCES: Mapping[str, Obj] = {
    name: {
        "devices": {"preferredDiskBus": "virtio", "preferredInterfaceModel": "virtio", "preferredRng": {}},
        "requirements": {"cpu": {"guest": 1}, "memory": {"guest": memory}},
    }
    for name, memory in (("centos.stream9", "1536Mi"), ("fedora", "1Gi"), ("rhel.9", "1536Mi"))
}


def reference(vm: Obj, sort: str) -> tuple[str, str] | None:
    """Kind and name of the ``instancetype`` or ``preference`` of a VM; None if it has none.

    Raises `InputError` for a kind that is none. KubeVirt ignores the case of the kind.
    """
    named = (vm.get("spec") or {}).get(sort)
    if not named or not named.get("name"):
        return None
    wanted = str(named.get("kind") or KINDS[sort][0])
    for kind in KINDS[sort]:
        if wanted.lower() in (kind.lower(), PLURALS[kind]):
            return kind, str(named["name"])
    matcher = "InstancetypeMatcher" if sort == "instancetype" else "PreferenceMatcher"
    raise InputError(f"got unexpected kind in {matcher}: {wanted}")


def conflicts(machine: Obj, spec: Obj) -> Iterator[tuple[str, ...]]:
    """Paths in the spec of a guest that the instancetype decides."""
    domain = machine.get("domain") or {}
    cpu, memory, resources = (domain.get(part) or {} for part in ("cpu", "memory", "resources"))
    if spec.get("nodeSelector") and machine.get("nodeSelector"):
        yield ("nodeSelector",)
    if spec.get("schedulerName") and machine.get("schedulerName"):
        yield ("schedulerName",)
    for part in ("requests", "limits"):
        if "cpu" in (resources.get(part) or {}):
            yield ("domain", "resources", part, "cpu")
    for part in ("sockets", "cores", "threads"):
        if cpu.get(part):
            yield ("domain", "cpu", part)
    for part, own in (("model", "model"), ("dedicatedCpuPlacement", "dedicatedCPUPlacement")):
        if cpu.get(part) and (spec.get("cpu") or {}).get(own) is not None:
            yield ("domain", "cpu", own)
    if memory.get("guest"):
        yield ("domain", "memory", "guest")
    elif memory.get("hugepages") and (spec.get("memory") or {}).get("hugepages"):
        yield ("domain", "memory", "hugepages")
    else:
        for part in ("requests", "limits"):
            if "memory" in (resources.get(part) or {}):
                yield ("domain", "resources", part, "memory")
                break
    if domain.get("ioThreadsPolicy") and spec.get("ioThreadsPolicy"):
        yield ("domain", "ioThreadsPolicy")


_UNMET = "failure checking preference requirements: "


def unmet(spec: Obj | None, preference: Obj | None, machine: Obj) -> str | None:
    """What a preference requires and the VM does not have; None if nothing."""
    wanted = (preference or {}).get("requirements") or {}
    cpu, memory = (wanted.get("cpu") or {}).get("guest"), (wanted.get("memory") or {}).get("guest")
    by = "instance type" if spec is not None else "VirtualMachine"
    given = (spec or {}).get("cpu") or {}
    domain = machine.get("domain") or {}
    own = domain.get("cpu") or {}
    vcpus = int(given.get("guest") or 0) if spec is not None else _product(own)
    if cpu and vcpus < cpu:
        has = f"insufficient CPU resources of {vcpus} vCPU provided by {by}"
        return f"{_UNMET}{has}, preference requires {cpu} vCPU"
    found = ((spec if spec is not None else domain).get("memory") or {}).get("guest")
    if memory and (not found or to_bytes(str(found)) < to_bytes(str(memory))):
        has = f"insufficient Memory resources of {found or 0} provided by {by}"
        return f"{_UNMET}{has}, preference requires {memory}"
    return None


def _product(cpu: Obj) -> int:
    counts = [int(cpu.get(part) or 1) for part in ("sockets", "cores", "threads")]
    return counts[0] * counts[1] * counts[2]


def expanded(machine: Obj, spec: Obj | None, preference: Obj | None) -> Obj:
    """The spec of a guest with its instancetype and preference in it; ``machine`` is not changed."""
    machine = copy.deepcopy(machine)
    domain = machine.setdefault("domain", {})
    preferred = preference or {}
    if spec is not None:
        cpu, memory = spec.get("cpu") or {}, spec.get("memory") or {}
        topology = str((preferred.get("cpu") or {}).get("preferredCPUTopology") or "sockets").lower()
        most = next((part for part in ("cores", "threads") if topology.endswith(part)), "sockets")
        counts = {"sockets": 1, "cores": 1, "threads": 1, most: int(cpu["guest"])}
        domain["cpu"] = {**(domain.get("cpu") or {}), **counts}
        for own, part in (("model", "model"), ("dedicatedCPUPlacement", "dedicatedCpuPlacement")):
            if own in cpu:
                domain["cpu"][part] = cpu[own]
        domain["memory"] = {**(domain.get("memory") or {}), "guest": memory["guest"]}
        if "hugepages" in memory:
            domain["memory"]["hugepages"] = memory["hugepages"]
        if "ioThreadsPolicy" in spec:
            domain["ioThreadsPolicy"] = spec["ioThreadsPolicy"]
        for name in ("nodeSelector", "schedulerName"):
            if name in spec:
                machine[name] = spec[name]
    devices = preferred.get("devices") or {}
    for disk in (domain.get("devices") or {}).get("disks") or ():
        target = disk.get("disk")
        if target is not None and not target.get("bus") and "preferredDiskBus" in devices:
            target["bus"] = devices["preferredDiskBus"]
    for one in (domain.get("devices") or {}).get("interfaces") or ():
        if not one.get("model") and "preferredInterfaceModel" in devices:
            one["model"] = devices["preferredInterfaceModel"]
    return machine
