"""Statuses and conditions as Rook's operator writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_odfperf.sandbox.reconcilers.api_client import now
from pytest_odfperf.sandbox.reconcilers.conditions import find
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Obj
from pytest_odfperf.sandbox.reconcilers.storage.rook.pool_rules import is_replicated
from pytest_odfperf.sandbox.reconcilers.storage.rook.wanted_pools import USUAL_DOMAIN


def ceph_part(found: Mapping[str, Any], version: str, before: Mapping[str, Any]) -> Obj:
    """``status.ceph`` from ``ceph status``; ``before`` is what it was. For a merge patch."""
    health, pgmap, moment = found["health"], found["pgmap"], now()
    # Muted checks are among the details: Rook has no word for that.
    details: Obj = {
        code: {"severity": check["severity"], "message": check["summary"]["message"]}
        for code, check in health["checks"].items()
    }
    # A merge patch would leave the checks that went.
    gone = dict.fromkeys(set(before.get("details") or ()) - set(details))
    part: Obj = {
        "health": health["status"],
        "details": {**details, **gone} if details else None,
        "lastChecked": moment,
        "fsid": found["fsid"],
        "versions": {"overall": {f"ceph version {version}": 1}},
    }
    if pgmap.get("bytes_total"):
        part["capacity"] = {
            "bytesTotal": pgmap["bytes_total"],
            "bytesUsed": pgmap["bytes_used"],
            "bytesAvailable": pgmap["bytes_avail"],
            "lastUpdated": moment,
        }
    if before and before.get("health") != part["health"]:
        part |= {"previousHealth": before.get("health"), "lastChanged": moment}
    return part


def unanswered(words: str, before: Mapping[str, Any]) -> Obj:
    """``status.ceph`` while Ceph does not answer; ``before`` is what it was. For a merge patch."""
    gone = dict.fromkeys(before.get("details") or ())
    error = {"severity": "Urgent", "message": words}
    return {"health": "HEALTH_ERR", "details": {**gone, "error": error}, "lastChecked": now()}


def pool_info(spec: Mapping[str, Any]) -> dict[str, str]:
    """``status.info`` of a CephBlockPool."""
    kind = "Replicated" if is_replicated(spec) else "Erasure Coded"
    return {"type": kind, "failureDomain": spec.get("failureDomain") or USUAL_DOMAIN}


def rook_condition(kind: str, status: bool, reason: str, message: str, before: Any) -> Obj:
    """One of ``status.conditions``; ``before`` are those that there were."""
    old = find(before, kind) or {}
    same = old.get("status") == str(status) and old.get("message") == message
    return {
        "type": kind,
        "status": str(status),
        "reason": reason,
        "message": message,
        "lastTransitionTime": old.get("lastTransitionTime") if same else now(),
        "lastHeartbeatTime": now(),
    }


def with_conditions(before: Any, *changed: Obj) -> list[Obj]:
    """All conditions after these have changed."""
    kinds = {one["type"] for one in changed}
    return [*(one for one in before or () if one.get("type") not in kinds), *changed]
