"""Room for the VM groups: ResourceQuotas and LimitRanges of the namespace, and the size of the nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.matrix.model import Matrix, VmSize
from pytest_odfperf.preflight.check import Check, JsonObject, Unread, doubtful, failed, not_checked, passed
from pytest_odfperf.quantity import parse_quantity
from pytest_odfperf.schedule.capacity import NodeCapacity, shapes

_MIB = 1 << 20
#: Pods of ours are none of these.
_OTHER_SCOPES = frozenset({"BestEffort", "Terminating", "PriorityClass", "CrossNamespacePodAffinity"})
#: What KubeVirt asks for beside a guest's CPUs and memory, for each launcher pod.
_EPHEMERAL_BYTES = 50_000_000
_DEVICES = ("kvm", "tun", "vhost-net")
#: One for the whole run, however many groups it has.
_OF_THE_RUN = ("configmaps", "count/configmaps", "count/leases.coordination.k8s.io")
_BY_CLASS = ".storageclass.storage.k8s.io/"


def overhead_bytes(vcpus: int, memory_bytes: int) -> int:
    """What the pod of a VM needs beside the guest's memory: about what KubeVirt adds.

    Page tables, the processes of virt-launcher, an I/O thread, Guaranteed QoS, 8 MiB a vCPU
    (KubeVirt, ``pkg/virt-controller/services/renderresources.go``).
    """
    return memory_bytes // 512 + (240 + 8 + 100 + 8 * vcpus) * _MIB


def _pod_bytes(size: VmSize) -> int:
    """The memory of the pod of a VM, or of the pod that is measured in."""
    overhead = 0 if size.machine == "pod" else overhead_bytes(size.vcpus, size.memory_bytes)
    return size.memory_bytes + overhead


def needs(matrix: Matrix, group: GroupKey, default_class: str | None = None) -> dict[str, Decimal]:
    """What a group takes of a namespace, by the keys of a ResourceQuota.

    ``default_class``: the StorageClass of root disks where the matrix names none.
    """
    size, count = matrix.vm_size(group.size), Decimal(group.concurrency)
    memory = count * _pod_bytes(size)
    cpu = count * size.vcpus
    data = count * matrix.pvc_size(group.pvc).size_bytes
    storage_class = matrix.pool(group.pool).storage_class
    needed = {
        **{f"{prefix}cpu": cpu for prefix in ("", "requests.", "limits.")},
        **{f"{prefix}memory": memory for prefix in ("", "requests.", "limits.")},
        **{f"{prefix}pods": count for prefix in ("", "count/")},
        **{f"{prefix}secrets": count for prefix in ("", "count/")},
        **{key: Decimal(1) for key in _OF_THE_RUN},
        **{f"{prefix}persistentvolumeclaims": count for prefix in ("", "count/")},
        "requests.storage": data,
        f"{storage_class}{_BY_CLASS}requests.storage": data,
        f"{storage_class}{_BY_CLASS}persistentvolumeclaims": count,
    }
    return needed if size.machine == "pod" else _with_vms(needed, matrix, count, default_class)


def _with_vms(
    needed: dict[str, Decimal], matrix: Matrix, count: Decimal, default_class: str | None
) -> dict[str, Decimal]:
    """What ``count`` VMs take beside their launcher pods and data disks."""
    root = count * matrix.guest.root_size_bytes
    root_class = matrix.guest.root_storage_class or default_class
    needed |= {
        **{f"{prefix}ephemeral-storage": count * _EPHEMERAL_BYTES for prefix in ("", "requests.")},
        **{f"requests.devices.kubevirt.io/{device}": count for device in _DEVICES},
        **{f"{prefix}persistentvolumeclaims": 2 * count for prefix in ("", "count/")},
        "count/virtualmachines.kubevirt.io": count,
        "count/virtualmachineinstances.kubevirt.io": count,
        "count/datavolumes.cdi.kubevirt.io": count,
        "requests.storage": needed["requests.storage"] + root,
    }
    if root_class is not None:
        for suffix, value in (("requests.storage", root), ("persistentvolumeclaims", count)):
            key = f"{root_class}{_BY_CLASS}{suffix}"
            needed[key] = needed.get(key, Decimal(0)) + value
    return needed


def quotas(
    found: Sequence[JsonObject] | Unread,
    matrix: Matrix,
    groups: Iterable[GroupKey],
    at_once: int,
    default_class: str | None = None,
) -> list[Check]:
    """Whether each ResourceQuota has room for the largest group, and for ``at_once`` pools."""
    if isinstance(found, Unread):
        return [not_checked("quota", found)]
    needed = {group: needs(matrix, group, default_class) for group in dict.fromkeys(groups)}
    problems = [problem for quota in found for problem in _quota(quota, needed, at_once)]
    return problems or [
        passed("quota", f"{len(found)} ResourceQuotas; each has room" if found else "none is set")
    ]


def _quota(quota: JsonObject, needed: Mapping[GroupKey, Mapping[str, Decimal]], at_once: int) -> list[Check]:
    spec, status = quota.get("spec") or {}, quota.get("status") or {}
    selected = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    if _OTHER_SCOPES & {*(spec.get("scopes") or ()), *(one.get("scopeName") for one in selected)}:
        return []
    what = f"quota {quota['metadata']['name']}"
    checks = []
    for key, limit in (spec.get("hard") or {}).items():
        largest = max(needed, key=lambda group: needed[group].get(key, Decimal(0)))
        need = needed[largest].get(key)
        if not need:
            continue
        try:
            hard, used = (
                parse_quantity(str(limit)),
                parse_quantity(str((status.get("used") or {}).get(key, 0))),
            )
        except InputError as error:
            checks.append(doubtful(what, f"{key}: {error}", "see the ResourceQuota"))
            continue
        room = f"{_shown(key, hard - used)} of {limit} are free"
        together = _of_pools(key, needed, at_once)
        if need > hard - used:
            whole = key in _OF_THE_RUN
            who = "a run" if whole else f"group {largest}"
            out = "" if whole else ", or leave the group out: --odf-exclude"
            detail = f"{key}: {who} needs {_shown(key, need)}, {room}"
            checks.append(failed(what, detail, f"ask for a larger quota{out}"))
        elif together > hard - used:
            detail = f"{key}: {at_once} pools at once can need {_shown(key, together)}, {room}"
            checks.append(doubtful(what, detail, "run fewer pools at once: --odf-parallel=N"))
    return checks


def _of_pools(key: str, needed: Mapping[GroupKey, Mapping[str, Decimal]], at_once: int) -> Decimal:
    """What the ``at_once`` pools with the largest groups need together."""
    if key in _OF_THE_RUN:
        return Decimal(1)
    pools: dict[str, Decimal] = {}
    for group, need in needed.items():
        pools[group.pool] = max(pools.get(group.pool, Decimal(0)), need.get(key, Decimal(0)))
    return sum(sorted(pools.values(), reverse=True)[: max(1, at_once)], Decimal(0))


def limit_ranges(
    found: Sequence[JsonObject] | Unread, matrix: Matrix, groups: Iterable[GroupKey]
) -> list[Check]:
    """Whether each LimitRange takes the VMs' pods and the claims."""
    what = "limit range"
    if isinstance(found, Unread):
        return [not_checked(what, found)]
    sizes: dict[tuple[str, str], dict[str, Decimal]] = {}
    for group in groups:
        size = matrix.vm_size(group.size)
        memory = _pod_bytes(size)
        pod = {"cpu": Decimal(size.vcpus), "memory": Decimal(memory)}
        sizes["Pod", f"VM size {group.size}"] = sizes["Container", f"VM size {group.size}"] = pod
        claim = {"storage": Decimal(matrix.pvc_size(group.pvc).size_bytes)}
        sizes["PersistentVolumeClaim", f"PVC size {group.pvc}"] = claim
    sizes["PersistentVolumeClaim", "root disk"] = {"storage": Decimal(matrix.guest.root_size_bytes)}
    problems = [
        failed(
            f"{what} {one['metadata']['name']}",
            f"{label}: {problem}",
            "ask for another LimitRange, or leave the size out: --odf-exclude",
        )
        for one in found
        for limit in (one.get("spec") or {}).get("limits") or ()
        for (sort, label), values in sizes.items()
        if sort == limit.get("type")
        for problem in _outside(values, limit)
    ]
    return problems or [
        passed(what, f"{len(found)} LimitRanges; each takes all sizes" if found else "none is set")
    ]


