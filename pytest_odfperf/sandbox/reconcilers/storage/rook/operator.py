"""All of Rook's operator."""

from __future__ import annotations

import asyncio

from pytest_odfperf.errors import DeadlineError
from pytest_odfperf.sandbox.ceph.ceph import Ceph
from pytest_odfperf.sandbox.ceph.simulated.simulated_ceph import SimulatedCeph
from pytest_odfperf.sandbox.config.parse_config import STORAGE_NAMESPACE, CephConfig
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import CEPH_BLOCK_POOL, CEPH_FILESYSTEM, Kind
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.rook.block_pools import BlockPools
from pytest_odfperf.sandbox.reconcilers.storage.rook.ceph_clusters import CephClusters
from pytest_odfperf.sandbox.reconcilers.storage.rook.filesystems import Filesystems
from pytest_odfperf.sandbox.reconcilers.storage.rook.told_changes import ToldChanges
from pytest_odfperf.sandbox.reconcilers.storage.rook.told_phases import ToldPhases

#: For the pools of the configuration; a real Ceph takes seconds for each.
_MADE_S = 180.0
_LOOK_S = 0.1


async def pools_made(caches: Caches, config: CephConfig) -> None:
    """Wait until the pools and file systems of the configuration are made, or can not be.

    Those of a simulated Ceph are there already, in whatever phase.
    """
    if config.real is None:
        return
    end_s = asyncio.get_running_loop().time() + _MADE_S
    for kind, names in ((CEPH_BLOCK_POOL, config.block_pools), (CEPH_FILESYSTEM, config.filesystems)):
        for name in names:
            while _phase(caches, kind, name) in (None, "Progressing"):
                if asyncio.get_running_loop().time() > end_s:
                    raise DeadlineError(f"{kind.kind} {name}", _MADE_S, "it is not made")
                await asyncio.sleep(_LOOK_S)


def _phase(caches: Caches, kind: Kind, name: str) -> str | None:
    found = caches[kind].get(STORAGE_NAMESPACE, name) or {}
    phase: str | None = (found.get("status") or {}).get("phase")
    return phase


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
