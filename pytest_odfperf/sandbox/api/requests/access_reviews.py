"""Reviews: what a user may do, and who somebody is, answered in the object that asks."""

from __future__ import annotations

from typing import Any

from pytest_odfperf.sandbox.api.access.rbac import ANONYMOUS, Action, User, is_allowed, rules_of
from pytest_odfperf.sandbox.api.access.tokens import Tokens
from pytest_odfperf.sandbox.api.admission.object_validation import check_object
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request, cause


def review(store: Store, tokens: Tokens, user: User, target: Target, decoded: Any) -> Obj:
    """The same object with its status. Raises `StatusError`."""
    resource = target.resource
    obj = check_object(resource, decoded, target.namespace)
    spec = obj.get("spec") or {}
    if not isinstance(spec, dict):
        raise bad_request(
            f"{resource.kind} in version {resource.version} cannot be handled: spec is no object"
        )
    if resource.kind == "SelfSubjectReview":
        return {**obj, "status": {"userInfo": _told(user)}}
    if resource.kind == "TokenReview":
        return {**obj, "status": _token(tokens, spec)}
    if resource.kind == "SelfSubjectRulesReview":
        if not spec.get("namespace"):
            raise bad_request("no namespace on request")
        rules = rules_of(store, user, spec["namespace"])
        status = {
            "resourceRules": [rule for rule in rules if "nonResourceURLs" not in rule],
            "nonResourceRules": [rule for rule in rules if "nonResourceURLs" in rule],
            "incomplete": False,
        }
        return {**obj, "status": status}
    wanted, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    _check_attributes(obj, wanted, path)
    if not resource.kind.startswith("Self"):
        place = (wanted or {}).get("namespace")
        if target.namespace and place != target.namespace:
            raise bad_request("spec.resourceAttributes.namespace must match metadata.namespace")
        if not spec.get("user") and not spec.get("groups"):
            problem = 'Invalid value: "": at least one of user or group must be specified'
            raise _invalid("spec.user", problem)
        user = User(spec.get("user", ""), tuple(spec.get("groups") or ()))
    return {**obj, "status": {"allowed": is_allowed(store, user, _action(wanted, path))}}


def _action(wanted: Any, path: Any) -> Action:
    if wanted is None:
        return Action(verb=path.get("verb", ""), group="", resource="", path=path.get("path", ""))
    plural, _, sub = str(wanted.get("resource", "")).partition("/")
    sub = wanted.get("subresource") or sub
    return Action(
        verb=wanted.get("verb", ""),
        group=wanted.get("group", ""),
        resource=f"{plural}/{sub}" if sub else plural,
        namespace=wanted.get("namespace", ""),
        name=wanted.get("name", ""),
    )


def _check_attributes(obj: Obj, wanted: Any, path: Any) -> None:
    if wanted is not None and path is not None:
        problem = f"Invalid value: {path}: cannot be specified in combination with resourceAttributes"
        raise _invalid("spec.nonResourceAttributes", problem)
    if wanted is None and path is None:
        told = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise _invalid("spec.resourceAttributes", f"Invalid value: null: {told}")
    if not isinstance(wanted if path is None else path, dict):
        raise bad_request("the attributes of an access review are an object")
    if set(obj["metadata"]) - {"namespace", "creationTimestamp"}:
        raise _invalid("metadata", "Invalid value: must be empty")


def _invalid(field: str, problem: str) -> StatusError:
    message = f'.authorization.k8s.io "" is invalid: {field}: {problem}'
    return StatusError(422, "Invalid", message, causes=[cause("FieldValueInvalid", field, problem)])


def _told(user: User) -> Obj:
    return {"username": user.name, "groups": list(user.groups)}


def _token(tokens: Tokens, spec: Obj) -> Obj:
    """Whether a token is good, and whose it is."""
    if not spec.get("token"):
        raise bad_request("token is required for TokenReview in authentication")
    found = tokens.valid().get(spec["token"], ANONYMOUS)
    if found is ANONYMOUS:
        return {"user": {}, "error": "invalid bearer token"}
    return {"authenticated": True, "user": _told(found)}
