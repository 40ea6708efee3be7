"""What is posted to a part of an object: ``pods/binding`` and ``serviceaccounts/token``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store, timestamp
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.objects.status import (
    StatusError,
    bad_request,
    cause,
    conflict,
    no_such_path,
    not_found,
    refused,
)
from pytest_odfperf.sandbox.api.requests.reads import read_one
from pytest_odfperf.sandbox.api.requests.writes import Write

#: What can be created below an object.
CREATED = (("pods", "binding"), ("serviceaccounts", "token"))
_SHORTEST_TOKEN_S = 600
_LONGEST_TOKEN_S = 1 << 32
_TOKEN_S = 3600


def create_below(
    store: Store, target: Target, decoded: Any, write: Write, issue: Callable[[str, float], str]
) -> Obj:
    """Answer a POST to a part of an object; ``issue`` makes a token of a user for some seconds.

    Raises `StatusError`.
    """
    if not isinstance(decoded, dict):
        raise bad_request("the body of the request is not an object")
    if (target.resource.plural, target.sub) == ("pods", "binding"):
        return _bind(store, target, decoded, write)
    if (target.resource.plural, target.sub) == ("serviceaccounts", "token"):
        return _token(store, target, decoded, write, issue)
    raise no_such_path()


def _bind(store: Store, target: Target, binding: Obj, write: Write) -> Obj:
    pod = read_one(store, target)
    node = binding.get("target") or {}
    if node.get("kind") not in (None, "", "Node"):
        known = 'supported values: "Node", "<empty>"'
        raise StatusError(500, "", f'target.kind: Unsupported value: "{node["kind"]}": {known}')
    if not node.get("name"):
        raise StatusError(500, "", "target.name: Required value")
    uid = (binding.get("metadata") or {}).get("uid")
    if uid and uid != pod["metadata"]["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {pod['metadata']['uid']}"
        raise conflict("pods/binding", target.name, why)
    if pod["metadata"].get("deletionTimestamp"):
        raise conflict(
            "pods/binding", target.name, f"pod {target.name} is being deleted, cannot be assigned to a host"
        )
    if there := pod["spec"].get("nodeName"):
        why = f'pod {target.name} is already assigned to node "{there}"'
        raise conflict("pods/binding", target.name, why)
    if not write.dry_run:
        status = pod.get("status") or {}
        others = [one for one in status.get("conditions") or () if one.get("type") != "PodScheduled"]
        scheduled = {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": timestamp(),
        }
        fresh = {
            **pod,
            "spec": {**pod["spec"], "nodeName": node["name"]},
            "status": {**status, "conditions": [*others, scheduled]},
        }
        store.replace(target.resource, pod, fresh)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _token(
    store: Store, target: Target, request: Obj, write: Write, issue: Callable[[str, float], str]
) -> Obj:
    """A token of a ServiceAccount; it works until it expires."""
    read_one(store, target)
    kind = request.get("kind", "TokenRequest")
    if kind != "TokenRequest":
        told = f'no kind "{kind}" is registered for version "{request.get("apiVersion", "v1")}"'
        raise bad_request(f'{kind} in version "v1" cannot be handled as a TokenRequest: {told}')
    spec = dict(request.get("spec") or {})
    seconds = spec.setdefault("expirationSeconds", _TOKEN_S)
    if not isinstance(seconds, int) or not _SHORTEST_TOKEN_S <= seconds <= _LONGEST_TOKEN_S:
        told = (
            "less than 10 minutes"
            if not isinstance(seconds, int) or seconds < 600
            else "larger than 2^32 seconds"
        )
        problem = f"Invalid value: {seconds}: may not specify a duration {told}"
        found = cause("FieldValueInvalid", "spec.expirationSeconds", problem)
        raise refused(target.resource, target.name, [found])
    bound = spec.get("boundObjectRef") or {}
    of = {"Pod": "pods", "Secret": "secrets"}.get(bound.get("kind", ""))
    if of and store.get(BY_PATH["", "v1", of], (target.namespace, bound.get("name", ""))) is None:
        raise not_found(of, bound.get("name", ""))
    name = f"system:serviceaccount:{target.namespace}:{target.name}"
    token = "" if write.dry_run else issue(name, seconds)
    ends = datetime.now(UTC) + timedelta(seconds=seconds)
    status = {"token": token, "expirationTimestamp": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
    meta = {"name": target.name, "namespace": target.namespace, "creationTimestamp": timestamp()}
    kind = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
    return {**kind, "metadata": meta, "spec": spec, "status": status}
