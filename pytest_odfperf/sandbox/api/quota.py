"""ResourceQuotas: what a namespace may hold, checked when an object is created."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.quantity import parse_quantity
from pytest_odfperf.sandbox.api.resources import BY_PATH, Resource
from pytest_odfperf.sandbox.api.status import StatusError, invalid
from pytest_odfperf.sandbox.api.store import Obj, Store

_QUOTAS = BY_PATH["", "v1", "resourcequotas"]
_CLAIMS = BY_PATH["", "v1", "persistentvolumeclaims"]
_BY_CLASS = ".storageclass.storage.k8s.io/"
#: Core kinds that quotas also name without ``count/``.
_PLAIN = ("persistentvolumeclaims", "pods", "secrets", "configmaps", "resourcequotas")


def check_quotas(store: Store, resource: Resource, obj: Obj, namespace: str) -> None:
    """Raises a 403 `StatusError` if a quota of the namespace has no room for ``obj``."""
    asked = _usage(resource, obj)
    for quota in store.all(_QUOTAS, namespace) if namespace else ():
        hard: dict[str, Any] = (quota.get("spec") or {}).get("hard") or {}
        over = {}
        for name in sorted(asked.keys() & hard.keys()):
            there = (_usage(resource, one).get(name, Decimal(0)) for one in store.all(resource, namespace))
            used = sum(there, Decimal(0))
            if used + asked[name] > parse_quantity(str(hard[name])):
                over[name] = used
        if over:
            shown = (
                ",".join(f"{name}={_shown(asked[name])}" for name in over),
                ",".join(f"{name}={_shown(used)}" for name, used in over.items()),
                ",".join(f"{name}={hard[name]}" for name in over),
            )
            raise StatusError(
                403,
                "Forbidden",
                f'{resource.full_name} "{obj["metadata"]["name"]}" is forbidden: exceeded quota: '
                f"{quota['metadata']['name']}, requested: {shown[0]}, used: {shown[1]}, limited: {shown[2]}",
                name=obj["metadata"]["name"],
                kind=resource.full_name,
            )


def check_quota(obj: Obj) -> None:
    """Raises a 422 `StatusError` for limits that are no quantities."""
    for name, limit in ((obj.get("spec") or {}).get("hard") or {}).items():
        try:
            parse_quantity(str(limit))
        except InputError as error:
            field = f"spec.hard[{name}]"
            raise invalid("ResourceQuota", obj["metadata"]["name"], field, str(error)) from error


def _usage(resource: Resource, obj: Obj) -> dict[str, Decimal]:
    """What ``obj`` takes of each quota key."""
    taken = {f"count/{resource.full_name}": Decimal(1)}
    if not resource.group and resource.plural in _PLAIN:
        taken[resource.plural] = Decimal(1)
    if resource is _CLAIMS:
        spec = obj.get("spec") or {}
        size = parse_quantity(str(spec["resources"]["requests"]["storage"]))
        taken["requests.storage"] = size
        if name := spec.get("storageClassName"):
            taken[f"{name}{_BY_CLASS}requests.storage"] = size
            taken[f"{name}{_BY_CLASS}persistentvolumeclaims"] = Decimal(1)
    return taken


def _shown(value: Decimal) -> str:
    for power, suffix in ((4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki")):
        if value and not value % (1024**power):
            return f"{value / 1024**power:f}{suffix}"
    return f"{value:f}"
