"""The ``exec`` subresource of pods: a WebSocket to the node's kubelet, handed on as it is.

(kube-apiserver, ``pkg/registry/core/pod/strategy.go``; what the kubelet refuses comes in a Status.)
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import WSMsgType, web

from pytest_odfperf.sandbox.api.faults.injection import thawed
from pytest_odfperf.sandbox.api.objects.object_store import Store
from pytest_odfperf.sandbox.api.objects.paths import Target
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request
from pytest_odfperf.sandbox.api.requests.reads import read_one

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_PING_S = 5.0
_DIAL_S = 10.0


@dataclass(frozen=True, slots=True)
class Kubelet:
    """Where the kubelets answer, and what they let in."""

    url: str
    token: str


async def pod_exec(
    request: web.Request, store: Store, target: Target, kubelet: Kubelet | None
) -> web.StreamResponse:
    """Hand the client on until one of both ends. Raises `StatusError`."""
    pod = read_one(store, target)
    container = _container(pod, request.query.get("container") or "", target.name)
    if not request.query.getall("command", []):
        raise bad_request("you must specify at least 1 command for the container")
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise bad_request("Upgrade request required")
    offered = {one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",")}
    protocols = [one for one in PROTOCOLS if one in offered]
    if not protocols:
        raise bad_request(f"websocket server can't find a subprotocol among {sorted(offered)}")
    node = (pod.get("spec") or {}).get("nodeName")
    if not node:
        raise bad_request(f"pod {target.name} does not have a host assigned")
    if kubelet is None:
        raise _not_dialed(node, "connect: connection refused")
    names = "/".join(quote(name, safe="") for name in (target.namespace, target.name, container))
    try:
        async with aiohttp.ClientSession() as session:
            async with asyncio.timeout(_DIAL_S):
                far = await session.ws_connect(
                    f"{kubelet.url}/exec/{names}",
                    params=[("command", word) for word in request.query.getall("command")],
                    headers={"Authorization": f"Bearer {kubelet.token}"},
                    protocols=protocols,
                    max_msg_size=0,
                    compress=0,
                )
            return await _joined(request, far)
    except aiohttp.WSServerHandshakeError as error:
        # What the kubelet says in its answer the library keeps to itself; it has one reason to refuse.
        said = f'container not found ("{container}")' if error.status == 500 else error.message
        raise StatusError(500, "InternalError", f"unable to upgrade connection: {said}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise _not_dialed(node, str(error) or "i/o timeout") from error


def _not_dialed(node: str, why: str) -> StatusError:
    return StatusError(500, "InternalError", f"error dialing backend: dial tcp {node}:10250: {why}")


def _container(pod: dict[str, Any], wanted: str, name: str) -> str:
    spec = pod.get("spec") or {}
    usual = [str(c.get("name")) for c in spec.get("containers") or ()]
    first = [str(c.get("name")) for c in spec.get("initContainers") or ()]
    if wanted and wanted not in usual + first:
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    if not wanted and len(usual) != 1:
        raise bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{' '.join(usual)}]"
        )
    return wanted or usual[0]


async def _joined(request: web.Request, far: aiohttp.ClientWebSocketResponse) -> web.WebSocketResponse:
    near = web.WebSocketResponse(
        protocols=[far.protocol] if far.protocol else (), max_msg_size=0, compress=False
    )
    tasks: list[asyncio.Task[None]] = []
    try:
        await near.prepare(request)
        tasks = [
            asyncio.create_task(work)
            for work in (_hand_on(near, far), _hand_on(far, near), _keep_alive(near))
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for end in (near, far):
            with contextlib.suppress(ConnectionError, RuntimeError, aiohttp.ClientError):
                await end.close()
    return near


async def _hand_on(source: Any, sink: Any) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError, aiohttp.ClientError):
        async for message in source:
            if message.type is WSMsgType.BINARY:
                await thawed()
                await sink.send_bytes(message.data)


async def _keep_alive(client: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await asyncio.sleep(_PING_S)
            await thawed()
            await client.ping()
