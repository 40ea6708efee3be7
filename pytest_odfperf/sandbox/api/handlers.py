"""Reads and writes of objects."""

from __future__ import annotations

import base64
import copy
import json
import re
import secrets
from typing import Any

import yaml
from aiohttp import web

from pytest_odfperf.sandbox.api import lifecycle
from pytest_odfperf.sandbox.api.admission import admit_change, admit_new
from pytest_odfperf.sandbox.api.patch import APPLY, apply_patch
from pytest_odfperf.sandbox.api.paths import Target
from pytest_odfperf.sandbox.api.protobuf import CONTENT_TYPE, decode_review
from pytest_odfperf.sandbox.api.quota import check_quotas
from pytest_odfperf.sandbox.api.resources import BY_PATH
from pytest_odfperf.sandbox.api.selectors import field_selector, label_selector
from pytest_odfperf.sandbox.api.status import (
    StatusError,
    already_exists,
    bad_request,
    conflict,
    not_found,
)
from pytest_odfperf.sandbox.api.store import Obj, Store
from pytest_odfperf.sandbox.api.validate import check_metadata, check_object

_NAMESPACES = BY_PATH["", "v1", "namespaces"]
#: Their status is what a controller says of them; who creates one has no say.
_STATUS_DROPPED = (
    "virtualmachines",
    "virtualmachineinstances",
    "datavolumes",
    "persistentvolumeclaims",
    "pods",
)


def read_list(store: Store, target: Target, query: dict[str, str]) -> Obj:
    """A collection, by selectors, in pages if ``limit`` is given."""
    resource = target.resource
    labels = label_selector(query.get("labelSelector", ""))
    fields = field_selector(query.get("fieldSelector", ""), resource)
    found = [obj for obj in store.all(resource, target.namespace) if labels(obj) and fields(obj)]
    meta: dict[str, Any] = {"resourceVersion": str(store.version)}
    if start := query.get("continue"):
        try:
            after = tuple(json.loads(base64.urlsafe_b64decode(start)))
        except ValueError as error:
            raise bad_request("continue key is not valid") from error
        found = [obj for obj in found if _place(obj) > after]
    limit = whole_number(query, "limit")
    if limit and len(found) > limit:
        meta["remainingItemCount"] = len(found) - limit
        found = found[:limit]
        meta["continue"] = base64.urlsafe_b64encode(json.dumps(_place(found[-1])).encode()).decode()
    return {
        "kind": f"{resource.kind}List",
        "apiVersion": resource.api_version,
        "metadata": meta,
        "items": found,
    }


def whole_number(query: dict[str, str], name: str) -> int:
    """A number of the query, 0 if it is not given. Raises a 400 `StatusError`."""
    text = query.get(name) or "0"
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise bad_request(f"invalid value {text!r} of the parameter {name}")
    return int(text)


def _place(obj: Obj) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def read_one(store: Store, target: Target) -> Obj:
    obj = store.get(target.resource, (target.namespace, target.name))
    if obj is None:
        raise not_found(target.resource.full_name, target.name)
    return obj


def decode(body: bytes, content_type: str) -> Any:
    """A body in JSON or YAML, of access reviews also in protobuf. Raises a 400 or 415 `StatusError`."""
    if content_type == CONTENT_TYPE:
        return decode_review(body)
    try:
        return yaml.safe_load(body) if "yaml" in content_type else json.loads(body or b"{}")
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


def create(store: Store, target: Target, decoded: Any, *, dry_run: bool) -> Obj:
    """A new object. Raises `StatusError`."""
    resource = target.resource
    obj = check_object(resource, decoded, target.namespace)
    meta = obj["metadata"]
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = f"{meta['generateName'][:58]}{secrets.token_hex(4)[:5]}"
    for name in ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "generation"):
        meta.pop(name, None)
    check_metadata(resource, obj)
    if resource.plural in _STATUS_DROPPED:
        obj.pop("status", None)
    if resource.plural == "secrets":
        _fill_secret(obj)
    _check_namespace(store, target)
    if store.get(resource, (target.namespace, meta["name"])) is not None:
        raise already_exists(resource.full_name, meta["name"])
    admit_new(obj)
    check_quotas(store, resource, obj, target.namespace)
    return obj if dry_run else store.create(resource, obj)


def _fill_secret(obj: Obj) -> None:
    data = obj.setdefault("data", {}) or {}
    for name, text in (obj.pop("stringData", None) or {}).items():
        data[name] = base64.b64encode(text.encode()).decode()
    for name, text in data.items():
        try:
            base64.b64decode(text, validate=True)
        except (ValueError, TypeError) as error:
            raise bad_request(
                f"Secret in version v1 cannot be handled: data.{name}: illegal base64 data"
            ) from error
    obj["data"] = data
    obj.setdefault("type", "Opaque")


