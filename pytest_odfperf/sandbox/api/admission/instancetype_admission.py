"""virt-api's look at the instancetype and preference of a VM: they must exist, and agree with it."""

from __future__ import annotations

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.resources import BY_KIND, Resource
from pytest_odfperf.sandbox.api.objects.status import StatusError, cause, denied
from pytest_odfperf.sandbox.instancetype_rules import (
    API_VERSION,
    KINDS,
    conflicts,
    expanded,
    reference,
    unmet,
)

_WEBHOOK = "virtualmachine-validator.kubevirt.io"
_GUEST = ("spec", "template", "spec")


def with_instancetype(store: Store, resource: Resource, obj: Obj) -> Obj:
    """A VM as its instancetype and preference make it, which is what the other checks are of; else ``obj``.

    Raises a 422 `StatusError`.
    """
    if resource.kind != "VirtualMachine" or not any(obj["spec"].get(sort) for sort in KINDS):
        return obj
    instancetype, preference = (_spec(store, obj, sort) for sort in KINDS)
    template = obj["spec"]["template"]
    machine = template.get("spec") or {}
    if instancetype is not None and (paths := list(conflicts(machine, instancetype))):
        told = [".".join((*_GUEST, *path)) for path in paths]
        problem = f"VM field(s) {', '.join(told)} conflicts with selected instance type"
        raise _refused(obj, [cause("FieldValueInvalid", field, problem) for field in told])
    if why := unmet(instancetype, preference, machine):
        raise _refused(obj, [cause("FieldValueInvalid", "spec.instancetype", why)])
    template = {**template, "spec": expanded(machine, instancetype, preference)}
    return {**obj, "spec": {**obj["spec"], "template": template}}


def _spec(store: Store, vm: Obj, sort: str) -> Obj | None:
    field = f"spec.{sort}"
    if not vm["spec"].get(sort):
        return None
    try:
        named = reference(vm, sort)
    except InputError as error:
        problem = f"Failure to find {sort}: {error}"
        raise _refused(vm, [cause("FieldValueNotFound", field, problem)]) from error
    if named is None:
        if vm["spec"][sort].get("inferFromVolume"):
            return None
        problem = f"Either Name or InferFromVolume should be provided within the {sort} matcher"
        raise _refused(vm, [cause("FieldValueNotFound", field, problem)])
    kind, name = named
    resource = BY_KIND[API_VERSION, kind]
    found = store.get(resource, (vm["metadata"]["namespace"] if resource.namespaced else "", name))
    if found is None:
        problem = f'Failure to find {sort}: {resource.full_name} "{name}" not found'
        raise _refused(vm, [cause("FieldValueNotFound", field, problem)])
    spec: Obj = found.get("spec") or {}
    return spec


def _refused(vm: Obj, causes: list[dict[str, str]]) -> StatusError:
    return denied(_WEBHOOK, vm["metadata"]["name"], "VirtualMachine", causes)
