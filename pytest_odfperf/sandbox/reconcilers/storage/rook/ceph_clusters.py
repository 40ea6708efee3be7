"""The CephCluster: what Ceph says of itself, asked again and again (rook ``pkg/operator/ceph/cluster``)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.ceph.ceph import Ceph, CephError
from pytest_odfperf.sandbox.config.parse_config import STORAGE_NAMESPACE
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import CEPH_CLUSTER, Obj
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.rook.rook_status import ceph_part, unanswered

log = logging.getLogger("odfperf.sandbox")

CLUSTER_NAME = "ocs-storagecluster-cephcluster"
CLUSTER = (STORAGE_NAMESPACE, CLUSTER_NAME)
#: Between two looks. Rook's operator takes a minute.
_LOOK_S = 1.0
#: After so many seconds it is written down that Ceph says what it said before.
_WRITE_S = 15.0
_TIMES = ("lastChecked", "lastChanged", "previousHealth")


class CephClusters:
    """Writes ``status.ceph``.

    What somebody else writes into the status stays until Ceph has news.
    """

    def __init__(self, api: Api, caches: Caches, ceph: Ceph) -> None:
        self._api = api
        self._caches = caches
        self._ceph = ceph
        self._hurry = asyncio.Event()
        #: What was written last: what Ceph says, and how full it is.
        self._written: Obj = {}
        self._room: Obj = {}
        self._hurried = False
        self._written_s = 0.0

    def look(self) -> None:
        """Soon."""
        self._hurried = True
        self._hurry.set()

    async def run(self) -> None:
        await self._caches[CEPH_CLUSTER].filled.wait()
        while True:
            try:
                await self._look()
            except OdfError as error:
                log.info("CephCluster: %s", error)
            try:
                await asyncio.wait_for(self._hurry.wait(), _LOOK_S)
            except TimeoutError:
                continue
            finally:
                self._hurry.clear()

    async def _look(self) -> None:
        cluster = self._caches[CEPH_CLUSTER].objects.get(CLUSTER)
        if cluster is None:
            return
        before = (cluster.get("status") or {}).get("ceph") or {}
        try:
            part = ceph_part(await self._ceph.status(), self._ceph.version, before)
        except CephError as error:
            # As Rook tells of a Ceph that does not answer.
            part = unanswered(str(error), before)
        news, moment_s = _told(part), asyncio.get_running_loop().time()
        room = news.pop("capacity")
        if self._written == news and not self._hurried:
            if moment_s - self._written_s < _WRITE_S:
                return
            same = ("lastChecked", "capacity") if room != self._room else ("lastChecked",)
            part = {name: part[name] for name in same if name in part}
        await self._api.patch_status(CEPH_CLUSTER, CLUSTER, {"ceph": part})
        self._written, self._room, self._written_s, self._hurried = news, room, moment_s, False


def _told(part: Mapping[str, Any]) -> Obj:
    """Without the times, and what a merge patch leaves out."""
    found = {name: value for name, value in part.items() if name not in _TIMES}
    details = {code: check for code, check in (found.get("details") or {}).items() if check is not None}
    capacity = {k: v for k, v in (found.get("capacity") or {}).items() if k != "lastUpdated"}
    return {**found, "details": details, "capacity": capacity}
