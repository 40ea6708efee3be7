"""What a text of the manager's metrics counts: client I/O of pools, OSDs, recovery, checks.

The names are those of Ceph 16 to 20 (``src/pybind/mgr/prometheus/module.py``). OSDs' own counters
(``ceph_osd_op``, ``ceph_osd_recovery_bytes``, ``ceph_osd_stat_bytes``) are in it up to Ceph 17; newer
managers leave them to another exporter unless they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_odfperf.measure.storage_counters import IoCount, OsdState, StorageCounters
from pytest_odfperf.measure.storage_health import HealthCheck
from pytest_odfperf.prometheus_text import Sample, read_samples

_POOL = {
    "ceph_pool_rd": "reads",
    "ceph_pool_rd_bytes": "read_bytes",
    "ceph_pool_wr": "writes",
    "ceph_pool_wr_bytes": "written_bytes",
}
_NAMES = (
    *_POOL,
    "ceph_pool_metadata",
    "ceph_pool_recovering_bytes_per_sec",
    "ceph_pool_recovering_objects_per_sec",
    "ceph_osd_up",
    "ceph_osd_in",
    "ceph_osd_op",
    "ceph_osd_stat_bytes",
    "ceph_osd_stat_bytes_used",
    "ceph_osd_recovery_bytes",
    "ceph_osd_commit_latency_ms",
    "ceph_health_detail",
    "ceph_healthcheck_slow_ops",
    "ceph_prometheus_collect_duration_seconds_count",
)
#: No counter is larger; what is above is no count.
_MOST = 2.0**63
_MOST_POOLS, _MOST_OSDS, _MOST_CHECKS = 1000, 20_000, 100


def storage_counters(text: bytes) -> StorageCounters | None:
    """All of it; None if the text counts no pool's I/O."""
    by_name: dict[str, list[Sample]] = {}
    for sample in read_samples(text, _NAMES):
        by_name.setdefault(sample.name, []).append(sample)
    pools = _pools(by_name)
    if not pools:
        return None
    recovered = by_name.get("ceph_osd_recovery_bytes")
    collected = by_name.get("ceph_prometheus_collect_duration_seconds_count")
    return StorageCounters(
        pools=pools,
        osds=_osds(by_name),
        checks=tuple(_checks(by_name.get("ceph_health_detail", ()))),
        recovering_bytes_per_s=_total(by_name.get("ceph_pool_recovering_bytes_per_sec", ())),
        recovering_objects_per_s=_total(by_name.get("ceph_pool_recovering_objects_per_sec", ())),
        recovered_bytes=None if recovered is None else int(_total(recovered)),
        slow_ops=int(_total(by_name.get("ceph_healthcheck_slow_ops", ()))),
        collected=None if collected is None else int(_total(collected)),
    )


def _pools(by_name: dict[str, list[Sample]]) -> dict[str, IoCount]:
    names = {
        one.labels.get("pool_id"): one.labels.get("name", "")[:100]
        for one in by_name.get("ceph_pool_metadata", ())[:_MOST_POOLS]
    }
    counts: dict[str, dict[str, int]] = {}
    for metric, field in _POOL.items():
        for one in by_name.get(metric, ()):
            name = names.get(one.labels.get("pool_id"))
            if name and 0 <= one.value < _MOST:
                counts.setdefault(name, {})[field] = int(one.value)
    # Who tells one of the four tells all.
    return {name: IoCount(**count) for name, count in counts.items() if len(count) == len(_POOL)}


def _osds(by_name: dict[str, list[Sample]]) -> dict[str, OsdState]:
    values = {
        metric: {one.labels.get("ceph_daemon", "")[:40]: one.value for one in by_name.get(metric, ())}
        for metric in _NAMES
        if metric.startswith("ceph_osd_")
    }
    found = {}
    for name, up in list(values["ceph_osd_up"].items())[:_MOST_OSDS]:
        ops, size = values["ceph_osd_op"].get(name), values["ceph_osd_stat_bytes"].get(name)
        used = values["ceph_osd_stat_bytes_used"].get(name)
        found[name] = OsdState(
            up=up > 0,
            taken_in=values["ceph_osd_in"].get(name, 1.0) > 0,
            ops=int(ops) if ops is not None and 0 <= ops < _MOST else None,
            used_share=round(used / size, 4) if used is not None and size and 0 <= used <= size else None,
            commit_ms=values["ceph_osd_commit_latency_ms"].get(name),
        )
    return found


def _checks(samples: Iterable[Sample]) -> Iterable[HealthCheck]:
    """Those that are there now; the manager goes on telling of one that went, with a 0."""
    found = {
        one.labels.get("name", "")[:100]: one.labels.get("severity", "unknown")[:40]
        for one in samples
        if one.value > 0
    }
    for code, severity in sorted(found.items())[:_MOST_CHECKS]:
        yield HealthCheck(code=code, severity=severity)


def _total(samples: Iterable[Sample]) -> float:
    return sum(one.value for one in samples if 0 <= one.value < _MOST)
