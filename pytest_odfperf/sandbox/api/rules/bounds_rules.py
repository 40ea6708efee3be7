"""What amounts of resources may be, in containers, LimitRanges and ResourceQuotas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from pytest_odfperf.sandbox.api.rules.field_rules import (
    Problem,
    Rule,
    both,
    duplicate,
    forbidden,
    invalid,
    missing,
    number_of,
)
from pytest_odfperf.sandbox.api.rules.name_forms import qualified_name

_OF_CONTAINERS = {"cpu", "memory", "ephemeral-storage"}
_COMPUTE = {f"{kind}.{name}" for kind in ("requests", "limits") for name in _OF_CONTAINERS}
_COUNTED = {
    "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
    "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
}  # fmt: skip
_OF_QUOTAS = _OF_CONTAINERS | _COMPUTE | _COUNTED | {"requests.storage", "storage"}
_OF_BEST_EFFORT = {"pods"}
_SCOPES = {
    "BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "PriorityClass",
    "CrossNamespacePodAffinity", "VolumeAttributesClass",
}  # fmt: skip
_CONFLICTS = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_BEYOND_LIMITS = ("default", "defaultRequest", "max", "min", "maxLimitRequestRatio")


def _name(name: str, of: str, known: set[str], below: str) -> Iterator[Problem]:
    for problem in qualified_name(name):
        yield Problem(problem.reason, problem.words, below)
    prefixed = name.startswith(("hugepages-", "requests.hugepages-"))
    if "/" in name or name in known or prefixed or ".storageclass.storage.k8s.io/" in name:
        return
    if not list(qualified_name(name)):
        yield invalid(name, "must be a standard resource type or fully qualified", below)
    yield invalid(name, f"must be a standard resource for {of}", below)


def resource_amounts(amounts: Mapping[str, Any], of: str, field: str) -> Iterator[Problem]:
    """Problems of a map of resource names to amounts, told at ``field[name]``."""
    known = _OF_QUOTAS if of == "quota" else _OF_CONTAINERS
    for name, amount in amounts.items():
        below = f"{field}[{name}]"
        yield from _name(name, of, known, below)
        value = number_of(amount)
        if value is not None and value < 0:
            yield invalid(str(amount), "must be greater than or equal to 0", below)
        whole = "/" in name and ".storageclass" not in name and not name.startswith("kubernetes.io/")
        if (whole or name in _COUNTED) and value is not None and value != value.to_integral_value():
            yield invalid(str(amount), "must be an integer", below)


def _quota(spec: Any) -> Iterator[Problem]:
    hard = spec.get("hard") or {}
    yield from resource_amounts(hard, "quota", "hard")
    scopes = spec.get("scopes") or []
    if scopes:
        if set(scopes) - _SCOPES:
            yield invalid(scopes, "unsupported scope", "scopes")
        elif any(pair <= set(scopes) for pair in _CONFLICTS):
            yield invalid(scopes, "conflicting scopes", "scopes")
        elif "BestEffort" in scopes and set(hard) - _OF_BEST_EFFORT:
            yield invalid(scopes, "unsupported scope applied to resource", "scopes")
    for term in (spec.get("scopeSelector") or {}).get("matchExpressions") or ():
        if term.get("operator") not in ("In", "NotIn", "Exists", "DoesNotExist"):
            where = "scopeSelector.matchExpressions.operator"
            yield invalid(term.get("operator"), "not a valid selector operator", where)


def _filled(limit: Any) -> dict[str, dict[str, Decimal]]:
    """The bounds of a LimitRange's entry, with the defaults that a Container's gets."""
    found = {
        name: {key: number_of(amount) or Decimal(0) for key, amount in (limit.get(name) or {}).items()}
        for name in _BEYOND_LIMITS
    }
    if limit.get("type") == "Container":
        found["default"] = {**found["max"], **found["default"]}
        found["defaultRequest"] = {**found["min"], **found["default"], **found["defaultRequest"]}
    return found


def _limit(limit: Any) -> Iterator[Problem]:
    kind = limit.get("type") or ""
    if kind not in ("Container", "Pod", "PersistentVolumeClaim") and "/" not in kind:
        yield invalid(kind, "must be a standard limit type or fully qualified", "type")
    if kind == "Pod":
        for name in ("default", "defaultRequest"):
            if limit.get(name):
                yield forbidden("may not be specified when `type` is 'Pod'", name)
    if kind == "PersistentVolumeClaim" and not any(
        "storage" in (limit.get(name) or {}) for name in ("min", "max")
    ):
        problem = "either minimum or maximum storage value is required, but neither was provided"
        yield missing("limits", problem)
    for name in _BEYOND_LIMITS:
        if kind == "Container":
            for resource in limit.get(name) or {}:
                yield from _name(resource, "containers", _OF_CONTAINERS, f"{name}[{resource}]")
    bounds = _filled(limit)
    for lower, upper, at, words in _ORDER:
        for resource in sorted(bounds[lower].keys() & bounds[upper].keys()):
            low, high = bounds[lower][resource], bounds[upper][resource]
            if low > high:
                told = f"{words[0]} {low} is greater than {words[1]} {high}"
                yield invalid(str(bounds[at][resource]), told, f"{at}[{resource}]")
    for resource, ratio in bounds["maxLimitRequestRatio"].items():
        where = f"maxLimitRequestRatio[{resource}]"
        if ratio < 1:
            yield invalid(str(ratio), f"ratio {ratio} is less than 1", where)
        least, most = bounds["min"].get(resource), bounds["max"].get(resource)
        if least and most is not None and ratio > most / least:
            yield invalid(str(ratio), f"ratio {ratio} is greater than max/min = {most / least:f}", where)


#: Which bound may not be above which, at whose place it is told, and their names.
_ORDER = (
    ("min", "max", "min", ("min value", "max value")),
    ("min", "defaultRequest", "defaultRequest", ("min value", "default request value")),
    ("defaultRequest", "max", "defaultRequest", ("default request value", "max value")),
    ("defaultRequest", "default", "defaultRequest", ("default request value", "default limit value")),
    ("min", "default", "default", ("min value", "default value")),
    ("default", "max", "default", ("default value", "max value")),
)


def _once(limits: Any) -> Iterator[Problem]:
    seen = set()
    for number, limit in enumerate(limits):
        if limit.get("type") in seen:
            yield duplicate(limit.get("type"), f"[{number}].type")
        seen.add(limit.get("type"))


LIMIT_RANGE: tuple[Rule, ...] = (("spec.limits", _once), ("spec.limits[*]", _limit))
RESOURCE_QUOTA: tuple[Rule, ...] = (("spec", both(_quota)),)
