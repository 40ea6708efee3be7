"""The changes of the configuration: what a simulated Ceph says of itself while VMs run."""

from __future__ import annotations

import asyncio

from pytest_odfperf.sandbox.ceph.simulated.simulated_ceph import SimulatedCeph
from pytest_odfperf.sandbox.config.parse_config import STORAGE_NAMESPACE, CephConfig
from pytest_odfperf.sandbox.reconcilers.api_client import Api, Change
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    CEPH_BLOCK_POOL,
    CEPH_CLUSTER,
    CEPH_FILESYSTEM,
    VM,
    Kind,
)
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.rook.ceph_clusters import CLUSTER, CephClusters
from pytest_odfperf.sandbox.reconcilers.storage.rook.told_objects import create_told
from pytest_odfperf.sandbox.reconcilers.storage.rook.told_phases import ToldPhases


class ToldChanges:
    """Makes the changes, each at its time after the first VM was made."""

    def __init__(
        self,
        api: Api,
        caches: Caches,
        config: CephConfig,
        ceph: SimulatedCeph,
        told: ToldPhases,
        clusters: CephClusters,
    ) -> None:
        self._api = api
        self._config = config
        self._ceph = ceph
        self._told = told
        self._clusters = clusters
        self._begun = asyncio.Event()
        caches[VM].listeners.append(self._heard)

    def _heard(self, _: Change) -> None:
        self._begun.set()

    async def run(self) -> None:
        await self._begun.wait()
        began_s = asyncio.get_running_loop().time()
        for change in sorted(self._config.changes, key=lambda change: change.after_s):
            await asyncio.sleep(began_s + change.after_s - asyncio.get_running_loop().time())
            if change.status is not None:
                self._ceph.told = change.status
                await self._api.patch_status(CEPH_CLUSTER, CLUSTER, {"state": change.status.state})
                self._clusters.look()
            if change.disturbance is not None:
                self._ceph.disturbed.becomes(change.disturbance)
                self._clusters.look()
            for name, phase in change.phases.items():
                kind, place = self._kind(name), (STORAGE_NAMESPACE, name)
                self._told.change(kind, place, phase)
                await self._api.patch_status(kind, place, {"phase": phase})
            for name in change.rebuilt:
                await self._rebuild(name)

    def _kind(self, name: str) -> Kind:
        return CEPH_BLOCK_POOL if name in self._config.block_pools else CEPH_FILESYSTEM

    async def _rebuild(self, name: str) -> None:
        kind = self._kind(name)
        place = (STORAGE_NAMESPACE, name)
        self._told.rebuilt.add((kind, place))
        try:
            await self._api.delete(kind, place)
            # What holds it is for clients, who are not to lose data.
            await self._api.patch(kind, place, {"metadata": {"finalizers": None}})
            await create_told(self._api, kind, name, self._config, self._ceph)
        finally:
            self._told.rebuilt.discard((kind, place))
