"""What a new volume is filled with, and what external-provisioner says of sources that can not be.

kubernetes-csi/external-provisioner ``pkg/controller/controller.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.machines.base import Origin
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import PV, PVC, Obj, is_deleting
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.ceph_provisioner import ProvisionError
from pytest_odfperf.sandbox.reconcilers.storage.clone_plan import (
    CLONE_SOURCE,
    owner_of,
    requested_bytes,
    source_of,
    waits_for,
)
from pytest_odfperf.sandbox.reconcilers.storage.volume_backends import VolumeBackends
from pytest_odfperf.sandbox.reconcilers.storage.volumes import driver_of

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
        try:
            if kind == "PersistentVolumeClaim" and not reference.get("apiGroup"):
                return await self._of_volume(self._checked(claim, name, sc))
        except ProvisionError as error:
            words = f"error getting handle for DataSource Type {kind} by Name {name}: {error}"
            raise ProvisionError(words) from None
        raise NotYetError("Assuming an external populator will provision the volume")

    async def _of_clone(self, dv: Obj) -> Filling:
        """What CDI clones."""
        source = source_of(self._caches, dv)
        if source is None or source.sort == "snapshot":
            return Filling(image=True)
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
