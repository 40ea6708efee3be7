"""Where volumes are: by their StorageClass, or by what a volume itself says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pytest_odfperf.sandbox.machines.base import Backend
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Obj
from pytest_odfperf.sandbox.reconcilers.storage.ceph_csi.ceph_provisioner import CephProvisioner


class VolumeBackends:
    """Those of the configuration's classes, and those that ceph-csi serves."""

    def __init__(self, configured: Mapping[str, Backend], csi: CephProvisioner | None) -> None:
        self._configured = configured
        #: None: there is no Ceph.
        self._csi = csi

    def provisioner(self, sc: Obj) -> CephProvisioner | None:
        """What makes the volumes of a class that is not of the configuration; None: nothing, or it is."""
        if self._csi is None or sc["metadata"]["name"] in self._configured:
            return None
        return self._csi if self._csi.serves(sc) else None

    def serves(self, sc: Obj) -> bool:
        """Whether volumes of a class are made at all."""
        return sc["metadata"]["name"] in self._configured or self.provisioner(sc) is not None

    async def of_class(self, sc: Obj) -> Backend | None:
        name = sc["metadata"]["name"]
        if name in self._configured:
            return await self._mounted(name, sc["provisioner"], sc.get("parameters") or {})
        csi = self.provisioner(sc)
        return await csi.backend(name, sc["provisioner"], sc.get("parameters") or {}) if csi else None

    async def of_volume(self, volume: Obj) -> Backend | None:
        """Its class may be gone, or be another by now."""
        name = volume["spec"].get("storageClassName") or ""
        source = volume["spec"].get("csi") or {}
        if name in self._configured:
            return await self._mounted(name, source.get("driver", ""), source.get("volumeAttributes") or {})
        if self._csi is None or not self._csi.serves({"provisioner": source.get("driver")}):
            return None
        return await self._csi.backend(name, source["driver"], source.get("volumeAttributes") or {})

    async def _mounted(self, name: str, provisioner: str, parameters: Mapping[str, str]) -> Backend:
        """That of a class of the configuration; of CephFS only now is known where it is."""
        found = self._configured[name]
        folder = await self._csi.subvolumes(provisioner, parameters) if self._csi is not None else None
        return found if folder is None else replace(found, directory=folder, format="raw")
