"""The garbage collector: objects whose owners are all gone are deleted, and foreground deletion waits."""

from __future__ import annotations

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.controllers.client import Api, Change
from pytest_odfperf.sandbox.controllers.controller import Caches, Controller, log
from pytest_odfperf.sandbox.controllers.kinds import Kind, Name, Obj, is_deleting, name_of

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class Garbage(Controller):
    """Of one kind of dependents. Owners may be of any of the ``owners`` kinds."""

    def __init__(self, api: Api, caches: Caches, kind: Kind, owners: tuple[Kind, ...]) -> None:
        super().__init__(api, caches, kind)
        self._owners = {owner.kind: owner for owner in owners}
        for owner in owners:
            caches[owner].listeners.append(self._owner_changed)

    def _owner_changed(self, change: Change) -> None:
        if change.gone:
            for name in self._dependents(change.obj):
                self.queue.add(name)

    def _dependents(self, owner: Obj) -> list[Name]:
        uid = owner["metadata"]["uid"]
        return [
            name
            for name, obj in self.caches[self.kind].objects.items()
            if any(ref["uid"] == uid for ref in obj["metadata"].get("ownerReferences") or [])
        ]

    async def reconcile(self, name: Name) -> None:
        obj = self.current(name)
        refs = obj["metadata"].get("ownerReferences") if obj else None
        if obj is None or is_deleting(obj) or not refs:
            return
        for ref in refs:
            if await self._exists(ref, name[0]):
                return
        log.debug("%s %s: its owners are gone", self.kind.kind, "/".join(name))
        await self.api.delete(self.kind, name, uid=obj["metadata"]["uid"])

    async def _exists(self, ref: Obj, namespace: str) -> bool:
        kind = self._owners.get(ref["kind"])
        if kind is None:
            # An owner of a kind that is not followed: never a reason to delete.
            return True
        where = namespace if kind.namespaced else ""
        cached = self.caches[kind].get(where, ref["name"])
        if cached is not None and cached["metadata"]["uid"] == ref["uid"]:
            return True
        # The cache may be behind: only the server's word deletes.
        fresh = await self.api.get(kind, where, ref["name"])
        return fresh is not None and fresh["metadata"]["uid"] == ref["uid"]


class Propagation(Controller):
    """Of one kind of owners: what their deletion with Foreground or Orphan does to their dependents."""

    def __init__(self, api: Api, caches: Caches, kind: Kind, dependents: tuple[Kind, ...]) -> None:
        super().__init__(api, caches, kind)
        self._kinds = dependents
        for dependent in dependents:
            self.follow_owned(dependent)

    async def reconcile(self, name: Name) -> None:
        owner = self.current(name)
        if owner is None or not is_deleting(owner):
            return
        finalizers = owner["metadata"].get("finalizers") or []
        if ORPHAN in finalizers:
            await self._orphan(owner)
            await self.api.set_finalizers(self.kind, owner, [f for f in finalizers if f != ORPHAN])
        elif FOREGROUND in finalizers and not await self._delete_dependents(owner):
            await self.api.set_finalizers(self.kind, owner, [f for f in finalizers if f != FOREGROUND])

    def _dependents(self, owner: Obj) -> list[tuple[Kind, Obj, Obj]]:
        uid = owner["metadata"]["uid"]
        return [
            (kind, obj, ref)
            for kind in self._kinds
            for obj in self.caches[kind].objects.values()
            for ref in obj["metadata"].get("ownerReferences") or []
            if ref["uid"] == uid
        ]

    async def _orphan(self, owner: Obj) -> None:
        for kind, obj, ref in self._dependents(owner):
            left = [r for r in obj["metadata"]["ownerReferences"] if r is not ref]
            await self.api.patch(kind, name_of(obj), {"metadata": {"ownerReferences": left or None}})

    async def _delete_dependents(self, owner: Obj) -> int:
        """How many dependents that block the owner are left."""
        blocking = 0
        for kind, obj, ref in self._dependents(owner):
            blocking += bool(ref.get("blockOwnerDeletion"))
            if not is_deleting(obj):
                try:
                    await self.api.delete(kind, name_of(obj), uid=obj["metadata"]["uid"])
                except OdfError as error:
                    log.info("%s %s: %s", kind.kind, obj["metadata"]["name"], error)
        return blocking
