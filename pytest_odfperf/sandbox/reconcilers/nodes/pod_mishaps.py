"""What happens to a pod that ran, by its troubles: what its status then shows."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_odfperf.sandbox.config.trouble_rules import Troubles
from pytest_odfperf.sandbox.machines.base import Ended
from pytest_odfperf.sandbox.reconcilers.conditions import condition
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Obj

_KILLED = 137


def mishap_of(pod: Obj, troubles: Troubles) -> tuple[Ended | None, Obj | None, list[Obj]]:
    """How its container ends, or what its status gets, and conditions; nothing as long as it is well."""
    status = pod.get("status") or {}
    started = datetime.fromisoformat(status["startTime"])
    ran_s = (datetime.now(UTC) - started).total_seconds()
    if troubles.out_of_memory_s is not None and ran_s >= troubles.out_of_memory_s:
        return Ended(_KILLED, "OOMKilled"), None, []
    if troubles.evicted_s is not None and ran_s >= troubles.evicted_s:
        said = "Eviction API: evicting"
        return Ended(_KILLED), None, [condition("DisruptionTarget", "True", "EvictionByEvictionAPI", said)]
    if troubles.node_lost_s is not None and ran_s >= troubles.node_lost_s:
        # The node controller's words; the kubelet, which would know, is silent.
        lost = condition("Ready", "False", "NodeNotReady", "Node is not ready")
        return None, {"phase": "Running", "reason": "NodeLost"}, [lost]
    return None, None, []
