"""What is filled in and what is refused when an object is written, beyond the shape of its kind."""

from __future__ import annotations

from pytest_odfperf.sandbox.api.admission.claim_admission import fill_claim
from pytest_odfperf.sandbox.api.admission.immutable import check_change
from pytest_odfperf.sandbox.api.admission.instancetype_admission import with_instancetype
from pytest_odfperf.sandbox.api.admission.kubevirt_admission import (
    check_data_volume,
    check_labels,
    check_machine,
    fill_machine,
)
from pytest_odfperf.sandbox.api.admission.limit_ranges import limit_new
from pytest_odfperf.sandbox.api.admission.object_validation import check_fields
from pytest_odfperf.sandbox.api.admission.pod_admission import fill_pod
from pytest_odfperf.sandbox.api.admission.pod_containers import lasting
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.resources import Resource

_NAMESPACE_LABEL = "kubernetes.io/metadata.name"


def admit_new(
    store: Store, resource: Resource, obj: Obj, *, by_kubevirt: bool = False, rules: str = ""
) -> None:
    """Fill in what admission fills in. Raises a 403 or 422 `StatusError` for what may not be created.

    ``by_kubevirt``: the sandbox's own controllers write. ``rules``: others than those of the kind.
    """
    fill_machine(resource, obj)
    if resource.kind == "Pod":
        fill_pod(store, obj)
    limit_new(store, resource, obj)
    if resource.kind == "PersistentVolumeClaim":
        fill_claim(obj)
        obj["status"] = {"phase": "Pending"}
    elif resource.kind == "Pod":
        obj["status"] = {"phase": "Pending", "qosClass": _quality(obj)}
    elif resource.kind == "Namespace":
        name = obj["metadata"].get("name") or ""
        obj["metadata"]["labels"] = {**(obj["metadata"].get("labels") or {}), _NAMESPACE_LABEL: name}
        finalizers = (obj.setdefault("spec", {})).setdefault("finalizers", [])
        if "kubernetes" not in finalizers:
            finalizers.append("kubernetes")
        obj["status"] = {"phase": "Active"}
    check_fields(resource, obj, kind=rules)
    check_machine(resource, with_instancetype(store, resource, obj), by_kubevirt=by_kubevirt)
    check_data_volume(resource, obj)


def admit_change(
    store: Store, resource: Resource, before: Obj, after: Obj, sub: str, *, by_kubevirt: bool = False
) -> None:
    """Raises a 403 or 422 `StatusError` for a change that may not be."""
    if sub == "status":
        return
    if resource.kind == "PersistentVolumeClaim":
        fill_claim(after)
    check_fields(resource, after)
    check_change(store, resource, before, after)
    if not by_kubevirt:
        check_labels(resource, before, after)
    if before.get("spec") != after.get("spec"):
        check_machine(resource, with_instancetype(store, resource, after), by_kubevirt=True)


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
