"""Snapshots of claims: what snapshot-controller and a driver's csi-snapshotter do.

kubernetes-csi/external-snapshotter ``pkg/common-controller``, ``pkg/sidecar-controller``.
"""

from __future__ import annotations

import json
from datetime import datetime

from pytest_odfperf.errors import OdfError
from pytest_odfperf.quantity import to_bytes
from pytest_odfperf.sandbox.ceph.ceph import Ceph, CephError
from pytest_odfperf.sandbox.machines.base import SNAPSHOT_PREFIX, Machines, Origin
from pytest_odfperf.sandbox.reconcilers.api_client import Api, now
from pytest_odfperf.sandbox.reconcilers.conditions import record_event
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    PV,
    PVC,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CLASS,
    VOLUME_SNAPSHOT_CONTENT,
    Name,
    Obj,
    is_deleting,
    name_of,
    uid_of,
)
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches, Reconciler
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.ceph_provisioner import (
    forget_image,
    image_place,
    keep_image,
)
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.csi_rules import rpc
from pytest_odfperf.sandbox.reconcilers.storage.claim_states import is_bound
from pytest_odfperf.sandbox.reconcilers.storage.volume_backends import VolumeBackends

_GROUP = "snapshot.storage.kubernetes.io"
DEFAULT_CLASS = f"{_GROUP}/is-default-class"
_FINALIZERS = (f"{_GROUP}/volumesnapshot-as-source-protection", f"{_GROUP}/volumesnapshot-bound-protection")
#: Of a content: the parts of the snapshotted PersistentVolume that tell where its data is.
VOLUME = "sandbox.odfperf/volume"
_SOURCE = "snapshot-controller"
_RETRY_S = 2.0


class _SnapshotError(OdfError):
    def __init__(self, reason: str, words: str) -> None:
        self.reason = reason
        super().__init__(words)


