"""Nobody grants rights that they do not have: what RBAC asks before a role or binding is written.

Source: Kubernetes, ``pkg/registry/rbac`` and ``pkg/registry/rbac/validation``. Who has the verb ``escalate``
on the role, or ``bind`` on the role of a binding, may.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_odfperf.sandbox.api.access.rbac import ADMIN, Action, User, is_allowed, rules_of
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH, Resource
from pytest_odfperf.sandbox.api.objects.status import StatusError, not_found

_RBAC = "rbac.authorization.k8s.io"
_ROLES = ("roles", "clusterroles")
_BINDINGS = ("rolebindings", "clusterrolebindings")
_FIELDS = {"apiGroups": "APIGroups", "resources": "Resources", "nonResourceURLs": "NonResourceURLs",
           "resourceNames": "ResourceNames", "verbs": "Verbs"}  # fmt: skip


def check_grant(store: Store, user: User, resource: Resource, obj: Obj) -> None:
    """Raises a 403 `StatusError` if ``obj`` is a role or binding that gives more than ``user`` has."""
    if resource.group != _RBAC or ADMIN in user.groups:
        return
    namespace, name = obj["metadata"].get("namespace", ""), obj["metadata"].get("name", "")
    if resource.plural in _ROLES:
        may = Action(verb="escalate", group=_RBAC, resource=resource.plural, namespace=namespace, name=name)
        asked = obj.get("rules") or ()
    elif resource.plural in _BINDINGS:
        reference = obj.get("roleRef") or {}
        plural = "clusterroles" if reference.get("kind") == "ClusterRole" else "roles"
        of = str(reference.get("name"))
        may = Action(verb="bind", group=_RBAC, resource=plural, namespace=namespace, name=of)
        role = store.get(BY_PATH[_RBAC, "v1", plural], ("" if plural == "clusterroles" else namespace, of))
        if role is None and not is_allowed(store, user, may):
            raise not_found(resource.full_name, of)
        asked = (role or {}).get("rules") or ()
    else:
        return
    if is_allowed(store, user, may):
        return
    held = rules_of(store, user, namespace)
    beyond = [part for rule in asked for part in _parts(rule) if not any(_covers(one, part) for one in held)]
    if beyond:
        groups = json.dumps(list(user.groups))
        told = "\n".join(sorted(_told(rule) for rule in _compact(beyond)))
        raise StatusError(
            403,
            "Forbidden",
            f'{resource.full_name} "{name}" is forbidden: user "{user.name}" (groups={groups}) is attempting '
            f"to grant RBAC permissions not currently held:\n{told}",
            name=name,
            group=_RBAC,
            kind=resource.plural,
        )


def _parts(rule: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rules of one verb on one thing, which together are ``rule``."""
    for verb in rule.get("verbs") or ():
        for url in rule.get("nonResourceURLs") or ():
            yield {"nonResourceURLs": [url], "verbs": [verb]}
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                one = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                names = rule.get("resourceNames") or ()
                yield from ({**one, "resourceNames": [name]} for name in names)
                if not names:
                    yield one


def _covers(held: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    def has(field: str) -> bool:
        values, wanted = held.get(field) or (), part[field][0]
        return "*" in values or wanted in values

    if not has("verbs"):
        return False
    if "nonResourceURLs" in part:
        return has("nonResourceURLs")
    resources, wanted = held.get("resources") or (), part["resources"][0]
    of, _, sub = wanted.partition("/")
    below = bool(sub) and f"*/{sub}" in resources
    names = held.get("resourceNames") or ()
    return (
        has("apiGroups")
        and ("*" in resources or wanted in resources or below)
        and (not names or part.get("resourceNames", [None])[0] in names)
        and bool(of)
    )


def _compact(parts: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same with all verbs of one thing together."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        key = json.dumps({name: value for name, value in part.items() if name != "verbs"}, sort_keys=True)
        there = found.setdefault(key, {**part, "verbs": []})
        there["verbs"] += [verb for verb in part["verbs"] if verb not in there["verbs"]]
    yield from found.values()


def _told(rule: Mapping[str, Any]) -> str:
    fields = [f"{shown}:{json.dumps(rule[name])}" for name, shown in _FIELDS.items() if rule.get(name)]
    return "{" + ", ".join(fields) + "}"
