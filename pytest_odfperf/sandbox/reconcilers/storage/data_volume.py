"""DataVolumes: a claim each, cloned or blank, with CDI's phases, progress and conditions."""

from __future__ import annotations

import time
from typing import Any

from pytest_odfperf.sandbox.config.config_values import IMAGES_NAMESPACE
from pytest_odfperf.sandbox.reconcilers.api_client import Api, ApiError
from pytest_odfperf.sandbox.reconcilers.conditions import condition, differs, merged, record_event
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    DATA_SOURCE,
    DATA_VOLUME,
    EVENT,
    PVC,
    STORAGE_CLASS,
    STORAGE_PROFILE,
    Name,
    Obj,
    is_deleting,
    name_of,
    owned_by,
    owner_reference,
    uid_of,
)
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches, Reconciler
from pytest_odfperf.sandbox.reconcilers.storage.claim_states import (
    DEFAULT_CLASS,
    DEFAULT_VIRT_CLASS,
    default_class,
    is_bound,
    waits_for_consumer,
)
from pytest_odfperf.sandbox.reconcilers.storage.clone_plan import (
    CLONE_SOURCE,
    size_of,
    source_object,
    source_problem,
    too_small,
    waits_for,
    way_of,
)
from pytest_odfperf.sandbox.reconcilers.trouble_book import TroubleBook

#: How often the progress of a clone is written: parts of the time that it takes.
_STEPS = 4
#: Between two restarts of a pod that fails.
_RESTART_S = 1.0
_SOURCE = "datavolume-controller"
_CLONE_TYPE = "cdi.kubevirt.io/cloneType"
#: The phase in which a claim is filled, by the way in which it is cloned.
_IN_PROGRESS = {
    "csi-clone": "CSICloneInProgress",
    "snapshot": "CloneFromSnapshotSourceInProgress",
    "smart": "SnapshotForSmartCloneInProgress",
    "copy": "CloneInProgress",
}


