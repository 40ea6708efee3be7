"""CephBlockPools (rook ``pkg/operator/ceph/pool``)."""

from __future__ import annotations

from pytest_odfperf.sandbox.ceph.ceph import Ceph, CephError
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import CEPH_BLOCK_POOL, Obj, name_of
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.rook.pool_rules import block_pool_problem, kind_problem
from pytest_odfperf.sandbox.reconcilers.storage.rook.rook_reconciler import RefusedError, RookReconciler
from pytest_odfperf.sandbox.reconcilers.storage.rook.rook_status import (
    pool_info,
    rook_condition,
    with_conditions,
)
from pytest_odfperf.sandbox.reconcilers.storage.rook.told_phases import ToldPhases
from pytest_odfperf.sandbox.reconcilers.storage.rook.wanted_pools import pool_name, wanted_pool


class BlockPools(RookReconciler):
    component = "rook-ceph-block-pool-controller"

    def __init__(self, api: Api, caches: Caches, ceph: Ceph, told: ToldPhases) -> None:
        super().__init__(api, caches, CEPH_BLOCK_POOL, ceph, told)

    def first_status(self, obj: Obj) -> Obj:
        return {"info": pool_info(obj["spec"])}

    async def made(self, obj: Obj) -> Obj:
        spec, name = obj["spec"], pool_name(obj)
        if problem := block_pool_problem(spec):
            raise RefusedError(f'invalid pool CR "{obj["metadata"]["name"]}" spec: {problem}')
        if (spec.get("mirroring") or {}).get("enabled"):
            words = "the sandbox has no second cluster to mirror to"
            raise CephError(f'failed to enable mirroring for pool "{name}"', words)
        if problem := kind_problem(name, spec):
            raise CephError(f'failed to configure pool "{name}"', problem)
        await self.ceph.create_pool(wanted_pool(name, spec, "rbd"))
        found = next((pool for pool in await self.ceph.pools() if pool.name == name), None)
        return {"info": pool_info(spec), **({"poolID": found.pool_id} if found else {})}

    def failure(self, obj: Obj, error: CephError) -> str:
        name = obj["metadata"]["name"]
        return f'failed to create pool "{name}".: failed to configure pool "{name}".: {error}'

    async def removed(self, obj: Obj) -> None:
        name = pool_name(obj)
        there = name in {pool.name for pool in await self.ceph.pools()}
        full = bool(await self.ceph.images(name)) if there else False
        if not there:
            words = f'pool "{name}" is not found in cluster'
        elif full:
            words = f'pool "{name}" contains images or snapshots and cannot be deleted'
        else:
            words = f'pool "{name}" is empty and can be deleted'
        await self._tell_blocked(obj, words, blocked=full)
        if full:
            raise RefusedError(f'pool "{name}" cannot be deleted because it is not empty or has dependents')
        if there:
            await self.ceph.delete_pool(name)

    async def _tell_blocked(self, obj: Obj, words: str, *, blocked: bool) -> None:
        before = (obj.get("status") or {}).get("conditions")
        whole = "/".join(name_of(obj))
        free = f'CephBlockPool "{whole}" has no dependent custom resources blocking deletion'
        changed = (
            rook_condition(
                "PoolDeletionIsBlocked", blocked, "PoolNotEmpty" if blocked else "PoolEmpty", words, before
            ),
            rook_condition("DeletionIsBlocked", False, "ObjectHasNoDependents", free, before),
        )
        told = {(one.get("type"), one.get("status"), one.get("message")) for one in before or ()}
        if not told.issuperset((one["type"], one["status"], one["message"]) for one in changed):
            conditions = with_conditions(before, *changed)
            await self.api.patch_status(self.kind, name_of(obj), {"conditions": conditions})
