"""A simulated cluster at one moment, in the forms in which Ceph tells of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_odfperf.sandbox.ceph.osd_tree import Osd
from pytest_odfperf.sandbox.ceph.simulated.disturbed import Disturbed
from pytest_odfperf.sandbox.ceph.simulated.health_checks import (
    FULL_RATIO,
    Check,
    PoolHealth,
    checks_of,
    overall,
)
from pytest_odfperf.sandbox.ceph.simulated.model_metrics import (
    ClusterFigures,
    OsdFigures,
    PoolFigures,
    metrics_text,
)
from pytest_odfperf.sandbox.ceph.simulated.modelled_pool import ModelledPool
from pytest_odfperf.sandbox.ceph.simulated.pg_states import PoolPlacement, pg_states
from pytest_odfperf.sandbox.config.config_values import CephStatus, SimulatedCephConfig

_LEVELS = ("HEALTH_OK", "HEALTH_WARN", "HEALTH_ERR")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    pool: ModelledPool
    states: Mapping[str, int]
    #: Copies or chunks that have a place.
    there: int
    #: Whether it was there before the sandbox: nothing is told of it but what the configuration says.
    steady: bool
    stuck: bool
    #: Those that it may use.
    osds: Sequence[Osd]

    @classmethod
    def of(
        cls,
        pool: ModelledPool,
        placement: PoolPlacement,
        age_s: float,
        model: SimulatedCephConfig,
        osds: Sequence[Osd],
        *,
        steady: Mapping[str, int] | None,
    ) -> PoolView:
        """``steady``: the states of its PGs, whatever its placement says."""
        states = steady
        if states is None:
            states = pg_states(placement, age_s, model.settle_s, model.split_s)
        there = placement.size if steady is not None else min(placement.size, placement.domains)
        return cls(
            pool=pool,
            states=states,
            there=there,
            steady=steady is not None,
            stuck=age_s >= model.stuck_s,
            osds=osds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    fsid: str
    version: str
    osds: Sequence[Osd]
    pools: Sequence[PoolView]
    filesystems: Sequence[str]
    told: CephStatus
    #: How many OSDs were asked for; 0: the number is nobody's word.
    counted_osds: int = 0
    disturbed: Disturbed

    @property
    def total_bytes(self) -> int:
        return sum(osd.size_bytes for osd in self.osds)

    def _used(self) -> dict[int, float]:
        """Raw bytes by OSD: of what the configuration says is used, and of the pools."""
        used = {osd.number: self.told.used_share * osd.size_bytes for osd in self.osds}
        for view in self.pools:
            osds = view.osds or self.osds
            raw = view.pool.stored_bytes * view.pool.raw_factor
            total = sum(osd.size_bytes for osd in osds) or 1
            for osd in osds:
                used[osd.number] += raw * osd.size_bytes / total
        return {number: min(found, self._size(number)) for number, found in used.items()}

    def _size(self, number: int) -> float:
        return float(self.osds[number].size_bytes)

    @property
    def used_bytes(self) -> int:
        return round(sum(self._used().values()))

    @property
    def states(self) -> dict[str, int]:
        """Of all PGs."""
        counts: dict[str, int] = {}
        for view in self.pools:
            for state, count in view.states.items():
                counts[state] = counts.get(state, 0) + count
        return counts

    def checks(self) -> list[Check]:
        """Those that follow from its state, then those that the configuration tells of."""
        used = self._used()
        ratios = {number: found / (self._size(number) or 1) for number, found in used.items()}
        pools = [
            PoolHealth(
                replicas=None if view.steady else view.pool.wanted.replicas,
                objects=view.pool.objects,
                size=view.pool.size,
                there=view.there,
                states=view.states,
                stuck=view.stuck,
                full=view.pool.full,
                used_ratio=max((ratios[osd.number] for osd in view.osds), default=0.0),
            )
            for view in self.pools
        ]
        found = {check.code: check for check in checks_of(pools, self.counted_osds, list(ratios.values()))}
        found |= {check.code: check for check in self.disturbed.checks()}
        for code, message in self.told.checks.items():
            severity = "HEALTH_ERR" if self.told.health == "HEALTH_ERR" else "HEALTH_WARN"
            found[code] = Check(code=code, severity=severity, message=message, count=1)  # type: ignore[arg-type]
        return list(found.values())

    def health(self) -> str:
        return max(overall(self._own_checks()), self.told.health, key=_LEVELS.index)

    def _own_checks(self) -> list[Check]:
        return [check for check in self.checks() if check.code not in self.told.checks]

    def max_avail(self, view: PoolView) -> int:
        """As ``ceph df`` has it: until the first OSD of the pool is full, by its raw bytes for each byte."""
        osds, used = view.osds, self._used()
        if not osds:
            return 0
        total = sum(osd.size_bytes for osd in osds)
        free = min((osd.size_bytes * FULL_RATIO - used[osd.number]) * total / osd.size_bytes for osd in osds)
        return max(0, int(free / view.pool.raw_factor))

    def status(self) -> dict[str, Any]:
        """As ``ceph status --format json``: ratios that are zero are left out."""
        total, used = self.total_bytes, self.used_bytes
        states = self.states
        pgs = sum(states.values())
        unknown = sum(count for state, count in states.items() if state == "unknown")
        inactive = sum(count for state, count in states.items() if "active" not in state.split("+"))
        ratios = {
            "unknown_pgs_ratio": unknown / pgs if pgs else 0,
            "inactive_pgs_ratio": (inactive - unknown) / pgs if pgs else 0,
        }
        return {
            "fsid": self.fsid,
            "health": {
                "status": self.health(),
                "checks": {
                    check.code: {
                        "severity": check.severity,
                        "summary": {"message": check.message, "count": check.count},
                        "muted": False,
                    }
                    for check in self.checks()
                },
                "mutes": [],
            },
            "osdmap": {
                "num_osds": len(self.osds),
                "num_up_osds": len(self.osds) - len(self.disturbed.now.down),
                "num_in_osds": len(self.osds) - len(self.disturbed.now.out),
                "num_remapped_pgs": 0,
            },
            "pgmap": {
                "pgs_by_state": [{"state_name": state, "count": count} for state, count in states.items()],
                "num_pgs": pgs,
                "num_pools": len(self.pools),
                "num_objects": sum(view.pool.objects for view in self.pools),
                "data_bytes": sum(view.pool.stored_bytes for view in self.pools),
                "bytes_used": used,
                "bytes_avail": total - used,
                "bytes_total": total,
                **{name: ratio for name, ratio in ratios.items() if ratio},
            },
            "fsmap": {"epoch": 1, "up:standby": len(self.filesystems)},
            "mgrmap": {"available": True, "num_standbys": 0, "modules": ["prometheus"], "services": {}},
        }

    def df(self) -> dict[str, Any]:
        """As ``ceph df --format json``."""
        total, used = self.total_bytes, self.used_bytes
        return {
            "stats": {
                "total_bytes": total,
                "total_avail_bytes": total - used,
                "total_used_bytes": used,
                "total_used_raw_bytes": used,
                "total_used_raw_ratio": used / total if total else 0.0,
                "num_osds": len(self.osds),
            },
            "pools": [
                {"name": view.pool.wanted.name, "id": view.pool.pool_id, "stats": self._stats(view)}
                for view in self.pools
            ],
        }

    def _stats(self, view: PoolView) -> dict[str, float]:
        pool = view.pool
        raw, avail = round(pool.stored_bytes * pool.raw_factor), self.max_avail(view)
        share = pool.stored_bytes / (pool.stored_bytes + avail) if pool.stored_bytes + avail else 0.0
        return {
            "stored": pool.stored_bytes,
            "objects": pool.objects,
            "kb_used": raw >> 10,
            "bytes_used": raw,
            "percent_used": share,
            "max_avail": avail,
        }

    def metrics(self, collected: int) -> str:
        """As the manager's Prometheus module, that collects once more: so often it did."""
        pools = [self._figures(view) for view in self.pools]
        known = {pool.name for pool in pools}
        # Pools of other clients that nobody here made.
        last = max((pool.pool_id for pool in pools), default=0)
        for number, name in enumerate(sorted(set(self.disturbed.strangers) - known), last + 1):
            figures = self.disturbed.figures(name)
            pools.append(
                PoolFigures(pool_id=number, name=name, kind="replicated", states={}, figures=figures)
            )
        used = self._used()
        ops = self.disturbed.osd_ops(len(self.osds), tuple(pool.name for pool in pools))
        return metrics_text(
            ClusterFigures(
                health=self.health(),
                checks={check.code: check.severity for check in self.checks()},
                total_bytes=self.total_bytes,
                used_bytes=self.used_bytes,
                osds=[
                    OsdFigures(
                        osd=osd,
                        up=osd.number not in self.disturbed.now.down,
                        taken_in=osd.number not in self.disturbed.now.out,
                        ops=ops[osd.number],
                        used_bytes=round(used.get(osd.number, 0.0)),
                    )
                    for osd in self.osds
                ],
                recovered_bytes=self.disturbed.recovered_bytes(),
                collected=collected,
                pools=pools,
                version=self.version,
            )
        )

    def _recovering(self, view: PoolView) -> float:
        """Bytes a second: all pools have the same part of it."""
        return self.disturbed.now.recovery_bytes_per_s / max(1, len(self.pools)) if view.states else 0.0

    def _figures(self, view: PoolView) -> PoolFigures:
        pool, stats = view.pool, self._stats(view)
        wanted = pool.wanted
        return PoolFigures(
            pool_id=pool.pool_id,
            name=wanted.name,
            kind="erasure" if wanted.coding else "replicated",
            states=view.states,
            figures={
                "stored": stats["stored"],
                "stored_raw": stats["bytes_used"],
                "bytes_used": stats["bytes_used"],
                "max_avail": stats["max_avail"],
                "percent_used": stats["percent_used"],
                "objects": stats["objects"],
                "quota_bytes": wanted.quota_bytes or 0,
                "quota_objects": wanted.quota_objects or 0,
                "recovering_objects_per_sec": self._recovering(view) / (4 << 20),
                "recovering_bytes_per_sec": self._recovering(view),
                **self.disturbed.figures(wanted.name),
            },
        )
