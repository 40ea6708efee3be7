"""What KubeVirt's and CDI's webhooks fill in and refuse.

Sources: KubeVirt ``pkg/virt-api/webhooks``, CDI ``pkg/apiserver/webhooks``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from pytest_odfperf.sandbox.api.objects.object_store import Obj
from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.status import cause, denied

#: Inline cloud-init data that KubeVirt takes, in bytes after decoding.
_INLINE_LIMIT_BYTES = 2048
_MACHINE_TYPE = "q35"
_VM = "VirtualMachine"
_VMI = "VirtualMachineInstance"
_WEBHOOKS = {
    _VM: "virtualmachine-validator.kubevirt.io",
    _VMI: "virtualmachineinstances-create-validator.kubevirt.io",
}

Cause = dict[str, str]


def _machine(resource: Resource, obj: Obj) -> tuple[str, dict[str, Any]] | None:
    """The path and the spec of the guest in a VM or a VMI."""
    if resource.kind == _VM:
        return "spec.template.spec", obj["spec"]["template"].get("spec") or {}
    if resource.kind == _VMI:
        return "spec", obj["spec"]
    return None


def fill_machine(resource: Resource, obj: Obj) -> None:
    """The mutating webhook's defaults."""
    found = _machine(resource, obj)
    if found is not None and found[1]:
        found[1]["domain"].setdefault("machine", {"type": _MACHINE_TYPE})
        found[1].setdefault("architecture", "amd64")


def check_machine(resource: Resource, obj: Obj) -> None:
    """Raises a 422 `StatusError` that names the webhook."""
    found = _machine(resource, obj)
    if found is None:
        return
    path, machine = found
    causes = [*_run_strategy(resource, obj["spec"]), *_disks(path, machine), *_networks(path, machine)]
    if resource.kind == _VM:
        causes += _meta("spec.template.metadata", obj["spec"]["template"].get("metadata") or {})
        causes += _templates(obj["spec"], machine)
    if causes:
        raise denied(_WEBHOOKS[resource.kind], obj["metadata"]["name"], resource.kind, causes)


def _run_strategy(resource: Resource, spec: Obj) -> Iterator[Cause]:
    if resource.kind != _VM:
        return
    if "running" in spec and "runStrategy" in spec:
        problem = (
            "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, please use "
            "RunStrategy instead"
        )
        yield cause("FieldValueInvalid", "spec.running", problem)
    if "running" not in spec and "runStrategy" not in spec:
        yield cause("FieldValueInvalid", "spec.running", "One of Running or RunStrategy must be specified")


def _disks(path: str, machine: Obj) -> Iterator[Cause]:
    volumes = machine.get("volumes") or []
    known: set[str] = set()
    for number, volume in enumerate(volumes):
        field = f"{path}.volumes[{number}]"
        if volume["name"] in known:
            yield cause(
                "FieldValueInvalid", f"{field}.name", f"{field}.name '{volume['name']}' must be unique."
            )
        known.add(volume["name"])
        if len(volume) != 2:
            yield cause("FieldValueInvalid", field, f"{field} must have exactly one source type set")
        for source in ("cloudInitNoCloud", "cloudInitConfigDrive"):
            if source in volume:
                yield from _inline(f"{field}.{source}", volume[source])
    seen: dict[str, int] = {}
    orders: dict[int, int] = {}
    for number, disk in enumerate((machine.get("domain") or {}).get("devices", {}).get("disks") or []):
        field = f"{path}.domain.devices.disks[{number}]"
        if disk["name"] not in known:
            yield cause("FieldValueInvalid", f"{field}.name", f"{field}.name '{disk['name']}' not found.")
        if disk["name"] in seen:
            first = f"{path}.domain.devices.disks[{seen[disk['name']]}]"
            yield cause(
                "FieldValueInvalid", f"{field}.name", f"{first} and {field} must not have the same Name."
            )
        seen[disk["name"]] = number
        order = disk.get("bootOrder")
        if order is not None:
            if order < 1:
                problem = f"{field}.bootOrder must have a boot order > 0, if supplied"
                yield cause("FieldValueInvalid", f"{field}.bootOrder", problem)
            elif order in orders:
                problem = f"Boot order for {field}.bootOrder already set for a different device."
                yield cause("FieldValueInvalid", f"{field}.bootOrder", problem)
            orders[order] = number


