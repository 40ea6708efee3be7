"""API servers of their own, without controllers: stopped, disturbed, asked by users of few rights."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.sandbox.api.front.server import ApiConfig, serve
from pytest_odfperf.waiting import Deadline

RULES = [
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch", "create", "delete"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]},
]


class OwnServer:
    """An API server without controllers, with a user of few rights."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        config = ApiConfig(directory=directory, users={"bench": "bench-token"})
        self.running = self._do(serve(config))
        self.port = int(self.running.url.rpartition(":")[2])

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def client(self, token: str) -> Cluster:
        configuration = Configuration()
        configuration.host = self.running.url
        configuration.ssl_ca_cert = str(self.running.ca_file)
        configuration.api_key = {"authorization": f"Bearer {token}"}
        configuration.retries = False
        return Cluster(ApiClient(configuration))

    def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        """What the administrator's own endpoint ``/sandbox/<path>`` answers."""
        request = urllib.request.Request(
            f"{self.running.url}/sandbox/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.running.admin_token}"},
        )
        tls = ssl.create_default_context(cafile=str(self.running.ca_file))
        with urllib.request.urlopen(request, context=tls, timeout=20) as response:
            return json.load(response)

    def fault(self, **rule: Any) -> None:
        self.sandbox("POST", "faults", rule)

    def hits(self) -> list[int]:
        return [rule["hits"] for rule in self.sandbox("GET", "faults")["rules"]]

    def until_hit(self, *wanted: int) -> None:
        """The rules have hit so often."""
        deadline = Deadline(f"hits {wanted}", 30)
        while self.hits() != list(wanted):
            deadline.check(str(self.hits()))
            time.sleep(0.05)

    def until_streaming(self) -> None:
        """A watch is open, not only asked for."""
        deadline = Deadline("an open watch", 20)
        while not self.running.faults._streams:
            deadline.check("none")
            time.sleep(0.02)

    def kubeconfig(self, directory: Path, user: dict[str, Any]) -> Path:
        """One that names this server, and ``user``'s credentials."""
        cluster = {"server": self.running.url, "certificate-authority": str(self.running.ca_file)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
        }
        path = directory / "config"
        path.write_text(json.dumps(config))
        return path

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._do(self.running.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[[str], OwnServer]]:
    """Starts API servers of their own; ``close`` ends one early."""
    made: list[OwnServer] = []

    def make(name: str) -> OwnServer:
        made.append(OwnServer(tmp_path / name))
        return made[-1]

    yield make
    for own in made:
        own.close()


@pytest.fixture
def server(make_server: Callable[[str], OwnServer]) -> OwnServer:
    """One with a namespace ``ns`` and a user of few rights in it."""
    own = make_server("api")
    admin = own.client(own.running.admin_token)
    admin.api("CoreV1Api").create_namespace({"metadata": {"name": "ns"}}, _request_timeout=5)
    rbac = admin.api("RbacAuthorizationV1Api")
    rbac.create_namespaced_role("ns", {"metadata": {"name": "few"}, "rules": RULES}, _request_timeout=5)
    binding = {
        "metadata": {"name": "few"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "few"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bench"}],
    }
    rbac.create_namespaced_role_binding("ns", binding, _request_timeout=5)
    admin.close()
    return own


@pytest.fixture
def admin(server: OwnServer) -> Iterator[Cluster]:
    cluster = server.client(server.running.admin_token)
    yield cluster
    cluster.close()


@pytest.fixture
def bench_user(server: OwnServer) -> Iterator[Cluster]:
    cluster = server.client("bench-token")
    yield cluster
    cluster.close()
