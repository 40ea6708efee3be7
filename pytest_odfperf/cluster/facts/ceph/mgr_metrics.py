"""The states of Ceph's placement groups (PGs) and its counters, from the metrics of its manager.

No object of Kubernetes has them. Rook makes a Service for the manager's Prometheus module (``rook-ceph-mgr``,
port ``http-metrics``), and the API server leads there with the right ``get services/proxy`` on that one name.
Each state is a metric (``ceph_pg_scrubbing``), a sample for each pool; a PG counts in each of its states.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_odfperf.cluster.client.api_error import ApiError, as_api_error, transport_errors
from pytest_odfperf.cluster.client.api_request import service_proxy
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.facts.ceph.mgr_counters import storage_counters
from pytest_odfperf.cluster.facts.ceph.prometheus_answer import read_prometheus
from pytest_odfperf.measure.storage_counters import StorageCounters
from pytest_odfperf.measure.storage_health import PgCount, PgState

SERVICE = "http:rook-ceph-mgr:http-metrics"
_TIMEOUT_S = 10.0
#: What is larger is no answer of a manager.
_LARGEST_BYTES = 32 << 20
_SAMPLE = re.compile(rb"^ceph_pg_([a-z_]{1,40})\{[^}\n]{0,400}\} ([0-9]{1,9})(?:\.0*)?$", re.MULTILINE)
_WHAT = "get services/proxy rook-ceph-mgr"


@dataclass(frozen=True, slots=True, kw_only=True)
class MgrAnswer:
    """What one answer of the manager says, and what it cost."""

    pgs: PgState
    #: None: it counts no pool's I/O.
    counters: StorageCounters | None
    size_bytes: int


def read_mgr(cluster: Cluster, namespace: str, prometheus: str | None = None) -> MgrAnswer:
    """Ask the manager of the Ceph cluster in ``namespace``, or a ``prometheus`` that has what it told.

    Raises `ApiError`.
    """
    if prometheus is not None:
        text = read_prometheus(cluster, prometheus, namespace)
    else:
        text = read_metrics(cluster, namespace)
    pgs = pg_state(text)
    if pgs is None:
        raise ApiError(_WHAT, None, "NoMetrics", "the answer has no states of PGs")
    return MgrAnswer(pgs=pgs, counters=storage_counters(text), size_bytes=len(text))


def read_metrics(cluster: Cluster, namespace: str) -> bytes:
    """All that the manager of the Ceph cluster in ``namespace`` counts, in Prometheus' text format.

    Raises `ApiError`.
    """
    try:
        ask = service_proxy(cluster, namespace, SERVICE, "metrics")
        return bytes(ask(timeout_s=(_TIMEOUT_S, _TIMEOUT_S)).read(_LARGEST_BYTES))
    except transport_errors() as error:
        raise as_api_error(_WHAT, error) from error


def pg_state(text: bytes) -> PgState | None:
    """The counts in a text of Prometheus; None if there are none."""
    counts: dict[str, int] = {}
    for name, value in _SAMPLE.findall(text):
        counts[name.decode()] = counts.get(name.decode(), 0) + int(value)
    total = counts.pop("total", None)
    if total is None:
        return None
    found = [PgCount(state=name, count=count) for name, count in sorted(counts.items()) if count]
    return PgState(total=total, states=tuple(found))
