"""What virt-controller writes into an instance whose launcher can not start, or that something happens to."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from pytest_odfperf.sandbox.config.trouble_rules import Troubles
from pytest_odfperf.sandbox.reconcilers.api_client import now
from pytest_odfperf.sandbox.reconcilers.conditions import condition, plain
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Obj


def migrated(vmi: Obj, nodes: Sequence[str]) -> Obj:
    """The status of an instance that a live migration took to another of ``nodes``, if there is one."""
    node = vmi["status"].get("nodeName")
    target = next((other for other in nodes if other != node), node)
    state = {
        "migrationUid": str(uuid.uuid4()),
        "sourceNode": node,
        "targetNode": target,
        "startTimestamp": now(),
        "endTimestamp": now(),
        "completed": True,
    }
    return {"nodeName": target, "migrationState": state}


def pull_problem(pod_status: Obj) -> list[Obj]:
    """An image that can not be pulled, as it is taken over from the pod."""
    states = [*(pod_status.get("initContainerStatuses") or ()), *(pod_status.get("containerStatuses") or ())]
    waits = [(state.get("state") or {}).get("waiting") or {} for state in states]
    found = next((w for w in waits if w.get("reason") in ("ErrImagePull", "ImagePullBackOff")), None)
    return [condition("Synchronized", "False", found["reason"], found.get("message", ""))] if found else []


def mishap(vmi: Obj, troubles: Troubles, ran_s: float) -> list[Obj] | None:
    """The conditions of an instance that ran for ``ran_s``; None as long as nothing has happened to it."""
    status = vmi.get("status") or {}
    before = [plain(told) for told in status.get("conditions") or ()]
    if troubles.paused_s is not None and ran_s >= troubles.paused_s:
        message = "VMI was paused, low-level IO error detected"
        kept = [told for told in before if told["type"] != "Paused"]
        return [*kept, condition("Paused", "True", "PausedIOError", message)]
    if troubles.node_lost_s is not None and ran_s >= troubles.node_lost_s:
        node = status.get("nodeName")
        message = f"virt-handler on node {node} is not responsive, marking VMI as not ready"
        kept = [told for told in before if told["type"] != "Ready"]
        return [*kept, condition("Ready", "False", "NodeUnresponsive", message)]
    return None