def _networks(path: str, machine: Obj) -> Iterator[Cause]:
    networks = {network["name"] for network in machine.get("networks") or ()}
    interfaces = [
        one["name"] for one in (machine.get("domain") or {}).get("devices", {}).get("interfaces") or ()
    ]
    for number, name in enumerate(interfaces):
        if name not in networks:
            field = f"{path}.domain.devices.interfaces[{number}].name"
            yield cause("FieldValueInvalid", field, f"{field} '{name}' not found.")
    for number, network in enumerate(machine.get("networks") or ()):
        if network["name"] not in interfaces:
            field = f"{path}.networks[{number}].name"
            yield cause("FieldValueRequired", field, f"{field} '{network['name']}' not found.")


def _templates(spec: Obj, machine: Obj) -> Iterator[Cause]:
    used = {
        (volume.get("dataVolume") or {}).get("name")
        or (volume.get("persistentVolumeClaim") or {}).get("claimName")
        for volume in machine.get("volumes") or ()
    }
    for number, template in enumerate(spec.get("dataVolumeTemplates") or ()):
        field = f"spec.dataVolumeTemplates[{number}]"
        meta = template.get("metadata") or {}
        yield from _meta(f"{field}.metadata", meta)
        name = meta.get("name")
        if not name or not isinstance(name, str):
            yield cause(
                "FieldValueRequired",
                f"{field}.name",
                "'name' field must not be empty for DataVolumeTemplate entry",
            )
        elif name not in used:
            problem = (
                f"DataVolumeTemplate entry {field} must be referenced in the VMI template's 'volumes' list"
            )
            yield cause("FieldValueRequired", field, problem)
        yield from _data_volume(f"{field}.spec", template["spec"])


def _meta(field: str, meta: Obj) -> Iterator[Cause]:
    """The CRD leaves metadata inside of a spec open; the webhook reads it into its own types."""
    for name in ("labels", "annotations"):
        found = meta.get(name) or {}
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            problem = f"json: cannot unmarshal into Go struct field {field}.{name} of type map[string]string"
            yield cause("FieldValueInvalid", f"{field}.{name}", problem)


def _inline(field: str, source: Obj) -> Iterator[Cause]:
    for name, kind in (("userData", "UserDataSecretRef"), ("networkData", "NetworkDataSecretRef")):
        data = source.get(name, "").encode()
        if encoded := source.get(f"{name}Base64"):
            try:
                data = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                problem = f"{field}.{name}Base64 is not a valid base64 value."
                yield cause("FieldValueInvalid", f"{field}.{name}Base64", problem)
                continue
        if len(data) > _INLINE_LIMIT_BYTES:
            problem = f"{field} {name.lower()} exceeds {_INLINE_LIMIT_BYTES} byte limit. Should use {kind}"
            yield cause("FieldValueInvalid", field, problem)


def check_data_volume(resource: Resource, obj: Obj) -> None:
    """Raises a 422 `StatusError` for a DataVolume that CDI refuses."""
    if resource.kind != "DataVolume":
        return
    causes = list(_data_volume("spec", obj["spec"]))
    if causes:
        raise denied("datavolume-validate.cdi.kubevirt.io", obj["metadata"]["name"], "DataVolume", causes)


def _data_volume(field: str, spec: Obj) -> Iterator[Cause]:
    source, reference = spec.get("source"), spec.get("sourceRef")
    if (source is None) == (reference is None):
        problem = "Data volume should have either Source or SourceRef, or be externally populated"
        yield cause("FieldValueInvalid", f"{field}.source", problem)
    elif source is not None and len(source) != 1:
        yield cause("FieldValueInvalid", f"{field}.source", "Multiple Data volume sources, or none of them")
    elif reference is not None and reference["kind"] != "DataSource":
        problem = f"Unsupported sourceRef kind {reference['kind']}, currently only DataSource is supported"
        yield cause("FieldValueInvalid", f"{field}.sourceRef.kind", problem)
    if ("pvc" in spec) == ("storage" in spec):
        problem = (
            "Duplicate storage definition, both target storage and target pvc defined"
            if "pvc" in spec
            else ("Missing Data volume PVC or Storage")
        )
        yield cause("FieldValueInvalid", f"{field}.PVC", problem)
