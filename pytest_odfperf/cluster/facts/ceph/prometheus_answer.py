"""Ceph's metrics from Prometheus or Thanos in place of the manager: its answer as the same text.

Prometheus' HTTP API, "Instant queries": ``data.result[]`` has ``metric`` (labels, ``__name__`` among them)
and ``value`` (time and value, as text).
"""

from __future__ import annotations

import json

from pytest_odfperf.cluster.client.api_error import ApiError, as_api_error, transport_errors
from pytest_odfperf.cluster.client.api_request import send
from pytest_odfperf.cluster.client.configured_client import Cluster

_WHAT = "query Prometheus"
_TIMEOUT_S = 10.0
_LARGEST_BYTES = 64 << 20
_METRICS = "ceph_(pool|osd|pg|health|prometheus_collect)_.*|ceph_healthcheck_slow_ops"


def read_prometheus(cluster: Cluster, url: str, namespace: str) -> bytes:
    """The metrics of the Ceph cluster in ``namespace``, as its manager would tell them. Raises `ApiError`."""
    query = f'{{__name__=~"{_METRICS}",namespace="{namespace}"}}'
    try:
        answer = send(
            cluster, "GET", "/api/v1/query", base=url, timeout_s=(_TIMEOUT_S, _TIMEOUT_S), query=query
        )
        content = answer.read(_LARGEST_BYTES)
    except transport_errors() as error:
        raise as_api_error(_WHAT, error) from error
    text = as_text(bytes(content))
    if text is None:
        raise ApiError(_WHAT, None, "NoMetrics", f"{url} does not answer as Prometheus does")
    return text


def as_text(content: bytes) -> bytes | None:
    """Samples in Prometheus' text format; None if it is no answer to an instant query."""
    try:
        result = json.loads(content)["data"]["result"]
        lines = [_line(one["metric"], one["value"][1]) for one in result]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return None
    return "\n".join([*lines, ""]).encode("utf-8", "replace")


def _line(metric: dict[str, str], value: str) -> str:
    labels = ",".join(
        f'{name}="{_escaped(str(text))}"' for name, text in metric.items() if name != "__name__"
    )
    return f"{metric['__name__']}{{{labels}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
