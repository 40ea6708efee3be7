"""The OpenAPI documents, as far as clients need them: paths and their parameters, no schemas."""

from __future__ import annotations

import json
from typing import Any

from pytest_odfperf.sandbox.api.resources import RESOURCES, Resource

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
    for resource in RESOURCES:
        if _place(resource) == place and not resource.review:
            paths.update(_paths(resource))
    return {"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": {"schemas": {}}}


def _place(resource: Resource) -> str:
    return f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"


def _paths(resource: Resource) -> dict[str, Any]:
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"/{_place(resource)}{scope}/{resource.plural}"
    names = ("dryRun", "fieldManager", "fieldValidation")
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}

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