def _check_namespace(store: Store, target: Target) -> None:
    if not target.resource.namespaced:
        return
    namespace = store.get(_NAMESPACES, ("", target.namespace))
    if namespace is None:
        raise not_found("namespaces", target.namespace)
    if namespace["metadata"].get("deletionTimestamp"):
        raise StatusError(
            403,
            "Forbidden",
            f"{target.resource.full_name} is forbidden: unable to create new content in namespace "
            f"{target.namespace} because it is being terminated",
            causes=[{"reason": "NamespaceTerminating", "field": "metadata.namespace"}],
        )


def update(store: Store, target: Target, fresh: Obj, *, dry_run: bool) -> Obj:
    """``fresh`` in the place of the object that is there. Raises `StatusError`."""
    resource = target.resource
    before = read_one(store, target)
    fresh = check_object(resource, fresh, target.namespace)
    meta = fresh["metadata"]
    version = meta.get("resourceVersion")
    if version and version != before["metadata"]["resourceVersion"]:
        raise conflict(resource.full_name, target.name)
    if (uid := meta.get("uid")) and uid != before["metadata"]["uid"]:
        raise conflict(resource.full_name, target.name, f"Precondition failed: UID in precondition: {uid}")
    meta["name"] = target.name
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        meta.pop(name, None)
        if name in before["metadata"]:
            meta[name] = before["metadata"][name]
    if target.sub == "status":
        fresh = {**copy.deepcopy(before), "status": fresh.get("status")}
    elif resource.status:
        fresh.pop("status", None)
        if "status" in before:
            fresh["status"] = before["status"]
    check_metadata(resource, fresh)
    admit_change(before, fresh)
    if dry_run:
        return fresh
    after = store.replace(resource, before, fresh)
    lifecycle.settle(store, resource, after)
    return after


def patch(
    store: Store, target: Target, body: bytes, content_type: str, query: dict[str, str]
) -> tuple[int, Obj]:
    """The object with ``body`` applied; server-side apply creates it if need be. Raises `StatusError`."""
    dry_run = query.get("dryRun") == "All"
    if content_type == APPLY:
        return _apply(store, target, body, query, dry_run=dry_run)
    before = read_one(store, target)
    fresh = apply_patch(before, body, content_type, target.resource)
    return 200, update(store, target, fresh, dry_run=dry_run)


def _apply(
    store: Store, target: Target, body: bytes, query: dict[str, str], *, dry_run: bool
) -> tuple[int, Obj]:
    if not query.get("fieldManager"):
        raise bad_request(
            "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value: is required for apply patch"
        )
    wanted = decode(body, "yaml")
    if not isinstance(wanted, dict) or not wanted.get("kind") or not wanted.get("apiVersion"):
        raise bad_request("apply patch: kind and apiVersion are required")
    if (wanted.get("metadata") or {}).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    existing = store.get(target.resource, (target.namespace, target.name))
    if existing is None:
        wanted.setdefault("metadata", {})["name"] = target.name
        return 201, create(store, target, wanted, dry_run=dry_run)
    fresh = apply_patch(
        existing, json.dumps(wanted).encode(), "application/merge-patch+json", target.resource
    )
    return 200, update(store, target, fresh, dry_run=dry_run)


def remove(store: Store, target: Target, options: Obj, query: dict[str, str]) -> Obj:
    """Delete one object. Raises `StatusError`."""
    obj = read_one(store, target)
    wanted = options.get("preconditions") or {}
    for field in ("uid", "resourceVersion"):
        if wanted.get(field) and wanted[field] != obj["metadata"][field]:
            raise conflict(
                target.resource.full_name, target.name,
                f"Precondition failed: {field} in precondition: {wanted[field]}, in object meta: "
                f"{obj['metadata'][field]}",
            )  # fmt: skip
    if query.get("dryRun") == "All":
        return obj
    left = lifecycle.delete(store, target.resource, obj, **_delete_options(options, query))
    if left is not None:
        return left
    details = {"name": target.name, "kind": target.resource.plural, "uid": obj["metadata"]["uid"]}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def remove_collection(store: Store, target: Target, options: Obj, query: dict[str, str]) -> Obj:
    """Delete what the selectors select; answers with the list of it."""
    found = read_list(store, target, {name: query[name] for name in query if name.endswith("Selector")})
    for obj in found["items"]:
        current = store.get(target.resource, _place(obj))
        if current is not None:
            lifecycle.delete(store, target.resource, current, **_delete_options(options, query))
    return found


def _delete_options(options: Obj, query: dict[str, str]) -> dict[str, Any]:
    grace = options.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    return {
        "propagation": options.get("propagationPolicy") or query.get("propagationPolicy") or "Background",
        "grace_s": None if grace is None else int(grace),
    }


def as_json(body: Obj, code: int = 200) -> web.Response:
    text = json.dumps(body, separators=(",", ":")).encode()
    return web.Response(body=text, status=code, content_type="application/json")
