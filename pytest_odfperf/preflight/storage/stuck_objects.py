"""VMs and pods that wait for long, can not start, or do not go: what keeps them may keep ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from pytest_odfperf.preflight.check import Check, JsonObject, doubtful, failed
from pytest_odfperf.preflight.storage.ages import age_s, minutes

#: Guests that are cloned and boot slowly take less.
PATIENCE_S = 900.0
#: Of a VirtualMachine's ``printableStatus``: it will not run as things are.
_HOPELESS_VMS = frozenset(
    {
        "CrashLoopBackOff", "DataVolumeError", "ErrImagePull", "ErrorPvcNotFound", "ErrorUnschedulable",
        "ImagePullBackOff", "Unknown",
    }
)  # fmt: skip
_HOPELESS_PODS = frozenset(
    {
        "CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError", "ErrImagePull",
        "ImagePullBackOff", "InvalidImageName",
    }
)  # fmt: skip
_WAITING: Mapping[str, frozenset[str]] = {
    "VMs": frozenset({"Starting", "Provisioning", "WaitingForVolumeBinding", "Stopping", "Terminating"}),
    "VMIs": frozenset({"", "Pending", "Scheduling", "Scheduled", "Unknown"}),
    "pods": frozenset({"", "Pending", "Unknown"}),
}


def stuck_objects(
    place: str, found: Mapping[str, Sequence[JsonObject]], now: datetime | None
) -> Iterator[Check]:
    """``found`` are ``VMs``, ``VMIs`` and ``pods``, of any namespaces; ``place`` is the run's own.

    In others they are only a sign, and pods there are none.
    """
    for sort, items in found.items():
        for ours in (True, False):
            mine = [one for one in items if (one["metadata"].get("namespace") == place) == ours]
            stuck = [text for one in mine if (text := _stuck(one, sort, now)) is not None]
            if not stuck or (sort == "pods" and not ours):
                continue
            where = f"of namespace {place}" if ours else "of other namespaces"
            shown = f"{len(stuck)} of {len(mine)}: {'; '.join(stuck[:3])}{'; ...' if len(stuck) > 3 else ''}"
            look = f"oc get vm,vmi,pods {f'-n {place}' if ours else '-A'}; nothing is removed by force"
            level: Callable[[str, str, str], Check] = failed if ours and sort != "pods" else doubtful
            yield level(f"stuck {sort} {where}", shown, f"what keeps them may keep ours: {look}")


def _stuck(one: JsonObject, sort: str, now: datetime | None) -> str | None:
    meta, status = one["metadata"], one.get("status") or {}
    name = f"{meta.get('namespace')}/{meta['name']}"
    going = age_s(meta.get("deletionTimestamp"), now)
    if going is not None and going > PATIENCE_S:
        held = ", ".join(map(str, meta.get("finalizers") or ())) or "none"
        return f"{name} is Terminating for {minutes(going)} (finalizers: {held})"
    state = str(status.get("printableStatus" if sort == "VMs" else "phase") or "")
    if hopeless := _hopeless(state, status, sort):
        return f"{name} is {hopeless}"
    age = age_s(meta.get("creationTimestamp"), now)
    if state in _WAITING[sort] and age is not None and age > PATIENCE_S:
        return f"{name} is {state or 'without a phase'}, and {minutes(age)} old"
    return None


def _hopeless(state: str, status: JsonObject, sort: str) -> str | None:
    if sort == "VMs":
        return state if state in _HOPELESS_VMS else None
    if sort == "VMIs":
        return state if state == "Failed" else None
    containers = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    reasons = [((one.get("state") or {}).get("waiting") or {}).get("reason") for one in containers]
    return next((str(reason) for reason in reasons if reason in _HOPELESS_PODS), None)