class Snapshots(Reconciler):
    """VolumeSnapshots."""

    def __init__(
        self, api: Api, caches: Caches, machines: Machines, backends: VolumeBackends, ceph: Ceph | None
    ) -> None:
        super().__init__(api, caches, VOLUME_SNAPSHOT)
        self._machines = machines
        self._backends = backends
        self._ceph = ceph

    async def reconcile(self, name: Name) -> None:
        snapshot = self.current(name)
        if snapshot is None:
            return
        if is_deleting(snapshot):
            await self._delete(snapshot)
            return
        finalizers = list(snapshot["metadata"].get("finalizers") or [])
        if missing := [one for one in _FINALIZERS if one not in finalizers]:
            await self.api.set_finalizers(VOLUME_SNAPSHOT, snapshot, [*finalizers, *missing])
            return
        if (snapshot.get("status") or {}).get("readyToUse"):
            return
        try:
            await self._take(snapshot)
        except _SnapshotError as error:
            await self._say(snapshot, error.reason, str(error), warning=True)
            told = {"message": str(error), "time": now()}
            before = ((snapshot.get("status") or {}).get("error") or {}).get("message")
            if before != str(error):
                status = {"readyToUse": False, "error": told}
                await self.api.patch_status(VOLUME_SNAPSHOT, name, status)
            self.queue.add_later(name, _RETRY_S)

    async def _take(self, snapshot: Obj) -> None:
        volume = self._source(snapshot)
        sc = await self._class(snapshot, volume)
        content = f"snapcontent-{uid_of(snapshot)}"
        csi = volume["spec"]["csi"]
        where = {"storageClassName": volume["spec"].get("storageClassName"), "csi": csi}
        await self.api.create(
            VOLUME_SNAPSHOT_CONTENT,
            {
                "metadata": {"name": content, "annotations": {VOLUME: json.dumps(where)}},
                "spec": {
                    "deletionPolicy": sc["deletionPolicy"],
                    "driver": csi["driver"],
                    "source": {"volumeHandle": csi["volumeHandle"]},
                    "sourceVolumeMode": volume["spec"].get("volumeMode") or "Filesystem",
                    "volumeSnapshotClassName": sc["metadata"]["name"],
                    "volumeSnapshotRef": {
                        "apiVersion": VOLUME_SNAPSHOT.api_version,
                        "kind": VOLUME_SNAPSHOT.kind,
                        "namespace": snapshot["metadata"]["namespace"],
                        "name": snapshot["metadata"]["name"],
                        "uid": uid_of(snapshot),
                    },
                },
            },
        )
        whole = "/".join(name_of(snapshot))
        said = f"Waiting for a snapshot {whole} to be created by the CSI driver."
        await self._say(snapshot, "CreatingSnapshot", said)
        status: Obj = {"boundVolumeSnapshotContentName": content, "readyToUse": False}
        await self.api.patch_status(VOLUME_SNAPSHOT, name_of(snapshot), status)
        if sc["driver"] != csi["driver"]:
            words = rpc("NotFound", f"{sc['driver']} has no volume {csi['volumeHandle']}")
            raise self._failed(csi["volumeHandle"], words)
        size = str(volume["spec"]["capacity"]["storage"])
        try:
            await self._copy(volume, uid_of(snapshot), to_bytes(size))
        except OdfError as error:
            words = rpc("Internal", error.said if isinstance(error, CephError) else str(error))
            raise self._failed(csi["volumeHandle"], words) from error
        moment = now()
        taken_ns = int(datetime.fromisoformat(moment).timestamp()) * 10**9
        handle = f"{csi['volumeHandle']}-{uid_of(snapshot)}"
        status = {"snapshotHandle": handle, "creationTime": taken_ns}
        status |= {"readyToUse": True, "restoreSize": to_bytes(size)}
        await self.api.patch_status(VOLUME_SNAPSHOT_CONTENT, ("", content), status)
        status = {"boundVolumeSnapshotContentName": content, "creationTime": moment, "error": None}
        status |= {"readyToUse": True, "restoreSize": size}
        await self.api.patch_status(VOLUME_SNAPSHOT, name_of(snapshot), status)
        said = f"Snapshot {whole} was successfully created by the CSI driver."
        await self._say(snapshot, "SnapshotCreated", said)
        await self._say(snapshot, "SnapshotReady", f"Snapshot {whole} is ready to use.")

    def _failed(self, handle: str, words: str) -> _SnapshotError:
        said = f'failed to take snapshot of the volume {handle}: "{words}"'
        return _SnapshotError(
            "SnapshotCreationFailed", f"Failed to check and update snapshot content: {said}"
        )

    def _source(self, snapshot: Obj) -> Obj:
        """The volume of its claim."""
        namespace, name = name_of(snapshot)
        claim_name = snapshot["spec"]["source"].get("persistentVolumeClaimName")
        if claim_name is None:
            words = "a sandbox has no snapshots but those that it takes of claims"
            raise _SnapshotError("SnapshotBindFailed", words)
        head = "Failed to create snapshot content with error"
        claim = self.caches[PVC].get(namespace, claim_name)
        if claim is None:
            words = f"{head} snapshot controller failed to update {name} on API server"
            raise _SnapshotError("SnapshotContentCreationFailed", f"{words}: cannot get claim from snapshot")
        volume = self.caches[PV].get("", claim["spec"].get("volumeName") or "")
        if not is_bound(claim) or volume is None:
            words = f"{head} the PVC {claim_name} is not yet bound to a PV"
            words = f"{words}, will not attempt to take a snapshot"
            raise _SnapshotError("SnapshotContentCreationFailed", words)
        return volume

    async def _class(self, snapshot: Obj, volume: Obj) -> Obj:
        """As it is named, or the default one of the volume's driver."""
        classes = self.caches[VOLUME_SNAPSHOT_CLASS].objects
        if (name := snapshot["spec"].get("volumeSnapshotClassName")) is not None:
            if (found := classes.get(("", name))) is not None:
                return found
            words = f'volumesnapshotclass.snapshot.storage.k8s.io "{name}" not found'
            raise _SnapshotError("GetSnapshotClassFailed", f"Failed to get snapshot class with error {words}")
        driver = volume["spec"]["csi"]["driver"]
        defaults = [
            one
            for one in classes.values()
            if one["driver"] == driver
            and (one["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"
        ]
        if len(defaults) != 1:
            words = "cannot find default snapshot class"
            if defaults:
                words = f"{len(defaults)} default snapshot classes were found"
            said = f"Failed to set default snapshot class with error {words}"
            raise _SnapshotError("SetDefaultSnapshotClassFailed", said)
        name = defaults[0]["metadata"]["name"]
        await self.api.patch(VOLUME_SNAPSHOT, name_of(snapshot), {"spec": {"volumeSnapshotClassName": name}})
        return defaults[0]

    async def _copy(self, volume: Obj, uid: str, size_bytes: int) -> None:
        backend = await self._backends.of_volume(volume)
        if backend is None:
            raise OdfError("its volume is of no StorageClass of this sandbox")
        kept = f"{SNAPSHOT_PREFIX}{uid}"
        name = volume["metadata"]["name"]
        attributes = volume["spec"]["csi"].get("volumeAttributes") or {}
        place = image_place(attributes, backend.image(name))
        await keep_image(self._ceph, attributes, backend.image(kept), size_bytes, place)
        await self._machines.copy_volume(Origin(backend=backend, volume=name), backend, kept, size_bytes)

    async def _delete(self, snapshot: Obj) -> None:
        name = name_of(snapshot)
        content = await self.api.get(VOLUME_SNAPSHOT_CONTENT, "", f"snapcontent-{uid_of(snapshot)}")
        if content is not None:
            if self._being_restored(name):
                words = "Snapshot is being used to restore a PVC"
                await self._say(snapshot, "SnapshotDeletePending", words, warning=True)
                self.queue.add_later(name, _RETRY_S)
                return
            if content["spec"]["deletionPolicy"] == "Delete":
                await self._forget(content, uid_of(snapshot))
                await self.api.delete(VOLUME_SNAPSHOT_CONTENT, name_of(content))
        left = [one for one in snapshot["metadata"].get("finalizers") or [] if one not in _FINALIZERS]
        await self.api.set_finalizers(VOLUME_SNAPSHOT, snapshot, left)

    def _being_restored(self, name: Name) -> bool:
        return any(
            key[0] == name[0]
            and not is_bound(claim)
            and (claim["spec"].get("dataSourceRef") or {}).get("kind") == VOLUME_SNAPSHOT.kind
            and claim["spec"]["dataSourceRef"]["name"] == name[1]
            for key, claim in self.caches[PVC].objects.items()
        )

    async def _forget(self, content: Obj, uid: str) -> None:
        where = snapshotted(content)
        backend = await self._backends.of_volume(where) if where else None
        if where is None or backend is None:
            return
        kept = f"{SNAPSHOT_PREFIX}{uid}"
        await self._machines.delete_volume(backend, kept)
        attributes = where["spec"]["csi"].get("volumeAttributes") or {}
        await forget_image(self._ceph, attributes, backend.image(kept))

    async def _say(self, snapshot: Obj, reason: str, message: str, *, warning: bool = False) -> None:
        await record_event(
            self.api, VOLUME_SNAPSHOT, snapshot, reason, message, warning=warning, source=_SOURCE
        )


def snapshotted(content: Obj) -> Obj | None:
    """What is kept of the PersistentVolume that was snapshotted; None: it is no content of the sandbox."""
    text = (content["metadata"].get("annotations") or {}).get(VOLUME)
    try:
        spec = json.loads(text or "null")
    except ValueError:
        return None
    return {"spec": spec} if isinstance(spec, dict) and isinstance(spec.get("csi"), dict) else None
