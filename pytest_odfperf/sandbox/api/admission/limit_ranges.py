"""LimitRanges: defaults for containers, and least and most that a container, pod or claim may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from pytest_odfperf.quantity import parse_quantity
from pytest_odfperf.sandbox.api.admission.pod_containers import lasting
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH, Resource
from pytest_odfperf.sandbox.api.objects.status import StatusError

_RANGES = BY_PATH["", "v1", "limitranges"]


def limit_new(store: Store, resource: Resource, obj: Obj) -> None:
    """Fill in a pod's defaults, and raise a 403 `StatusError` for what is beyond a limit."""
    if resource.kind not in ("Pod", "PersistentVolumeClaim"):
        return
    problems: list[str] = []
    for found in store.all(_RANGES, obj["metadata"]["namespace"]):
        for limit in found["spec"]["limits"]:
            problems += _pod(limit, obj) if resource.kind == "Pod" else _claim(limit, obj)
    if problems:
        name = obj["metadata"]["name"]
        said = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        raise StatusError(
            403,
            "Forbidden",
            f'{resource.full_name} "{name}" is forbidden: {said}',
            name=name,
            kind=resource.plural,
        )


def _pod(limit: Obj, pod: Obj) -> Iterator[str]:
    containers = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    if limit["type"] == "Container":
        for container in containers:
            resources = container.setdefault("resources", {})
            _fill(resources, limit)
            yield from _beyond(limit, resources.get("requests") or {}, resources.get("limits") or {})
    elif limit["type"] == "Pod":
        parts = [container.get("resources") or {} for container in lasting(pod)]
        yield from _beyond(limit, _sum(parts, "requests"), _sum(parts, "limits"))


def _fill(resources: Obj, limit: Obj) -> None:
    limits = {**(limit.get("default") or {}), **(resources.get("limits") or {})}
    requests = {**(limit.get("defaultRequest") or {}), **(resources.get("requests") or {})}
    # A limit that was given, or came by default, is the request where there is none.
    for name, amount in limits.items():
        requests.setdefault(name, amount)
    if limits:
        resources["limits"] = limits
    if requests:
        resources["requests"] = requests


def _sum(parts: list[Obj], name: str) -> dict[str, Any]:
    total: dict[str, Decimal] = {}
    for part in parts:
        for resource, amount in (part.get(name) or {}).items():
            total[resource] = total.get(resource, Decimal(0)) + parse_quantity(str(amount))
    return total


def _claim(limit: Obj, claim: Obj) -> Iterator[str]:
    if limit["type"] == "PersistentVolumeClaim":
        requests = (claim["spec"].get("resources") or {}).get("requests") or {}
        yield from _beyond(limit, requests, requests)


def _beyond(limit: Obj, requests: dict[str, Any], limits: dict[str, Any]) -> Iterator[str]:
    kind = limit["type"]
    for name, least in (limit.get("min") or {}).items():
        if name not in requests:
            yield f"minimum {name} usage per {kind} is {least}.  No request is specified"
        elif parse_quantity(str(requests[name])) < parse_quantity(least):
            yield f"minimum {name} usage per {kind} is {least}, but request is {requests[name]}"
    for name, most in (limit.get("max") or {}).items():
        if name not in limits:
            yield f"maximum {name} usage per {kind} is {most}.  No limit is specified"
        elif parse_quantity(str(limits[name])) > parse_quantity(most):
            yield f"maximum {name} usage per {kind} is {most}, but limit is {limits[name]}"
