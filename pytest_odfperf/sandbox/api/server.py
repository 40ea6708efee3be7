"""The HTTPS server: who asks, what for, and the answer."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from pytest_odfperf.sandbox.api import handlers
from pytest_odfperf.sandbox.api.access import ADMIN, ANONYMOUS, Action, User, authenticate, is_allowed
from pytest_odfperf.sandbox.api.certificates import make_server_context
from pytest_odfperf.sandbox.api.discovery import discovery
from pytest_odfperf.sandbox.api.lifecycle import collect_garbage
from pytest_odfperf.sandbox.api.openapi import openapi_v2, openapi_v3
from pytest_odfperf.sandbox.api.paths import SUBRESOURCES, Target, parse_path
from pytest_odfperf.sandbox.api.reviews import review
from pytest_odfperf.sandbox.api.selectors import field_selector, label_selector
from pytest_odfperf.sandbox.api.status import StatusError, bad_request, forbidden, no_such_path
from pytest_odfperf.sandbox.api.store import Store
from pytest_odfperf.sandbox.api.subresources import kubevirt
from pytest_odfperf.sandbox.api.tables import answer_table, wants_table
from pytest_odfperf.sandbox.api.watching import Watch

REQUESTS_PATH = "/sandbox/requests"
_LARGEST_BODY = 16 << 20
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}
_YES = ("true", "1", "True")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """``users`` maps user names to bearer tokens; they have the rights that RBAC objects give them."""

    directory: Path
    port: int = 0
    users: Mapping[str, str] = field(default_factory=dict)


class RunningServer:
    """A server that answers. Made by `serve`."""

    def __init__(self, store: Store, admin_token: str, tokens: Mapping[str, User]) -> None:
        self.store = store
        self.admin_token = admin_token
        self.url = ""
        self.ca_file = Path()
        #: How often each user did what: ``(user, verb, resource)``.
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self._tokens = tokens
        self._runner: web.AppRunner | None = None
        self._garbage: asyncio.Task[None] | None = None

    async def start(self, config: ApiConfig) -> None:
        config.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        context, self.ca_file = make_server_context(config.directory)
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", config.port, ssl_context=context, backlog=1024)
        await site.start()
        self.url = f"https://127.0.0.1:{self._runner.addresses[0][1]}"
        self._garbage = asyncio.create_task(collect_garbage(self.store))

    async def close(self) -> None:
        """Stop answering; open watches and tunnels end."""
        if self._garbage is not None:
            self._garbage.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._garbage
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            user = authenticate(request.headers.get("Authorization"), self._tokens)
            return await self._dispatch(request, user)
        except StatusError as error:
            return handlers.as_json(error.body(), error.code)

    async def _dispatch(self, request: web.Request, user: User) -> web.StreamResponse:
        path = request.path
        if path in ("/healthz", "/livez", "/readyz"):
            return web.Response(text="ok")
        if path == "/version" or user is not ANONYMOUS:
            document = openapi_v3(path) if path.startswith("/openapi/v3") else discovery(path)
            if document is not None:
                return handlers.as_json(document)
            if path == "/openapi/v2":
                content, content_type = openapi_v2(request.headers.get("Accept", ""))
                return web.Response(body=content, headers={"Content-Type": content_type})
            if path == REQUESTS_PATH and ADMIN in user.groups:
                counted = {" ".join(key): count for key, count in sorted(self.requests.items())}
                return handlers.as_json(counted)
        if user is ANONYMOUS:
            message = f'forbidden: User "{user.name}" cannot {request.method.lower()} path "{path}"'
            raise StatusError(403, "Forbidden", message)
        target = parse_path(path)
        query = dict(request.query)
        self._authorize(request.method, target, query, user)
        if target.kubevirt:
            options = handlers.decode(await request.read(), request.content_type)
            return await kubevirt(request, self.store, target, options or {})
        if target.sub not in ("", "status") or (target.sub and not target.resource.status):
            raise no_such_path()
        return await self._objects(request, target, query, user)

    def _authorize(self, method: str, target: Target, query: dict[str, str], user: User) -> None:
        if target.kubevirt:
            group = SUBRESOURCES
            resource = f"{target.resource.plural}/{target.sub.partition('/')[0]}"
            verb = "get" if method == "GET" else "update"
        else:
            group = target.resource.group
            resource = f"{target.resource.plural}/{target.sub}" if target.sub else target.resource.plural
            if method == "GET":
                verb = "get" if target.name else "watch" if query.get("watch") in _YES else "list"
            elif method == "DELETE":
                verb = "delete" if target.name else "deletecollection"
            else:
                verb = _VERBS.get(method, "")
        if not verb:
            raise StatusError(
                405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
            )
        self.requests[user.name, verb, resource] += 1
        action = Action(
            verb=verb, group=group, resource=resource, namespace=target.namespace, name=target.name
        )
        if not target.resource.plural.startswith("selfsubject") and not is_allowed(self.store, user, action):
            raise forbidden(user.name, verb, resource, group, target.namespace, target.name)

    async def _objects(
        self, request: web.Request, target: Target, query: dict[str, str], user: User
    ) -> web.StreamResponse:
        store, method = self.store, request.method
        dry_run = query.get("dryRun") == "All"
        if method == "GET":
            include = query.get("includeObject", "Metadata")
            as_table = wants_table(request.headers.get("Accept", ""))
            if target.name or query.get("watch") not in _YES:
                read = (
                    handlers.read_one(store, target)
                    if target.name
                    else handlers.read_list(store, target, query)
                )
                return handlers.as_json(answer_table(target.resource, read, include) if as_table else read)
            labels = label_selector(query.get("labelSelector", ""))
            fields = field_selector(query.get("fieldSelector", ""), target.resource)
            watch = Watch(store, target.resource, target.namespace, lambda obj: labels(obj) and fields(obj))
            watch.include = include if as_table else None
            return await watch.stream(request, query, handlers.whole_number(query, "timeoutSeconds"))
        body = await request.read()
        if method == "PATCH" and target.name:
            code, obj = handlers.patch(store, target, body, request.content_type, query)
            return handlers.as_json(obj, code)
        decoded = handlers.decode(body, request.content_type)
        if method == "POST" and not target.name:
            if target.resource.review:
                return handlers.as_json(review(store, user, target, decoded), 201)
            return handlers.as_json(handlers.create(store, target, decoded, dry_run=dry_run), 201)
        if method == "PUT" and target.name:
            return handlers.as_json(handlers.update(store, target, decoded, dry_run=dry_run))
        if method == "DELETE":
            options = decoded or {}
            if not isinstance(options, dict):
                raise bad_request("DeleteOptions must be an object")
            if target.name:
                return handlers.as_json(handlers.remove(store, target, options, query))
            return handlers.as_json(handlers.remove_collection(store, target, options, query))
        raise StatusError(
            405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
        )


async def serve(config: ApiConfig) -> RunningServer:
    """Start an API server on loopback; it has no objects but what its users make."""
    admin_token = secrets.token_urlsafe(32)
    tokens = {token: User(name, ("system:authenticated",)) for name, token in config.users.items()}
    tokens[admin_token] = User("admin", (ADMIN, "system:authenticated"))
    server = RunningServer(Store(), admin_token, tokens)
    await server.start(config)
    return server
