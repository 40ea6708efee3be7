"""Writes of objects: create, update, patch, apply, delete."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

import yaml
from aiohttp import web

from pytest_odfperf.sandbox.api.admission.admit import admit_change, admit_new
from pytest_odfperf.sandbox.api.admission.clone_right import check_clones
from pytest_odfperf.sandbox.api.admission.object_validation import check_metadata, check_object
from pytest_odfperf.sandbox.api.admission.quota import check_quotas
from pytest_odfperf.sandbox.api.formats import protobuf
from pytest_odfperf.sandbox.api.objects import lifecycle
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.objects.status import (
    StatusError,
    already_exists,
    bad_request,
    cause,
    conflict,
    not_found,
    refused,
)
from pytest_odfperf.sandbox.api.requests.reads import place, read_list, read_one
from pytest_odfperf.sandbox.api.requests.writes import Write, is_dry_run
from pytest_odfperf.sandbox.api.shapes.conform import conform, warning_header
from pytest_odfperf.sandbox.api.shapes.ownership import APPLY as APPLIED
from pytest_odfperf.sandbox.api.shapes.ownership import Manager, apply, track_change, track_new
from pytest_odfperf.sandbox.api.shapes.patch import APPLY, apply_patch

_NAMESPACES = BY_PATH["", "v1", "namespaces"]
#: Their status is what a controller says of them; who creates one has no say.
_STATUS_DROPPED = (
    "virtualmachines",
    "virtualmachineinstances",
    "datavolumes",
    "persistentvolumeclaims",
    "pods",
)
_SET_BY_THE_SERVER = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "selfLink",
)


def decode(body: bytes, content_type: str) -> Any:
    """A body in JSON or YAML, or of some kinds in protobuf. Raises a 400 or 415 `StatusError`."""
    if content_type == protobuf.CONTENT_TYPE:
        return protobuf.decode(body)
    try:
        return yaml.safe_load(body) if "yaml" in content_type else json.loads(body or b"{}")
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


def create(store: Store, target: Target, decoded: Any, write: Write, manager: Manager | None = None) -> Obj:
    """A new object, made of ``decoded``, which is used up. Raises `StatusError`."""
    resource = target.resource
    obj = check_object(resource, decoded, target.namespace)
    write.warnings += conform(resource, obj, write.validation)
    meta = obj["metadata"]
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = f"{meta['generateName'][:58]}{secrets.token_hex(4)[:5]}"
    for name in _SET_BY_THE_SERVER:
        meta.pop(name, None)
    if resource.plural in _STATUS_DROPPED:
        obj.pop("status", None)
    if resource.plural == "secrets":
        _encode_texts(obj)
    check_metadata(resource, obj)
    _check_namespace(store, target)
    if store.get(resource, (target.namespace, meta["name"])) is not None:
        raise already_exists(resource.full_name, meta["name"])
    admit_new(store, resource, obj)
    if resource.plural == "virtualmachines":
        check_clones(store, obj)
    check_quotas(store, resource, obj, target.namespace)
    track_new(resource, obj, manager or Manager(write.manager))
    return store.filled(resource, obj) if write.dry_run else store.create(resource, obj)


def _encode_texts(obj: Obj) -> None:
    for name, text in (obj.pop("stringData", None) or {}).items():
        obj.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()


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


def update(store: Store, target: Target, fresh: Any, write: Write) -> Obj:
    """``fresh`` in the place of the object that is there. Raises `StatusError`."""
    return _replace(store, target, read_one(store, target), fresh, write, None)


def _replace(
    store: Store, target: Target, before: Obj, wanted: Any, write: Write, manager: Manager | None
) -> Obj:
    """With ``manager`` None the fields that change become the writer's; else they are shared out already."""
    resource = target.resource
    fresh: Obj = check_object(resource, wanted, target.namespace)
    write.warnings += conform(resource, fresh, write.validation, before)
    meta = fresh["metadata"] = dict(fresh["metadata"])
    version = meta.get("resourceVersion")
    if version and version != before["metadata"]["resourceVersion"]:
        raise conflict(resource.full_name, target.name)
    if (uid := meta.get("uid")) and uid != before["metadata"]["uid"]:
        raise conflict(resource.full_name, target.name, f"Precondition failed: UID in precondition: {uid}")
    if meta.setdefault("name", target.name) != target.name:
        raise bad_request(
            f"the name of the object ({meta['name']}) does not match the name on the URL ({target.name})"
        )
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        meta.pop(name, None)
        if name in before["metadata"]:
            meta[name] = before["metadata"][name]
    added = set(meta.get("finalizers") or ()) - set(before["metadata"].get("finalizers") or ())
    if added and before["metadata"].get("deletionTimestamp"):
        problem = (
            "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
            f"{sorted(added)}"
        )
        found = [cause("FieldValueForbidden", "metadata.finalizers", problem)]
        raise refused(resource, target.name, found)
    if target.sub == "status":
        kept = dict(before["metadata"])
        kept.pop("managedFields", None)
        if "managedFields" in meta:
            kept["managedFields"] = meta["managedFields"]
        fresh = {**before, "metadata": kept, "status": fresh.get("status")}
        if fresh["status"] is None:
            del fresh["status"]
    elif resource.status:
        fresh.pop("status", None)
        if "status" in before:
            fresh["status"] = before["status"]
    if resource.plural == "secrets":
        _encode_texts(fresh)
    check_metadata(resource, fresh)
    admit_change(store, resource, before, fresh, target.sub)
    if manager is None:
        track_change(resource, before, fresh, Manager(write.manager, subresource=target.sub))
    if write.dry_run:
        return fresh
    after = store.replace(resource, before, fresh)
    lifecycle.settle(store, resource, after)
    return after


