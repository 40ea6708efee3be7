"""printableStatus of a VirtualMachine: the first that matches, in KubeVirt's order (setPrintableStatus)."""

from __future__ import annotations

from pytest_odfperf.sandbox.reconcilers.conditions import find
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import DATA_VOLUME, PVC, Obj, is_deleting
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.claim_states import is_bound
from pytest_odfperf.sandbox.reconcilers.volume_claims import claim_names

_FINAL = ("Succeeded", "Failed")


def printable_status(
    vm: Obj, vmi: Obj | None, strategy: str, start_failure: Obj | None, caches: Caches
) -> str:
    status = (vmi.get("status") or {}) if vmi else {}
    phase, conditions = status.get("phase"), status.get("conditions")
    if is_deleting(vm):
        return "Terminating"
    if vmi is not None and (is_deleting(vmi) or phase in _FINAL):
        return "Stopping" if phase not in _FINAL or is_deleting(vmi) else "Stopped"
    if phase == "Running":
        return "Running"
    if _is(conditions, "Synchronized", "FailedPvcNotFound"):
        return "ErrorPvcNotFound"
    namespace = vm["metadata"]["namespace"]
    templates = [t["metadata"]["name"] for t in vm["spec"].get("dataVolumeTemplates") or []]
    volumes = [dv for n in templates if (dv := caches[DATA_VOLUME].get(namespace, n)) is not None]
    if any(_has_error(dv) for dv in volumes):
        return "DataVolumeError"
    if _is(conditions, "PodScheduled", "Unschedulable"):
        return "ErrorUnschedulable"
    if strategy == "Halted" and vmi is None:
        return "Stopped"
    if start_failure and vmi is None:
        return "CrashLoopBackOff"
    phases = [(dv.get("status") or {}).get("phase") or "" for dv in volumes]
    if any(p not in ("Succeeded", "PendingPopulation", "WaitForFirstConsumer") for p in phases):
        return "Provisioning"
    if len(volumes) < len(templates):
        return "Provisioning"
    claims = [caches[PVC].get(namespace, name) for name in claim_names(vm["spec"]["template"])]
    if (vmi is not None or strategy == "Always") and any(c and not is_bound(c) for c in claims):
        return "WaitingForVolumeBinding"
    if vmi is not None or strategy == "Always":
        return "Starting"
    return "Stopped"


def _is(conditions: object, kind: str, reason: str) -> bool:
    found = find(conditions, kind)
    return found is not None and found["status"] == "False" and found.get("reason") == reason


def _has_error(dv: Obj) -> bool:
    status = dv.get("status") or {}
    conditions = status.get("conditions")
    wrong = ("Error", "ImagePullFailed")
    return status.get("phase") == "Failed" or any(_is(conditions, "Running", reason) for reason in wrong)
