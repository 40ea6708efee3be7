"""Writes of objects: create, update, patch, apply, delete."""

from __future__ import annotations

import secrets
from typing import Any

from pytest_odfperf.sandbox.api.access.escalation import check_grant
from pytest_odfperf.sandbox.api.access.rbac import Action, is_allowed
from pytest_odfperf.sandbox.api.access.tokens import CONTROLLERS
from pytest_odfperf.sandbox.api.admission.admit import admit_change, admit_new
from pytest_odfperf.sandbox.api.admission.clone_check import check_clones
from pytest_odfperf.sandbox.api.admission.object_validation import check_object
from pytest_odfperf.sandbox.api.admission.quota import check_growth, check_quotas
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
    forbidden,
    not_found,
    refused,
)
from pytest_odfperf.sandbox.api.requests.bodies import encode_texts
from pytest_odfperf.sandbox.api.requests.reads import read_one
from pytest_odfperf.sandbox.api.requests.writes import Write
from pytest_odfperf.sandbox.api.shapes.conform import conform
from pytest_odfperf.sandbox.api.shapes.ownership import Manager, track_change, track_new

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


def create(
    store: Store,
    target: Target,
    decoded: Any,
    write: Write,
    manager: Manager | None = None,
    *,
    rules: str = "",
) -> Obj:
    """A new object, made of ``decoded``, which is used up. Raises `StatusError`.

    ``rules`` names rules for its fields other than those of its kind.
    """
    resource = target.resource
    obj = check_object(resource, decoded, target.namespace)
    write.warnings += conform(resource, obj, write.validation)
    _check_namespace(store, target)
    meta = obj["metadata"]
    versioned = str(meta.get("resourceVersion") or "0").strip("0").isdecimal()
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = f"{meta['generateName'][:58]}{secrets.token_hex(4)[:5]}"
    for name in _SET_BY_THE_SERVER:
        if name != "generation" or meta.get(name, 0) >= 0:
            meta.pop(name, None)
    if resource.plural in _STATUS_DROPPED:
        obj.pop("status", None)
    if resource.plural == "secrets":
        encode_texts(obj)
    check_grant(store, write.user, resource, obj)
    admit_new(store, resource, obj, by_kubevirt=write.user is CONTROLLERS, rules=rules)
    if resource.plural == "virtualmachines":
        check_clones(store, obj)
    check_quotas(store, resource, obj, target.namespace)
    if versioned:
        raise StatusError(500, "", "resourceVersion should not be set on objects to be created")
    if store.get(resource, (target.namespace, meta["name"])) is not None:
        raise already_exists(resource.full_name, meta["name"])
    track_new(resource, obj, manager or Manager(write.manager))
    return store.filled(resource, obj) if write.dry_run else store.create(resource, obj)


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


def update(store: Store, target: Target, fresh: Any, write: Write) -> tuple[int, Obj]:
    """``fresh`` in the place of what is there, or new where a PUT may make it. Raises `StatusError`."""
    resource = target.resource
    fresh = check_object(resource, fresh, target.namespace)
    check_url_name(target, fresh)
    before = store.get(resource, (target.namespace, target.name))
    if before is None and resource.put_creates and not target.sub:
        if uid := fresh["metadata"].get("uid"):
            raise conflict(resource.full_name, target.name, _uid_mismatch(uid, ""))
        check_may_create(store, target, write)
        fresh["metadata"].pop("resourceVersion", None)
        return 201, create(store, target, fresh, write)
    before = read_one(store, target)
    if not fresh["metadata"].get("resourceVersion") and not resource.put_blindly:
        problem = "Invalid value: 0: must be specified for an update"
        found = [cause("FieldValueInvalid", "metadata.resourceVersion", problem)]
        raise refused(resource, target.name, found, by_resource=True)
    return 200, replace(store, target, before, fresh, write, None)


def check_url_name(target: Target, obj: Obj) -> None:
    name = obj["metadata"].get("name")
    if not name:
        told = (
            f"the name of the object ({target.name} based on URL) was undeterminable: name must be provided"
        )
        raise bad_request(told)
    if name != target.name:
        raise bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({target.name})"
        )


def _uid_mismatch(given: str, there: str) -> str:
    return f"Precondition failed: UID in precondition: {given}, UID in object meta: {there}"


def check_may_create(store: Store, target: Target, write: Write) -> None:
    """A write that makes what it names needs the right to create as well."""
    resource, user = target.resource, write.user
    action = Action(
        verb="create",
        group=resource.group,
        resource=resource.plural,
        namespace=target.namespace,
        name=target.name,
    )
    if not is_allowed(store, user, action):
        raise forbidden(user.name, "create", resource.plural, resource.group, target.namespace, target.name)


def replace(
    store: Store,
    target: Target,
    before: Obj,
    wanted: Any,
    write: Write,
    manager: Manager | None,
    *,
    by_patch: bool = False,
) -> Obj:
    """The object ``before`` as ``wanted`` has it. Raises `StatusError`.

    With ``manager`` None the fields that change become the writer's; else they are shared out already.
    """
    resource = target.resource
    fresh: Obj = check_object(resource, wanted, target.namespace)
    check_url_name(target, fresh)
    write.warnings += conform(resource, fresh, write.validation, before)
    meta = fresh["metadata"] = dict(fresh["metadata"])
    version = meta.get("resourceVersion")
    if version not in (None, "", "0"):
        if not str(version).isdecimal():
            raise StatusError(500, "", f'strconv.ParseUint: parsing "{version}": invalid syntax')
        if version != before["metadata"]["resourceVersion"]:
            raise conflict(resource.full_name, target.name)
    if (uid := meta.get("uid")) and uid != before["metadata"]["uid"]:
        if by_patch:
            problem = f'Invalid value: "{uid}": field is immutable'
            raise refused(resource, target.name, [cause("FieldValueInvalid", "metadata.uid", problem)])
        raise conflict(resource.full_name, target.name, _uid_mismatch(uid, before["metadata"]["uid"]))
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
        encode_texts(fresh)
    if not target.sub:
        check_grant(store, write.user, resource, fresh)
    admit_change(store, resource, before, fresh, target.sub, by_kubevirt=write.user is CONTROLLERS)
    if not target.sub:
        check_growth(store, resource, before, fresh, target.namespace)
    if manager is None:
        track_change(resource, before, fresh, Manager(write.manager, subresource=target.sub))
    if write.dry_run:
        return fresh
    after = store.replace(resource, before, fresh)
    lifecycle.settle(store, resource, after)
    return after
