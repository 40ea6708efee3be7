"""Ceph's counters from Prometheus in place of its manager: with the credential, and as the manager's text."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from kubernetes.client import ApiClient, Configuration

from pytest_odfperf.cluster.client.api_error import ApiError
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.facts.ceph.mgr_counters import storage_counters
from pytest_odfperf.cluster.facts.ceph.mgr_metrics import pg_state, read_mgr
from pytest_odfperf.cluster.facts.ceph.prometheus_answer import as_text
from pytest_odfperf.prometheus_text import read_samples

TEXT = (Path(__file__).parents[3] / "unit" / "data" / "ceph" / "mgr-16.2.15.txt").read_bytes()


def answer() -> bytes:
    """As Prometheus answers: with the labels that it adds, and values as text."""
    result = [
        {
            "metric": {"__name__": one.name, "namespace": "openshift-storage", "job": "rook-ceph-mgr"}
            | dict(one.labels),
            "value": [1796044800.1, str(one.value)],
        }
        for one in read_samples(TEXT, ["ceph_*"])
    ]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


@pytest.fixture
def prometheus() -> Iterator[tuple[str, list[Any]]]:
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((urlparse(self.path), self.headers.get("Authorization")))
            body = answer() if self.path.startswith("/api/v1/query?") else b"<html>"
            self.send_response(200 if self.headers.get("Authorization") else 401)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def cluster(token: str | None) -> Cluster:
    configuration = Configuration(host="http://127.0.0.1:9")
    if token:
        configuration.api_key = {"authorization": f"Bearer {token}"}
    return Cluster(ApiClient(configuration))


def test_prometheus_tells_what_the_manager_tells(prometheus: tuple[str, list[Any]]) -> None:
    url, asked = prometheus
    found = read_mgr(cluster("secret"), "openshift-storage", url)
    assert found.counters == storage_counters(TEXT)
    assert found.pgs == pg_state(TEXT)
    (where, credential), *_ = asked
    assert credential == "Bearer secret"
    assert 'namespace="openshift-storage"' in parse_qs(where.query)["query"][0]


def test_who_may_not_ask_is_told_so(prometheus: tuple[str, list[Any]]) -> None:
    with pytest.raises(ApiError) as raised:
        read_mgr(cluster(None), "openshift-storage", prometheus[0])
    assert raised.value.status == 401
    with pytest.raises(ApiError, match="does not answer as Prometheus does"):
        read_mgr(cluster("secret"), "openshift-storage", f"{prometheus[0]}/elsewhere")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"data": 1}', b'{"data": {"result": [1]}}', b'{"data": {"result": [{"metric": {}}]}}'],
)
def test_what_is_no_answer_is_none(content: bytes) -> None:
    assert as_text(content) is None


def test_labels_may_hold_anything() -> None:
    metric = {"__name__": "ceph_pool_metadata", "pool_id": "1", "name": 'a"}\n\\'}
    text = as_text(json.dumps({"data": {"result": [{"metric": metric, "value": [1, "1"]}]}}).encode())
    assert text is not None
    (sample,) = read_samples(text, ["ceph_pool_metadata"])
    assert sample.labels["name"] == 'a"}\n\\'
