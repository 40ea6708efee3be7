"""A small Kubernetes client for reconcilers: calls, and caches kept by list and watch.

Nothing in here knows the sandbox; it works against any API server that the URL, CA and token name.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from pytest_odfperf.errors import ClusterError
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Kind, Name, Obj, name_of

_CALL_S = 30.0
#: The server ends a watch after this; a connection that died in silence is noticed soon after.
_WATCH_S = 240
_RETRY_S = 0.2
_LONGEST_LINE = 1 << 24


class ApiError(ClusterError):
    """The server refused; ``reason`` is that of its Status."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(message)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Api:
    """Calls. All raise `ApiError` or `ClusterError`; 404 is None where an object is asked for."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        params: Mapping[str, str] | None = None,
    ) -> Any:
        data = None if body is None else json.dumps(body).encode()
        try:
            async with self._session.request(
                method,
                self._url + path,
                data=data,
                params=params,
                headers={"Content-Type": content_type} if data else {},
                timeout=aiohttp.ClientTimeout(total=_CALL_S),
            ) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ClusterError(f"{method} {path}: {error or type(error).__name__}") from error
        if response.status >= 400:
            raise _error(response.status, text, f"{method} {path}")
        return json.loads(text) if text.startswith(("{", "[")) else None

    async def get(self, kind: Kind, namespace: str, name: str) -> Obj | None:
        try:
            found: Obj = await self.call("GET", kind.path(namespace, name))
        except ApiError as error:
            if error.code == 404:
                return None
            raise
        return found

    async def create(self, kind: Kind, obj: Obj) -> bool:
        """Create it with kind and version filled in; False if one of that name is there."""
        body = {"apiVersion": kind.api_version, "kind": kind.kind, **obj}
        try:
            await self.call("POST", kind.path(obj["metadata"].get("namespace", "")), body)
        except ApiError as error:
            if error.reason == "AlreadyExists":
                return False
            raise
        return True

    async def patch(self, kind: Kind, name: Name, change: Obj, *, subresource: str = "") -> bool:
        """Merge patch; False if it is gone."""
        try:
            await self.call(
                "PATCH",
                kind.path(*name, subresource),
                change,
                content_type="application/merge-patch+json",
            )
        except ApiError as error:
            if error.code == 404:
                return False
            raise
        return True

    async def patch_status(self, kind: Kind, name: Name, status: Obj) -> bool:
        return await self.patch(kind, name, {"status": status}, subresource="status")

    async def delete(
        self, kind: Kind, name: Name, *, uid: str | None = None, grace_s: int | None = None
    ) -> None:
        """Delete it, if it is there and still the one with ``uid``."""
        options: Obj = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        try:
            await self.call("DELETE", kind.path(*name), options)
        except ApiError as error:
            if error.code not in (404, 409):
                raise

    async def set_finalizers(self, kind: Kind, obj: Obj, finalizers: list[str]) -> None:
        """Replace the list as it was read; another's change since then is a conflict, tried again."""
        meta: Obj = {"finalizers": finalizers}
        if version := obj["metadata"].get("resourceVersion"):
            meta["resourceVersion"] = version
        await self.patch(kind, name_of(obj), {"metadata": meta})

    async def list(self, kind: Kind) -> tuple[list[Obj], str]:
        answer = await self.call("GET", kind.path())
        return answer.get("items") or [], answer["metadata"]["resourceVersion"]

    async def watch(self, kind: Kind, version: str) -> AsyncIterator[tuple[str, Obj]]:
        """Events from ``version`` on, until the server ends the watch."""
        params = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_WATCH_S),
        }
        async with self._session.get(
            self._url + kind.path(),
            params=params,
            timeout=aiohttp.ClientTimeout(total=None, connect=_CALL_S, sock_read=_WATCH_S + _CALL_S),
        ) as response:
            if response.status != 200:
                raise _error(response.status, await response.text(), f"watch {kind.plural}")
            async for line in response.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    status = event["object"]
                    raise ApiError(
                        status.get("code", 500), status.get("reason", ""), status.get("message", "")
                    )
                yield event["type"], event["object"]


def _error(code: int, text: str, what: str) -> ApiError:
    try:
        status = json.loads(text)
        return ApiError(code, status.get("reason") or "", f"{what}: {code} {status.get('message')}")
    except (ValueError, AttributeError):
        return ApiError(code, "", f"{what}: {code} {text[:300]}")


@asynccontextmanager
async def open_api(url: str, *, token: str, ca_file: Path) -> AsyncIterator[Api]:
    """An `Api` with its own connections."""
    context = ssl.create_default_context(cafile=str(ca_file))
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, */*"}
    async with aiohttp.ClientSession(
        connector=connector, headers=headers, read_bufsize=_LONGEST_LINE
    ) as session:
        yield Api(session, url)


@dataclass(frozen=True, slots=True)
class Change:
    kind: Kind
    obj: Obj
    gone: bool


class Cache:
    """All objects of one kind, as the server last told. `run` keeps it; listeners hear of each change."""

    def __init__(self, api: Api, kind: Kind) -> None:
        self._api = api
        self.kind = kind
        self.objects: dict[Name, Obj] = {}
        self.listeners: list[Callable[[Change], None]] = []
        self.filled = asyncio.Event()

    def get(self, namespace: str, name: str) -> Obj | None:
        return self.objects.get((namespace, name))

    def _tell(self, obj: Obj, *, gone: bool) -> None:
        name = name_of(obj)
        if gone:
            self.objects.pop(name, None)
        else:
            self.objects[name] = obj
        for listener in self.listeners:
            listener(Change(self.kind, obj, gone))

    async def _fill(self) -> str:
        items, version = await self._api.list(self.kind)
        there = {name_of(item): item for item in items}
        for name in self.objects.keys() - there.keys():
            self._tell(self.objects[name], gone=True)
        for item in items:
            self._tell(item, gone=False)
        self.filled.set()
        return version

    async def run(self) -> None:
        """List, then watch, for ever: from the last version seen, or anew when that is too old."""
        version: str | None = None
        while True:
            try:
                if version is None:
                    version = await self._fill()
                async for event, obj in self._api.watch(self.kind, version):
                    if event != "BOOKMARK":
                        self._tell(obj, gone=event == "DELETED")
                    version = obj["metadata"]["resourceVersion"]
            except ApiError:
                version = None
                await asyncio.sleep(_RETRY_S)
            except (ClusterError, aiohttp.ClientError, TimeoutError, ValueError):
                await asyncio.sleep(_RETRY_S)
