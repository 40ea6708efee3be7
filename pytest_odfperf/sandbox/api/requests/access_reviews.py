"""Access reviews: what a user may do, answered in the object that asks."""

from __future__ import annotations

from typing import Any

from pytest_odfperf.sandbox.api.access.rbac import Action, User, is_allowed, rules_of
from pytest_odfperf.sandbox.api.admission.object_validation import check_object
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.status import bad_request


def review(store: Store, user: User, target: Target, decoded: Any) -> Obj:
    """The same object with its status. Raises `StatusError`."""
    obj = check_object(target.resource, decoded, target.namespace)
    spec = obj.get("spec") or {}
    if target.resource.kind == "SelfSubjectRulesReview":
        rules = rules_of(store, user, spec.get("namespace", ""))
        status = {"resourceRules": rules, "nonResourceRules": [], "incomplete": False}
        return {**obj, "status": status}
    if target.resource.kind in ("SubjectAccessReview", "LocalSubjectAccessReview"):
        place = (spec.get("resourceAttributes") or {}).get("namespace")
        if target.namespace and place != target.namespace:
            raise bad_request("spec.resourceAttributes.namespace must match metadata.namespace")
        if not spec.get("user") and not spec.get("groups"):
            raise bad_request("at least one of user or group must be specified")
        user = User(spec.get("user", ""), tuple(spec.get("groups") or ()))
    wanted = spec.get("resourceAttributes")
    if wanted is None:
        # Paths that name no resource are open to whoever has a valid token.
        return {**obj, "status": {"allowed": "nonResourceAttributes" in spec}}
    plural, _, sub = str(wanted.get("resource", "")).partition("/")
    sub = wanted.get("subresource") or sub
    action = Action(
        verb=wanted.get("verb", ""),
        group=wanted.get("group", ""),
        resource=f"{plural}/{sub}" if sub else plural,
        namespace=wanted.get("namespace", ""),
        name=wanted.get("name", ""),
    )
    return {**obj, "status": {"allowed": is_allowed(store, user, action)}}
