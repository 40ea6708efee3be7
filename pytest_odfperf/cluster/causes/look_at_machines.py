"""How each cause that concerns the control plane, the launcher pod or the machine is recognised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_odfperf.cluster.causes.look import (
    Heals,
    Look,
    failure_of,
    has,
    unsynchronized,
    vm_of,
    vmi_of,
    volume_of,
    volume_says,
)
from pytest_odfperf.cluster.causes.seen import (
    VmSeen,
    condition,
    name_of,
    phase,
    run_strategy,
    status_of,
    uid_of,
    words,
)
from pytest_odfperf.cluster.client.calls import JsonObject

_QUOTA = ("exceeded quota", "exceeds quota")
_UNAUTHORIZED = ("not authorized", "insufficient permissions", "unauthorized")
#: Words of a trouble of the control plane that passes.
_PASSING = (
    "etcdserver:",
    "failed calling webhook",
    "context deadline exceeded",
    "the object has been modified",
    "connection refused",
)
#: What a kubelet says that is still at it, or has only not begun anew.
_STILL_AT_IT = (
    "timed out waiting",
    "context deadline exceeded",
    "already exists",
    "DeadlineExceeded",
    "Aborted",
)
_PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
#: Reasons of Synchronized=False that have rows of their own.
_SYNC_KNOWN = ("FailedPvcNotFound", "FailedCreate", "FailedGuaranteeResources", *_PULL)


def quota(seen: VmSeen) -> Iterator[Look]:
    for where, said in (
        (vm_of(seen), failure_of(seen)),
        (
            volume_of(seen),
            volume_says(seen, "Bound", "ErrExceededQuota") or seen.said(seen.root, "ErrExceededQuota"),
        ),
        (vm_of(seen), seen.said(seen.vm, "FailedDataVolumeImport")),
        (vmi_of(seen), unsynchronized(seen, "FailedCreate")),
    ):
        if said and (has(said, _QUOTA) or "ErrExceededQuota" in said):
            yield Look(where, said)


def clone_forbidden(seen: VmSeen) -> Iterator[Look]:
    failure = failure_of(seen)
    said = seen.said(seen.vm, "UnauthorizedDataVolumeCreate") or (
        failure if has(failure, _UNAUTHORIZED) else ""
    )
    if said and seen.root is None:
        yield Look(vm_of(seen), said)


def refused(seen: VmSeen) -> Iterator[Look]:
    if said := failure_of(seen):
        yield Look(vm_of(seen), said, "retry" if has(said, _PASSING) else None)


# -- the launcher pod


def claim_missing(seen: VmSeen) -> Iterator[Look]:
    if said := unsynchronized(seen, "FailedPvcNotFound"):
        yield Look(vmi_of(seen), said)


def launcher_refused(seen: VmSeen) -> Iterator[Look]:
    said = unsynchronized(seen, "FailedCreate")
    if said and not has(said, _QUOTA):
        yield Look(vmi_of(seen), said, "retry" if has(said, _PASSING) else None)


def cpu_manager(seen: VmSeen) -> Iterator[Look]:
    if said := unsynchronized(seen, "FailedGuaranteeResources"):
        yield Look(vmi_of(seen), said)


def unschedulable(seen: VmSeen) -> Iterator[Look]:
    """Heals if another group of the run ends; at once final for what no node could ever hold."""
    told = condition(seen.instance or seen.pod, "PodScheduled", "False")
    if not told or "unbound immediate PersistentVolumeClaims" in str(told.get("message")):
        return
    never = next((why for pod in seen.pods if (why := seen.never_fits(pod))), None)
    who = vmi_of(seen) if seen.pod is None else f"Pod {seen.name}"
    if never:
        yield Look(who, f"{words(told)} ({never})", "no")
    else:
        yield Look(who, words(told), "free" if seen.alone else None)


def _waiting(pod: JsonObject) -> Iterator[JsonObject]:
    for states in ("initContainerStatuses", "containerStatuses"):
        for container in status_of(pod).get(states) or ():
            if waiting := (container.get("state") or {}).get("waiting"):
                yield waiting


def image_pull(seen: VmSeen) -> Iterator[Look]:
    shown: list[Any] = [
        # The state of a later attempt hides why the first one failed.
        (f"Pod {name_of(pod)}", "; ".join(filter(None, (words(waiting), seen.said(pod, "Failed")))))
        for pod in seen.pods
        for waiting in _waiting(pod)
        if waiting.get("reason") in _PULL
    ]
    if said := unsynchronized(seen, *_PULL):
        shown = shown or [(vmi_of(seen), said)]
    yield from (Look(name, said) for name, said in shown)


def volume_attach(seen: VmSeen) -> Iterator[Look]:
    for pod in seen.pods:
        said = seen.said(pod, "FailedAttachVolume", "FailedMount", "FailedMapVolume")
        if said and phase(pod) == "Pending":
            # The kubelet makes the file system of a pod's disk, which takes minutes on a large one.
            heals: Heals | None = "stall" if pod is seen.pod and has(said, _STILL_AT_IT) else None
            node = (pod.get("spec") or {}).get("nodeName")
            yield Look(f"Pod {name_of(pod)} on node {node}", said, heals)


# -- the machine


def node_lost(seen: VmSeen) -> Iterator[Look]:
    told = condition(seen.instance, "Ready", "False", "Unknown")
    node = status_of(seen.instance).get("nodeName")
    if told and told.get("reason") == "NodeUnresponsive":
        yield Look(f"{vmi_of(seen)} on node {node}", words(told))
    elif phase(seen.instance) == "Unknown":
        yield Look(
            f"{vmi_of(seen)} on node {node}", f"phase Unknown: {words(told) or 'its node does not answer'}"
        )


def deleted(seen: VmSeen) -> Iterator[Look]:
    """The VM is deleted while the run uses it. A run that ends deletes it too, and does not look any more."""
    if seen.vm is not None and seen.vm["metadata"].get("deletionTimestamp"):
        yield Look(vm_of(seen), "somebody deleted it")


def stopped(seen: VmSeen) -> Iterator[Look]:
    """``virtctl stop``: a run asks for VMs that always run."""
    if (strategy := run_strategy(seen.vm)) not in (None, "Always"):
        yield Look(vm_of(seen), f"somebody stopped it: its runStrategy is {strategy}")


def restarted(seen: VmSeen) -> Iterator[Look]:
    """``virtctl restart``: the VM is told to stop the instance that there is."""
    requests = status_of(seen.vm).get("stateChangeRequests") or ()
    asked = {str(one.get("uid")) for one in requests if one.get("action") == "Stop"}
    if uid_of(seen.instance) in asked - {""}:
        yield Look(vm_of(seen), "somebody restarted it")


def evicted(seen: VmSeen) -> Iterator[Look]:
    """A drain, a taint or a full node took the launcher pod (KEP-3329)."""
    for pod in seen.pods:
        if told := condition(pod, "DisruptionTarget", "True"):
            node = (pod.get("spec") or {}).get("nodeName")
            yield Look(f"Pod {name_of(pod)} on node {node}", f"evicted: {words(told)}")


_BY_USER, _BY_MIGRATION = "PausedByUser", "PausedByMigrationMonitor"


def paused(seen: VmSeen) -> Iterator[Look]:
    told = condition(seen.instance, "Paused", "True")
    if told and told.get("reason") != _BY_USER:
        # A migration pauses a VM for a moment (KubeVirt 1.5).
        heals: Heals | None = "retry" if told.get("reason") == _BY_MIGRATION else None
        yield Look(vmi_of(seen), f"Paused: {words(told)}", heals)


def paused_by_user(seen: VmSeen) -> Iterator[Look]:
    told = condition(seen.instance, "Paused", "True")
    if told and told.get("reason") == _BY_USER:
        yield Look(vmi_of(seen), f"somebody paused it: {words(told)}")


def launcher_crash(seen: VmSeen) -> Iterator[Look]:
    failed = phase(seen.instance) == "Failed"
    starts = status_of(seen.vm).get("startFailure") or {}
    if not failed and not starts.get("consecutiveFailCount"):
        return
    uid = uid_of(seen.instance) if failed else str(starts.get("lastFailedVMIUID"))
    ready = words(condition(seen.instance, "Ready", "False")) if failed else ""
    said = seen.said(uid, "SyncFailed") or ready or seen.said(uid, "Stopped")
    times = f", {starts['consecutiveFailCount']} starts failed" if starts.get("consecutiveFailCount") else ""
    # Events come after the state that they explain.
    yield Look(vmi_of(seen), f"Failed{times}: {said or 'no event says why'}", None if said else "soon")


def not_synchronized(seen: VmSeen) -> Iterator[Look]:
    told = condition(seen.instance, "Synchronized", "False")
    if told and told.get("reason") not in _SYNC_KNOWN:
        yield Look(vmi_of(seen), words(told))
