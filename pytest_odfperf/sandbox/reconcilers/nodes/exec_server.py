"""The kubelets' server for ``exec``: the API server hands the clients of pods on to it.

A WebSocket whose binary messages begin with the number of a stream: 0 stdin, 1 stdout, 2 stderr, 3 how it
ended, as a Status; of version 5 of the protocol, 255 closes the stream that follows (kubelet
``pkg/kubelet/server``, cri-streaming ``remotecommand/websocket.go``).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
from typing import Any

from aiohttp import WSMsgType, web

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.machines.base import Container

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDIN, _STDOUT, _STATUS, _CLOSE = 0, 1, 3, 255
_PIECE = 32 * 1024


class ExecServer:
    """Listens on loopback, for whoever knows the token; `containers` is kept by the kubelets."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)
        #: By namespace, pod and container.
        self.containers: dict[tuple[str, str, str], Container] = {}
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/exec/{namespace}/{pod}/{container}", self._exec)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self._socket.close()

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401, text="Unauthorized")
        names = request.match_info
        container = self.containers.get((names["namespace"], names["pod"], names["container"]))
        if container is None:
            return web.Response(status=500, text=f'container not found ("{names["container"]}")')
        # Empty frames begin and end nothing, but a client may wait for the first.
        client = web.WebSocketResponse(protocols=PROTOCOLS, max_msg_size=0, compress=False)
        await client.prepare(request)
        await client.send_bytes(bytes((_STDOUT,)))
        await _Command(client, container, request.query.getall("command")).run()
        return client


class _Command:
    """One command of one client: whichever ends first ends the other."""

    def __init__(self, client: web.WebSocketResponse, container: Container, words: list[str]) -> None:
        self._client = client
        self._container = container
        self._words = words
        self._stdin = asyncio.StreamReader()
        #: None: nothing more will be said.
        self._said: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def run(self) -> None:
        cut = self._container.cut
        tasks = [asyncio.create_task(work) for work in (self._listen(), self._speak(), cut.wait())]
        command = asyncio.create_task(self._command())
        try:
            await asyncio.wait([*tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, command):
                task.cancel()
            await asyncio.gather(*tasks, command, return_exceptions=True)
            if cut.is_set() and (transport := self._client._req and self._client._req.transport):
                transport.abort()
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self._client.close()

    async def _command(self) -> None:
        try:
            code = await self._container.exec(self._words, self._stdin, self._say)
            status = _status(code)
        except OdfError as error:
            message = f"Internal error occurred: error executing command in container: {error}"
            status = {"status": "Failure", "reason": "InternalError", "message": message, "code": 500}
        self._said.put_nowait(bytes((_STATUS,)) + json.dumps({"metadata": {}, **status}).encode())
        self._said.put_nowait(None)

    def _say(self, stream: int, data: bytes) -> None:
        for at in range(0, len(data), _PIECE):
            self._said.put_nowait(bytes((stream,)) + data[at : at + _PIECE])

    async def _speak(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while (message := await self._said.get()) is not None:
                await self._client.send_bytes(message)

    async def _listen(self) -> None:
        async for message in self._client:
            if message.type is not WSMsgType.BINARY or not message.data:
                continue
            stream, content = message.data[0], message.data[1:]
            if stream == _STDIN:
                self._stdin.feed_data(content)
            elif stream == _CLOSE and content[:1] == bytes((_STDIN,)):
                self._stdin.feed_eof()


def _status(code: int) -> dict[str, Any]:
    """How a command ended (k8s.io/kubelet, ``remotecommand/exec.go``)."""
    if code == 0:
        return {"status": "Success"}
    return {
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
