"""Volumes: what they look like, and their end with their claims."""

from __future__ import annotations

from pytest_odfperf.sandbox.ceph.ceph import Ceph
from pytest_odfperf.sandbox.machines.base import Backend, Machines
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import PV, PVC, Name, Obj, is_deleting
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches, Reconciler
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.ceph_provisioner import forget_image
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.csi_rules import context
from pytest_odfperf.sandbox.reconcilers.storage.volume_backends import VolumeBackends

PV_PROTECTION = "kubernetes.io/pv-protection"


def claim_of(volume: Obj) -> list[Name]:
    ref = volume["spec"].get("claimRef") or {}
    return [(ref["namespace"], ref["name"])] if "name" in ref else []


def driver_of(sc: Obj) -> str:
    """The CSI driver that serves a class: it has the form of a domain, a provisioner may have a slash."""
    return str(sc.get("provisioner")).replace("/", ".")


def plain_source(sc: Obj, volume: str, backend: Backend) -> Obj:
    """The ``csi`` part of a volume of the configuration's classes."""
    return {
        "driver": driver_of(sc),
        "volumeHandle": volume,
        "volumeAttributes": {**context(sc.get("parameters") or {}), "format": backend.format},
    }


def volume_object(name: str, claim: Obj, sc: Obj, source: Obj) -> Obj:
    spec, meta = claim["spec"], claim["metadata"]
    return {
        "metadata": {
            "name": name,
            "annotations": {"pv.kubernetes.io/provisioned-by": sc["provisioner"]},
            "finalizers": [PV_PROTECTION],
        },
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec.get("accessModes") or ["ReadWriteOnce"],
            "volumeMode": spec.get("volumeMode") or "Filesystem",
            "persistentVolumeReclaimPolicy": sc.get("reclaimPolicy") or "Delete",
            "storageClassName": sc["metadata"]["name"],
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": meta["namespace"],
                "name": meta["name"],
                "uid": meta["uid"],
            },
            "csi": source,
        },
    }


class Volumes(Reconciler):
    """PersistentVolumes: a volume whose claim is gone is deleted, with its data."""

    def __init__(
        self, api: Api, caches: Caches, machines: Machines, backends: VolumeBackends, ceph: Ceph | None
    ) -> None:
        super().__init__(api, caches, PV)
        self._machines = machines
        self._backends = backends
        self._ceph = ceph
        self.follow(PVC, lambda claim: [("", f"pvc-{claim['metadata']['uid']}")])

    async def reconcile(self, name: Name) -> None:
        volume = self.current(name)
        if volume is None:
            return
        ref = volume["spec"].get("claimRef") or {}
        claim = self.caches[PVC].get(ref.get("namespace", ""), ref.get("name", ""))
        if claim is not None and claim["metadata"]["uid"] == ref.get("uid"):
            return
        # The cache of claims may lag behind that of volumes: only the server's word deletes data.
        fresh = await self.api.get(PVC, ref.get("namespace", ""), ref["name"]) if "name" in ref else None
        if fresh is not None and fresh["metadata"]["uid"] == ref.get("uid"):
            return
        if not is_deleting(volume):
            # Also before its data goes, which can take seconds: who looks meanwhile sees that nobody has it.
            if (volume.get("status") or {}).get("phase") != "Released":
                await self.api.patch_status(PV, name, {"phase": "Released"})
            if volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete":
                return
        backend = await self._backends.of_volume(volume)
        if backend is not None:
            await self._machines.delete_volume(backend, name[1])
            attributes = (volume["spec"].get("csi") or {}).get("volumeAttributes") or {}
            await forget_image(self._ceph, attributes, backend.image(name[1]))
        if not is_deleting(volume):
            await self.api.delete(PV, name)
        finalizers = [f for f in volume["metadata"].get("finalizers") or [] if f != PV_PROTECTION]
        await self.api.patch(PV, name, {"metadata": {"finalizers": finalizers}})
