"""What is tried at an SSH server that offers every login, by a user who has more keys than the run has."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from kubernetes.client import ApiClient, Configuration

from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.errors import GuestError
from pytest_odfperf.guest.ssh import connect
from pytest_odfperf.guest.ssh_keys import KeyPair, new_key_pair, read_private, read_public
from pytest_odfperf.vm.spec import RunningVm
from pytest_odfperf.waiting import Deadline, Stop


class Sshd(paramiko.ServerInterface):
    """Refuses everybody, and notes what they tried."""

    def __init__(self, host_key: KeyPair) -> None:
        self.tried: list[str] = []
        self._key = read_private(host_key.private)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._transports: list[paramiko.Transport] = []
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(accepted)
            transport.add_server_key(self._key)
            self._transports.append(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError):
                transport.start_server(event=threading.Event(), server=self)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for transport in self._transports:
            transport.close()

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password,keyboard-interactive"

    def check_auth_none(self, username: str) -> int:
        self.tried.append("none")
        return int(paramiko.AUTH_FAILED)  # type: ignore[attr-defined]

    def check_auth_password(self, username: str, password: str) -> int:
        self.tried.append(f"password {password}")
        return int(paramiko.AUTH_FAILED)  # type: ignore[attr-defined]

    def check_auth_interactive(self, username: str, submethods: Any) -> int:
        self.tried.append("keyboard-interactive")
        return int(paramiko.AUTH_FAILED)  # type: ignore[attr-defined]

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.tried.append(f"{username} {key.fingerprint}")
        return int(paramiko.AUTH_FAILED)  # type: ignore[attr-defined]


@pytest.fixture
def other_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keys that other SSH clients would offer: in ~/.ssh, and in an agent."""
    home, agent_socket = tmp_path / "home", tmp_path / "agent"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    for name in ("id_ed25519", "in_agent"):
        key = home / ".ssh" / name
        key.touch(mode=0o600)
        key.write_text(new_key_pair().private.reveal())
    monkeypatch.setenv("HOME", str(home))
    if shutil.which("ssh-agent") is None:
        yield
        return
    monkeypatch.setenv("SSH_AUTH_SOCK", str(agent_socket))
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(agent_socket)], stdout=subprocess.DEVNULL)
    try:
        add = ["ssh-add", str(home / ".ssh" / "in_agent")]
        end = time.monotonic() + 30
        while subprocess.run(add, capture_output=True, timeout=30, check=False).returncode != 0:
            assert agent.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        yield
    finally:
        agent.terminate()
        agent.wait(10)


@pytest.fixture
def host() -> KeyPair:
    return new_key_pair()


@pytest.fixture
def sshd(api: Any, host: KeyPair) -> Iterator[Sshd]:
    server = Sshd(host)
    where = {"sandbox.odfperf/port-22": f"127.0.0.1:{server.port}"}
    api.create("virtualmachineinstances", "guest", metadata={"annotations": where})
    yield server
    server.close()


@pytest.fixture
def cluster(api: Any) -> Iterator[Cluster]:
    configuration = Configuration()
    configuration.host = api.server.url
    configuration.ssl_ca_cert = str(api.server.ca_file)
    configuration.api_key = {"authorization": f"Bearer {api.token}"}
    made = Cluster(ApiClient(configuration))
    yield made
    made.close()


def log_in(cluster: Cluster, namespace: str, host_key: str, client: KeyPair) -> str:
    """Why it was refused."""
    vm = RunningVm(
        name="guest", namespace=namespace, user="cloud-user", host_key_public=host_key, node="n", uid="u"
    )
    with pytest.raises(GuestError) as caught:
        connect(cluster, vm, client.private, Deadline("ssh", 1.5), Stop())
    return str(caught.value)


def test_only_the_runs_own_key_is_tried(
    api: Any, cluster: Cluster, sshd: Sshd, host: KeyPair, other_keys: None
) -> None:
    assert os.environ["HOME"]
    client = new_key_pair()
    assert "refuses user 'cloud-user'" in log_in(cluster, api.namespace, host.public, client)
    assert set(sshd.tried) == {f"cloud-user {read_public(client.public).fingerprint}"}


def test_to_a_host_that_is_not_the_guest_nothing_is_shown(
    api: Any, cluster: Cluster, sshd: Sshd, other_keys: None
) -> None:
    said = log_in(cluster, api.namespace, new_key_pair().public, new_key_pair())
    assert "the host key is not the one that was injected" in said
    assert sshd.tried == []
