"""Rook's operator as far as anybody looks: Ceph's health and pools, and how both change."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pytest_odfperf.sandbox.config.parse_config import (
    STORAGE_NAMESPACE,
    CephConfig,
    CephObject,
    CephStatus,
)
from pytest_odfperf.sandbox.reconcilers.api_client import Api, Change, now
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    CEPH_BLOCK_POOL,
    CEPH_CLUSTER,
    CEPH_FILESYSTEM,
    VM,
    Kind,
    Obj,
)
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches

CLUSTER_NAME = "ocs-storagecluster-cephcluster"
#: The file of what its Service answers to ``/metrics``.
MGR_METRICS = f"{STORAGE_NAMESPACE}.rook-ceph-mgr.metrics"


def cluster_status(status: CephStatus, capacity_bytes: int) -> dict[str, Any]:
    """What the operator writes into the CephCluster after it asked Ceph."""
    used = round(capacity_bytes * status.used_share)
    severity = "HEALTH_ERR" if status.health == "HEALTH_ERR" else "HEALTH_WARN"
    details = {code: {"severity": severity, "message": text} for code, text in status.checks.items()}
    return {
        "state": status.state,
        "phase": "Ready",
        "ceph": {
            "health": status.health,
            # A merge patch would leave the checks that went.
            "details": details or None,
            "lastChecked": now(),
            "capacity": {
                "bytesTotal": capacity_bytes,
                "bytesUsed": used,
                "bytesAvailable": capacity_bytes - used,
                "lastUpdated": now(),
            },
        },
    }


def ceph_object(name: str, wanted: CephObject) -> Obj:
    """A CephBlockPool or CephFilesystem."""
    return {
        "metadata": {"name": name, "namespace": STORAGE_NAMESPACE},
        "spec": dict(wanted.spec),
        "status": {"phase": wanted.phase},
    }


def metrics(status: CephStatus) -> str:
    """What the manager's Prometheus module says of PGs, as far as anybody looks."""
    counts: dict[str, int] = {"active": 0, "clean": 0, "scrubbing": 0, "unknown": 0}
    for states, count in status.pgs.items():
        for state in states.split("+"):
            counts[state] = counts.get(state, 0) + count
    counts["total"] = sum(status.pgs.values())
    lines = [
        line
        for name, count in counts.items()
        for line in (f"# TYPE ceph_pg_{name} gauge", f'ceph_pg_{name}{{pool_id="1"}} {count}.0')
    ]
    return "\n".join(lines) + "\n"


class CephOperator:
    """Makes the changes of the configuration, each at its time after the first VM was made."""

    def __init__(self, api: Api, caches: Caches, config: CephConfig, services: Path) -> None:
        """What the manager serves is written into ``services``, where the API server finds it."""
        self._api = api
        self._metrics = services / MGR_METRICS
        if config.block_pools or config.filesystems:
            services.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._metrics.write_text(metrics(config.status or CephStatus()))
        self._config = config
        self._begun = asyncio.Event()
        caches[VM].listeners.append(self._heard)

    def _heard(self, _: Change) -> None:
        self._begun.set()

    async def run(self) -> None:
        await self._begun.wait()
        began_s = asyncio.get_running_loop().time()
        last = self._config.status or CephStatus()
        for change in sorted(self._config.changes, key=lambda change: change.after_s):
            await asyncio.sleep(began_s + change.after_s - asyncio.get_running_loop().time())
            if change.status is not None:
                status = cluster_status(change.status, self._config.capacity_bytes)
                # Of a merge patch: a check that is not named stays.
                gone = dict.fromkeys(set(last.checks) - set(change.status.checks))
                status["ceph"]["details"] = {**(status["ceph"]["details"] or {}), **gone} or None
                await self._api.patch_status(CEPH_CLUSTER, (STORAGE_NAMESPACE, CLUSTER_NAME), status)
                last = change.status
                self._metrics.write_text(metrics(last))
            for name, phase in change.phases.items():
                kind, _ = self._object(name)
                await self._api.patch_status(kind, (STORAGE_NAMESPACE, name), {"phase": phase})
            for name in change.rebuilt:
                kind, wanted = self._object(name)
                await self._api.delete(kind, (STORAGE_NAMESPACE, name))
                made = ceph_object(name, wanted)
                await self._api.create(kind, made)
                await self._api.patch_status(kind, (STORAGE_NAMESPACE, name), made["status"])

    def _object(self, name: str) -> tuple[Kind, CephObject]:
        if name in self._config.block_pools:
            return CEPH_BLOCK_POOL, self._config.block_pools[name]
        return CEPH_FILESYSTEM, self._config.filesystems[name]
