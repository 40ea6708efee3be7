"""What KubeVirt's and CDI's webhooks fill in and refuse.

Sources: KubeVirt ``pkg/virt-api/webhooks``, CDI ``pkg/apiserver/webhooks``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_odfperf.sandbox.api.objects.object_store import Obj
from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.status import cause, denied
from pytest_odfperf.sandbox.api.rules.field_rules import causes_of
from pytest_odfperf.sandbox.api.rules.vm_guest_rules import GUEST_RULES, INSTANCE_RULES
from pytest_odfperf.sandbox.api.rules.vm_rules import (
    MUTATOR_RULES,
    RESERVED_LABELS,
    VM_RULES,
    guest_labels,
)

_MACHINE_TYPE = "q35"
_VM = "VirtualMachine"
_VMI = "VirtualMachineInstance"
_UPDATE_WEBHOOK = "virtualmachineinstances-update-validator.kubevirt.io"
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
    """The mutating webhook's defaults. Raises a 422 `StatusError` for what it refuses itself."""
    found = _machine(resource, obj)
    if resource.kind == _VM and (causes := causes_of(MUTATOR_RULES, obj["spec"], "spec")):
        raise denied(resource.mutator, obj["metadata"].get("name") or "", resource.kind, causes)
    if found is not None and found[1]:
        machine = found[1]["domain"].setdefault("machine", {})
        machine["type"] = machine.get("type") or _MACHINE_TYPE
        found[1].setdefault("architecture", "amd64")


def check_machine(resource: Resource, obj: Obj, *, by_kubevirt: bool = False) -> None:
    """Raises a 422 `StatusError` that names the webhook. ``by_kubevirt``: KubeVirt itself writes."""
    found = _machine(resource, obj)
    if found is None:
        return
    path, guest = found
    name = obj["metadata"].get("name") or ""
    if resource.kind == _VM:
        causes = [*causes_of(GUEST_RULES, guest, path), *causes_of(VM_RULES, obj["spec"], "spec")]
        causes = causes or list(_other_namespaces(obj))
    else:
        causes = causes_of(INSTANCE_RULES, guest, path)
        if not by_kubevirt:
            causes += causes_of((("", guest_labels),), obj["metadata"], "metadata")
    if causes:
        raise denied(_WEBHOOKS[resource.kind], name, resource.kind, causes)


def check_labels(resource: Resource, before: Obj, after: Obj) -> None:
    """Raises a 422 `StatusError` for labels of an instance that only KubeVirt itself may change."""
    if resource.kind != _VMI:
        return
    old, new = (obj["metadata"].get("labels") or {} for obj in (before, after))
    if any(old.get(name) != new.get(name) for name in RESERVED_LABELS):
        words = "modification of the following reserved kubevirt.io/ labels on a VMI object is prohibited"
        found = [cause("FieldValueNotSupported", "metadata.labels", words)]
        raise denied(_UPDATE_WEBHOOK, after["metadata"].get("name") or "", resource.kind, found)


def _other_namespaces(vm: Obj) -> Iterator[Cause]:
    namespace = vm["metadata"]["namespace"]
    for number, template in enumerate(vm["spec"].get("dataVolumeTemplates") or ()):
        there = (template.get("metadata") or {}).get("namespace")
        if there and there != namespace:
            words = f"Embedded DataVolume namespace {there} differs from VM namespace {namespace}"
            yield cause("FieldValueInvalid", f"spec.dataVolumeTemplates[{number}]", words)


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
