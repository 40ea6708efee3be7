"""Patches: merge, JSON, strategic merge for the kinds that Kubernetes itself defines."""

from __future__ import annotations

import json
from typing import Any

from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request

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


def apply_patch(obj: Obj, body: bytes, content_type: str, resource: Resource) -> Obj:
    """``obj`` patched, as a new object. Raises `StatusError`."""
    if content_type == STRATEGIC and resource.custom:
        raise StatusError(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON}, {MERGE}, {APPLY}",
        )
    try:
        change = json.loads(body)
    except ValueError as error:
        raise bad_request(f"error decoding patch: {error}") from error
    if content_type == JSON:
        return _json_patch(obj, change)
    if content_type in (MERGE, STRATEGIC):
        if not isinstance(change, dict):
            raise bad_request("error decoding patch: it is not an object")
        return _merge(obj, change, strategic=content_type == STRATEGIC)
    raise StatusError(
        415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {content_type}"
    )


def _json_patch(obj: Obj, change: Any) -> Obj:
    import jsonpatch

    if not isinstance(change, list):
        raise StatusError(422, "Invalid", "the server rejected our request: a JSON patch is a list")
    try:
        fresh: Obj = jsonpatch.apply_patch(obj, change)
    except jsonpatch.JsonPatchTestFailed as error:
        raise StatusError(
            422, "Invalid", f"the server rejected our request: testing value: {error}"
        ) from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise StatusError(422, "Invalid", f"the server rejected our request: {error}") from error
    return fresh


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
    if strategic and fresh.pop("$patch", None) == "replace":
        return {name: value for name, value in change.items() if name != "$patch"}
    return fresh


def _merge_list(old: list[Any], change: list[Any], key: str) -> list[Any]:
    merged = list(old)
    for entry in change:
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
