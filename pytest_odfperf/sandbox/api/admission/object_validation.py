"""What any object must look like: names, labels, types of metadata."""

from __future__ import annotations

import re
from typing import Any

from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.status import bad_request, invalid

Obj = dict[str, Any]

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)
_NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_LABEL_RULE = "alphanumeric characters, '-', '_' or '.'"
_ANNOTATIONS_BYTES = 256 << 10
_CONTENT_BYTES = 1 << 20
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
#: Names of RBAC objects may hold colons (system:node); they are path segments only.
_RBAC = "rbac.authorization.k8s.io"


def check_object(resource: Resource, obj: Any, namespace: str) -> Obj:
    """A decoded body as an object of ``resource``. Raises `StatusError`."""
    if not isinstance(obj, dict):
        raise bad_request("the body of the request is not an object")
    kind = obj.setdefault("kind", resource.kind)
    version = obj.setdefault("apiVersion", resource.api_version)
    if kind != resource.kind or version != resource.api_version:
        raise bad_request(
            f"the API version or kind in the data ({version}, {kind}) does not match the expected one "
            f"({resource.api_version}, {resource.kind})"
        )
    meta = obj.setdefault("metadata", {})
    if not isinstance(meta, dict):
        raise bad_request("metadata is not an object")
    if resource.namespaced:
        if meta.setdefault("namespace", namespace) != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
    else:
        meta.pop("namespace", None)
    return obj


def check_metadata(resource: Resource, obj: Obj) -> None:
    """Name, labels, annotations and owners of ``obj``. Raises a 400 or 422 `StatusError`."""
    meta = obj["metadata"]
    name = meta.get("name")
    if not isinstance(name, str) or not name:
        raise invalid(resource.kind, "", "metadata.name", "Required value: name or generateName is required")
    limit = 63 if resource.plural == "namespaces" else 253
    pattern = _DNS_LABEL if resource.plural == "namespaces" else _SUBDOMAIN
    if resource.group != _RBAC and (len(name) > limit or not pattern.fullmatch(name)):
        raise invalid(resource.kind, name, "metadata.name", f'Invalid value: "{name}": {_NAME_RULE}')
    for field in ("labels", "annotations"):
        values = meta.get(field)
        if values is None:
            continue
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise bad_request(
                f"{resource.kind} in version {resource.version} cannot be handled: "
                f"metadata.{field} must be an object of strings"
            )
        for key, value in values.items():
            _check_label(resource, name, f"metadata.{field}", key, value if field == "labels" else "")
    _check_sizes(resource, name, obj)
    for field in ("ownerReferences", "finalizers"):
        if not isinstance(meta.get(field) or [], list):
            raise bad_request(f"{resource.kind}: metadata.{field} must be a list")
    for owner in meta.get("ownerReferences") or []:
        if not isinstance(owner, dict) or not all(
            isinstance(owner.get(part), str) and owner[part] for part in ("apiVersion", "kind", "name", "uid")
        ):
            raise invalid(
                resource.kind, name, "metadata.ownerReferences", "apiVersion, kind, name and uid are required"
            )


def _check_sizes(resource: Resource, name: str, obj: Obj) -> None:
    """Annotations take 256 KiB in all, what a Secret or ConfigMap holds 1 MiB."""
    annotations = obj["metadata"].get("annotations") or {}
    taken = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if taken > _ANNOTATIONS_BYTES:
        problem = f"Too long: may not be more than {_ANNOTATIONS_BYTES} bytes"
        raise invalid(resource.kind, name, "metadata.annotations", problem)
    if resource.plural in ("secrets", "configmaps"):
        encoded = [*(obj.get("binaryData") or {}).values()]
        plain = [*(obj.get("data") or {}).values()]
        if resource.plural == "secrets":
            encoded, plain = plain, encoded
        taken = sum(len(text.encode()) for text in plain)
        taken += sum(len(text) * 3 // 4 - text[-2:].count("=") for text in encoded)
        if taken > _CONTENT_BYTES:
            problem = f"Too long: may not be more than {_CONTENT_BYTES} bytes"
            raise invalid(resource.kind, name, "data", problem)


def _check_label(resource: Resource, name: str, field: str, key: str, value: str) -> None:
    prefix, slash, last = key.rpartition("/")
    if (
        (slash and (len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)))
        or len(last) > 63
        or not _LABEL_NAME.fullmatch(last)
    ):
        problem = f'Invalid value: "{key}": name part must consist of {_LABEL_RULE}'
        raise invalid(resource.kind, name, field, problem)
    if value and (len(value) > 63 or not _LABEL_NAME.fullmatch(value)):
        problem = (
            f'Invalid value: "{value}": a valid label must be an empty string or consist of {_LABEL_RULE}'
        )
        raise invalid(resource.kind, name, field, problem)
