"""ResourceQuotas: what a namespace may hold, checked when an object is created, and what it holds.

Admission and the quota controller are both in the server here; the controller works on the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from pytest_odfperf.quantity import parse_quantity
from pytest_odfperf.sandbox.api.admission.pod_containers import lasting
from pytest_odfperf.sandbox.api.objects.object_store import Change, Obj, Store
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH, Resource
from pytest_odfperf.sandbox.api.objects.status import StatusError
from pytest_odfperf.sandbox.api.shapes.quantities import canonical, shown

_QUOTAS = BY_PATH["", "v1", "resourcequotas"]
_CLAIMS = BY_PATH["", "v1", "persistentvolumeclaims"]
_PODS = BY_PATH["", "v1", "pods"]
_BY_CLASS = ".storageclass.storage.k8s.io/"
#: Core kinds that quotas also name without ``count/``.
_PLAIN = ("persistentvolumeclaims", "pods", "secrets", "configmaps", "resourcequotas")
#: Of a pod's containers, with other names of the same.
_COMPUTE = {
    "requests.cpu": ("requests", "cpu"),
    "requests.memory": ("requests", "memory"),
    "requests.ephemeral-storage": ("requests", "ephemeral-storage"),
    "cpu": ("requests", "cpu"),
    "memory": ("requests", "memory"),
    "limits.cpu": ("limits", "cpu"),
    "limits.memory": ("limits", "memory"),
    "limits.ephemeral-storage": ("limits", "ephemeral-storage"),
}
_BINARY = ("memory", "storage")

Usage = dict[str, Decimal]


def check_quotas(store: Store, resource: Resource, obj: Obj, namespace: str) -> None:
    """Raises a 403 `StatusError` if a quota of the namespace has no room for ``obj``."""
    quotas = store.all(_QUOTAS, namespace) if namespace else []
    if not quotas:
        return
    for quota in quotas:
        if resource is _PODS:
            _check_specified(quota, _hard(quota), obj)
    _check_room(store, resource, obj, namespace, _usage(resource, obj))


def check_growth(store: Store, resource: Resource, before: Obj, after: Obj, namespace: str) -> None:
    """Raises a 403 `StatusError` if a quota has no room for what a claim asks for more than before."""
    if resource is not _CLAIMS or before["spec"] == after["spec"]:
        return
    had = _usage(resource, before)
    more = {name: amount - had.get(name, 0) for name, amount in _usage(resource, after).items()}
    grows = {name: amount for name, amount in more.items() if amount > 0}
    _check_room(store, resource, after, namespace, grows)


def _check_room(store: Store, resource: Resource, obj: Obj, namespace: str, asked: Usage) -> None:
    for quota in store.all(_QUOTAS, namespace):
        hard = _hard(quota)
        wanted = {name for name in asked.keys() & hard.keys() if asked[name]}
        used = _used(store, resource, namespace, wanted)
        over = [name for name in sorted(wanted) if used[name] + asked[name] > parse_quantity(hard[name])]
        if over:
            told = (
                ",".join(f"{name}={_told(name, asked[name])}" for name in over),
                ",".join(f"{name}={_told(name, used[name])}" for name in over),
                ",".join(f"{name}={canonical(hard[name])}" for name in over),
            )
            raise _forbidden(
                resource, obj,
                f"exceeded quota: {quota['metadata']['name']}, requested: {told[0]}, used: {told[1]}, "
                f"limited: {told[2]}",
            )  # fmt: skip


def _check_specified(quota: Obj, hard: Mapping[str, str], pod: Obj) -> None:
    """A quota of a compute resource wants it of every container."""
    missing = [
        f"{name} for: {','.join(without)}"
        for name, (kind, resource) in sorted(_COMPUTE.items())
        if name in hard
        and (
            without := [
                container["name"]
                for container in lasting(pod)
                if resource not in ((container.get("resources") or {}).get(kind) or {})
            ]
        )
    ]
    if missing:
        said = f"failed quota: {quota['metadata']['name']}: must specify {'; '.join(missing)}"
        raise _forbidden(_PODS, pod, said)


def _forbidden(resource: Resource, obj: Obj, said: str) -> StatusError:
    name = obj["metadata"]["name"]
    message = f'{resource.full_name} "{name}" is forbidden: {said}'
    return StatusError(403, "Forbidden", message, name=name, kind=resource.full_name)


def _hard(quota: Obj) -> dict[str, str]:
    return {name: str(amount) for name, amount in ((quota.get("spec") or {}).get("hard") or {}).items()}


def _used(store: Store, resource: Resource, namespace: str, names: set[str]) -> Usage:
    total = dict.fromkeys(names, Decimal(0))
    if not names:
        return total
    for obj in store.all(resource, namespace):
        for name, amount in _usage(resource, obj).items():
            if name in total:
                total[name] += amount
    return total


def _usage(resource: Resource, obj: Obj) -> Usage:
    """What ``obj`` takes of each quota key."""
    taken = {f"count/{resource.full_name}": Decimal(1)}
    if not resource.group and resource.plural in _PLAIN:
        taken[resource.plural] = Decimal(1)
    if resource is _CLAIMS:
        spec = obj["spec"]
        size = parse_quantity(str(spec["resources"]["requests"]["storage"]))
        taken["requests.storage"] = size
        if name := spec.get("storageClassName"):
            taken[f"{name}{_BY_CLASS}requests.storage"] = size
            taken[f"{name}{_BY_CLASS}persistentvolumeclaims"] = Decimal(1)
    elif resource is _PODS:
        if (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return {"count/pods": Decimal(1)}
        for name, (kind, wanted) in _COMPUTE.items():
            parts = (((c.get("resources") or {}).get(kind) or {}).get(wanted) for c in lasting(obj))
            taken[name] = sum((parse_quantity(str(part)) for part in parts if part is not None), Decimal(0))
    return taken


def _told(name: str, value: Decimal) -> str:
    return shown(value, binary=name.endswith(_BINARY))


def _settle(store: Store, quota: Obj) -> None:
    """Write what is used into the quota's status, if it says otherwise."""
    hard = _hard(quota)
    used: dict[str, str] = dict.fromkeys(hard, "0")
    for resource in BY_PATH.values():
        names = {name for name in hard if _is_of(name, resource)}
        for name, amount in _used(store, resource, quota["metadata"]["namespace"], names).items():
            used[name] = _told(name, amount)
    status: dict[str, Any] = {
        "hard": {name: canonical(amount) for name, amount in hard.items()},
        "used": used,
    }
    if quota.get("status") != status:
        store.replace(_QUOTAS, quota, {**quota, "status": status})


def _is_of(name: str, resource: Resource) -> bool:
    if name == f"count/{resource.full_name}":
        return True
    if resource is _CLAIMS and (name == "requests.storage" or _BY_CLASS in name):
        return True
    if resource is _PODS and name in _COMPUTE:
        return True
    return not resource.group and resource.plural in _PLAIN and name == resource.plural


def settle_quotas(store: Store, changes: Iterable[Change]) -> None:
    """Bring the quotas of the namespaces in which something changed up to date."""
    quotas = store.all(_QUOTAS)
    if not quotas:
        return
    namespaces = {(change.after or change.before or {})["metadata"].get("namespace") for change in changes}
    for quota in quotas:
        if quota["metadata"]["namespace"] in namespaces:
            _settle(store, quota)
