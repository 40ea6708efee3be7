"""What the reconcilers of pools and file systems have in common."""

from __future__ import annotations

import logging

from pytest_odfperf.sandbox.ceph.ceph import Ceph, CephError
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.conditions import record_event
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    CEPH_CLUSTER,
    PV,
    Kind,
    Name,
    Obj,
    is_deleting,
    name_of,
)
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches, Reconciler
from pytest_odfperf.sandbox.reconcilers.storage.rook.told_phases import ToldPhases

log = logging.getLogger("odfperf.sandbox")

_RETRY_S = 2.0
#: Errors of Ceph with which Rook goes on.
_BEARABLE = {"MDS_ALL_DOWN", "MGR_MODULE_ERROR"}


class RefusedError(Exception):
    """Rook does not do it; the object keeps its phase."""


class RookReconciler(Reconciler):
    """Objects of one kind: a finalizer, phases, events in Rook's words, another try a little later."""

    #: As its events are signed.
    component: str

    def __init__(self, api: Api, caches: Caches, kind: Kind, ceph: Ceph, told: ToldPhases) -> None:
        super().__init__(api, caches, kind)
        self.ceph = ceph
        self.told = told
        self._finalizer = f"{kind.kind.lower()}.ceph.rook.io"
        # An image that is gone may let a pool go; a cluster that is well again lets all go on.
        self.follow(PV, lambda _: self._waiting(deleting=True))
        self.follow(CEPH_CLUSTER, lambda _: self._waiting(deleting=False))

    def _waiting(self, *, deleting: bool) -> list[Name]:
        objects = self.caches[self.kind].objects.values()
        if deleting:
            return [name_of(obj) for obj in objects if is_deleting(obj)]
        return [name_of(obj) for obj in objects if (obj.get("status") or {}).get("phase") != "Ready"]

    async def reconcile(self, name: Name) -> None:
        obj = self.current(name)
        if obj is None or (self.kind, name) in self.told.rebuilt:
            return
        finalizers = list(obj["metadata"].get("finalizers") or [])
        if is_deleting(obj):
            if self._finalizer in finalizers:
                await self._let_go(obj, finalizers)
            return
        if self._finalizer not in finalizers:
            await self.api.set_finalizers(self.kind, obj, [*finalizers, self._finalizer])
            return
        status = obj.get("status") or {}
        if not status.get("phase"):
            await self.api.patch_status(self.kind, name, {"phase": "Progressing", **self.first_status(obj)})
        news = status.get("observedGeneration") != obj["metadata"].get("generation")
        if news and self._cluster_is_ready(name[0]):
            await self._make(obj)

    async def _make(self, obj: Obj) -> None:
        name = name_of(obj)
        try:
            status = await self.made(obj)
        except RefusedError as error:
            await self._failed(obj, str(error))
            return
        except CephError as error:
            await self.api.patch_status(
                self.kind, name, {"phase": self.told.phase(self.kind, name, "Failure")}
            )
            await self._failed(obj, self.failure(obj, error))
            return
        phase = self.told.phase(self.kind, name, "Ready")
        generation = obj["metadata"].get("generation")
        await self.api.patch_status(
            self.kind, name, {**status, "phase": phase, "observedGeneration": generation}
        )
        words = f'successfully configured {self.kind.kind} "{"/".join(name)}"'
        await record_event(self.api, self.kind, obj, "ReconcileSucceeded", words, source=self.component)

    async def _let_go(self, obj: Obj, finalizers: list[str]) -> None:
        name = name_of(obj)
        if self._cluster(name[0]) is not None:
            if not self._cluster_is_ready(name[0]):
                return
            try:
                await self.removed(obj)
            except (RefusedError, CephError) as error:
                await self._failed(obj, str(error))
                return
        finalizers.remove(self._finalizer)
        await self.api.set_finalizers(self.kind, obj, finalizers)

    async def _failed(self, obj: Obj, why: str) -> None:
        name = name_of(obj)
        words = f'failed to reconcile {self.kind.kind} "{"/".join(name)}". {why}'
        log.info("%s", words)
        await record_event(
            self.api, self.kind, obj, "ReconcileFailed", words, warning=True, source=self.component
        )
        self.queue.add_later(name, _RETRY_S)

    def _cluster(self, namespace: str) -> Obj | None:
        clusters = self.caches[CEPH_CLUSTER].objects
        return next((obj for (place, _), obj in clusters.items() if place == namespace), None)

    def _cluster_is_ready(self, namespace: str) -> bool:
        ceph = ((self._cluster(namespace) or {}).get("status") or {}).get("ceph") or {}
        if ceph.get("health") in ("HEALTH_OK", "HEALTH_WARN"):
            return True
        errors = {
            code for code, check in (ceph.get("details") or {}).items() if check["severity"] == "HEALTH_ERR"
        }
        return bool(errors) and errors <= _BEARABLE

    # -- what each kind does by itself

    def first_status(self, obj: Obj) -> Obj:
        """What is known before Ceph was asked."""
        raise NotImplementedError

    async def made(self, obj: Obj) -> Obj:
        """Have Ceph make it; the status beside the phase. Raises `RefusedError`, `CephError`."""
        raise NotImplementedError

    def failure(self, obj: Obj, error: CephError) -> str:
        """Ceph's words in Rook's."""
        raise NotImplementedError

    async def removed(self, obj: Obj) -> None:
        """Have Ceph delete it. Raises `RefusedError` with the reason if that must not be."""
        raise NotImplementedError
