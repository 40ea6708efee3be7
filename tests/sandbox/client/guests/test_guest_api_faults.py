"""Guests whose tunnels meet an API server in trouble."""

from __future__ import annotations

import json
import ssl
import time
import urllib.request
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.cluster.client.outages import Outage
from pytest_odfperf.errors import GuestError
from pytest_odfperf.guest.all_guests import connect_all, run_on_all
from pytest_odfperf.sandbox.start import Sandbox

TUNNEL = "virtualmachineinstances/portforward"
#: The simulated guests' time runs a hundred times as fast.
LIMITS: Any = {"deadline_s": 1000, "prepare_s": 60}


class Admin:
    """The sandbox's own endpoints."""

    def __init__(self, sandbox: Sandbox) -> None:
        document = yaml.safe_load(sandbox.kubeconfig.read_text())
        self.document = document
        self._url = document["clusters"][0]["cluster"]["server"]
        self._token = document["users"][0]["user"]["token"]
        authority = document["clusters"][0]["cluster"]["certificate-authority-data"]
        self._tls = ssl.create_default_context(cadata=b64decode(authority).decode())

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(
            f"{self._url}/sandbox/{path}", method=method, data=data, headers=headers
        )
        with urllib.request.urlopen(request, context=self._tls, timeout=20) as response:
            return json.load(response)

    def token(self) -> str:
        return str(self.call("POST", "tokens", {"user": "admin"})["token"])


@pytest.fixture
def sandbox_admin(client_sandbox: Sandbox) -> Iterator[Admin]:
    made = Admin(client_sandbox)
    yield made
    made.call("DELETE", "faults")


@pytest.fixture
def by_token_file(sandbox_admin: Admin, tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Connects with a token that is in ``tmp_path / "token"``."""
    made: list[Cluster] = []

    def make(**options: Any) -> Cluster:
        (tmp_path / "token").write_text(sandbox_admin.token())
        document = sandbox_admin.document | {
            "users": [{"name": "admin", "user": {"tokenFile": str(tmp_path / "token")}}]
        }
        (tmp_path / "config").write_text(yaml.safe_dump(document))
        made.append(connect(str(tmp_path / "config"), **options))
        return made[-1]

    yield make
    for cluster in made:
        cluster.close()


def test_a_tunnel_is_opened_with_a_new_token(
    bench: Any, sandbox_admin: Admin, by_token_file: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = by_token_file()
    group = bench.group(vms=2)
    old = (tmp_path / "token").read_text()
    (tmp_path / "token").write_text(sandbox_admin.token())
    sandbox_admin.call("DELETE", "tokens", {"token": old})
    guests = connect_all(cluster, group.vms, bench.keys.private, ssh_s=30, stop=bench.stop)
    bench.guests += guests
    runs = run_on_all(guests, b"", "t-1", stop=bench.stop, **LIMITS)
    assert [run.exit_code for run in runs.values()] == [0, 0]


def test_a_token_that_is_never_renewed_is_named(
    bench: Any, sandbox_admin: Admin, by_token_file: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = by_token_file(outage_s=1)
    group = bench.group()
    sandbox_admin.call("DELETE", "tokens", {"token": (tmp_path / "token").read_text()})
    with pytest.raises(GuestError, match=r"refuses the tunnel: .*401: Unauthorized; next: log in again"):
        connect_all(cluster, group.vms, bench.keys.private, ssh_s=600, stop=bench.stop)


def test_a_tunnel_outlasts_a_restart_and_a_busy_server(bench: Any, sandbox_admin: Admin) -> None:
    found: list[Outage] = []
    bench.cluster.outages.listeners.append(found.append)
    group = bench.group()
    sandbox_admin.call("POST", "faults", {"resources": [TUNNEL], "times": 2, "status": 503})
    sandbox_admin.call("POST", "restart", {"seconds": 3})
    (guest,) = connect_all(bench.cluster, group.vms, bench.keys.private, ssh_s=60, stop=bench.stop)
    bench.guests.append(guest)
    assert guest.handshakes == 1
    # It is over when the group's watches are back too.
    end_s = time.monotonic() + 20
    while not found and time.monotonic() < end_s:
        time.sleep(0.1)
    assert any(outage.why in ("connection refused", "connection reset", "no answer") for outage in found)
    bench.cluster.outages.listeners.clear()


def test_a_tunnel_that_is_gone_in_the_middle_of_fio_is_opened_again_when_the_server_is_back(
    bench: Any, sandbox_admin: Admin, job: Callable[..., Any]
) -> None:
    """A restart ends all connections; the guest goes on measuring meanwhile."""
    (guest,) = bench.connected()
    rule = {"resources": [TUNNEL], "times": 1, "restart_s": 2, "after": 1}
    sandbox_admin.call("POST", "faults", rule)
    sandbox_admin.call("POST", "faults", {"resources": [TUNNEL], "times": 1, "delay_s": 1, "cut": True})
    text = job(runtime_s=400).text.encode()
    (run,) = run_on_all([guest], text, "t-1", stop=bench.stop, **LIMITS).values()
    assert run.exit_code == 0
    assert run.reconnects == 1
    assert guest.handshakes == 2
