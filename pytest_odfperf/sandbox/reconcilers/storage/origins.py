"""What a new volume is filled with, and what external-provisioner says of sources that can not be.

kubernetes-csi/external-provisioner ``pkg/controller/controller.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_odfperf.errors import OdfError
from pytest_odfperf.quantity import to_bytes
from pytest_odfperf.sandbox.machines.base import SNAPSHOT_PREFIX, Origin
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    PV,
    PVC,
    VOLUME_SNAPSHOT,
    VOLUME_SNAPSHOT_CONTENT,
    Obj,
    is_deleting,
    name_of,
    uid_of,
)
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.ceph_provisioner import ProvisionError
from pytest_odfperf.sandbox.reconcilers.storage.clone_plan import (
    CLONE_SOURCE,
    is_image,
    owner_of,
    requested_bytes,
    source_of,
    waits_for,
)
from pytest_odfperf.sandbox.reconcilers.storage.snapshots import snapshotted
from pytest_odfperf.sandbox.reconcilers.storage.volume_backends import VolumeBackends
from pytest_odfperf.sandbox.reconcilers.storage.volumes import driver_of

_SNAPSHOT_GROUP = "snapshot.storage.k8s.io"
_MODE_CHANGE = "snapshot.storage.kubernetes.io/allow-volume-mode-change"
_INVALID = "claim in dataSource not bound or invalid"


class NotYetError(OdfError):
    """Somebody else fills the volume, or its source is not ready; the words are those of an event, if any."""


@dataclass(frozen=True, slots=True)
class Filling:
    """What a volume is made of. Nothing of both: it is blank."""

    #: Of the guest image.
    image: bool = False
    origin: Origin | None = None
    #: Of the origin's PersistentVolume: where its image is.
    attributes: Mapping[str, str] = field(default_factory=dict)


class Origins:
    def __init__(self, caches: Caches, backends: VolumeBackends) -> None:
        self._caches = caches
        self._backends = backends

    async def of_claim(self, claim: Obj, sc: Obj) -> Filling:
        """Raises `ProvisionError` and `NotYetError`."""
        reference = claim["spec"].get("dataSourceRef") or claim["spec"].get("dataSource")
        if reference is None:
            return Filling()
        kind, name = reference["kind"], reference["name"]
        if kind == CLONE_SOURCE and (dv := owner_of(self._caches, claim)) is not None:
            return await self._of_clone(dv)
        group = reference.get("apiGroup") or ""
        try:
            if (group, kind) == ("", "PersistentVolumeClaim"):
                return await self._of_volume(self._checked(claim, name, sc))
            if (group, kind) == (_SNAPSHOT_GROUP, VOLUME_SNAPSHOT.kind):
                return await self._of_snapshot(self._checked_snapshot(claim, name, sc))
        except ProvisionError as error:
            words = f"error getting handle for DataSource Type {kind} by Name {name}: {error}"
            raise ProvisionError(words) from None
        raise NotYetError("Assuming an external populator will provision the volume")

    async def _of_clone(self, dv: Obj) -> Filling:
        """What CDI clones."""
        source = source_of(self._caches, dv)
        if source is None or is_image(self._caches, dv, source):
            return Filling(image=True)
        if source.sort == "snapshot":
            snapshot = self._caches[VOLUME_SNAPSHOT].get(*source.name)
            if snapshot is None or not (snapshot.get("status") or {}).get("readyToUse"):
                raise NotYetError("")
            return await self._of_snapshot(snapshot)
        claim = self._caches[PVC].get(*source.name)
        if claim is None or waits_for(self._caches, claim) is not None:
            raise NotYetError("")
        volume = self._caches[PV].get("", claim["spec"].get("volumeName") or "")
        if volume is None:
            raise NotYetError("")
        return await self._of_volume(volume)

    async def _of_volume(self, volume: Obj) -> Filling:
        backend = await self._backends.of_volume(volume)
        if backend is None:
            raise ProvisionError(_INVALID)
        attributes = (volume["spec"].get("csi") or {}).get("volumeAttributes") or {}
        return Filling(False, Origin(backend=backend, volume=volume["metadata"]["name"]), attributes)

    async def _of_snapshot(self, snapshot: Obj) -> Filling:
        content = self._content(snapshot)
        volume = snapshotted(content) if content else None
        backend = await self._backends.of_volume(volume) if volume else None
        if volume is None or backend is None:
            raise ProvisionError(f"snapshot handle {snapshot['metadata']['name']} is not available")
        attributes = volume["spec"]["csi"].get("volumeAttributes") or {}
        kept = f"{SNAPSHOT_PREFIX}{uid_of(snapshot)}"
        return Filling(False, Origin(backend=backend, volume=kept), attributes)

    def _content(self, snapshot: Obj) -> Obj | None:
        bound = (snapshot.get("status") or {}).get("boundVolumeSnapshotContentName") or ""
        return self._caches[VOLUME_SNAPSHOT_CONTENT].get("", bound)

    def _checked_snapshot(self, claim: Obj, name: str, sc: Obj) -> Obj:
        """The snapshot that ``claim`` is restored of."""
        snapshot = self._caches[VOLUME_SNAPSHOT].get(claim["metadata"]["namespace"], name)
        if snapshot is None:
            words = f'volumesnapshots.snapshot.storage.k8s.io "{name}" not found'
            raise ProvisionError(f"error getting snapshot {name} from api server: {words}")
        if is_deleting(snapshot):
            raise ProvisionError(f"snapshot {name} is currently being deleted")
        content = self._content(snapshot)
        if content is None or content["spec"]["driver"] != driver_of(sc):
            raise ProvisionError(f"snapshot {name} not bound")
        if not snapshot["status"].get("readyToUse"):
            raise ProvisionError(f"snapshot {name} is not Ready")
        asked, had = requested_bytes(claim), to_bytes(str(snapshot["status"]["restoreSize"]))
        if asked < had:
            raise ProvisionError(
                f"requested volume size {asked} is less than the size {had} for the source snapshot {name}"
            )
        mode = claim["spec"].get("volumeMode") or "Filesystem"
        allowed = (content["metadata"].get("annotations") or {}).get(_MODE_CHANGE)
        if content["spec"].get("sourceVolumeMode", mode) != mode and allowed != "true":
            whole, of = "/".join(name_of(claim)), content["metadata"]["name"]
            raise ProvisionError(
                f"requested volume {whole} modifies the mode of the source volume but does not have "
                f"permission to do so. {_MODE_CHANGE} annotation is not present on snapshotcontent {of}"
            )
        return snapshot

    def _checked(self, claim: Obj, name: str, sc: Obj) -> Obj:
        """The PersistentVolume of the claim that ``claim`` is a clone of."""
        namespace = claim["metadata"]["namespace"]
        source = self._caches[PVC].get(namespace, name)
        if source is None:
            words = f'error getting PVC {name} (namespace "{namespace}") from api server'
            raise ProvisionError(f'{words}: persistentvolumeclaim "{name}" not found')
        phase = (source.get("status") or {}).get("phase")
        if phase != "Bound":
            raise ProvisionError(f"the PVC DataSource {name} must have a status of Bound.  Got {phase}")
        if is_deleting(source):
            raise ProvisionError(f"the PVC DataSource {name} is currently being deleted")
        asked, had = requested_bytes(claim), requested_bytes(source)
        if asked < had:
            raise ProvisionError(
                "error, new PVC request must be greater than or equal in size to the specified PVC data "
                f"source, requested {asked} but source is {had}"
            )
        volume = self._caches[PV].get("", source["spec"].get("volumeName") or "")
        if volume is None or (volume["spec"].get("csi") or {}).get("driver") != driver_of(sc):
            raise ProvisionError(_INVALID)
        modes = [one["spec"].get("volumeMode") or "Filesystem" for one in (volume, claim)]
        if modes[0] != modes[1]:
            raise ProvisionError(
                "the source PVC and destination PVCs must have the same volume mode for cloning.  Source is "
                f"{modes[0]}, but new PVC requested {modes[1]}"
            )
        return volume
