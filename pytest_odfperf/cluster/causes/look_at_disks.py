"""How each cause that concerns a disk is recognised: the objects that show it, and their words."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.cluster.causes.look import Look, has, volume_of, volume_says
from pytest_odfperf.cluster.causes.seen import (
    VmSeen,
    condition,
    name_of,
    phase,
    short_line,
    status_of,
    uid_of,
    words,
)
from pytest_odfperf.cluster.client.calls import JsonObject

#: gRPC codes with which a CSI driver says "I am still at it".
_STILL_AT_IT = ("DeadlineExceeded", "Aborted", "Unavailable", "context deadline exceeded", "already exists")
#: DataVolume phases in which nothing is copied.
_RESTING = ("", "Succeeded", "Failed", "WaitForFirstConsumer", "PendingPopulation", "Paused")
#: Importer restarts after which it will not succeed by itself.
_RESTARTS = 3


def claim_lost(seen: VmSeen) -> Iterator[Look]:
    for claim in seen.claims:
        if phase(claim) == "Lost":
            yield Look(f"PersistentVolumeClaim {name_of(claim)}", "Lost: its volume is gone")


def _unprovisioned(seen: VmSeen) -> Iterator[tuple[JsonObject, str, str]]:
    """Claims whose provisioner said why it fails: the claim, its name with its class, the words."""
    for claim in seen.claims:
        said = seen.said(claim, "ProvisioningFailed") if phase(claim) == "Pending" else None
        if said:
            of = (claim.get("spec") or {}).get("storageClassName")
            yield claim, f"PersistentVolumeClaim {name_of(claim)} of StorageClass {of}", f"Pending, {said}"


def _names_no_class(said: str) -> bool:
    return "storageclass" in said and "not found" in said


def storage_class_missing(seen: VmSeen) -> Iterator[Look]:
    for _, name, said in _unprovisioned(seen):
        if _names_no_class(said):
            yield Look(name, said)


def provisioning(seen: VmSeen) -> Iterator[Look]:
    for _, name, said in _unprovisioned(seen):
        if not has(said, _STILL_AT_IT) and not _names_no_class(said):
            yield Look(name, said, "no" if "not found" in said else None)


def provisioner_busy(seen: VmSeen) -> Iterator[Look]:
    for _, name, said in _unprovisioned(seen):
        if has(said, _STILL_AT_IT):
            yield Look(name, said)


def provisioner_silent(seen: VmSeen) -> Iterator[Look]:
    """An external provisioner was called, and did not even say that it begins.

    Each claim shows that for a moment. One that CDI fills shows it until the end: its volume is made for
    another claim.
    """
    for claim in seen.claims:
        if _is_filled_by_cdi(claim):
            continue
        said = seen.said(claim, "ExternalProvisioning")
        if phase(claim) == "Pending" and said and not seen.said(claim, "Provisioning", "ProvisioningFailed"):
            of = (claim.get("spec") or {}).get("storageClassName")
            yield Look(f"PersistentVolumeClaim {name_of(claim)} of StorageClass {of}", f"Pending, {said}")


def _is_filled_by_cdi(claim: JsonObject) -> bool:
    source = (claim.get("spec") or {}).get("dataSourceRef") or {}
    return bool(source.get("apiGroup") == "cdi.kubevirt.io")


def claim_pending(seen: VmSeen) -> Iterator[Look]:
    """Only the data disk: CDI keeps the root disk's claim Pending while it fills it."""
    for claim in seen.claims:
        if phase(claim) != "Pending" or (seen.root and name_of(claim) == name_of(seen.root)):
            continue
        if seen.said(claim, "WaitForFirstConsumer", "WaitForPodScheduled", "ProvisioningFailed"):
            continue
        last = (seen.events.get(uid_of(claim)) or [{}])[-1]
        yield Look(
            f"PersistentVolumeClaim {name_of(claim)}", f"Pending, {words(last) or 'no event says why'}"
        )


_SOURCE = (
    "CloneWithoutSource",
    "CloneValidationFailed",
    "IncompatibleVolumeModes",
    "IncompatibleProvisioners",
    "NoVolumeSnapshotClass",
    "NoVolumeExpansion",
    "ErrUnableToClone",
)


def clone_source(seen: VmSeen) -> Iterator[Look]:
    said = volume_says(seen, "Running", *_SOURCE) or seen.said(seen.root, *_SOURCE)
    if said and phase(seen.root) not in ("Succeeded", "Failed"):
        yield Look(volume_of(seen), said)


def clone_in_use(seen: VmSeen) -> Iterator[Look]:
    said = seen.said(seen.root, "CloneSourceInUse")
    if said and phase(seen.root) in ("", "Pending", "CloneScheduled", "CSICloneInProgress"):
        yield Look(volume_of(seen), f"{phase(seen.root)}: {said}")


def claim_refused(seen: VmSeen) -> Iterator[Look]:
    said = volume_says(seen, "Bound", "ErrClaimNotValid", "ErrIncompatiblePVC", "ClaimLost")
    said = said or volume_says(seen, "Running", "ErrClaimNotValid", "ErrResourceExists")
    if said and phase(seen.root) != "Failed":
        yield Look(volume_of(seen), said)


def clone_failed(seen: VmSeen) -> Iterator[Look]:
    if phase(seen.root) == "Failed":
        bound = condition(seen.root, "Bound", "False")
        lost = bound if bound and bound.get("reason") != "Pending" else None
        said = words(lost or condition(seen.root, "Running", "False"))
        yield Look(volume_of(seen), f"Failed: {said}")


def importer_memory(seen: VmSeen) -> Iterator[Look]:
    if said := volume_says(seen, "Running", "OOMKilled"):
        yield Look(volume_of(seen), said)


def importer_refused(seen: VmSeen) -> Iterator[Look]:
    said = seen.said(seen.root, "ErrStartingPod")
    if said and phase(seen.root) in ("", "Pending", "PVCBound", "ImportScheduled", "CloneScheduled"):
        yield Look(volume_of(seen), said)


def importer_unschedulable(seen: VmSeen) -> Iterator[Look]:
    if said := volume_says(seen, "Running", "Unschedulable"):
        yield Look(volume_of(seen), said)


def import_failed(seen: VmSeen) -> Iterator[Look]:
    said = volume_says(seen, "Running", "Error", "ImagePullFailed")
    restarts = int(status_of(seen.root).get("restartCount") or 0)
    if (said or restarts >= _RESTARTS) and phase(seen.root) not in ("Succeeded", "Failed"):
        said = (
            said or words(condition(seen.root, "Running", "False", "True")) or "its pod ends again and again"
        )
        shown = f"{phase(seen.root)}, {restarts} restarts: {said}"
        yield Look(volume_of(seen), shown, "no" if restarts >= _RESTARTS else None)


def clone_stalled(seen: VmSeen) -> Iterator[Look]:
    state = phase(seen.root) or ""
    if seen.root is None or state in _RESTING:
        return
    progress = str(status_of(seen.root).get("progress", "N/A"))
    claim = next((c for c in seen.claims if name_of(c) == name_of(seen.root)), None)
    fallback = ((claim or {}).get("metadata", {}).get("annotations") or {}).get(
        "cdi.kubevirt.io/cloneFallbackReason"
    )
    last = (seen.events.get(uid_of(seen.root)) or seen.events.get(uid_of(claim)) or [{}])[-1]
    parts = [f"{state} ({progress}), no progress", words(last)]
    if fallback:
        parts.append(f"copied by hosts since {short_line(fallback)}")
    yield Look(volume_of(seen), "; ".join(part for part in parts if part), token=f"{state} {progress}")
