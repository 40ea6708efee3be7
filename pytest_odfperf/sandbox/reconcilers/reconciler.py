"""What all reconcilers are made of: a queue of names, workers, and what the caches say changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.reconcilers.api_client import Api, ApiError, Cache, Change
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Kind, Name, Obj, name_of

log = logging.getLogger("odfperf.sandbox")

_WORKERS = 8
_FIRST_RETRY_S = 0.02
_LAST_RETRY_S = 5.0


class Queue:
    """Names to look at. A name that is being worked on comes again afterwards, never at the same time."""

    def __init__(self) -> None:
        self._ready: asyncio.Queue[Name] = asyncio.Queue()
        self._waiting: set[Name] = set()
        self._working: set[Name] = set()

    def add(self, name: Name) -> None:
        if name not in self._waiting:
            self._waiting.add(name)
            if name not in self._working:
                self._ready.put_nowait(name)

    def add_later(self, name: Name, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.add, name)

    async def take(self) -> Name:
        name = await self._ready.get()
        self._waiting.discard(name)
        self._working.add(name)
        return name

    def done(self, name: Name) -> None:
        self._working.discard(name)
        if name in self._waiting:
            self._ready.put_nowait(name)


class Caches:
    """One cache per kind, for all reconcilers."""

    def __init__(self, api: Api, kinds: Iterable[Kind]) -> None:
        self._caches = {kind: Cache(api, kind) for kind in kinds}

    def __getitem__(self, kind: Kind) -> Cache:
        return self._caches[kind]

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for cache in self._caches.values():
                group.create_task(cache.run(), name=f"cache {cache.kind.plural}")

    async def filled(self) -> None:
        for cache in self._caches.values():
            await cache.filled.wait()


class Reconciler:
    """Brings the objects of one kind to what they ask for, one name at a time: `reconcile`."""

    def __init__(self, api: Api, caches: Caches, kind: Kind) -> None:
        self.api = api
        self.caches = caches
        self.kind = kind
        self.queue = Queue()
        self._failures: dict[Name, int] = {}
        self.follow(kind, lambda obj: [name_of(obj)])

    def follow(self, kind: Kind, names: Callable[[Obj], Iterable[Name]]) -> None:
        """Look at ``names(obj)`` whenever an object of ``kind`` changes or goes."""

        def heard(change: Change) -> None:
            for name in names(change.obj):
                self.queue.add(name)

        self.caches[kind].listeners.append(heard)

    def follow_owned(self, kind: Kind) -> None:
        """Look at the owner of an object of ``kind`` whenever that changes."""

        def owners(obj: Obj) -> list[Name]:
            refs = obj["metadata"].get("ownerReferences") or []
            namespace = obj["metadata"].get("namespace", "")
            return [(namespace, ref["name"]) for ref in refs if ref.get("kind") == self.kind.kind]

        self.follow(kind, owners)

    def current(self, name: Name) -> Obj | None:
        return self.caches[self.kind].objects.get(name)

    async def reconcile(self, name: Name) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(_WORKERS):
                group.create_task(self._work(), name=f"{self.kind.plural} {number}")

    async def _work(self) -> None:
        while True:
            name = await self.queue.take()
            try:
                await self.reconcile(name)
                self._failures.pop(name, None)
            except ApiError as error:
                # A conflict is another writer's change: its event is on the way.
                self._retry(name, error, told=error.reason != "Conflict")
            except OdfError as error:
                self._retry(name, error)
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                # Objects are what users wrote: one that breaks a rule must not end the work on others.
                log.exception("%s %s", self.kind.kind, "/".join(name))
                self._retry(name, error)
            finally:
                self.queue.done(name)

    def _retry(self, name: Name, error: Exception, *, told: bool = True) -> None:
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        wait_s = min(_LAST_RETRY_S, _FIRST_RETRY_S * 2 ** min(failures, 20))
        level = logging.INFO if told else logging.DEBUG
        log.log(level, "%s %s: %s; again in %.2f s", self.kind.kind, "/".join(name), error, wait_s)
        self.queue.add_later(name, wait_s)
