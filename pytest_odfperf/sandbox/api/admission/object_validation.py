"""Whether an object is what it says it is, and what the rules say of its fields."""

from __future__ import annotations

import json
from typing import Any

from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.status import bad_request, refused
from pytest_odfperf.sandbox.api.rules.core_rules import CORE_RULES
from pytest_odfperf.sandbox.api.rules.field_rules import Rule, causes_of, invalid
from pytest_odfperf.sandbox.api.rules.metadata_rules import CUSTOM_METADATA, METADATA, name_present
from pytest_odfperf.sandbox.api.rules.name_forms import dns_label, dns_subdomain, path_segment

Obj = dict[str, Any]

#: Names of RBAC objects may hold colons (system:node); they are path segments only.
_RBAC = "rbac.authorization.k8s.io"


def check_object(resource: Resource, obj: Any, namespace: str) -> Obj:
    """A decoded body as an object of ``resource``. Raises `StatusError`."""
    if obj is None and not resource.custom:
        obj = {}
    if not isinstance(obj, dict):
        raise bad_request("the body of the request is not an object")
    for field in ("kind", "apiVersion") if resource.custom else ():
        if not obj.get(field):
            told = f"Object '{field[0].upper()}{field[1:]}' is missing in {json.dumps(json.dumps(obj))}"
            raise bad_request(
                f"the object provided is unrecognized (must be of type {resource.kind}): {told}"
            )
    kind = obj.setdefault("kind", resource.kind)
    version = obj.setdefault("apiVersion", resource.api_version)
    if kind != resource.kind or version != resource.api_version:
        raise bad_request(
            f"the API version or kind in the data ({version}, {kind}) does not match the expected one "
            f"({resource.api_version}, {resource.kind})"
        )
    if obj.get("metadata") is None:
        obj["metadata"] = {}
    meta = obj["metadata"]
    if not isinstance(meta, dict):
        raise bad_request("metadata is not an object")
    if resource.namespaced:
        if (meta.get("namespace") or namespace) != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        meta["namespace"] = namespace
    else:
        meta.pop("namespace", None)
    return obj


def _name_rule(resource: Resource) -> Rule:
    if resource.group == _RBAC:
        return "name", path_segment
    if resource.plural == "namespaces":
        return (
            "name",
            lambda name: [invalid(name, "must not contain dots")] if "." in name else dns_label(name),
        )
    return "name", dns_subdomain


def check_fields(resource: Resource, obj: Obj, *, kind: str = "") -> None:
    """Metadata and, by the rules of its kind, all else. Raises a 422 `StatusError` with all causes.

    ``kind`` names other rules than those of the resource's own kind.
    """
    causes = causes_of((("", name_present),), obj["metadata"], "metadata")
    if not causes:
        rules = CUSTOM_METADATA if resource.custom else METADATA
        causes = causes_of((_name_rule(resource), *rules), obj["metadata"], "metadata")
    causes += causes_of(CORE_RULES.get(kind or resource.kind, ()), obj)
    if causes:
        raise refused(resource, obj["metadata"].get("name") or "", causes)
