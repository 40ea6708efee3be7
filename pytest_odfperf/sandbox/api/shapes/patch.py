"""Patches: merge, JSON, strategic merge for the kinds that Kubernetes itself defines."""

from __future__ import annotations

import copy
import json
from typing import Any

from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request, cause

Obj = dict[str, Any]

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

#: Lists that strategic merge joins by a key, for the kinds here.
_MERGE_KEYS = {
    "containers": "name",
    "volumes": "name",
    "env": "name",
    "conditions": "type",
    "ownerReferences": "uid",
    "taints": "key",
    "tolerations": "key",
}


def check_type(content_type: str, resource: Resource) -> None:
    """Raises a 415 `StatusError` for a patch of a type that the kind does not take."""
    if content_type == STRATEGIC and resource.custom:
        known = f"{JSON}, {MERGE}, {APPLY}"
        message = f"the body of the request was in an unknown format - accepted media types include: {known}"
        raise StatusError(415, "UnsupportedMediaType", message)
    if content_type not in (JSON, MERGE, STRATEGIC):
        raise StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type")


def unreadable_patch(obj: Obj, why: str) -> StatusError:
    """A 422 for a patch whose result can not be read."""
    problem = f"Invalid value: {json.dumps(json.dumps(obj, sort_keys=True, separators=(',', ':')))}: {why}"
    return StatusError(
        422,
        "Invalid",
        f' "" is invalid: patch: {problem}',
        causes=[cause("FieldValueInvalid", "patch", problem)],
    )


def apply_patch(obj: Obj, body: bytes, content_type: str, resource: Resource) -> Obj:
    """``obj`` patched, as a new object. Raises `StatusError`."""
    check_type(content_type, resource)
    try:
        change = json.loads(body)
    except ValueError as error:
        raise bad_request(f"error decoding patch: {error}") from error
    if content_type == JSON:
        return _json_patch(obj, change)
    if not isinstance(change, dict):
        raise bad_request("error decoding patch: it is not an object")
    return _merge(obj, change, strategic=content_type == STRATEGIC)


def _json_patch(obj: Obj, change: Any) -> Obj:
    import jsonpatch

    if not isinstance(change, list):
        told = "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        raise bad_request(f"error decoding patch: {told}")
    try:
        fresh: Obj = copy.deepcopy(obj)
        for operation in change:
            fresh = jsonpatch.apply_patch(fresh, _as_go(fresh, operation), in_place=True)
    except jsonpatch.JsonPatchTestFailed as error:
        raise StatusError(
            422, "Invalid", f"the server rejected our request: testing value: {error}"
        ) from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise StatusError(422, "Invalid", f"the server rejected our request: {error}") from error
    return fresh


def _as_go(obj: Obj, operation: Any) -> list[Any]:
    """The operation as the server's library (evanphx/json-patch) takes it.

    What is before a path's first slash is dropped, a replacement of nothing adds, nothing equals null.
    """
    import jsonpointer

    if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
        return [operation]
    path = operation["path"]
    if path and not path.startswith("/"):
        path = f"/{path.partition('/')[2]}"
    found = {**operation, "path": path}
    missing = object()
    if path and jsonpointer.resolve_pointer(obj, path, missing) is missing:
        if found.get("op") == "replace":
            found["op"] = "add"
        if found.get("op") == "test" and found.get("value", missing) is None:
            return []
    return [found]


def _merge(target: Obj, change: Obj, *, strategic: bool) -> Obj:
    """A new object; what does not change is the same as in ``target``."""
    fresh = dict(target)
    for name, value in change.items():
        if value is None:
            fresh.pop(name, None)
        elif isinstance(value, dict):
            below = fresh.get(name)
            fresh[name] = _merge(below if isinstance(below, dict) else {}, value, strategic=strategic)
        elif strategic and isinstance(value, list) and name in _MERGE_KEYS:
            fresh[name] = _merge_list(fresh.get(name) or [], value, _MERGE_KEYS[name])
        elif not strategic or not name.startswith(("$setElementOrder/", "$retainKeys")):
            fresh[name] = value
    directive = fresh.pop("$patch", None) if strategic else None
    if directive == "replace":
        return {name: value for name, value in change.items() if name != "$patch"}
    if directive not in (None, "delete", "merge"):
        raise StatusError(500, "", f"unknown patch type: {directive} in map: map[$patch:{directive}]")
    return fresh


def _merge_list(old: list[Any], change: list[Any], key: str) -> list[Any]:
    merged = list(old)
    for entry in change:
        if isinstance(entry, dict) and key not in entry and key == "uid":
            merged.append(entry)  # an owner without uid, which the rules refuse
            continue
        if not isinstance(entry, dict) or key not in entry:
            raise bad_request(f"strategic merge: an entry of the list has no {key}")
        there = next((at for at, one in enumerate(merged) if one.get(key) == entry[key]), None)
        if entry.get("$patch") == "delete":
            merged = [one for one in merged if one.get(key) != entry[key]]
        elif there is None:
            merged.append(entry)
        else:
            merged[there] = _merge(merged[there], entry, strategic=True)
    return merged
