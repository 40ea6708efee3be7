"""Changes of objects that a real server does not let through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_odfperf.quantity import parse_quantity
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH, Resource
from pytest_odfperf.sandbox.api.objects.status import StatusError, cause, denied, refused

_CLASSES = BY_PATH["storage.k8s.io", "v1", "storageclasses"]
_CLAIM = (
    "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for "
    "bound claims"
)
_POD = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
    "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
    "previously negative)"
)


def check_change(store: Store, resource: Resource, before: Obj, after: Obj) -> None:
    """Raises a 403 or 422 `StatusError`."""
    check = _CHECKS.get(resource.kind)
    if check is not None:
        check(store, resource, before, after)


def _refuse(
    resource: Resource, obj: Obj, field: str, problem: str, reason: str = "FieldValueForbidden"
) -> StatusError:
    return refused(resource, obj["metadata"]["name"], [cause(reason, field, problem)])


def _claim(store: Store, resource: Resource, before: Obj, after: Obj) -> None:
    """Volume and class may be set once; the size of a bound claim may grow if its class lets it."""
    old, new = dict(before["spec"]), dict(after["spec"])
    bound = (before.get("status") or {}).get("phase") == "Bound"
    if bound:
        for spec in (old, new):
            spec.pop("volumeAttributesClassName", None)
            spec["resources"] = {**(spec.get("resources") or {}), "requests": None}
    for name in ("volumeName", "storageClassName"):
        if old.get(name) is None:
            old.pop(name, None)
            new.pop(name, None)
    if old != new:
        raise _refuse(resource, after, "spec", _CLAIM)
    asked, had = _size(after), _size(before)
    if asked == had:
        return
    if parse_quantity(asked) < parse_quantity(had):
        capacity = str(((before.get("status") or {}).get("capacity") or {}).get("storage", "0"))
        # A larger size that was asked for in vain may be taken back.
        if parse_quantity(asked) <= parse_quantity(capacity):
            problem = "Forbidden: field can not be less than status.capacity"
            raise _refuse(resource, after, "spec.resources.requests.storage", problem)
        return
    sc = store.get(_CLASSES, ("", after["spec"].get("storageClassName") or ""))
    if sc is None or not sc.get("allowVolumeExpansion"):
        name = after["metadata"]["name"]
        why = (
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc "
            "must support resize"
        )
        raise StatusError(
            403,
            "Forbidden",
            f'{resource.full_name} "{name}" is forbidden: {why}',
            name=name,
            kind=resource.plural,
        )


def _size(claim: Obj) -> str:
    return str(((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "0"))


def _pod(_: Store, resource: Resource, before: Obj, after: Obj) -> None:
    if _fixed(before["spec"]) != _fixed(after["spec"]):
        raise _refuse(resource, after, "spec", _POD)
    had, has = (obj["spec"].get("activeDeadlineSeconds") for obj in (before, after))
    if had is not None and (has is None or has > had):
        problem = f"Invalid value: {has}: must be less than or equal to previous value"
        raise _refuse(resource, after, "spec.activeDeadlineSeconds", problem, "FieldValueInvalid")
    old = before["spec"].get("tolerations") or []
    new = after["spec"].get("tolerations") or []
    if any(toleration not in new for toleration in old):
        raise _refuse(resource, after, "spec.tolerations", _POD)


def _fixed(spec: Obj) -> dict[str, Any]:
    """What of a pod stays."""
    free = ("tolerations", "activeDeadlineSeconds", "containers", "initContainers", "ephemeralContainers")
    fixed = {name: value for name, value in spec.items() if name not in free}
    for name in ("containers", "initContainers"):
        fixed[name] = [{k: v for k, v in one.items() if k != "image"} for one in spec.get(name) or ()]
    return fixed


def _data(_: Store, resource: Resource, before: Obj, after: Obj) -> None:
    """Of a ConfigMap or Secret."""
    if before.get("immutable"):
        for name in ("data", "binaryData"):
            if before.get(name) != after.get(name):
                raise _refuse(resource, after, name, "Forbidden: field is immutable when `immutable` is set")
        if not after.get("immutable"):
            raise _refuse(
                resource, after, "immutable", "Forbidden: field is immutable when `immutable` is set"
            )
    if before.get("type") != after.get("type"):
        problem = f'Invalid value: "{after.get("type")}": field is immutable'
        raise _refuse(resource, after, "type", problem, "FieldValueInvalid")


def _class(_: Store, resource: Resource, before: Obj, after: Obj) -> None:
    for name in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"):
        if before.get(name) != after.get(name):
            raise _refuse(resource, after, name, f"Forbidden: updates to {name} are forbidden.")


def _priority(_: Store, resource: Resource, before: Obj, after: Obj) -> None:
    for name in ("value", "preemptionPolicy"):
        if before.get(name) != after.get(name):
            raise _refuse(resource, after, name, "Forbidden: may not be changed in an update.")


def _binding(_: Store, resource: Resource, before: Obj, after: Obj) -> None:
    if before.get("roleRef") != after.get("roleRef"):
        raise _refuse(resource, after, "roleRef", "Invalid value: cannot change roleRef", "FieldValueInvalid")


def _data_volume(_: Store, __: Resource, before: Obj, after: Obj) -> None:
    if before["spec"] != after["spec"]:
        problem = [cause("FieldValueDuplicate", "DataVolume.Spec", "Cannot update DataVolume Spec")]
        raise denied("datavolume-validate.cdi.kubevirt.io", after["metadata"]["name"], "DataVolume", problem)


def _instance(_: Store, __: Resource, before: Obj, after: Obj) -> None:
    if before["spec"] != after["spec"]:
        problem = [cause("FieldValueNotSupported", "spec", "update of VMI object is restricted")]
        webhook = "virtualmachineinstances-update-validator.kubevirt.io"
        raise denied(webhook, after["metadata"]["name"], "VirtualMachineInstance", problem)


def _ceph_cluster(_: Store, resource: Resource, before: Obj, after: Obj) -> None:
    field = "dataDirHostPath"
    if field in before["spec"] and field in after["spec"] and before["spec"][field] != after["spec"][field]:
        problem = 'Invalid value: "string": DataDirHostPath is immutable'
        raise _refuse(resource, after, f"spec.{field}", problem, "FieldValueInvalid")


def _snapshot(_: Store, resource: Resource, before: Obj, after: Obj) -> None:
    old, new = before["spec"]["source"], after["spec"]["source"]
    for name in ("persistentVolumeClaimName", "volumeSnapshotContentName"):
        if old.get(name) != new.get(name):
            problem = f'Invalid value: "string": {name} is immutable'
            raise _refuse(resource, after, f"spec.source.{name}", problem, "FieldValueInvalid")


_CHECKS: dict[str, Callable[[Store, Resource, Obj, Obj], None]] = {
    "PersistentVolumeClaim": _claim,
    "Pod": _pod,
    "ConfigMap": _data,
    "Secret": _data,
    "StorageClass": _class,
    "PriorityClass": _priority,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "DataVolume": _data_volume,
    "VirtualMachineInstance": _instance,
    "CephCluster": _ceph_cluster,
    "VolumeSnapshot": _snapshot,
}
