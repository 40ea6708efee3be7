"""Claims that grow: what external-resizer does, and then the kubelet of the node that the claim is used on.

kubernetes-csi/external-resizer ``pkg/controller``; which volumes need a node: ceph-csi
``internal/rbd/controllerserver.go``, ``internal/cephfs/controllerserver.go``.
"""

from __future__ import annotations

from pytest_odfperf.errors import OdfError
from pytest_odfperf.quantity import to_bytes
from pytest_odfperf.sandbox.ceph.ceph import Ceph, CephError
from pytest_odfperf.sandbox.machines.base import Machines, VolumeInUseError
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.conditions import condition, differs, merged, record_event
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import POD, PV, PVC, Obj, name_of
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.ceph_provisioner import grow_image
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.csi_rules import rpc
from pytest_odfperf.sandbox.reconcilers.storage.claim_states import running_user
from pytest_odfperf.sandbox.reconcilers.storage.volume_backends import VolumeBackends

#: Until a resizer that was refused asks again.
_RETRY_S = 2.0
_PENDING = "FileSystemResizePending"
_OF_RESIZING = ("Resizing", _PENDING)
_WAITS = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."


class Expansion:
    def __init__(
        self, api: Api, caches: Caches, machines: Machines, backends: VolumeBackends, ceph: Ceph | None
    ) -> None:
        self._api = api
        self._caches = caches
        self._machines = machines
        self._backends = backends
        self._ceph = ceph

    async def follow(self, claim: Obj) -> float | None:
        """Bring a bound claim to the size that it asks for; in how many seconds to look again, if so."""
        wanted = str(claim["spec"]["resources"]["requests"]["storage"])
        had = ((claim.get("status") or {}).get("capacity") or {}).get("storage")
        volume = self._caches[PV].get("", claim["spec"].get("volumeName") or "")
        if had is None or volume is None:
            return None
        if to_bytes(wanted) <= to_bytes(str(had)):
            await self._conditions(claim)  # what was asked for in vain was taken back
            return None
        if to_bytes(str(volume["spec"]["capacity"]["storage"])) < to_bytes(wanted):
            if (again_s := await self._grow(claim, volume, wanted)) is not None:
                return again_s
        elif not _needs_node(claim, volume):
            await self._finish(claim, wanted)
        if _needs_node(claim, volume):
            await self._on_node(claim, volume, wanted)
        return None

    async def _grow(self, claim: Obj, volume: Obj, wanted: str) -> float | None:
        backend = await self._backends.of_volume(volume)
        if backend is None:
            return None
        name = volume["metadata"]["name"]
        driver = volume["spec"]["csi"]["driver"]
        source = f"external-resizer {driver}"
        said = "waiting for an external controller to expand this PVC"
        await record_event(self._api, PVC, claim, "ExternalExpanding", said, source="volume_expand")
        await self._conditions(claim, condition("Resizing", "True"))
        said = f"External resizer is resizing volume {name}"
        await record_event(self._api, PVC, claim, "Resizing", said, source=source)
        attributes = volume["spec"]["csi"].get("volumeAttributes") or {}
        try:
            await grow_image(self._ceph, attributes, backend.image(name), to_bytes(wanted))
            await self._machines.grow_volume(backend, name, to_bytes(wanted))
        except VolumeInUseError:
            said = (
                f"Unable to expand {'/'.join(name_of(claim))} because CSI driver {driver} only supports "
                "offline expansion and volume is currently in-use"
            )
            await record_event(self._api, PVC, claim, "VolumeResizeFailed", said, warning=True, source=source)
            return _RETRY_S
        except OdfError as error:
            words = rpc("Internal", error.said if isinstance(error, CephError) else str(error))
            said = f'resize volume "{name}" by resizer "{driver}" failed: {words}'
            await record_event(self._api, PVC, claim, "VolumeResizeFailed", said, warning=True, source=source)
            return _RETRY_S
        await self._api.patch(PV, ("", name), {"spec": {"capacity": {"storage": wanted}}})
        if _needs_node(claim, volume):
            await self._conditions(claim, condition(_PENDING, "True", message=_WAITS))
            said = "Require file system resize of volume on node"
            await record_event(self._api, PVC, claim, "FileSystemResizeRequired", said, source=source)
        else:
            await self._finish(claim, wanted)
            said = "Resize volume succeeded"
            await record_event(self._api, PVC, claim, "VolumeResizeSuccessful", said, source=source)
        return None

    async def _on_node(self, claim: Obj, volume: Obj, wanted: str) -> None:
        """A kubelet makes the file system larger, as soon as a pod uses it."""
        pod = running_user(self._caches[POD].objects, claim)
        if pod is None:
            return
        await self._finish(claim, wanted)
        name = volume["metadata"]["name"]
        said = f'MountVolume.NodeExpandVolume succeeded for volume "{name}" {pod["spec"]["nodeName"]}'
        for kind, obj in ((PVC, claim), (POD, pod)):
            await record_event(self._api, kind, obj, "FileSystemResizeSuccessful", said, source="kubelet")

    async def _finish(self, claim: Obj, wanted: str) -> None:
        await self._api.patch_status(PVC, name_of(claim), {"capacity": {"storage": wanted}})
        fresh = await self._api.get(PVC, *name_of(claim))
        if fresh is not None:
            await self._conditions(fresh)

    async def _conditions(self, claim: Obj, told: Obj | None = None) -> None:
        """``told`` is all that is said of a resize from now on."""
        before = (claim.get("status") or {}).get("conditions") or []
        kept = [one for one in before if one["type"] not in _OF_RESIZING]
        after = [*kept, *merged(before, [told] if told else [])]
        if differs({"conditions": after}, {"conditions": before}):
            await self._api.patch_status(PVC, name_of(claim), {"conditions": after or None})


def _needs_node(claim: Obj, volume: Obj) -> bool:
    """A file system on a device is made larger where that is mounted; CephFS has none."""
    return claim["spec"].get("volumeMode") != "Block" and "fsName" not in (
        volume["spec"]["csi"].get("volumeAttributes") or {}
    )
