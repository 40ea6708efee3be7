"""The sandbox's own endpoints, for its administrator: counts of requests, faults, restarts, tokens."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from aiohttp import web

from pytest_odfperf.errors import InputError, OdfError
from pytest_odfperf.sandbox.api.access.rbac import ADMIN, User
from pytest_odfperf.sandbox.api.access.tokens import Tokens
from pytest_odfperf.sandbox.api.faults.fault_book import Faults
from pytest_odfperf.sandbox.api.formats.answer_forms import answer as reply
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request, no_such_path
from pytest_odfperf.sandbox.config.fault_rules import read_api_faults
from pytest_odfperf.sandbox.config.mapping_reader import Reader

PREFIX = "/sandbox/"


#: What else of the sandbox listens behind the server: takes the body of a POST; raises `OdfError`.
Door = Callable[[Any], Awaitable[Mapping[str, Any]]]


class Administered(Protocol):
    """What an administrator can change of a server."""

    doors: Mapping[str, Door]

    faults: Faults
    tokens: Tokens
    requests: Counter[tuple[str, str, str]]

    def restart(self, down_s: float) -> None: ...


async def administer(server: Administered, request: web.Request, user: User) -> web.Response:
    """The answer to a request below ``/sandbox/``. Faults do not touch it. Raises `StatusError`."""
    if ADMIN not in user.groups:
        raise StatusError(403, "Forbidden", f'User "{user.name}" is no administrator of the sandbox')
    what = request.path.removeprefix(PREFIX)
    if what == "requests" and request.method == "GET":
        counted = {" ".join(key): count for key, count in sorted(server.requests.items())}
        return reply(counted)
    try:
        body = json.loads(await request.read() or b"null")
        if request.method == "POST" and what in server.doors:
            return reply(dict(await server.doors[what](body)))
        answer = _do(server, request.method, what, body)
    except InputError as error:
        raise bad_request(str(error)) from error
    except ValueError as error:
        raise bad_request(f"the body is not JSON: {error}") from error
    except OdfError as error:
        raise StatusError(500, "InternalError", str(error)) from error
    if answer is None:
        raise no_such_path()
    return reply(answer)


def _do(server: Administered, method: str, what: str, body: Any) -> dict[str, Any] | None:
    faults = server.faults
    if what == "faults":
        if method == "POST":
            faults.add(read_api_faults(body if isinstance(body, list) else [body], "faults"))
        elif method == "DELETE":
            faults.clear()
        return {"rules": [rule.shown() for rule in faults.rules]}
    if what in ("freeze", "restart") and method == "POST":
        read = Reader(body, what)
        seconds = read.number("seconds", 5.0)
        read.end()
        if what == "freeze":
            faults.freeze(seconds)
        else:
            server.restart(seconds)
        return {"seconds": seconds}
    if what == "tokens" and method == "POST":
        read = Reader(body, what)
        limited = read.value("lifetime_s", None) is not None
        lifetime_s = read.number("lifetime_s", 0.0, above=0.0) if limited else None
        user = read.text("user", "admin")
        read.end()
        return asdict(server.tokens.issue(user, lifetime_s))
    if what == "tokens" and method == "DELETE":
        read = Reader(body, what)
        token, owner = read.optional_text("token") or "", read.optional_text("user") or ""
        read.end()
        return {"revoked": server.tokens.revoke(token=token, user=owner)}
    return None
