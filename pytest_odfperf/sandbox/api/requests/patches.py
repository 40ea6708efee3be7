"""Patches of objects, server-side apply among them."""

from __future__ import annotations

from pytest_odfperf.sandbox.api.admission.object_validation import check_object
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request, conflict, not_found
from pytest_odfperf.sandbox.api.requests.bodies import decode
from pytest_odfperf.sandbox.api.requests.handlers import check_may_create, check_url_name, create, replace
from pytest_odfperf.sandbox.api.requests.reads import read_one
from pytest_odfperf.sandbox.api.requests.writes import Write
from pytest_odfperf.sandbox.api.shapes.conform import conform
from pytest_odfperf.sandbox.api.shapes.ownership import APPLY as APPLIED
from pytest_odfperf.sandbox.api.shapes.ownership import Manager, apply
from pytest_odfperf.sandbox.api.shapes.patch import APPLY, apply_patch, check_type, unreadable_patch


def patch(store: Store, target: Target, body: bytes, content_type: str, write: Write) -> tuple[int, Obj]:
    """The object with ``body`` applied; server-side apply creates it if need be. Raises `StatusError`."""
    if content_type == APPLY:
        return _apply(store, target, body, write)
    check_type(content_type, target.resource)
    before = read_one(store, target)
    fresh = apply_patch(before, body, content_type, target.resource)
    if not isinstance(fresh.get("metadata") or {}, dict):
        raise unreadable_patch(fresh, "metadata is not an object")
    try:
        return 200, replace(store, target, before, fresh, write, None, by_patch=True)
    except StatusError as error:
        # What a patch makes unreadable is the patch's fault, and told of the whole object.
        if (
            error.reason != "BadRequest"
            or "undeterminable" in error.message
            or "does not match the n" in error.message
        ):
            raise
        raise unreadable_patch(fresh, error.message) from error


def _apply(store: Store, target: Target, body: bytes, write: Write) -> tuple[int, Obj]:
    wanted = decode(body, "yaml")
    if not isinstance(wanted, dict) or not wanted.get("kind") or not wanted.get("apiVersion"):
        raise bad_request("apply patch: kind and apiVersion are required")
    resource = target.resource
    wanted = check_object(resource, wanted, target.namespace)
    if wanted["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    check_url_name(target, wanted)
    where = f"{target.namespace}/{target.name}; {resource.api_version}, Kind={resource.kind}"
    untyped = f"failed to create typed patch object ({where}): "
    try:
        unknown = conform(resource, wanted, "Warn", partial=True)
    except StatusError as error:
        if error.code != 400 or resource.mutator:
            raise
        raise StatusError(500, "", f"{untyped}{error.message.partition(': ')[2]}") from error
    if unknown:
        # What no schema declares has no owner, so it can not be applied.
        field = unknown[0].partition('"')[2].rstrip('"')
        raise StatusError(500, "", f"{untyped}.{field}: field not declared in schema")
    manager = Manager(write.manager, APPLIED, target.sub)
    existing = store.get(resource, (target.namespace, target.name))
    if existing is None:
        if uid := wanted["metadata"].get("uid"):
            told = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(resource.full_name, target.name, told)
        if target.sub:
            raise not_found(resource.full_name, target.name)
        check_may_create(store, target, write)
        wanted["metadata"].pop("resourceVersion", None)
        return 201, create(store, target, wanted, write, manager)
    asked_version = wanted["metadata"].get("resourceVersion")
    fresh = apply(resource, existing, wanted, manager, force=write.force)
    if asked_version:
        fresh["metadata"]["resourceVersion"] = asked_version
    return 200, replace(store, target, existing, fresh, write, manager)
