"""Deletion of objects and of collections, as its options have it."""

from __future__ import annotations

from typing import Any

from pytest_odfperf.sandbox.api.objects import lifecycle
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request, cause, conflict
from pytest_odfperf.sandbox.api.requests.reads import place, read_list, read_one
from pytest_odfperf.sandbox.api.requests.writes import is_dry_run

#: Namespaces that stay.
_KEPT = ("default", "kube-system", "kube-public")


def remove(store: Store, target: Target, options: Obj, query: dict[str, str]) -> Obj:
    """Delete one object. Raises `StatusError`."""
    options = _checked(options)
    if target.resource.plural == "namespaces" and target.name in _KEPT:
        message = f'namespaces "{target.name}" is forbidden: this namespace may not be deleted'
        raise StatusError(403, "Forbidden", message, name=target.name, kind="namespaces")
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
    options = _checked(options)
    found = read_list(store, target, {name: query[name] for name in query if name.endswith("Selector")})
    if uid := (options.get("preconditions") or {}).get("uid"):
        for obj in found["items"]:
            meta = obj["metadata"]
            if meta["uid"] != uid:
                told = f"the UID in the precondition ({uid}) does not match the UID in record ({meta['uid']})"
                raise conflict(target.resource.kind, meta["name"], told)
    if is_dry_run(query, options):
        return found
    for obj in found["items"]:
        current = store.get(target.resource, place(obj))
        if current is not None:
            lifecycle.delete(store, target.resource, current, **_delete_options(options, query))
    return found


def _checked(options: Any) -> Obj:
    """The body of a deletion. Raises a 400 or 422 `StatusError`."""
    if not isinstance(options, dict):
        raise bad_request(
            f"couldn't get version/kind; json parse error: {type(options).__name__} is no object"
        )
    kind, version = options.get("kind", "DeleteOptions"), options.get("apiVersion", "v1")
    if kind != "DeleteOptions":
        raise bad_request(f'no kind "{kind}" is registered for version "{version}"')
    if options.get("orphanDependents") is not None and options.get("propagationPolicy") is not None:
        problem = (
            f'Invalid value: "{options["propagationPolicy"]}": orphanDependents and deletionPropagation '
            "cannot be both set"
        )
        message = f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: {problem}'
        causes = [cause("FieldValueInvalid", "propagationPolicy", problem)]
        raise StatusError(422, "Invalid", message, causes=causes)
    return options


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
