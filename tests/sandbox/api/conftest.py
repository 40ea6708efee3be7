"""A real API server on TLS, in its own thread and event loop; no controllers, no machines."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.sandbox.api.front.server import ApiConfig, RunningServer, serve
from pytest_odfperf.sandbox.kubeconfig_file import write_kubeconfig

USER_TOKEN = "token-of-a-plain-user"


class Api:
    """A plain client; answers are (code, decoded body, headers)."""

    def __init__(self, server: RunningServer, token: str) -> None:
        self.url = server.url
        self.token = token
        self.tls = ssl.create_default_context(cafile=str(server.ca_file))

    def call(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **headers: str
    ) -> tuple[int, Any, Any]:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": content_type, **headers}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.url + path, method=method, data=data, headers=sent)
        try:
            with urllib.request.urlopen(request, context=self.tls, timeout=20) as response:
                text, code, got = response.read(), response.status, response.headers
        except urllib.error.HTTPError as error:
            text, code, got = error.read(), error.code, error.headers
        return code, json.loads(text) if text else None, got


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    loop = asyncio.new_event_loop()
    config = ApiConfig(directory=tmp_path_factory.mktemp("api"), users={"jane": USER_TOKEN})
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = asyncio.run_coroutine_threadsafe(serve(config), loop).result(20)
    yield running
    asyncio.run_coroutine_threadsafe(running.close(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()


@pytest.fixture(scope="session")
def admin(server: RunningServer) -> Api:
    return Api(server, server.admin_token)


@pytest.fixture(scope="session")
def jane(server: RunningServer) -> Api:
    """A user without any right."""
    return Api(server, USER_TOKEN)


@pytest.fixture(scope="session")
def kubeconfig(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kube") / "config"
    write_kubeconfig(path, url=server.url, ca_file=server.ca_file, token=server.admin_token)
    return path


@pytest.fixture
def namespace(admin: Api) -> str:
    name = f"test-{uuid.uuid4().hex[:8]}"
    code, _, _ = admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert code == 201
    return name
