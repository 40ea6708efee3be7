"""A real HTTP proxy between us and the API server: calls, watches and tunnels all go through it."""

from __future__ import annotations

import base64
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.guest.guest import Guest
from pytest_odfperf.sandbox.start import Sandbox
from pytest_odfperf.waiting import Stop


class Proxy:
    """Takes CONNECT (RFC 9110, section 9.3.6), with ``login`` only from who knows it."""

    def __init__(self, login: str | None) -> None:
        self.login = login
        self.connects: list[str] = []
        self.refused = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (piece := client.recv(4096)):
            head += piece
        lines = head.decode().split("\r\n")
        verb, target, _ = lines[0].split(" ")
        assert verb == "CONNECT"
        wanted = f"basic {base64.b64encode((self.login or '').encode()).decode()}".lower()
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        if self.login and headers.get("proxy-authorization") != wanted:
            self.refused += 1
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            client.close()
            return
        self.connects.append(target)
        host, _, port = target.rpartition(":")
        with client, socket.create_connection((host, int(port))) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            other = {client: server, server: client}
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    if not (piece := ready.recv(65536)):
                        return
                    other[ready].sendall(piece)

    def close(self) -> None:
        self._server.close()


@pytest.fixture(params=[None, "me:s3cr3t/x"], ids=["open", "login"])
def proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    made = Proxy(request.param)
    yield made
    made.close()


def write(sandbox: Sandbox, folder: Path, url: str) -> str:
    document = yaml.safe_load(sandbox.kubeconfig.read_text())
    document["clusters"][0]["cluster"]["proxy-url"] = url
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def test_calls_and_tunnels_go_through_the_proxy_of_the_kubeconfig(
    bench: Any, client_sandbox: Sandbox, tmp_path: Path, proxy: Proxy
) -> None:
    who = "me:s3cr3t%2Fx@" if proxy.login else ""
    cluster = connect(write(client_sandbox, tmp_path, f"http://{who}{proxy.address}"))
    assert proxy.connects
    calls = len(proxy.connects)
    (vm,) = bench.group().vms
    guest = Guest.connect(cluster, vm, bench.keys.private, ssh_s=60, stop=Stop())
    assert guest.facts["hostname"] == vm.name
    assert len(proxy.connects) > calls
    assert set(proxy.connects) == {cluster.server.removeprefix("https://")}
    assert proxy.refused == 0
    guest.close()
    cluster.close()


def test_a_proxy_that_does_not_know_us_is_one_line_without_the_password(
    client_sandbox: Sandbox, tmp_path: Path
) -> None:
    proxy = Proxy("me:right")
    with pytest.raises(ClusterError, match="407") as raised:
        connect(write(client_sandbox, tmp_path, f"http://me:wr0ng@{proxy.address}"))
    assert "wr0ng" not in str(raised.value)
    assert str(raised.value).isprintable()
    proxy.close()