def _outside(values: Mapping[str, Decimal], limit: JsonObject) -> list[str]:
    problems = []
    for name, value in values.items():
        for bound, is_outside in (("max", Decimal.__gt__), ("min", Decimal.__lt__)):
            given = (limit.get(bound) or {}).get(name)
            try:
                if given is not None and is_outside(value, parse_quantity(str(given))):
                    problems.append(f"{name} {_shown(name, value)} is outside its {bound} {given}")
            except InputError as error:
                problems.append(f"{bound} {name}: {error}")
    return problems


def nodes(found: Sequence[NodeCapacity] | Unread, matrix: Matrix, groups: Iterable[GroupKey]) -> list[Check]:
    """Whether VMs can be scheduled at all, and those of a group all at once (on nodes without other load)."""
    if isinstance(found, Unread):
        return [not_checked("nodes", found)]
    groups = tuple(dict.fromkeys(groups))
    every = shapes(matrix, groups)
    usable = [node for node in found if any(node.refusal(shape) is None for shape in every)]
    # Of the others only workers are missed.
    missed = [node for node in found if node.worker and node not in usable]
    out = ", ".join(f"{node.name} is {node.refusal(every[0])}" for node in missed)
    shown = f"{len(usable)} of {len(usable) + len(missed)} nodes take VMs" + (f" ({out})" if out else "")
    if not usable:
        return [failed("nodes", shown, "uncordon one, or see vm: node_selector, affinity, tolerations")]
    checks = [doubtful("nodes", shown, "oc get nodes") if out else passed("nodes", shown)]
    seen: set[str] = set()
    for group in sorted(groups, key=lambda group: -group.concurrency):
        shape = matrix.shape_of(group.pool, group.size)
        # Of VMs that are alike in size and place, the largest group tells.
        alike = repr((group.size, shape.node_selector, shape.affinity, shape.tolerations))
        if alike not in seen:
            seen.add(alike)
            checks += _of_group(group, matrix, [node for node in found if node.refusal(shape) is None])
    return checks


