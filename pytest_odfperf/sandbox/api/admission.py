"""What the validating webhooks and the built-in validation refuse of single kinds."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.quantity import parse_quantity
from pytest_odfperf.sandbox.api.quota import check_quota
from pytest_odfperf.sandbox.api.status import invalid
from pytest_odfperf.sandbox.api.store import Obj

#: Inline cloud-init data that KubeVirt takes, in bytes after decoding.
_INLINE_LIMIT_BYTES = 2048


def admit_new(obj: Obj) -> None:
    """Raises a 422 `StatusError` for what may not be created."""
    _check_types(obj)
    if obj["kind"] == "PersistentVolumeClaim":
        _check_claim(obj)
    elif obj["kind"] == "ResourceQuota":
        check_quota(obj)
    _check_machine(obj)


def admit_change(before: Obj, after: Obj) -> None:
    """Raises a 422 `StatusError` for a change that may not be."""
    _check_types(after)
    if after["kind"] == "PersistentVolumeClaim" and not _may_become(before, after):
        raise invalid(
            "PersistentVolumeClaim",
            after["metadata"]["name"],
            "spec",
            "Forbidden: spec is immutable after creation except resources.requests and "
            "volumeAttributesClassName for bound claims",
        )
    if before.get("spec") != after.get("spec"):
        _check_machine(after)


#: Parts that are read here, by kind: a path, and whether it leads to a list of objects or to an object.
_MACHINE = (
    ("", dict),
    ("domain", dict),
    ("domain.devices", dict),
    ("domain.devices.disks", list),
    ("volumes", list),
)
_SHAPES: dict[str, tuple[tuple[str, type], ...]] = {
    "PersistentVolumeClaim": (("spec", dict), ("spec.resources", dict), ("spec.resources.requests", dict)),
    "ResourceQuota": (("spec", dict), ("spec.hard", dict)),
    "VirtualMachineInstance": tuple((f"spec.{path}".rstrip("."), shape) for path, shape in _MACHINE),
    "VirtualMachine": (
        ("spec", dict),
        ("spec.template", dict),
        *((f"spec.template.spec.{path}".rstrip("."), shape) for path, shape in _MACHINE),
    ),
}


def _check_types(obj: Obj) -> None:
    for path, shape in _SHAPES.get(obj["kind"], ()):
        found: Any = obj
        for part in path.split("."):
            found = (found or {}).get(part)
        wrong = found is not None and not isinstance(found, shape)
        if not wrong and shape is list:
            wrong = any(not isinstance(entry, dict) for entry in found or ())
        if wrong:
            wanted = "object" if shape is dict else "array of objects"
            problem = f"Invalid value: must be of type {wanted}"
            raise invalid(obj["kind"], obj["metadata"]["name"], path, problem)


def _may_become(before: Obj, after: Obj) -> bool:
    """Whether a claim's spec may change so: sizes always, volume and class once, where there was none."""
    old, new = dict(before.get("spec") or {}), dict(after.get("spec") or {})
    for name in ("resources", "volumeAttributesClassName"):
        old.pop(name, None)
        new.pop(name, None)
    for name in ("volumeName", "storageClassName"):
        if old.get(name) is None:
            old.pop(name, None)
            new.pop(name, None)
    return old == new


def _check_claim(claim: Obj) -> None:
    name, spec = claim["metadata"]["name"], claim.get("spec") or {}
    if not spec.get("accessModes"):
        problem = "Required value: at least 1 access mode is required"
        raise invalid("PersistentVolumeClaim", name, "spec.accessModes", problem)
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    field = "spec.resources[storage]"
    if size is None:
        raise invalid("PersistentVolumeClaim", name, field, "Required value")
    try:
        positive = parse_quantity(str(size)) > 0
    except InputError as error:
        raise invalid("PersistentVolumeClaim", name, field, f"Invalid value: {error}") from error
    if not positive:
        raise invalid(
            "PersistentVolumeClaim", name, field, f'Invalid value: "{size}": must be greater than zero'
        )


def _check_machine(obj: Obj) -> None:
    spec = obj.get("spec") or {}
    kind, name = obj["kind"], obj["metadata"]["name"]
    if kind == "VirtualMachine":
        if "running" in spec and "runStrategy" in spec:
            raise invalid(kind, name, "spec.running", "Running and RunStrategy are mutually exclusive")
        path, template = "spec.template.spec", (spec.get("template") or {}).get("spec") or {}
    elif kind == "VirtualMachineInstance":
        path, template = "spec", spec
    else:
        return
    volumes = template.get("volumes") or []
    known = {volume.get("name") for volume in volumes}
    disks = ((template.get("domain") or {}).get("devices") or {}).get("disks") or []
    for number, disk in enumerate(disks):
        if disk.get("name") not in known:
            field = f"{path}.domain.devices.disks[{number}].name"
            raise invalid(kind, name, field, f"{field} '{disk.get('name')}' not found.")
    for number, volume in enumerate(volumes):
        _check_inline(
            kind, name, f"{path}.volumes[{number}].cloudInitNoCloud", volume.get("cloudInitNoCloud")
        )


def _check_inline(kind: str, name: str, field: str, source: Any) -> None:
    if source is None:
        return
    if not isinstance(source, dict) or not isinstance(source.get("userData", ""), str):
        raise invalid(kind, name, field, "Invalid value: must be of type object with texts")
    data = source.get("userData", "").encode()
    if encoded := source.get("userDataBase64"):
        try:
            data = base64.b64decode(str(encoded), validate=True)
        except (binascii.Error, ValueError) as error:
            raise invalid(kind, name, f"{field}.userDataBase64", "not a valid base64 value") from error
    if len(data) > _INLINE_LIMIT_BYTES:
        problem = f"userdata exceeds {_INLINE_LIMIT_BYTES} byte limit. Should use UserDataSecretRef"
        raise invalid(kind, name, field, problem)
