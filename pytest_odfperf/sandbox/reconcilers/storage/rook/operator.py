"""All of Rook's operator."""

from __future__ import annotations

from pytest_odfperf.sandbox.ceph.ceph import Ceph
from pytest_odfperf.sandbox.ceph.simulated.simulated_ceph import SimulatedCeph
from pytest_odfperf.sandbox.config.parse_config import CephConfig
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.rook.block_pools import BlockPools
from pytest_odfperf.sandbox.reconcilers.storage.rook.ceph_clusters import CephClusters
from pytest_odfperf.sandbox.reconcilers.storage.rook.filesystems import Filesystems
from pytest_odfperf.sandbox.reconcilers.storage.rook.told_changes import ToldChanges
from pytest_odfperf.sandbox.reconcilers.storage.rook.told_phases import ToldPhases


def rook_operator(
    api: Api, caches: Caches, config: CephConfig, ceph: Ceph
) -> list[BlockPools | Filesystems | CephClusters | ToldChanges]:
    """Its parts, each to be run."""
    told = ToldPhases(config)
    clusters = CephClusters(api, caches, ceph)
    parts: list[BlockPools | Filesystems | CephClusters | ToldChanges] = [
        BlockPools(api, caches, ceph, told),
        Filesystems(api, caches, ceph, told),
        clusters,
    ]
    if isinstance(ceph, SimulatedCeph):
        parts.append(ToldChanges(api, caches, config, ceph, told, clusters))
    return parts