def patch(store: Store, target: Target, body: bytes, content_type: str, write: Write) -> tuple[int, Obj]:
    """The object with ``body`` applied; server-side apply creates it if need be. Raises `StatusError`."""
    if content_type == APPLY:
        return _apply(store, target, body, write)
    before = read_one(store, target)
    fresh = apply_patch(before, body, content_type, target.resource)
    return 200, _replace(store, target, before, fresh, write, None)


def _apply(store: Store, target: Target, body: bytes, write: Write) -> tuple[int, Obj]:
    wanted = decode(body, "yaml")
    if not isinstance(wanted, dict) or not wanted.get("kind") or not wanted.get("apiVersion"):
        raise bad_request("apply patch: kind and apiVersion are required")
    resource = target.resource
    wanted = check_object(resource, wanted, target.namespace)
    if wanted["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    named = wanted["metadata"].setdefault("name", target.name)
    if named != target.name:
        raise bad_request(f"name in apply patch ({named}) does not match that of the URL ({target.name})")
    unknown = conform(resource, wanted, "Strict" if write.validation == "Strict" else "Warn", partial=True)
    if unknown:
        # What no schema declares has no owner, so it can not be applied.
        field = unknown[0].partition('"')[2].rstrip('"')
        where = f"{target.namespace}/{target.name}; {resource.api_version}, Kind={resource.kind}"
        message = f"failed to create typed patch object ({where}): .{field}: field not declared in schema"
        raise StatusError(500, "", message)
    manager = Manager(write.manager, APPLIED, target.sub)
    existing = store.get(resource, (target.namespace, target.name))
    if existing is None:
        if target.sub or wanted["metadata"].get("uid"):
            raise not_found(resource.full_name, target.name)
        return 201, create(store, target, wanted, write, manager)
    asked_version = wanted["metadata"].get("resourceVersion")
    fresh = apply(resource, existing, wanted, manager, force=write.force)
    if asked_version:
        fresh["metadata"]["resourceVersion"] = asked_version
    return 200, _replace(store, target, existing, fresh, write, manager)


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
    if not is_dry_run(query, options):
        left = lifecycle.delete(store, target.resource, obj, **_delete_options(options, query))
        if left is not None:
            return left
    details = {"name": target.name, "kind": target.resource.plural, "uid": obj["metadata"]["uid"]}
    if target.resource.group:
        details["group"] = target.resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def remove_collection(store: Store, target: Target, options: Obj, query: dict[str, str]) -> Obj:
    """Delete what the selectors select; answers with the list of it."""
    found = read_list(store, target, {name: query[name] for name in query if name.endswith("Selector")})
    if is_dry_run(query, options):
        return found
    for obj in found["items"]:
        current = store.get(target.resource, place(obj))
        if current is not None:
            lifecycle.delete(store, target.resource, current, **_delete_options(options, query))
    return found


def _delete_options(options: Obj, query: dict[str, str]) -> dict[str, Any]:
    grace = options.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    propagation = options.get("propagationPolicy") or query.get("propagationPolicy") or "Background"
    if propagation not in ("Background", "Foreground", "Orphan"):
        raise StatusError(
            422,
            "Invalid",
            'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: '
            f'"{propagation}": supported values: "Foreground", "Background", "Orphan", "nil"',
        )
    try:
        grace_s = None if grace is None else int(grace)
    except (TypeError, ValueError) as error:
        raise bad_request(f"gracePeriodSeconds: {grace!r} is no number of seconds") from error
    return {"propagation": propagation, "grace_s": grace_s}


def as_json(body: Obj, code: int = 200, warnings: list[str] | None = None) -> web.Response:
    text = json.dumps(body, separators=(",", ":")).encode()
    answer = web.Response(body=text, status=code, content_type="application/json")
    for warning in dict.fromkeys(warnings or ()):
        answer.headers.add("Warning", warning_header(warning))
    return answer
