"""CephFilesystems (rook ``pkg/operator/ceph/file``)."""

from __future__ import annotations

from pytest_odfperf.sandbox.ceph.ceph import Ceph, CephError
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import CEPH_FILESYSTEM, PV, Obj, name_of
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.rook.pool_rules import filesystem_problem, kind_problem
from pytest_odfperf.sandbox.reconcilers.storage.rook.rook_reconciler import RefusedError, RookReconciler
from pytest_odfperf.sandbox.reconcilers.storage.rook.rook_status import rook_condition, with_conditions
from pytest_odfperf.sandbox.reconcilers.storage.rook.told_phases import ToldPhases
from pytest_odfperf.sandbox.reconcilers.storage.rook.wanted_pools import pool_names, wanted_filesystem

#: The subvolume group that ceph-csi makes its volumes in.
_GROUP = "csi"
_DEPENDENTS = (
    "filesystem subvolume groups that contain subvolumes (could be from CephFilesystem PVCs or "
    "CephNFS exports)"
)


class Filesystems(RookReconciler):
    component = "rook-ceph-file-controller"

    def __init__(self, api: Api, caches: Caches, ceph: Ceph, told: ToldPhases) -> None:
        super().__init__(api, caches, CEPH_FILESYSTEM, ceph, told)

    def first_status(self, obj: Obj) -> Obj:  # noqa: ARG002
        return {}

    async def made(self, obj: Obj) -> Obj:
        spec, name = obj["spec"], obj["metadata"]["name"]
        if problem := filesystem_problem(spec):
            raise RefusedError(f'invalid object filesystem "{name}" arguments: {problem}')
        if (spec.get("mirroring") or {}).get("enabled"):
            words = "the sandbox has no second cluster to mirror to"
            raise CephError(f'failed to configure mirroring for filesystem "{name}"', words)
        if spec.get("dataPools"):
            pools = zip(pool_names(obj), [spec["metadataPool"], *spec["dataPools"]], strict=True)
            if problem := next(filter(None, (kind_problem(pool, one) for pool, one in pools)), None):
                raise CephError(f'failed to create pools of "{name}"', problem)
            await self.ceph.create_filesystem(wanted_filesystem(obj))
        return {}

    def failure(self, obj: Obj, error: CephError) -> str:
        return f'failed to create filesystem "{obj["metadata"]["name"]}": {error}'

    async def removed(self, obj: Obj) -> None:
        spec, name = obj["spec"], obj["metadata"]["name"]
        whole = "/".join(name_of(obj))
        if self._volumes(name):
            words = f'CephFilesystem "{whole}" will not be deleted until all dependents are removed'
            words = f"{words}: {_DEPENDENTS}: [{_GROUP}]"
            await self._tell_blocked(obj, words)
            raise RefusedError(words)
        kept = spec.get("preserveFilesystemOnDelete") or spec.get("preservePoolsOnDelete")
        if spec.get("dataPools") and not kept:
            await self.ceph.delete_filesystem(name)

    def _volumes(self, filesystem: str) -> bool:
        volumes = (volume["spec"].get("csi") or {} for volume in self.caches[PV].objects.values())
        return any((csi.get("volumeAttributes") or {}).get("fsName") == filesystem for csi in volumes)

    async def _tell_blocked(self, obj: Obj, words: str) -> None:
        before = (obj.get("status") or {}).get("conditions")
        blocked = rook_condition("DeletionIsBlocked", True, "ObjectHasDependents", words, before)
        if not any(one.get("message") == words for one in before or ()):
            conditions = with_conditions(before, blocked)
            await self.api.patch_status(self.kind, name_of(obj), {"conditions": conditions})
