"""A real API server in a thread, and a bare HTTPS client that shows code, headers and body."""

from __future__ import annotations

import asyncio
import copy
import http.client
import json
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from pytest_odfperf.sandbox.api.front.server import ApiConfig, RunningServer, serve

DEADLINE_S = 60.0
#: What every namespace has, which `Api.names` leaves out.
IN_EACH = ("kube-root-ca.crt",)
_ROOTS = {
    "virtualmachines": "/apis/kubevirt.io/v1",
    "virtualmachineinstances": "/apis/kubevirt.io/v1",
    "roles": "/apis/rbac.authorization.k8s.io/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "datavolumes": "/apis/cdi.kubevirt.io/v1beta1",
    "resourcequotas": "/api/v1",
    "leases": "/apis/coordination.k8s.io/v1",
    "storageclasses": "/apis/storage.k8s.io/v1",
}

_MACHINE: dict[str, Any] = {"domain": {"devices": {}, "memory": {"guest": "1Gi"}}}
#: The least that the kinds' schemas and webhooks take.
SPECS: dict[str, Any] = {
    "virtualmachines": {"runStrategy": "Halted", "template": {"spec": _MACHINE}},
    "virtualmachineinstances": _MACHINE,
    "datavolumes": {"source": {"blank": {}}, "storage": {"resources": {"requests": {"storage": "1Gi"}}}},
    "pods": {"containers": [{"name": "main", "image": "example.org/main"}]},
    "persistentvolumeclaims": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    },
}


#: Custom resources do not do without.
_KINDS = {
    "virtualmachines": "VirtualMachine",
    "virtualmachineinstances": "VirtualMachineInstance",
    "datavolumes": "DataVolume",
}


def head(plural: str) -> dict[str, str]:
    """Kind and version, which a body of a custom resource must have."""
    return {"kind": _KINDS[plural], "apiVersion": _ROOTS[plural][6:]} if plural in _KINDS else {}


@dataclass(frozen=True)
class Answer:
    code: int
    body: Any
    headers: dict[str, str]


class Api:
    """One user's view of one namespace of the server."""

    def __init__(self, server: RunningServer, token: str | None, namespace: str) -> None:
        self.server = server
        self.token = token
        self.namespace = namespace
        self._tls = ssl.create_default_context(cafile=str(server.ca_file))

    def as_user(self, token: str | None) -> Api:
        return Api(self.server, token, self.namespace)

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """The answer as it comes; its reader closes it."""
        port = int(self.server.url.rpartition(":")[2])
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=self._tls, timeout=DEADLINE_S)
        sent = {"Content-Type": "application/json", "Connection": "close", **(headers or {})}
        sent.setdefault("Accept", "application/json, */*")
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, data, sent)
        return connection.getresponse()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.send(method, path, body, named) as response:
            text = response.read()
            sort = response.headers.get("Content-Type", "")
            many = text.count(b"\n") > 1
            decoded = json.loads(text) if text and "json" in sort and not many else text
            return Answer(response.status, decoded, {k.lower(): v for k, v in response.headers.items()})

    def path(self, plural: str, name: str = "", sub: str = "", **query: str) -> str:
        where = "" if plural in ("namespaces", "nodes", "storageclasses") else f"/namespaces/{self.namespace}"
        root = f"{_ROOTS.get(plural, '/api/v1')}{where}/{plural}"
        path = "/".join(part for part in (root, quote(name), sub) if part)
        return f"{path}?{urlencode(query)}" if query else path

    def create(self, plural: str, name: str, **more: Any) -> Any:
        metadata = {"name": name, **more.pop("metadata", {})}
        if plural in SPECS:
            more.setdefault("spec", copy.deepcopy(SPECS[plural]))
        answer = self.call("POST", self.path(plural), {**head(plural), "metadata": metadata, **more})
        assert answer.code == 201, answer
        return answer.body

    def get(self, plural: str, name: str) -> Any:
        answer = self.call("GET", self.path(plural, name))
        return None if answer.code == 404 else answer.body

    def names(self, plural: str, **query: str) -> list[str]:
        answer = self.call("GET", self.path(plural, **query))
        assert answer.code == 200, answer
        return [name for item in answer.body["items"] if (name := item["metadata"]["name"]) not in IN_EACH]

    def until(self, what: Callable[[], Any]) -> Any:
        end = time.monotonic() + DEADLINE_S
        while not (found := what()):
            assert time.monotonic() < end, f"not within {DEADLINE_S} s"
            time.sleep(0.01)
        return found

    def until_gone(self, plural: str, name: str) -> None:
        self.until(lambda: self.get(plural, name) is None)


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    directory: Path = tmp_path_factory.mktemp("http-api")

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(DEADLINE_S)

    try:
        server = run(serve(ApiConfig(directory=directory, users={"bench": "token-of-bench"})))
        yield server
        run(server.close())
        left = [task for task in asyncio.all_tasks(loop) if not task.done()]
        assert not left, "answers that outlive their server"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE_S)
        loop.close()


@pytest.fixture
def api(api_server: RunningServer) -> Api:
    """The administrator in a new namespace."""
    made = Api(api_server, api_server.admin_token, f"test-{uuid.uuid4().hex[:8]}")
    made.create("namespaces", made.namespace)
    made.until(lambda: made.get("serviceaccounts", "default"))
    return made
