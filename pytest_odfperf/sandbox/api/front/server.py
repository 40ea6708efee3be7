"""The HTTPS server: who asks, what for, and the answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiohttp import web

from pytest_odfperf.sandbox.api.access.impersonated_user import impersonated
from pytest_odfperf.sandbox.api.access.rbac import (
    ANONYMOUS,
    Action,
    User,
    authenticate,
    is_allowed,
    user_named,
)
from pytest_odfperf.sandbox.api.access.tokens import ADMIN_USER, CONTROLLERS, Tokens
from pytest_odfperf.sandbox.api.admission.virt_api import check_webhooks, is_away
from pytest_odfperf.sandbox.api.admission.webhooks import call_webhooks
from pytest_odfperf.sandbox.api.faults.fault_book import Faults
from pytest_odfperf.sandbox.api.faults.injection import under_faults
from pytest_odfperf.sandbox.api.formats.tables import answer_table, wants_table
from pytest_odfperf.sandbox.api.front.admin import PREFIX, administer
from pytest_odfperf.sandbox.api.front.certificates import make_server_context
from pytest_odfperf.sandbox.api.front.discovery import discovery
from pytest_odfperf.sandbox.api.front.housekeeping import control
from pytest_odfperf.sandbox.api.front.openapi import openapi_v2, openapi_v3
from pytest_odfperf.sandbox.api.objects.object_store import Store
from pytest_odfperf.sandbox.api.objects.paths import SUBRESOURCES, Target, parse_path
from pytest_odfperf.sandbox.api.objects.selectors import field_selector, label_selector
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request, forbidden, no_such_path
from pytest_odfperf.sandbox.api.requests import handlers
from pytest_odfperf.sandbox.api.requests.access_reviews import review
from pytest_odfperf.sandbox.api.requests.children import CREATED, create_below
from pytest_odfperf.sandbox.api.requests.new_events import EVENTS, new_events
from pytest_odfperf.sandbox.api.requests.pod_log import pod_log
from pytest_odfperf.sandbox.api.requests.reads import is_yes, read_list, read_one, whole_number
from pytest_odfperf.sandbox.api.requests.subresources import kubevirt
from pytest_odfperf.sandbox.api.requests.watching import Watch, check_query
from pytest_odfperf.sandbox.api.requests.writes import read_write
from pytest_odfperf.sandbox.api.shapes.patch import APPLY
from pytest_odfperf.sandbox.config.config_values import ApiFault
from pytest_odfperf.sandbox.config.trouble_rules import Webhook

#: As the real server's limit for a request.
_LARGEST_BODY = 3 << 20
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """``users`` maps user names to bearer tokens; they have the rights that RBAC objects give them."""

    directory: Path
    port: int = 0
    users: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[ApiFault, ...] = ()
    #: The logs of containers: ``<pod's uid>/<container>.log``. None: there are none.
    logs: Path | None = None
    webhooks: tuple[Webhook, ...] = ()


class RunningServer:
    """A server that answers. Made by `serve`."""

    def __init__(
        self, store: Store, admin_token: str, controllers_token: str, tokens: Tokens, config: ApiConfig
    ) -> None:
        self.store = store
        self._logs = config.logs or config.directory / "logs"
        self._webhooks = config.webhooks
        self.admin_token = admin_token
        self.controllers_token = controllers_token
        self.tokens = tokens
        self.faults = Faults(config.faults)
        self.url = ""
        self.ca_file = Path()
        #: How often each user did what: ``(user, verb, resource)``.
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._tls: ssl.SSLContext | None = None
        self._port = 0
        self._control: asyncio.Task[None] | None = None
        self._restarting: asyncio.Task[None] | None = None

    async def start(self, config: ApiConfig) -> None:
        config.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._tls, self.ca_file = make_server_context(config.directory)
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
        await self._runner.setup()
        self._port = config.port
        await self._listen()
        self._port = self._runner.addresses[0][1]
        self.url = f"https://127.0.0.1:{self._port}"
        self.faults.restart = self.restart
        self._control = asyncio.create_task(control(self.store))

    async def _listen(self) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(
            self._runner, "127.0.0.1", self._port, ssl_context=self._tls, backlog=1024, reuse_address=True
        )
        await self._site.start()

    def restart(self, down_s: float) -> None:
        """Drop all connections and refuse new ones for ``down_s``; the objects stay."""
        if self._restarting is None or self._restarting.done():
            self._restarting = asyncio.create_task(self._restart(down_s))

    async def _restart(self, down_s: float) -> None:
        assert self._runner is not None
        assert self._site is not None
        assert self._runner.server is not None
        await asyncio.sleep(0.05)  # whoever asked for it gets an answer
        await self._site.stop()
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(down_s)
        await self._listen()

    async def close(self) -> None:
        """Stop answering; open watches and tunnels end."""
        for task in (self._control, self._restarting):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._runner is not None:
            await self._runner.cleanup()

    def _issue(self, name: str, seconds: float) -> str:
        return self.tokens.issue(name, seconds).token

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            user = authenticate(request.headers.get("Authorization"), self.tokens.valid())
            user = impersonated(self.store, user, request.headers)
            if request.path.startswith(PREFIX):
                return await administer(self, request, user)
            if user is CONTROLLERS:
                return await self._dispatch(request, user)
            action = await _described(request)
            return await under_faults(self.faults, request, action, lambda: self._dispatch(request, user))
        except web.HTTPRequestEntityTooLarge:
            message = f"Request entity too large: limit is {_LARGEST_BODY}"
            error = StatusError(413, "RequestEntityTooLarge", message)
            return handlers.as_json(error.body(), error.code)
        except StatusError as error:
            answer = handlers.as_json(error.body(), error.code)
            if (after_s := error.details.get("retryAfterSeconds")) is not None:
                answer.headers["Retry-After"] = str(after_s)
            return answer

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
        if user is ANONYMOUS:
            message = f'forbidden: User "{user.name}" cannot {request.method.lower()} path "{path}"'
            raise StatusError(403, "Forbidden", message)
        target = parse_path(path)
        query = dict(request.query)
        self._authorize(request.method, target, query, user)
        if target.kubevirt:
            if is_away(self.store):
                return web.Response(status=503, text="service unavailable\n")
            options = handlers.decode(await request.read(), request.content_type)
            return await kubevirt(request, self.store, target, options if isinstance(options, dict) else {})
        if target.resource.plural == "pods" and target.sub == "log" and request.method == "GET":
            return pod_log(self.store, target, query, self._logs)
        below = request.method == "POST" and (target.resource.plural, target.sub) in CREATED
        if not below and (target.sub not in ("", "status") or (target.sub and not target.resource.status)):
            raise no_such_path()
        if target.resource is EVENTS:
            return await new_events(request, self.store, target, query)
        return await self._objects(request, target, query, user)

    def _authorize(self, method: str, target: Target, query: Mapping[str, str], user: User) -> None:
        action = _action(method, target, query)
        if not action.verb:
            raise StatusError(
                405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
            )
        self.requests[user.name, action.verb, action.resource] += 1
        if not target.resource.plural.startswith("selfsubject") and not is_allowed(self.store, user, action):
            raise forbidden(
                user.name, action.verb, action.resource, action.group, target.namespace, target.name
            )

    async def _objects(
        self, request: web.Request, target: Target, query: dict[str, str], user: User
    ) -> web.StreamResponse:
        store, method = self.store, request.method
        if method == "GET":
            include = query.get("includeObject", "Metadata")
            as_table = wants_table(request.headers.get("Accept", ""))
            if target.name or not is_yes(query, "watch"):
                read = read_one(store, target, query) if target.name else read_list(store, target, query)
                return handlers.as_json(answer_table(target.resource, read, include) if as_table else read)
            check_query(query)
            labels = label_selector(query.get("labelSelector", ""))
            fields = field_selector(query.get("fieldSelector", ""), target.resource)
            watch = Watch(store, target.resource, target.namespace, lambda obj: labels(obj) and fields(obj))
            watch.include = include if as_table else None
            return await watch.stream(request, query, whole_number(query, "timeoutSeconds"))
        body = await request.read()
        if method != "DELETE" and user is not CONTROLLERS:
            check_webhooks(store, target)
        if method == "DELETE":
            options = handlers.decode(body, request.content_type) or {}
            if not isinstance(options, dict):
                raise bad_request("DeleteOptions must be an object")
            if target.name:
                return handlers.as_json(handlers.remove(store, target, options, query))
            return handlers.as_json(handlers.remove_collection(store, target, options, query))
        apply = request.content_type == APPLY
        write = read_write(query, request.headers.get("User-Agent", ""), apply=apply)
        if method == "PATCH" and target.name:
            code, obj = handlers.patch(store, target, body, request.content_type, write)
            return handlers.as_json(obj, code, write.warnings)
        decoded = handlers.decode(body, request.content_type)
        if method == "POST" and target.sub:
            obj = create_below(store, target, decoded, write, self._issue)
            return handlers.as_json(obj, 201)
        if method == "POST" and not target.name:
            if target.resource.review:
                return handlers.as_json(review(store, user, target, decoded), 201)
            call_webhooks(self._webhooks, target, decoded)
            obj = handlers.create(store, target, decoded, write)
            return handlers.as_json(obj, 201, write.warnings)
        if method == "PUT" and target.name:
            obj = handlers.update(store, target, decoded, write)
            return handlers.as_json(obj, 200, write.warnings)
        raise StatusError(
            405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
        )


def _action(method: str, target: Target, query: Mapping[str, str]) -> Action:
    """What a request wants, in RBAC's words; the verb is empty if there is none for it."""
    if target.kubevirt:
        group = SUBRESOURCES
        resource = f"{target.resource.plural}/{target.sub.partition('/')[0]}"
        verb = "get" if method == "GET" else "update"
    else:
        group = target.resource.group
        resource = f"{target.resource.plural}/{target.sub}" if target.sub else target.resource.plural
        if method == "GET":
            verb = "get" if target.name else "watch" if is_yes(query, "watch") else "list"
        elif method == "DELETE":
            verb = "delete" if target.name else "deletecollection"
        else:
            verb = _VERBS.get(method, "")
    # A Role may grant the rights on its own namespace: the request is then one in that namespace.
    namespace = target.name if target.resource.plural == "namespaces" else target.namespace
    return Action(verb=verb, group=group, resource=resource, namespace=namespace, name=target.name)


async def _described(request: web.Request) -> Action:
    """The action of any request, for the rules of faults: a new object's name is in its body."""
    try:
        action = _action(request.method, parse_path(request.path), request.query)
    except StatusError:
        return Action(verb="get", group="", resource="")
    if action.verb != "create" or action.name:
        return action
    with contextlib.suppress(ValueError, LookupError, TypeError):
        name = str(json.loads(await request.read())["metadata"]["name"])
        return replace(action, name=name)
    return action


async def serve(config: ApiConfig) -> RunningServer:
    """Start an API server on loopback; it has no objects but what its users make."""
    admin_token, controllers_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    users = {token: user_named(name) for name, token in config.users.items()}
    tokens = Tokens({**users, admin_token: ADMIN_USER, controllers_token: CONTROLLERS})
    server = RunningServer(Store(), admin_token, controllers_token, tokens, config)
    await server.start(config)
    return server
