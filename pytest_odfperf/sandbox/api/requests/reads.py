"""Reads: one object, and collections by selectors, in pages and at versions."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.selectors import field_selector, label_selector
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request, cause, not_found

EXACT = "Exact"
NOT_OLDER = "NotOlderThan"
_YES = ("true", "1", "True")


def read_list(store: Store, target: Target, query: Mapping[str, str]) -> Obj:
    """A collection, by selectors, in pages if ``limit`` is given. Raises `StatusError`."""
    resource = target.resource
    labels = label_selector(query.get("labelSelector", ""))
    fields = field_selector(query.get("fieldSelector", ""), resource)
    limit = max(0, whole_number(query, "limit"))
    after, version = _asked_version(store, query)
    # A page shows the collection as it was when the first one was read.
    listed = store.all(resource, target.namespace, version)
    found = [obj for obj in listed if labels(obj) and fields(obj)]
    if after is not None:
        found = [obj for obj in found if place(obj) > after]
    shown = store.version if version is None else version
    meta: dict[str, Any] = {"resourceVersion": str(shown)}
    if limit and len(found) > limit:
        if not (query.get("labelSelector") or query.get("fieldSelector")):
            meta["remainingItemCount"] = len(found) - limit
        found = found[:limit]
        key = json.dumps([shown, *place(found[-1])]).encode()
        meta["continue"] = base64.urlsafe_b64encode(key).decode()
    return {
        "kind": f"{resource.kind}List",
        "apiVersion": resource.api_version,
        "metadata": meta,
        "items": found,
    }


def _asked_version(store: Store, query: Mapping[str, str]) -> tuple[tuple[str, str] | None, int | None]:
    """After which object and at which version to list; None: from the first, as it is now."""
    asked, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    if query.get("sendInitialEvents"):
        raise list_options("sendInitialEvents", "sendInitialEvents is forbidden for list")
    token = query.get("continue")
    check_match(asked, match, continued=bool(token))
    if token:
        if asked not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        version, after = _continued(token)
        _check_kept(
            store, version, "The provided continue parameter is too old to display a consistent list result"
        )
        return after, version
    if not asked or asked == "0":
        return None, None
    version = resource_version(asked, of_list=True)
    check_reached(store, version)
    if match == EXACT or (not match and query.get("limit")):
        _check_kept(store, version, "The resourceVersion for the provided list is too old")
        return None, version
    return None, None


def check_match(asked: str, match: str, *, continued: bool = False) -> None:
    """Raises a 422 `StatusError` for a resourceVersionMatch that makes no sense."""
    if not match:
        return
    if continued:
        raise list_options(
            "resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"
        )
    if not asked:
        raise list_options(
            "resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"
        )
    if match not in (EXACT, NOT_OLDER):
        problem = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        raise list_options("resourceVersionMatch", problem, "FieldValueNotSupported")
    if match == EXACT and asked == "0":
        raise list_options(
            "resourceVersionMatch", 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        )


def list_options(field: str, problem: str, reason: str = "FieldValueForbidden") -> StatusError:
    """A 422 for an option of a list or watch."""
    problem = f"Forbidden: {problem}" if reason == "FieldValueForbidden" else problem
    message = f'ListOptions.meta.k8s.io "" is invalid: {field}: {problem}'
    return StatusError(422, "Invalid", message, kind="ListOptions", causes=[cause(reason, field, problem)])


def resource_version(text: str, *, of_list: bool = False) -> int:
    """Raises a 400 or 500 `StatusError` for what is no version of this server."""
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        problem = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        if of_list:
            raise bad_request(problem)
        raise StatusError(500, "", f"resourceVersion: {problem}")
    return int(text)


def check_reached(store: Store, version: int) -> None:
    """Raises a 504 `StatusError` for a version of the future, as the server's cache does after 3 s."""
    if version > store.version:
        message = f"Too large resource version: {version}, current: {store.version}"
        causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
        raise StatusError(504, "Timeout", f"Timeout: {message}", causes=causes, retryAfterSeconds=1)


def _check_kept(store: Store, version: int, problem: str) -> None:
    if version < store.oldest:
        raise StatusError(410, "Expired", problem)


def _continued(token: str) -> tuple[int, tuple[str, str]]:
    try:
        version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError) as error:
        raise bad_request("continue key is not valid") from error
    if not (isinstance(version, int) and isinstance(namespace, str) and isinstance(name, str)):
        raise bad_request("continue key is not valid")
    return version, (namespace, name)


def whole_number(query: Mapping[str, str], name: str) -> int:
    """A number of the query, 0 if it is not given. Raises a 400 `StatusError`."""
    text = query.get(name) or "0"
    if not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def is_yes(query: Mapping[str, str], name: str) -> bool:
    return query.get(name) in _YES


def place(obj: Obj) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def read_one(store: Store, target: Target, query: Mapping[str, str] | None = None) -> Obj:
    """Raises a 404 `StatusError`, or a 504 one for a version of the future."""
    asked = (query or {}).get("resourceVersion", "")
    if asked not in ("", "0"):
        check_reached(store, resource_version(asked))
    obj = store.get(target.resource, (target.namespace, target.name))
    if obj is None:
        raise not_found(target.resource.full_name, target.name)
    return obj
