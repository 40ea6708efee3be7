"""The HTTPS server: who asks, what for, and the answer."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from pytest_odfperf.sandbox.api.access.impersonated_user import impersonated
from pytest_odfperf.sandbox.api.access.rbac import authenticate, user_named
from pytest_odfperf.sandbox.api.access.tokens import ADMIN_USER, CONTROLLERS, Tokens
from pytest_odfperf.sandbox.api.faults.fault_book import Faults
from pytest_odfperf.sandbox.api.faults.injection import under_faults
from pytest_odfperf.sandbox.api.formats.answer_forms import answer, error_form
from pytest_odfperf.sandbox.api.front.admin import PREFIX, Door, administer
from pytest_odfperf.sandbox.api.front.builtin_objects import create_builtins
from pytest_odfperf.sandbox.api.front.certificates import make_server_context
from pytest_odfperf.sandbox.api.front.housekeeping import control
from pytest_odfperf.sandbox.api.front.routes import Routes, described
from pytest_odfperf.sandbox.api.objects.object_store import Store
from pytest_odfperf.sandbox.api.objects.status import NOT_SERVED, StatusError
from pytest_odfperf.sandbox.api.requests.passed_on.pod_exec import Kubelet
from pytest_odfperf.sandbox.config.config_values import ApiFault
from pytest_odfperf.sandbox.config.trouble_rules import Webhook

#: As the real server's limit for a request.
_LARGEST_BODY = 3 << 20


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
    #: By the path below ``/sandbox/``.
    doors: Mapping[str, Door] = field(default_factory=dict)
    #: Who runs commands in pods; None: nobody does.
    kubelet: Kubelet | None = None


class RunningServer:
    """A server that answers. Made by `serve`."""

    def __init__(
        self, store: Store, admin_token: str, controllers_token: str, tokens: Tokens, config: ApiConfig
    ) -> None:
        self.store = store
        self.admin_token = admin_token
        self.controllers_token = controllers_token
        self.tokens = tokens
        self.faults = Faults(config.faults)
        self.doors = config.doors
        self.url = ""
        self.ca_file = Path()
        #: How often each user did what: ``(user, verb, resource)``.
        self.requests: Counter[tuple[str, str, str]] = Counter()
        logs = config.logs or config.directory / "logs"
        self._routes = Routes(store, tokens, logs, config.webhooks, self.requests, config.kubelet)
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
        self._control = asyncio.create_task(control(self.store, self.ca_file.read_text()))

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

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            user = authenticate(request.headers.get("Authorization"), self.tokens.valid())
            user = impersonated(self.store, user, request.headers)
            if request.path.startswith(PREFIX):
                return await administer(self, request, user)
            if user is CONTROLLERS:
                return await self._routes.answer(request, user)
            action = await described(request)
            return await under_faults(
                self.faults, request, action, lambda: self._routes.answer(request, user)
            )
        except web.HTTPRequestEntityTooLarge:
            message = f"Request entity too large: limit is {_LARGEST_BODY}"
            return _refusal(request, StatusError(413, "RequestEntityTooLarge", message))
        except StatusError as error:
            return _refusal(request, error)


def _refusal(request: web.Request, error: StatusError) -> web.Response:
    if error.message == NOT_SERVED:
        return web.Response(text=NOT_SERVED, status=error.code)
    found = answer(error.body(), error.code, form=error_form(request.headers.get("Accept", "")))
    if (after_s := error.details.get("retryAfterSeconds")) is not None:
        found.headers["Retry-After"] = str(after_s)
    return found


async def serve(config: ApiConfig) -> RunningServer:
    """Start an API server on loopback; it has the objects that every cluster has."""
    admin_token, controllers_token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    users = {token: user_named(name) for name, token in config.users.items()}
    tokens = Tokens({**users, admin_token: ADMIN_USER, controllers_token: CONTROLLERS})
    store = Store()
    create_builtins(store)
    server = RunningServer(store, admin_token, controllers_token, tokens, config)
    await server.start(config)
    return server
