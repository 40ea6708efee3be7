"""StorageProfiles: CDI makes one of each StorageClass."""

from __future__ import annotations

from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.conditions import differs
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import STORAGE_CLASS, STORAGE_PROFILE, Name, Obj
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches, Reconciler

_OWN = "sandbox.odfperf/"
_STRATEGY = "cdi.kubevirt.io/clone-strategy"
_STRATEGIES = ("csi-clone", "snapshot", "copy")


def storage_profile(name: str, provisioner: str, volume_mode: str | None = None) -> Obj:
    """``volume_mode``: of provisioners other than Ceph's. Without one, those that are not ours have none."""
    if provisioner.endswith("rbd.csi.ceph.com"):
        sets = [("ReadWriteMany", "Block"), ("ReadWriteOnce", "Block"), ("ReadWriteOnce", "Filesystem")]
    elif provisioner.endswith(("cephfs.csi.ceph.com", "nfs.csi.ceph.com")):
        sets = [("ReadWriteMany", "Filesystem"), ("ReadWriteOnce", "Filesystem")]
    else:
        usual = "Block" if provisioner.startswith(_OWN) else None
        sets = [("ReadWriteOnce", mode)] if (mode := volume_mode or usual) else []
    properties = [{"accessModes": [access], "volumeMode": mode} for access, mode in sets]
    status = {
        "storageClass": name,
        "provisioner": provisioner,
        "cloneStrategy": "csi-clone",
        "claimPropertySets": properties,
    }
    return {"metadata": {"name": name}, "spec": {}, "status": status}


class StorageProfiles(Reconciler):
    """Of classes that clients make; those of the configuration are there from the start."""

    def __init__(self, api: Api, caches: Caches) -> None:
        super().__init__(api, caches, STORAGE_CLASS)

    async def reconcile(self, name: Name) -> None:
        sc = self.current(name)
        if sc is None:
            await self.api.delete(STORAGE_PROFILE, name)
            return
        strategy = (sc["metadata"].get("annotations") or {}).get(_STRATEGY)
        told = {"cloneStrategy": strategy} if strategy in _STRATEGIES else {}
        profile = self.caches[STORAGE_PROFILE].get(*name)
        if profile is not None:
            if differs(told, profile.get("status") or {}):
                await self.api.patch_status(STORAGE_PROFILE, name, told)
            return
        profile = storage_profile(name[1], str(sc.get("provisioner")))
        if await self.api.create(STORAGE_PROFILE, profile):
            await self.api.patch_status(STORAGE_PROFILE, name, {**profile["status"], **told})
