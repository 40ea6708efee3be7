"""Back-off of VMs whose instances end before they run (KubeVirt ``vm.go``, calculateStartBackoffTime)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Obj

_FACTOR_S = 10
_LONGEST_S = 300


def start_failure(before: Obj | None, vmi: Obj | None) -> Obj | None:
    """The VM's status.startFailure after what became of ``vmi``: None once an instance has run."""
    if vmi is None:
        return before
    status = vmi.get("status") or {}
    steps = [step["phase"] for step in status.get("phaseTransitionTimestamps") or []]
    if "Running" in steps:
        return None
    uid = vmi["metadata"]["uid"]
    if status.get("phase") != "Failed" or (before or {}).get("lastFailedVMIUID") == uid:
        return before
    count = (before or {}).get("consecutiveFailCount", 0) + 1
    wait = timedelta(seconds=min(_LONGEST_S, _FACTOR_S * count * count))
    return {
        "consecutiveFailCount": count,
        "lastFailedVMIUID": uid,
        "retryAfterTimestamp": (datetime.now(UTC) + wait).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def wait_s(failure: Obj | None) -> float:
    """How long the next start is put off."""
    if not failure:
        return 0.0
    after = datetime.fromisoformat(failure["retryAfterTimestamp"])
    return max(0.0, (after - datetime.now(UTC)).total_seconds())