class DataVolumes(Reconciler):
    def __init__(self, api: Api, caches: Caches, troubles: TroubleBook, *, clone_s: float) -> None:
        super().__init__(api, caches, DATA_VOLUME)
        self._clone_s = clone_s
        self._troubles = troubles
        self._began: dict[str, float] = {}
        self.follow_owned(PVC)
        for kind in (DATA_SOURCE, STORAGE_CLASS):
            self.follow(kind, lambda _: [name_of(dv) for dv in caches[DATA_VOLUME].objects.values()])
        # The condition Bound repeats what the claim's events say.
        self.follow(EVENT, _claim_of_event)

    async def reconcile(self, name: Name) -> None:
        dv = self.current(name)
        if dv is None or is_deleting(dv) or _phase(dv) in ("Succeeded", "Failed"):
            return
        claim = self.caches[PVC].get(*name)
        if claim is None:
            claim = await self._create_claim(dv)
            if claim is None:
                return
        if not owned_by(claim, dv):
            message = f"Resource {name[1]!r} already exists and is not managed by DataVolume"
            await self._refuse(dv, "ErrResourceExists", message)
            return
        await self._follow_claim(dv, claim)

    def _class_name(self, dv: Obj) -> str | None:
        spec = dv["spec"].get("storage") or dv["spec"].get("pvc") or {}
        return spec.get("storageClassName") or default_class(self.caches, DEFAULT_VIRT_CLASS, DEFAULT_CLASS)

    async def _create_claim(self, dv: Obj) -> Obj | None:
        """The new claim, or None: the reason is in the status, and the next change tries again."""
        clone = _is_clone(dv)
        problem = source_problem(self.caches, dv)
        if self._troubles.of_volume(dv).clone == "without_source":
            problem = f"The source pvc {dv['spec'].get('sourceRef', {}).get('name')} doesn't exist"
        if problem:
            await self._refuse(dv, "CloneWithoutSource", problem)
            return None
        class_name = self._class_name(dv)
        if class_name is None:
            await self._refuse(dv, "ErrClaimNotValid", "no storage class is set, and there is no default one")
            return None
        wanted = dv["spec"].get("storage") or dv["spec"].get("pvc") or {}
        modes, volume_mode = self._modes(dv, wanted, class_name)
        source_size = size_of(self.caches, dv)
        size = ((wanted.get("resources") or {}).get("requests") or {}).get("storage") or source_size or "10Gi"
        if source_size is not None and (refused := too_small(source_size, size)):
            await self._refuse(dv, "CloneValidationFailed", refused)
            return None
        spec: Obj = {
            "accessModes": modes,
            "volumeMode": volume_mode,
            "storageClassName": class_name,
            "resources": {"requests": {"storage": size}},
        }
        if clone:
            source = {
                "apiGroup": "cdi.kubevirt.io",
                "kind": CLONE_SOURCE,
                "name": f"volume-clone-source-{uid_of(dv)}",
            }
            spec["dataSourceRef"] = source
        meta = dv["metadata"]
        labels = {**(meta.get("labels") or {}), "app": "containerized-data-importer"}
        annotations = dict(meta.get("annotations") or {})
        way = way_of(self.caches, dv, class_name, volume_mode, size)
        if clone:
            annotations[_CLONE_TYPE] = way.strategy
        if way.fallback is not None:
            annotations["cdi.kubevirt.io/cloneFallbackReason"] = way.fallback[1]
        claim: Obj = {
            "metadata": {
                "name": meta["name"],
                "namespace": meta["namespace"],
                "labels": labels,
                "annotations": annotations,
                "ownerReferences": [owner_reference(DATA_VOLUME, dv)],
            },
            "spec": spec,
        }
        try:
            await self.api.create(PVC, claim)
        except ApiError as error:
            if "exceeded quota" in str(error):
                await self._refuse(dv, "ErrExceededQuota", str(error), bound="ErrExceededQuota")
            raise
        made = await self.api.get(PVC, meta["namespace"], meta["name"])
        if made is not None and way.fallback is not None:
            await record_event(self.api, PVC, made, *way.fallback, warning=True, source=_SOURCE)
        return made

    def _modes(self, dv: Obj, wanted: Obj, class_name: str) -> tuple[list[str], str]:
        """Access modes and volume mode: as asked for, else as the StorageProfile has them."""
        profile = self.caches[STORAGE_PROFILE].get("", class_name) or {}
        sets = (profile.get("status") or {}).get("claimPropertySets") or [{}]
        first: Obj = sets[0] if "storage" in dv["spec"] else {}
        modes = wanted.get("accessModes") or first.get("accessModes") or ["ReadWriteOnce"]
        return modes, wanted.get("volumeMode") or first.get("volumeMode") or "Filesystem"

    async def _follow_claim(self, dv: Obj, claim: Obj) -> None:
        if is_bound(claim):
            self._began.pop(uid_of(dv), None)
            await self._write(dv, claim, "Succeeded", "100.0%")
            return
        if waits_for_consumer(self.caches, claim):
            await self._write(dv, claim, "PendingPopulation", "N/A")
            return
        if self.caches[STORAGE_CLASS].get("", claim["spec"].get("storageClassName") or "") is None:
            await self._write(dv, claim, "Pending", "N/A")
            return
        if not _is_clone(dv):
            await self._write(dv, claim, "ImportScheduled", "N/A")
            return
        if await self._is_troubled(dv, claim) or await self._waits(dv, claim):
            return
        way = (claim["metadata"].get("annotations") or {}).get(_CLONE_TYPE, "csi-clone")
        smart = way == "snapshot" and source_object(self.caches, dv, "pvc") is not None
        phase = _IN_PROGRESS["smart" if smart else way]
        if _phase(dv) not in ("CloneScheduled", phase):
            await self._write(dv, claim, "CloneScheduled", "N/A")
            return
        began = self._began.setdefault(uid_of(dv), time.monotonic())
        part = min(0.99, (time.monotonic() - began) / max(self._clone_s, 1e-3))
        await self._write(dv, claim, phase, f"{100 * part:.1f}%")
        if part < 0.99:
            self.queue.add_later(name_of(dv), self._clone_s / _STEPS)

    async def _waits(self, dv: Obj, claim: Obj) -> bool:
        """Whether its source is not ready to be cloned."""
        source = source_object(self.caches, dv, "pvc")
        if source is None or (words := waits_for(self.caches, source)) is None:
            return False
        if words:
            await record_event(
                self.api, DATA_VOLUME, dv, "CloneSourceInUse", words, warning=True, source=_SOURCE
            )
        await self._write(dv, claim, "CloneScheduled", "N/A")
        self.queue.add_later(name_of(dv), _RESTART_S)
        return True

    async def _is_troubled(self, dv: Obj, claim: Obj) -> bool:
        troubles = self._troubles.of_volume(dv)
        name = claim["metadata"]["name"]
        pending = condition("Bound", "False", "Pending", f"PVC {name} Pending")
        status: Obj = {"claimName": name, "progress": "N/A"}
        if troubles.import_error is not None:
            restarts = int((dv.get("status") or {}).get("restartCount") or 0) + 1
            running = condition("Running", "False", "Error", troubles.import_error)
            status |= {"phase": "ImportInProgress", "restartCount": restarts}
            await self._write_status(dv, status, [pending, running, condition("Ready", "False")])
            self.queue.add_later(name_of(dv), _RESTART_S)
        elif troubles.clone == "source_in_use":
            source = dv["spec"].get("sourceRef", {}).get("name")
            message = f"pod {IMAGES_NAMESPACE}/reader using PersistentVolumeClaim {source}"
            await record_event(
                self.api, DATA_VOLUME, dv, "CloneSourceInUse", message, warning=True, source=_SOURCE
            )
            await self._write(dv, claim, "CloneScheduled", "N/A")
        elif troubles.clone == "stalls":
            await self._write(dv, claim, "CSICloneInProgress", "42.00%")
        elif troubles.clone == "fails":
            running = condition(
                "Running", "False", "Error", "the clone's volume could not be read: Input/output error"
            )
            await self._write_status(
                dv, status | {"phase": "Failed"}, [pending, running, condition("Ready", "False")]
            )
        else:
            return False
        return True

    async def _refuse(self, dv: Obj, reason: str, message: str, *, bound: str = "NotFound") -> None:
        await record_event(self.api, DATA_VOLUME, dv, reason, message, warning=True, source=_SOURCE)
        conditions = [
            condition("Bound", "Unknown", bound, "No PVC found" if bound == "NotFound" else message),
            condition("Running", "False", reason, message),
            condition("Ready", "False"),
        ]
        await self._write_status(dv, {"phase": "Pending", "progress": "N/A"}, conditions)

    async def _write(self, dv: Obj, claim: Obj, phase: str, progress: str) -> None:
        name = claim["metadata"]["name"]
        done = phase == "Succeeded"
        bound = (
            condition("Bound", "True", "Bound", f"PVC {name} Bound")
            if done
            else condition("Bound", "False", "Pending", self._last_event(claim) or f"PVC {name} Pending")
        )
        running = (
            condition("Running", "False", "Completed", "Clone Complete")
            if done
            else condition(
                "Running", str(phase in _IN_PROGRESS.values()), "Pending" if phase == "Pending" else ""
            )
        )
        ready = condition("Ready", str(done), "" if done else "TransferRunning")
        status: Obj = {"phase": phase, "progress": progress, "claimName": name}
        await self._write_status(dv, status, [bound, running, ready])

    async def _write_status(self, dv: Obj, status: Obj, conditions: list[Obj]) -> None:
        before = dv.get("status") or {}
        status["conditions"] = merged(before.get("conditions"), conditions)
        if differs(status, before):
            await self.api.patch_status(DATA_VOLUME, name_of(dv), status)

    def _last_event(self, claim: Obj) -> str:
        events: list[Any] = [
            event
            for event in self.caches[EVENT].objects.values()
            if event["involvedObject"].get("uid") == claim["metadata"]["uid"]
        ]
        last: Obj = max(events, key=lambda event: event.get("lastTimestamp") or "", default={})
        return str(last.get("message", ""))


def _phase(dv: Obj) -> str:
    return (dv.get("status") or {}).get("phase") or ""


def _is_clone(dv: Obj) -> bool:
    return "blank" not in (dv["spec"].get("source") or {})


def _claim_of_event(event: Obj) -> list[Name]:
    about = event.get("involvedObject") or {}
    if about.get("kind") != "PersistentVolumeClaim":
        return []
    return [(about.get("namespace", ""), about["name"])]