def _of_group(group: GroupKey, matrix: Matrix, usable: Sequence[NodeCapacity]) -> list[Check]:
    size, what = matrix.vm_size(group.size), f"VM size {group.size}"
    memory = _pod_bytes(size)
    takes = sum(_fit(node, size.vcpus, memory) for node in usable)
    if not usable:
        detail = f"no node is where VMs of pool {group.pool} may go"
        return [
            failed(what, detail, "see vm: node_selector, affinity, tolerations; oc get nodes --show-labels")
        ]
    if not takes:
        detail = f"{size.vcpus} vCPUs and {_shown('memory', Decimal(memory))} fit no node"
        return [failed(what, detail, f"leave it out: --odf-exclude '*:{group.size}:*:*:*:*'")]
    if takes < group.concurrency:
        detail = f"{group.concurrency} VMs at once, and the nodes take {takes} even when empty"
        out = f"leave it out: --odf-exclude '*:{group.size}:*:{group.concurrency}:*:*'"
        return [failed(what, detail, out)]
    return []


def _fit(node: NodeCapacity, vcpus: int, memory_bytes: int) -> int:
    try:
        cpu, memory = parse_quantity(node.cpu), parse_quantity(node.memory)
    except InputError:
        return 0
    return max(0, int(min(cpu // vcpus, memory // memory_bytes)))


def _shown(key: str, value: Decimal) -> str:
    if key.endswith(("memory", "storage")):
        return f"{value / (1 << 30):.1f} GiB"
    return f"{value:f}"
