"""The ``proxy`` subresource of Services. A real server asks a pod behind it; here a file says the answer, or
the address that gives it."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
from aiohttp import web

from pytest_odfperf.sandbox.api.objects.paths import Place
from pytest_odfperf.sandbox.api.objects.status import StatusError

#: ``[scheme:]name[:port]``
_NAME = re.compile(r"(?:https?:)?([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?::[a-z0-9-]*)?", re.ASCII)
_PART = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)
_DEADLINE_S = 30.0


def is_proxy(place: Place) -> bool:
    """Whether a path leads through a Service."""
    return not place.group and place.plural == "services" and place.sub.partition("/")[0] == "proxy"


async def service_proxy(place: Place, directory: Path) -> web.Response:
    """What the Service answers: the file ``<namespace>.<service>.<path>``, or whoever listens where the file
    ``<namespace>.<service>.<path>.address`` says. Raises `StatusError`."""
    found, path = _NAME.fullmatch(place.name), place.sub.partition("/")[2]
    names = (place.namespace, found.group(1) if found else "", path)
    file = directory / ".".join(names)
    try:
        if not all(map(_PART.fullmatch, names)):
            raise FileNotFoundError
        address = file.with_name(f"{file.name}.address")
        if address.exists():
            return await _forwarded(address.read_text().strip())
        content = file.read_bytes()
    except OSError:
        name = found.group(1) if found else place.name
        raise StatusError(404, "NotFound", f'services "{name}" not found') from None
    return web.Response(body=content, content_type="text/plain", charset="utf-8")


async def _forwarded(url: str) -> web.Response:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_DEADLINE_S)) as session,
            session.get(url) as answer,
        ):
            body = await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        said = str(error) or "context deadline exceeded"
        raise StatusError(503, "ServiceUnavailable", f"error trying to reach service: {said}") from error
    return web.Response(
        status=answer.status, body=body, content_type=answer.content_type, charset=answer.charset
    )
