"""The tunnel against a server that speaks KubeVirt's portforward over TLS, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from pytest_odfperf.cluster.client.impersonation import Impersonation
from pytest_odfperf.guest.tunnel import SUBPROTOCOL, Tunnel, TunnelError
from pytest_odfperf.sandbox.api.front.certificates import make_server_context

MIB = 1 << 20


class PortForward:
    """Every port is an echo service in the server itself."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.cut: asyncio.Event | None = None
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append({"path": request.path, "authorization": request.headers.get("Authorization", "")})
        vm = request.match_info["vm"]
        if vm == "absent":
            return status(404, 'virtualmachineinstance.kubevirt.io "absent" not found')
        if vm == "booting":
            return status(
                500, "Internal error occurred: dialing VM: dial tcp 10.0.0.1:22: connect: connection refused"
            )
        if vm == "plain":
            return web.Response(status=503, text="upstream\nis away")
        answer = web.WebSocketResponse(protocols=[SUBPROTOCOL], heartbeat=0.4, max_msg_size=0)
        await answer.prepare(request)
        if vm == "cut":
            self.cut = asyncio.Event()
            await self.cut.wait()
            assert request.transport is not None
            request.transport.abort()
            return answer
        async for message in answer:
            if message.type == WSMsgType.BINARY:
                # Not on the borders that they came with, and a frame larger than any buffer.
                await answer.send_bytes(message.data[:1])
                await answer.send_bytes(message.data[1:])
        return answer


def status(code: int, message: str) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return web.Response(status=code, text=json.dumps(body), content_type="application/json")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortForward]:
    tls, ca = make_server_context(tmp_path_factory.mktemp("tls"))
    forward = PortForward()
    loop = asyncio.new_event_loop()
    started = threading.Event()
    app = web.Application()
    path = "/prefix/apis/subresources.kubevirt.io/v1/namespaces/{ns}/virtualmachineinstances/{vm}"
    app.router.add_get(f"{path}/portforward/22/tcp", forward.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.5)

    async def serve() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        forward.url = f"https://127.0.0.1:{port}/prefix"
        started.set()

    def main() -> None:
        loop.run_until_complete(serve())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=main)
    thread.start()
    assert started.wait(10)
    forward.ca = str(ca)  # type: ignore[attr-defined]
    forward.loop = loop  # type: ignore[attr-defined]
    yield forward
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def access(server: Any, **changes: Any) -> Any:
    from kubernetes.client import Configuration

    configuration = Configuration()
    configuration.host = server.url
    configuration.ssl_ca_cert = server.ca
    configuration.api_key = {"authorization": "Bearer secret-token"}
    for name, value in changes.items():
        setattr(configuration, name, value)
    return SimpleNamespace(
        configuration=configuration,
        impersonation=Impersonation(),
        credential=(),
        outage_s=5,
        log_in_again=lambda refused: False,
    )


@pytest.fixture
def tunnel(server: Any) -> Iterator[Tunnel]:
    opened = Tunnel.open(access(server), "bench", "vm-1", 22)
    yield opened
    opened.close()


def receive(sock: socket.socket, size: int) -> bytes:
    sock.settimeout(20)
    pieces = bytearray()
    while len(pieces) < size and (piece := sock.recv(1 << 16)):
        pieces += piece
    return bytes(pieces)


def test_bytes_pass_unchanged_in_both_directions(tunnel: Tunnel) -> None:
    sent = os.urandom(8 * MIB)

    def send() -> None:
        tunnel.local.sendall(sent)

    thread = threading.Thread(target=send)
    thread.start()
    received = receive(tunnel.local, len(sent))
    thread.join(20)
    assert hashlib.sha256(received).digest() == hashlib.sha256(sent).digest()


def test_an_idle_tunnel_answers_the_servers_pings(tunnel: Tunnel) -> None:
    # The server drops whoever leaves its PINGs, one every 0.4 s, without an answer.
    tunnel.local.settimeout(1.5)
    with pytest.raises(TimeoutError):
        tunnel.local.recv(1)
    tunnel.local.sendall(b"still there")
    assert receive(tunnel.local, 11) == b"still there"


def test_the_token_and_the_path_of_the_configuration_are_used(server: Any, tunnel: Tunnel) -> None:
    seen = server.seen[-1]
    assert seen["authorization"] == "Bearer secret-token"
    assert (
        "/prefix/apis/subresources.kubevirt.io/v1/namespaces/bench/virtualmachineinstances/vm-1/"
        in seen["path"]
    )


@pytest.mark.parametrize(
    ("vm", "code", "words"),
    [
        ("absent", 404, 'virtualmachineinstance.kubevirt.io "absent" not found'),
        ("booting", 500, "dialing VM: dial tcp 10.0.0.1:22: connect: connection refused"),
        ("plain", 503, "upstream is away"),
    ],
)
def test_a_refusal_carries_the_servers_words(server: Any, vm: str, code: int, words: str) -> None:
    with pytest.raises(TunnelError, match="^" + str(code)) as caught:
        Tunnel.open(access(server), "bench", vm, 22)
    assert words in str(caught.value)
    assert caught.value.status == code


def test_a_server_of_another_authority_is_refused(server: Any, tmp_path: Path) -> None:
    with pytest.raises(TunnelError, match="CERTIFICATE_VERIFY_FAILED"):
        Tunnel.open(access(server, ssl_ca_cert=str(make_server_context(tmp_path)[1])), "bench", "vm-1", 22)


def test_a_cut_ends_the_socket_and_says_why(server: Any) -> None:
    tunnel = Tunnel.open(access(server), "bench", "cut", 22)
    try:
        while server.cut is None:
            threading.Event().wait(0.01)
        server.loop.call_soon_threadsafe(server.cut.set)
        assert receive(tunnel.local, 1) == b""
        assert tunnel.error is not None
    finally:
        tunnel.close()


def test_a_closed_tunnel_leaves_no_thread(server: Any) -> None:
    before = set(threading.enumerate())
    tunnels = [Tunnel.open(access(server), "bench", "vm-1", 22) for _ in range(4)]
    for tunnel in tunnels:
        tunnel.close()
    with contextlib.suppress(OSError):
        tunnels[0].local.send(b"x")
    assert set(threading.enumerate()) <= before


def test_nobody_there_is_an_error_at_once(server: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TunnelError, match="ConnectionRefusedError"):
        Tunnel.open(access(server, host=f"http://127.0.0.1:{port}"), "bench", "vm-1", 22)
