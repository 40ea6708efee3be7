"""Who asks, and whether they may: bearer tokens and RBAC objects."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pytest_odfperf.sandbox.api.objects.object_store import Store
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH
from pytest_odfperf.sandbox.api.objects.status import StatusError

ADMIN = "system:masters"
_RBAC = "rbac.authorization.k8s.io"
_ROLES = BY_PATH[_RBAC, "v1", "roles"]
_BINDINGS = BY_PATH[_RBAC, "v1", "rolebindings"]
_CLUSTER_ROLES = BY_PATH[_RBAC, "v1", "clusterroles"]
_CLUSTER_BINDINGS = BY_PATH[_RBAC, "v1", "clusterrolebindings"]


@dataclass(frozen=True, slots=True)
class User:
    name: str
    groups: tuple[str, ...] = ()


_SERVICE_ACCOUNT = "system:serviceaccount:"


def user_named(name: str) -> User:
    """A user that has logged in, with the groups that Kubernetes gives to such a name."""
    groups = ["system:authenticated"]
    if name.startswith(_SERVICE_ACCOUNT):
        namespace = name.removeprefix(_SERVICE_ACCOUNT).partition(":")[0]
        groups += ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    return User(name, tuple(groups))


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a request wants to do, in RBAC's words."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""
    #: Of a request for no resource: its path.
    path: str = ""


def authenticate(header: str | None, tokens: Mapping[str, User]) -> User:
    """The user of an Authorization header. Raises a 401 `StatusError` for a wrong token."""
    if not header:
        return ANONYMOUS
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        # Other authenticators than tokens are not set up: nobody has said who it is.
        return ANONYMOUS
    if token:
        for known, user in tokens.items():
            if hmac.compare_digest(known.encode(), token.strip().encode()):
                return user
    raise StatusError(401, "Unauthorized", "Unauthorized")


def is_allowed(store: Store, user: User, action: Action) -> bool:
    """Whether a Role or ClusterRole bound to ``user`` has the verb."""
    if ADMIN in user.groups:
        return True
    for binding in store.all(_CLUSTER_BINDINGS):
        if _binds(binding, user) and _grants(store, binding, "", action):
            return True
    if not action.namespace:
        return False
    return any(
        _binds(binding, user) and _grants(store, binding, action.namespace, action)
        for binding in store.all(_BINDINGS, action.namespace)
    )


def rules_of(store: Store, user: User, namespace: str) -> list[dict[str, Any]]:
    """The rules that hold for ``user`` in a namespace, as SelfSubjectRulesReview lists them."""
    if ADMIN in user.groups:
        return [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    bindings = [("", binding) for binding in store.all(_CLUSTER_BINDINGS)]
    bindings += [(namespace, binding) for binding in store.all(_BINDINGS, namespace) if namespace]
    return [
        dict(rule)
        for place, binding in bindings
        if _binds(binding, user)
        for rule in _rules(store, binding, place)
    ]


def _binds(binding: Mapping[str, Any], user: User) -> bool:
    for subject in binding.get("subjects") or ():
        name = subject.get("name")
        if subject.get("kind") == "ServiceAccount":
            place = subject.get("namespace") or binding["metadata"].get("namespace", "")
            name = f"system:serviceaccount:{place}:{name}"
        if subject.get("kind") == "Group":
            if name in user.groups:
                return True
        elif name == user.name:
            return True
    return False


def _grants(store: Store, binding: Mapping[str, Any], namespace: str, action: Action) -> bool:
    return any(_covers(rule, action) for rule in _rules(store, binding, namespace))


def _rules(store: Store, binding: Mapping[str, Any], namespace: str) -> list[Mapping[str, Any]]:
    reference = binding.get("roleRef") or {}
    name = reference.get("name", "")
    if reference.get("kind") == "ClusterRole":
        role = store.get(_CLUSTER_ROLES, ("", name))
    else:
        role = store.get(_ROLES, (namespace, name))
    return list((role or {}).get("rules") or ())


def _covers(rule: Mapping[str, Any], action: Action) -> bool:
    def has(field: str, value: str) -> bool:
        values = rule.get(field) or ()
        return "*" in values or value in values

    if not has("verbs", action.verb):
        return False
    if action.path:
        urls = rule.get("nonResourceURLs") or ()
        return any(fnmatchcase(action.path, url) if url.endswith("*") else action.path == url for url in urls)
    names = rule.get("resourceNames") or ()
    sub = action.resource.partition("/")[2]
    return (
        has("apiGroups", action.group)
        and (has("resources", action.resource) or (bool(sub) and f"*/{sub}" in (rule.get("resources") or ())))
        and (not names or action.name in names)
    )
