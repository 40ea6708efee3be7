"""Deletion: grace, finalizers, propagation, owners. The part of the control plane that removes objects."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from pytest_odfperf.sandbox.api.objects.object_store import Change, Obj, Store, timestamp
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH, Resource

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
_NAMESPACES = BY_PATH["", "v1", "namespaces"]


def delete(
    store: Store, resource: Resource, obj: Obj, *, propagation: str = "Background", grace_s: int | None = None
) -> Obj | None:
    """Delete ``obj``, or mark it where something holds it; returns what is left of it."""
    fresh = copy.deepcopy(obj)
    meta = fresh["metadata"]
    holds = list(meta.get("finalizers") or [])
    added = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(propagation)
    if added and added not in holds and _dependents(store, meta["uid"]):
        holds.append(added)
        meta["finalizers"] = holds
    # A pod on a node is gone when its kubelet says so, with a grace period of 0.
    on_node = resource.plural == "pods" and fresh.get("spec", {}).get("nodeName") and grace_s != 0
    if not holds and not on_node and resource is not _NAMESPACES:
        store.remove(resource, obj)
        return None
    if resource is _NAMESPACES:
        fresh["status"] = {"phase": "Terminating"}
    meta.setdefault("deletionTimestamp", timestamp())
    meta.setdefault("deletionGracePeriodSeconds", 0 if grace_s is None else grace_s)
    if grace_s is not None:
        meta["deletionGracePeriodSeconds"] = min(grace_s, meta["deletionGracePeriodSeconds"] or grace_s)
    return store.replace(resource, obj, fresh)


def settle(store: Store, resource: Resource, obj: Obj) -> Obj | None:
    """After a write: a deleted object that nothing holds any more goes."""
    meta = obj["metadata"]
    held = bool(meta.get("finalizers")) or resource is _NAMESPACES
    on_node = resource.plural == "pods" and bool(obj.get("spec", {}).get("nodeName"))
    if (
        meta.get("deletionTimestamp")
        and not held
        and not (on_node and meta.get("deletionGracePeriodSeconds"))
    ):
        store.remove(resource, obj)
        return None
    return obj


def _dependents(store: Store, uid: str) -> list[tuple[Resource, Obj]]:
    return [
        (resource, obj)
        for resource, obj in store.everything()
        if any(owner.get("uid") == uid for owner in obj["metadata"].get("ownerReferences") or ())
    ]


def collect_garbage(store: Store, changes: Iterable[Change]) -> None:
    """What the garbage and namespace controllers do about some changes."""
    for change in changes:
        _collect(store, change.resource, change.before, change.after)


def _collect(store: Store, resource: Resource, before: Obj | None, after: Obj | None) -> None:
    if after is None:
        assert before is not None
        for kind, obj in _dependents(store, before["metadata"]["uid"]):
            _delete_if_unowned(store, kind, obj)
        _release_waiting(store, before)
        return
    current = store.by_uid(after["metadata"]["uid"])
    if current is None:
        return
    obj = current[1]
    if obj["metadata"].get("ownerReferences"):
        _delete_if_unowned(store, resource, obj)
    if obj["metadata"].get("deletionTimestamp"):
        _propagate(store, resource, obj)


def _delete_if_unowned(store: Store, resource: Resource, obj: Obj) -> None:
    """Delete ``obj`` if no owner of it is left; a wrong uid or another namespace is no owner."""
    if obj["metadata"].get("deletionTimestamp"):
        return
    namespace = obj["metadata"].get("namespace", "")
    for owner in obj["metadata"]["ownerReferences"]:
        found = store.by_uid(owner["uid"])
        if found is not None and found[1]["metadata"].get("namespace", "") in ("", namespace):
            return
    delete(store, resource, obj)


def _propagate(store: Store, resource: Resource, obj: Obj) -> None:
    meta = obj["metadata"]
    if resource is _NAMESPACES:
        _empty_namespace(store, obj)
        return
    holds = meta.get("finalizers") or []
    if ORPHAN in holds:
        for kind, dependent in _dependents(store, meta["uid"]):
            fresh = copy.deepcopy(dependent)
            owners = fresh["metadata"]["ownerReferences"]
            fresh["metadata"]["ownerReferences"] = [owner for owner in owners if owner["uid"] != meta["uid"]]
            store.replace(kind, dependent, fresh)
        _drop_finalizer(store, resource, obj, ORPHAN)
    elif FOREGROUND in holds:
        blocking = False
        for kind, dependent in _dependents(store, meta["uid"]):
            if not dependent["metadata"].get("deletionTimestamp"):
                delete(store, kind, dependent, propagation="Foreground")
            owners = dependent["metadata"]["ownerReferences"]
            blocking |= any(
                owner.get("blockOwnerDeletion") for owner in owners if owner["uid"] == meta["uid"]
            )
        still = [obj for _, obj in _dependents(store, meta["uid"])]
        if not (blocking and still):
            _drop_finalizer(store, resource, obj, FOREGROUND)


def _release_waiting(store: Store, gone: Obj) -> None:
    """What waited for ``gone``: owners in foreground deletion, and its namespace."""
    for owner in gone["metadata"].get("ownerReferences") or ():
        found = store.by_uid(owner.get("uid", ""))
        if found is not None and found[1]["metadata"].get("deletionTimestamp"):
            _propagate(store, *found)
    namespace = gone["metadata"].get("namespace")
    if namespace:
        found_namespace = store.get(_NAMESPACES, ("", namespace))
        if found_namespace is not None and found_namespace["metadata"].get("deletionTimestamp"):
            _empty_namespace(store, found_namespace)


def _empty_namespace(store: Store, namespace: Obj) -> None:
    name = namespace["metadata"]["name"]
    content = [(kind, obj) for kind, obj in store.everything() if obj["metadata"].get("namespace") == name]
    for kind, obj in content:
        if not obj["metadata"].get("deletionTimestamp"):
            delete(store, kind, obj)
    if not any(obj["metadata"].get("namespace") == name for _, obj in store.everything()):
        store.remove(_NAMESPACES, namespace)


def _drop_finalizer(store: Store, resource: Resource, obj: Obj, finalizer: str) -> None:
    fresh: dict[str, Any] = copy.deepcopy(obj)
    fresh["metadata"]["finalizers"] = [name for name in fresh["metadata"]["finalizers"] if name != finalizer]
    settle(store, resource, store.replace(resource, obj, fresh))
