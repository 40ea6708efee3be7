"""The objects, their versions, and the log of changes that watches read."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pytest_odfperf.sandbox.api.objects.resources import Resource

Obj = dict[str, Any]
#: (namespace, name); the namespace of cluster-scoped objects is "".
Name = tuple[str, str]

#: Changes that a watch can start from; older versions are too old (410).
KEPT_CHANGES = 20_000


class Change:
    """One change: what the object was before (None: nothing) and is after (None: gone)."""

    __slots__ = ("after", "before", "resource", "version")

    def __init__(self, version: int, resource: Resource, before: Obj | None, after: Obj | None) -> None:
        self.version = version
        self.resource = resource
        self.before = before
        self.after = after


class Store:
    """All objects. An object is never changed in place: what a reader holds stays as it was."""

    def __init__(self) -> None:
        self.version = 1000
        self._objects: dict[Resource, dict[Name, Obj]] = {}
        self._log: deque[Change] = deque(maxlen=KEPT_CHANGES)
        self._by_uid: dict[str, tuple[Resource, Name]] = {}
        self._changed = asyncio.Event()

    def get(self, resource: Resource, name: Name) -> Obj | None:
        return self._objects.get(resource, {}).get(name)

    def all(self, resource: Resource, namespace: str = "", version: int | None = None) -> list[Obj]:
        """Sorted by namespace and name, as etcd returns them; as they were at ``version`` if it is given."""
        found = self._objects.get(resource, {})
        if version is not None:
            found = dict(found)
            for change in reversed(self.since(version)):
                if change.resource is resource:
                    _undo(found, change)
        return [found[name] for name in sorted(found) if not namespace or name[0] == namespace]

    def everything(self) -> Iterator[tuple[Resource, Obj]]:
        for resource, objects in list(self._objects.items()):
            for obj in list(objects.values()):
                yield resource, obj

    def by_uid(self, uid: str) -> tuple[Resource, Obj] | None:
        place = self._by_uid.get(uid)
        if place is None:
            return None
        obj = self.get(*place)
        return None if obj is None else (place[0], obj)

    def create(self, resource: Resource, obj: Obj) -> Obj:
        """Store a new object with uid, creation time and version filled in. It is the store's own then."""
        return self._put(resource, None, self.filled(resource, obj))

    @staticmethod
    def filled(resource: Resource, obj: Obj) -> Obj:
        """``obj`` with what every new object gets."""
        obj["metadata"].update(uid=str(uuid.uuid4()), creationTimestamp=timestamp())
        if resource.generation:
            obj["metadata"]["generation"] = 1
        return obj

    def replace(self, resource: Resource, before: Obj, obj: Obj) -> Obj:
        """Store a changed object; nothing happens if it is the same. ``generation`` grows with the spec.

        What of ``obj`` is not of ``before`` is the store's own then.
        """
        meta = dict(obj["metadata"])
        obj = {**obj, "metadata": meta}
        for name in ("uid", "creationTimestamp", "resourceVersion", "generation", "name", "namespace"):
            if name in before["metadata"]:
                meta[name] = before["metadata"][name]
        if obj == before:
            return before
        if resource.generation and obj.get("spec") != before.get("spec"):
            meta["generation"] = before["metadata"].get("generation", 0) + 1
        return self._put(resource, before, obj)

    def remove(self, resource: Resource, obj: Obj) -> None:
        self.version += 1
        del self._objects[resource][_name(obj)]
        self._by_uid.pop(obj["metadata"]["uid"], None)
        self._tell(Change(self.version, resource, obj, None))

    def _put(self, resource: Resource, before: Obj | None, obj: Obj) -> Obj:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self._objects.setdefault(resource, {})[_name(obj)] = obj
        self._by_uid[obj["metadata"]["uid"]] = (resource, _name(obj))
        self._tell(Change(self.version, resource, before, obj))
        return obj

    def _tell(self, change: Change) -> None:
        self._log.append(change)
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def oldest(self) -> int:
        """The oldest version that a watch can start from."""
        return self._log[0].version - 1 if len(self._log) == KEPT_CHANGES else 1000

    def since(self, version: int) -> list[Change]:
        """The changes after ``version``, oldest first."""
        found: list[Change] = []
        for change in reversed(self._log):
            if change.version <= version:
                break
            found.append(change)
        return found[::-1]

    def next_change(self) -> asyncio.Event:
        """Set at the next change of anything."""
        return self._changed


def _undo(objects: dict[Name, Obj], change: Change) -> None:
    if change.before is None:
        assert change.after is not None
        del objects[_name(change.after)]
    else:
        objects[_name(change.before)] = change.before


def _name(obj: Obj) -> Name:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
