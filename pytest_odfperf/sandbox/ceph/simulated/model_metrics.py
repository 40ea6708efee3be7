"""What the manager's Prometheus module tells of a simulated cluster: the metrics that anybody here reads.

Names and labels are those of docs.ceph.com, "Prometheus module".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_odfperf.sandbox.ceph.osd_tree import Osd

_HEALTH = {"HEALTH_OK": 0, "HEALTH_WARN": 1, "HEALTH_ERR": 2}
#: States that are told of even where no PG is in them.
_STATES = [
    "active",
    "clean",
    "down",
    "recovery_unfound",
    "backfill_unfound",
    "scrubbing",
    "degraded",
    "inconsistent",
    "peering",
    "repair",
    "recovering",
    "forced_recovery",
    "backfill_wait",
    "incomplete",
    "stale",
    "remapped",
    "deep",
    "backfilling",
    "forced_backfill",
    "backfill_toofull",
    "recovery_wait",
    "recovery_toofull",
    "undersized",
    "activating",
    "peered",
    "snaptrim",
    "snaptrim_wait",
    "snaptrim_error",
    "creating",
    "unknown",
    "premerge",
    "failed_repair",
    "laggy",
    "wait",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFigures:
    """One pool as the metrics tell it."""

    pool_id: int
    name: str
    kind: str
    states: Mapping[str, int]
    #: By the end of the metric's name: ``stored``, ``max_avail``, ``rd_bytes``.
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class OsdFigures:
    """One OSD as the metrics tell it."""

    osd: Osd
    up: bool
    taken_in: bool
    #: Operations of clients since it was started.
    ops: int
    used_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFigures:
    health: str
    #: Severity by code.
    checks: Mapping[str, str]
    total_bytes: int
    used_bytes: int
    osds: Sequence[OsdFigures]
    recovered_bytes: int
    #: How often its manager collected all this.
    collected: int
    pools: Sequence[PoolFigures]
    version: str


class _Page:
    """Samples by metric, in the order in which they were told."""

    def __init__(self) -> None:
        self._families: dict[str, list[str]] = {}

    def tell(self, metric: str, value: float, labels: Mapping[str, object] | None = None) -> None:
        inside = ",".join(f'{key}="{_escaped(str(text))}"' for key, text in (labels or {}).items())
        written = f"{value:.17g}" if value % 1 else f"{value:.1f}"
        lines = self._families.setdefault(metric, [])
        lines.append(f"{metric}{{{inside}}} {written}" if inside else f"{metric} {written}")

    def text(self) -> str:
        lines = []
        for metric, samples in self._families.items():
            kind = "untyped" if metric.endswith("_metadata") else "gauge"
            lines += [f"# TYPE {metric} {kind}", *samples]
        return "\n".join(lines) + "\n"


def metrics_text(found: ClusterFigures) -> str:
    """In Prometheus' text format 0.0.4."""
    page = _Page()
    page.tell("ceph_health_status", _HEALTH[found.health])
    for code, severity in found.checks.items():
        page.tell("ceph_health_detail", 1, {"name": code, "severity": severity})
    page.tell("ceph_cluster_total_bytes", found.total_bytes)
    page.tell("ceph_cluster_total_used_bytes", found.used_bytes)
    page.tell("ceph_cluster_total_used_raw_bytes", found.used_bytes)
    page.tell("ceph_mon_quorum_status", 1, {"ceph_daemon": "mon.a"})
    for name in ("degraded", "misplaced", "unfound"):
        page.tell(f"ceph_num_objects_{name}", 0)
    for osd in found.osds:
        _tell_osd(page, osd, found.version)
    if found.osds:
        # Of all of them: who reads it adds them up.
        page.tell("ceph_osd_recovery_bytes", found.recovered_bytes, {"ceph_daemon": "osd.0"})
    page.tell("ceph_healthcheck_slow_ops", 0)
    page.tell("ceph_prometheus_collect_duration_seconds_count", found.collected, {"method": "get_df"})
    for pool in found.pools:
        labels = {"pool_id": pool.pool_id}
        page.tell("ceph_pool_metadata", 1, {**labels, "name": pool.name, "type": pool.kind})
        for name, value in pool.figures.items():
            page.tell(f"ceph_pool_{name}", value, labels)
        for state, count in pg_counts(pool.states).items():
            page.tell(f"ceph_pg_{state}", count, labels)
    return page.text()


def _tell_osd(page: _Page, found: OsdFigures, version: str) -> None:
    osd = found.osd
    labels = {"ceph_daemon": f"osd.{osd.number}"}
    known = {
        "ceph_version": f"ceph version {version}",
        "device_class": osd.device_class,
        "hostname": osd.host,
        "objectstore": "bluestore",
    }
    page.tell("ceph_osd_metadata", 1, {**labels, **known})
    for name, value in (
        ("up", int(found.up)),
        ("in", int(found.taken_in)),
        ("op", found.ops),
        ("stat_bytes", osd.size_bytes),
        ("stat_bytes_used", found.used_bytes),
        ("apply_latency_ms", 0),
        ("commit_latency_ms", 0),
    ):
        page.tell(f"ceph_osd_{name}", value, labels)


def pg_counts(states: Mapping[str, int]) -> dict[str, int]:
    """How many PGs are in each state, those of several states in each of them; and ``total``."""
    counts = dict.fromkeys(_STATES, 0)
    for state, count in states.items():
        for part in state.split("+"):
            counts[part] = counts.get(part, 0) + count
    return {**counts, "total": sum(states.values())}


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
