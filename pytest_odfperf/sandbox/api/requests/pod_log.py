"""The ``log`` subresource of pods. A real server asks the node's kubelet; here the logs are files."""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web

from pytest_odfperf.sandbox.api.objects.object_store import Store
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request, cause
from pytest_odfperf.sandbox.api.requests.reads import read_one, whole_number

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


def pod_log(store: Store, target: Target, query: dict[str, str], directory: Path) -> web.Response:
    """The log of one container, by ``container``, ``tailLines`` and ``limitBytes``. Raises `StatusError`."""
    pod = read_one(store, target)
    for name in ("tailLines", "limitBytes"):
        if query.get(name, "").startswith("-"):
            problem = f"Invalid value: {query[name]}: must be greater than or equal to 0"
            message = f'PodLogOptions "{target.name}" is invalid: {name}: {problem}'
            raise StatusError(422, "Invalid", message, causes=[cause("FieldValueInvalid", name, problem)])
    spec = pod.get("spec") or {}
    usual = [str(c.get("name")) for c in spec.get("containers") or ()]
    first = [str(c.get("name")) for c in spec.get("initContainers") or ()]
    container = query.get("container") or ""
    if not container:
        if len(usual) != 1:
            others = f" or one of the init containers: [{' '.join(first)}]" if first else ""
            raise bad_request(
                f"a container name must be specified for pod {target.name}, choose one of: "
                f"[{' '.join(usual)}]{others}"
            )
        container = usual[0]
    if container not in usual + first or not _NAME.fullmatch(container):
        raise bad_request(f"container {container} is not valid for pod {target.name}")
    try:
        content = (directory / pod["metadata"]["uid"] / f"{container}.log").read_bytes()
    except OSError:
        raise bad_request(
            f'container "{container}" in pod "{target.name}" is waiting to start: ContainerCreating'
        ) from None
    if "tailLines" in query:
        count = whole_number(query, "tailLines")
        content = b"".join(content.splitlines(keepends=True)[-count:]) if count else b""
    if limit := whole_number(query, "limitBytes"):
        content = content[:limit]
    return web.Response(body=content, content_type="text/plain", charset="utf-8")
