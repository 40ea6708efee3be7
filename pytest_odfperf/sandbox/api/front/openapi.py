"""The OpenAPI documents, as far as clients need them: paths, their parameters, and the kinds' schemas."""

from __future__ import annotations

import json
from typing import Any

from pytest_odfperf.sandbox.api.objects.resources import RESOURCES, Resource
from pytest_odfperf.sandbox.api.shapes.schema import Shape, shape_of

PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_INFO = {"title": "Kubernetes", "version": "v1.34.0"}
_PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")


def openapi_v2(accept: str) -> tuple[bytes, str]:
    """The version 2 document and its content type; old kubectls read it in protobuf only."""
    if "protobuf" in accept:
        info = _text(1, _INFO["title"]) + _text(2, _INFO["version"])
        return _text(1, "2.0") + _bytes(2, info) + _bytes(8, b"") + _bytes(9, b""), PROTOBUF
    document = {"swagger": "2.0", "info": _INFO, "paths": {}, "definitions": {}}
    return json.dumps(document).encode(), "application/json"


def openapi_v3(path: str) -> dict[str, Any] | None:
    """The index at ``/openapi/v3``, or the document of one group and version below it."""
    places = {_place(resource) for resource in RESOURCES}
    place = path.removeprefix("/openapi/v3").strip("/")
    if not place:
        return {"paths": {one: {"serverRelativeURL": f"/openapi/v3/{one}"} for one in sorted(places)}}
    if place not in places:
        return None
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for resource in RESOURCES:
        if _place(resource) == place and not resource.review:
            paths.update(_paths(resource))
            schemas[_component(resource)] = {
                **as_openapi(shape_of(resource), custom=resource.custom),
                "description": f"{resource.kind} of {resource.api_version}, as this sandbox knows it.",
                "x-kubernetes-group-version-kind": [_kind(resource)],
            }
    return {"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": {"schemas": schemas}}


def _place(resource: Resource) -> str:
    return f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"


def _kind(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _component(resource: Resource) -> str:
    group = ".".join(reversed(resource.group.split("."))) if resource.group else "io.k8s.api.core"
    return f"{group}.{resource.version}.{resource.kind}"


def as_openapi(shape: Shape, *, custom: bool) -> dict[str, Any]:
    """The schema of a shape, in the dialect of Kubernetes."""
    schema: dict[str, Any] = {}
    if shape.sort == "object":
        schema["type"] = "object"
        if shape.fields:
            schema["properties"] = {
                name: as_openapi(below, custom=custom) for name, below in shape.fields.items()
            }
        if shape.required:
            schema["required"] = sorted(shape.required)
        if shape.open:
            schema["x-kubernetes-preserve-unknown-fields"] = True
    elif shape.below is not None and shape.sort == "map":
        schema |= {"type": "object", "additionalProperties": as_openapi(shape.below, custom=custom)}
    elif shape.below is not None:
        schema |= {
            "type": "array",
            "items": as_openapi(shape.below, custom=custom),
            **_list(shape, custom=custom),
        }
    elif shape.sort in ("quantity", "int-or-string"):
        schema["x-kubernetes-int-or-string"] = True
        schema["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    elif shape.sort == "any":
        schema["x-kubernetes-preserve-unknown-fields"] = True
    else:
        schema |= _LEAVES.get(shape.sort, {"type": shape.sort})
    if shape.choices:
        schema["enum"] = list(shape.choices)
    if shape.default is not None:
        schema["default"] = shape.default
    if shape.nullable:
        schema["nullable"] = True
    return schema


_LEAVES = {
    "time": {"type": "string", "format": "date-time"},
    "micro-time": {"type": "string", "format": "date-time"},
    "base64": {"type": "string", "format": "byte"},
    "int32": {"type": "integer", "format": "int32"},
    "uint32": {"type": "integer", "format": "int32"},
}


def _list(shape: Shape, *, custom: bool) -> dict[str, Any]:
    """How a list is merged: by server-side apply, and for built-in kinds by strategic merge patches too."""
    if not shape.keys:
        return {"x-kubernetes-list-type": "atomic"}
    if shape.keys == ("*",):
        merge = {} if custom else {"x-kubernetes-patch-strategy": "merge"}
        return {"x-kubernetes-list-type": "set", **merge}
    merge = {"x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": shape.keys[0]}
    keys = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(shape.keys)}
    return keys if custom else {**keys, **merge}


def _paths(resource: Resource) -> dict[str, Any]:
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"/{_place(resource)}{scope}/{resource.plural}"
    names = ("dryRun", "fieldManager", "fieldValidation")
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    kind = _kind(resource)

    def operation(action: str, contents: tuple[str, ...]) -> dict[str, Any]:
        return {
            "parameters": parameters,
            "requestBody": {"content": {content: {} for content in contents}},
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": kind,
        }

    patches = _PATCHES if resource.custom else (*_PATCHES, "application/strategic-merge-patch+json")
    return {
        collection: {"post": operation("post", ("application/json",))},
        f"{collection}/{{name}}": {
            "put": operation("put", ("application/json",)),
            "patch": operation("patch", patches),
        },
    }


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())


def _bytes(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field; all here are shorter than 128 bytes."""
    assert len(content) < 128
    return bytes((number << 3 | 2, len(content))) + content
