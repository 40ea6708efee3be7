"""The ``proxy`` subresource of Services. A real server asks a pod behind it; here the answers are files."""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web

from pytest_odfperf.sandbox.api.objects.paths import Place
from pytest_odfperf.sandbox.api.objects.status import StatusError

#: ``[scheme:]name[:port]``
_NAME = re.compile(r"(?:https?:)?([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?::[a-z0-9-]*)?", re.ASCII)
_PART = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)


def is_proxy(place: Place) -> bool:
    """Whether a path leads through a Service."""
    return not place.group and place.plural == "services" and place.sub.partition("/")[0] == "proxy"


def service_proxy(place: Place, directory: Path) -> web.Response:
    """What the Service answers: the file ``<namespace>.<service>.<path>``. Raises `StatusError`."""
    found, path = _NAME.fullmatch(place.name), place.sub.partition("/")[2]
    names = (place.namespace, found.group(1) if found else "", path)
    try:
        if not all(map(_PART.fullmatch, names)):
            raise FileNotFoundError
        content = (directory / ".".join(names)).read_bytes()
    except OSError:
        name = found.group(1) if found else place.name
        raise StatusError(404, "NotFound", f'services "{name}" not found') from None
    return web.Response(body=content, content_type="text/plain", charset="utf-8")
