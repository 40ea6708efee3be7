"""What is filled in and what is refused when an object is written, beyond the shape of its kind."""

from __future__ import annotations

from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.quantity import parse_quantity
from pytest_odfperf.sandbox.api.admission.immutable import check_change
from pytest_odfperf.sandbox.api.admission.instancetype_admission import with_instancetype
from pytest_odfperf.sandbox.api.admission.kubevirt_admission import (
    check_data_volume,
    check_machine,
    fill_machine,
)
from pytest_odfperf.sandbox.api.admission.limit_ranges import limit_new
from pytest_odfperf.sandbox.api.admission.pod_containers import lasting
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.status import cause, refused

_NAMESPACE_LABEL = "kubernetes.io/metadata.name"


def admit_new(store: Store, resource: Resource, obj: Obj) -> None:
    """Fill in what admission fills in. Raises a 403 or 422 `StatusError` for what may not be created."""
    fill_machine(resource, obj)
    check_machine(resource, with_instancetype(store, resource, obj))
    check_data_volume(resource, obj)
    limit_new(store, resource, obj)
    if resource.kind == "PersistentVolumeClaim":
        _check_claim(resource, obj)
        obj["status"] = {"phase": "Pending"}
    elif resource.kind == "Pod":
        _check_pod(resource, obj)
        obj["status"] = {"phase": "Pending", "qosClass": _quality(obj)}
    elif resource.kind == "Namespace":
        name = obj["metadata"]["name"]
        obj["metadata"]["labels"] = {**(obj["metadata"].get("labels") or {}), _NAMESPACE_LABEL: name}
        obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
        obj["status"] = {"phase": "Active"}


def admit_change(store: Store, resource: Resource, before: Obj, after: Obj, sub: str) -> None:
    """Raises a 403 or 422 `StatusError` for a change that may not be."""
    if sub == "status":
        return
    check_change(store, resource, before, after)
    if before.get("spec") != after.get("spec"):
        check_machine(resource, with_instancetype(store, resource, after))


def _check_claim(resource: Resource, claim: Obj) -> None:
    causes = []
    spec: dict[str, Any] = claim["spec"]
    if not spec.get("accessModes"):
        problem = "Required value: at least 1 access mode is required"
        causes.append(cause("FieldValueRequired", "spec.accessModes", problem))
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    field = "spec.resources[storage]"
    if size is None:
        causes.append(cause("FieldValueRequired", field, "Required value"))
    else:
        try:
            positive = parse_quantity(str(size)) > 0
        except InputError as error:
            causes.append(cause("FieldValueInvalid", field, f"Invalid value: {error}"))
        else:
            if not positive:
                problem = f'Invalid value: "{size}": must be greater than zero'
                causes.append(cause("FieldValueInvalid", field, problem))
    if causes:
        raise refused(resource, claim["metadata"]["name"], causes)


def _check_pod(resource: Resource, pod: Obj) -> None:
    causes = []
    volumes = {volume["name"] for volume in pod["spec"].get("volumes") or ()}
    for number, container in enumerate(pod["spec"]["containers"]):
        field = f"spec.containers[{number}]"
        if not container.get("image"):
            causes.append(cause("FieldValueRequired", f"{field}.image", "Required value"))
        for at, mount in enumerate(container.get("volumeMounts") or ()):
            if mount["name"] not in volumes:
                problem = f'Not found: "{mount["name"]}"'
                causes.append(cause("FieldValueNotFound", f"{field}.volumeMounts[{at}].name", problem))
    if causes:
        raise refused(resource, pod["metadata"]["name"], causes)


def _quality(pod: Obj) -> str:
    """The pod's quality of service class."""
    parts = [container.get("resources") or {} for container in lasting(pod)]
    if not any(part.get("requests") or part.get("limits") for part in parts):
        return "BestEffort"
    for part in parts:
        limits = part.get("limits") or {}
        requests = {**limits, **(part.get("requests") or {})}
        if any(name not in limits or requests[name] != limits[name] for name in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"
