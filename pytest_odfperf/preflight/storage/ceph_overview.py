"""What the metrics of Ceph's manager say of a cluster at a moment, as far as the checks ask for it.

Names and labels are those of the manager's Prometheus module; releases before 16 count PGs without pools.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_odfperf.prometheus_text import Sample, read_samples

_PG = "ceph_pg_"
_OF_POOL = {
    "ceph_pool_max_avail": "max_avail_bytes",
    "ceph_pool_recovering_bytes_per_sec": "recovering_bytes_per_s",
    "ceph_pool_recovering_objects_per_sec": "recovering_objects_per_s",
}
_WANTED = (
    f"{_PG}*",
    "ceph_osd_up",
    "ceph_osd_in",
    "ceph_health_detail",
    "ceph_healthcheck_slow_ops",
    "ceph_pool_metadata",
    "ceph_num_objects_degraded",
    "ceph_num_objects_misplaced",
    "ceph_num_objects_unfound",
    *_OF_POOL,
)
#: Of the states of PGs these say that it is well, or is looked after; they come beside active and clean.
BESIDE_CLEAN = frozenset(
    {"active", "clean", "scrubbing", "deep", "snaptrim", "snaptrim_wait", "laggy", "wait"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OsdState:
    up: bool
    is_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOverview:
    """A Ceph pool; ``pgs`` are those in each state, of ``pg_total``. None: not known."""

    name: str = ""
    pg_total: int | None = None
    pgs: Mapping[str, int] = field(default_factory=dict)
    max_avail_bytes: float | None = None
    recovering_bytes_per_s: float = 0.0
    recovering_objects_per_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CephOverview:
    osds: Mapping[str, OsdState]
    #: By the pool's number; that of releases which do not tell pools apart is empty.
    pools: Mapping[str, PoolOverview]
    #: Health checks that are there now: severity by code.
    checks: Mapping[str, str]
    slow_ops: float = 0.0
    degraded_objects: float = 0.0
    misplaced_objects: float = 0.0
    unfound_objects: float = 0.0

    @property
    def pg_total(self) -> int:
        return sum(pool.pg_total or 0 for pool in self.pools.values())

    def pgs(self, state: str) -> int:
        """How many PGs are in ``state``; one is in several."""
        return sum(pool.pgs.get(state, 0) for pool in self.pools.values())

    @property
    def pg_states(self) -> dict[str, int]:
        """All states that any PG is in."""
        states = dict.fromkeys(state for pool in self.pools.values() for state in pool.pgs)
        return {state: count for state in states if (count := self.pgs(state))}

    def pool(self, name: str) -> PoolOverview | None:
        return next((pool for pool in self.pools.values() if pool.name == name), None)


def ceph_overview(text: bytes) -> CephOverview | None:
    """The overview in a text of Prometheus; None if nothing of Ceph is in it."""
    samples = read_samples(text, _WANTED)
    if not samples:
        return None
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.name, []).append(sample)

    def value(name: str) -> float:
        return sum(sample.value for sample in found.get(name, ()))

    up = {sample.labels.get("ceph_daemon", ""): sample.value > 0 for sample in found.get("ceph_osd_up", ())}
    is_in = {
        sample.labels.get("ceph_daemon", ""): sample.value > 0 for sample in found.get("ceph_osd_in", ())
    }
    return CephOverview(
        osds={
            osd: OsdState(up=up.get(osd, False), is_in=is_in.get(osd, False))
            for osd in sorted({*up, *is_in}, key=lambda osd: (len(osd), osd))
        },
        pools=_pools(found),
        checks={
            sample.labels["name"]: sample.labels.get("severity", "")
            for sample in found.get("ceph_health_detail", ())
            if sample.value > 0 and "name" in sample.labels
        },
        slow_ops=value("ceph_healthcheck_slow_ops"),
        degraded_objects=value("ceph_num_objects_degraded"),
        misplaced_objects=value("ceph_num_objects_misplaced"),
        unfound_objects=value("ceph_num_objects_unfound"),
    )


def _pools(found: Mapping[str, list[Sample]]) -> dict[str, PoolOverview]:
    fields: dict[str, dict[str, float]] = {}
    pgs: dict[str, dict[str, int]] = {}
    names: dict[str, str] = {}
    for name, samples in found.items():
        for sample in samples:
            pool = sample.labels.get("pool_id", "")
            if name.startswith(_PG) and 0 <= sample.value < 1e9:
                pgs.setdefault(pool, {})[name.removeprefix(_PG)] = int(sample.value)
            elif name in _OF_POOL:
                fields.setdefault(pool, {})[_OF_POOL[name]] = sample.value
            elif name == "ceph_pool_metadata":
                names[pool] = sample.labels.get("name", "")
    return {
        pool: PoolOverview(
            name=names.get(pool, ""),
            pg_total=pgs.get(pool, {}).pop("total", None),
            pgs={state: count for state, count in pgs.get(pool, {}).items() if count},
            **fields.get(pool, {}),
        )
        for pool in sorted({*pgs, *fields, *names})
    }
