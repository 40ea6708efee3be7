"""Conditions and events, as reconcilers write them."""

from __future__ import annotations

import hashlib
from typing import Any

from pytest_odfperf.sandbox.reconcilers.api_client import Api, ApiError, now
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import EVENT, Kind, Obj


def condition(kind: str, status: bool | str, reason: str = "", message: str = "") -> Obj:
    text = status if isinstance(status, str) else str(status)
    made: Obj = {"type": kind, "status": text}
    if reason:
        made["reason"] = reason
    if message:
        made["message"] = message
    return made


def plain(told: Obj) -> Obj:
    """A condition as it is taken over from another object: a pod's by its VMI, a VMI's by its VM."""
    return condition(told["type"], told["status"], told.get("reason", ""), told.get("message", ""))


def find(conditions: Any, kind: str) -> Obj | None:
    return next((c for c in conditions or [] if c.get("type") == kind), None)


def merged(before: Any, wanted: list[Obj]) -> list[Obj]:
    """``wanted`` with the times of ``before``; a transition time changes only with the status.

    Both times are always set: patches of real controllers test the whole array as it was written.
    """
    result = []
    for new in wanted:
        old = find(before, new["type"]) or {}
        kept = {k: v for k, v in old.items() if k not in ("lastTransitionTime", "lastProbeTime")}
        if kept == new:
            result.append(old)
            continue
        same = old.get("status") == new["status"]
        moment = old.get("lastTransitionTime") if same else None
        result.append(new | {"lastTransitionTime": moment or now(), "lastProbeTime": None})
    return result


def _without_times(status: Any) -> Any:
    if isinstance(status, dict):
        return {k: _without_times(v) for k, v in status.items() if v is not None and k != "lastProbeTime"}
    if isinstance(status, list):
        return [_without_times(entry) for entry in status]
    return status


def differs(status: Obj, before: Obj) -> bool:
    """Whether writing ``status`` would change anything; None stands for absent."""
    return any(_without_times(before.get(key)) != _without_times(value) for key, value in status.items())


async def record_event(
    api: Api, kind: Kind, obj: Obj, reason: str, message: str, *, warning: bool = False, source: str
) -> None:
    """One Event per object, reason and message; said again, it stays one."""
    meta = obj["metadata"]
    namespace = meta.get("namespace") or "default"
    digest = hashlib.sha256(f"{meta['uid']}{reason}{message}".encode()).hexdigest()[:16]
    moment = now()
    event = {
        "metadata": {"name": f"{meta['name']}.{digest}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "name": meta["name"],
            "namespace": meta.get("namespace", ""),
            "uid": meta["uid"],
            "resourceVersion": meta.get("resourceVersion", ""),
        },
        "reason": reason,
        "message": message,
        "type": "Warning" if warning else "Normal",
        "source": {"component": source},
        "reportingComponent": source,
        "reportingInstance": source,
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
    try:
        await api.create(EVENT, event)
    except ApiError as error:
        # A namespace that is going away takes no events.
        if error.code not in (403, 404):
            raise
