"""Watches: the log of changes as a stream of events, from a version on."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from pytest_odfperf.sandbox.api.faults.injection import thawed
from pytest_odfperf.sandbox.api.formats.tables import table
from pytest_odfperf.sandbox.api.objects.object_store import Change, Obj, Store
from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.selectors import Predicate
from pytest_odfperf.sandbox.api.objects.status import StatusError
from pytest_odfperf.sandbox.api.requests.reads import NOT_OLDER, is_yes, list_options, resource_version

BOOKMARK_S = 30.0
_LONGEST_S = 1800.0
#: Marks the bookmark after what was there already.
_INITIAL_END = "k8s.io/initial-events-end"


class Watch:
    """One watch of a kind, for one namespace or all."""

    def __init__(self, store: Store, resource: Resource, namespace: str, selected: Predicate) -> None:
        self._store = store
        self._resource = resource
        self._namespace = namespace
        self._selected = selected
        #: The query parameter includeObject if the events are to be Tables, else None.
        self.include: str | None = None
        #: How an object is shown, if not as it is stored.
        self.shown: Callable[[Obj], Obj] | None = None

    def _matches(self, obj: Obj | None) -> bool:
        if obj is None or (self._namespace and obj["metadata"].get("namespace") != self._namespace):
            return False
        return self._selected(obj)

    def event(self, change: Change) -> dict[str, Any] | None:
        """What the watcher is told: an object that leaves the selection is DELETED for it."""
        if change.resource is not self._resource:
            return None
        before = self._matches(change.before)
        after = self._matches(change.after)
        if after:
            return {"type": "MODIFIED" if before else "ADDED", "object": change.after}
        if before and change.before is not None:
            # As it last was for this watch, at the version at which it went.
            meta = {**change.before["metadata"], "resourceVersion": str(change.version)}
            return {"type": "DELETED", "object": {**change.before, "metadata": meta}}
        return None

    async def stream(
        self, request: web.Request, query: dict[str, str], timeout_s: int = 0
    ) -> web.StreamResponse:
        """Answer ``request`` with events until its timeout, or until the client or the server goes."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            await self._events(response, query, timeout_s or _LONGEST_S)
            await response.write_eof()
        return response

    async def _events(self, response: web.StreamResponse, query: dict[str, str], timeout_s: float) -> None:
        columns = True

        async def send(event: dict[str, Any]) -> None:
            nonlocal columns
            await thawed()
            if self.include is not None and event["type"] != "ERROR":
                rows = [] if event["type"] == "BOOKMARK" else [event["object"]]
                meta = {"resourceVersion": event["object"]["metadata"]["resourceVersion"]}
                # Only the first event of a watch carries the columns, as with the real server.
                shown = table(self._resource, rows, meta, self.include, headers=columns)
                event, columns = {**event, "object": shown}, False
            elif self.shown is not None and event["type"] != "ERROR":
                event = {**event, "object": self.shown(event["object"])}
            await response.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")

        store, resource = self._store, self._resource
        bookmarks = is_yes(query, "allowWatchBookmarks")

        async def bookmark(version: int, **annotations: str) -> None:
            meta: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
            if annotations:
                meta["annotations"] = annotations
            kind = {"kind": resource.kind, "apiVersion": resource.api_version}
            await send({"type": "BOOKMARK", "object": {**kind, "metadata": meta}})

        wanted = query.get("resourceVersion", "")
        initial = query.get("sendInitialEvents", "")
        if is_yes(query, "sendInitialEvents") or (not initial and wanted in ("", "0")):
            version = store.version
            for obj in store.all(resource, self._namespace):
                if self._matches(obj):
                    await send({"type": "ADDED", "object": obj})
            if initial and bookmarks:
                await bookmark(version, **{_INITIAL_END: "true"})
        else:
            version = int(wanted or 0) or store.version
            if version < store.oldest:
                gone = StatusError(410, "Expired", f"too old resource version: {wanted} ({store.version})")
                await send({"type": "ERROR", "object": gone.body()})
                return
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while (left := end - loop.time()) > 0:
            changed = store.next_change()
            for change in store.since(version):
                version = change.version
                event = self.event(change)
                if event is not None:
                    await send(event)
            try:
                async with asyncio.timeout(min(left, BOOKMARK_S)):
                    await changed.wait()
            except TimeoutError:
                if bookmarks:
                    await bookmark(max(version, store.version))


def check_query(query: dict[str, str]) -> None:
    """Raises a 400 or 422 `StatusError` for a watch that can not be begun."""
    asked, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    if asked:
        resource_version(asked)
    if query.get("sendInitialEvents"):
        if match != NOT_OLDER:
            raise list_options(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            )
    elif match:
        raise list_options(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        )
    if query.get("continue"):
        raise list_options("continue", "continue is forbidden for watch")
