"""What went on around a key while fio ran: the pools beside it, and how the storage was."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pytest_odfperf.errors import GuestError
from pytest_odfperf.measure.neighbours import Load, Neighbour, neighbours
from pytest_odfperf.measure.storage_counters import CountersEvidence
from pytest_odfperf.measure.storage_health import HealthEvidence, StorageHealth, storage_health
from pytest_odfperf.measure.storage_work import PoolWork, StorageWork, storage_work
from pytest_odfperf.run.counters_journal import CountersJournal
from pytest_odfperf.run.health_journal import HealthJournal, pgs_of
from pytest_odfperf.run.load_journal import LoadJournal
from pytest_odfperf.run.plan import Plan

if TYPE_CHECKING:
    from pytest_odfperf.guest.guest import GuestRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """``health`` None: not known, or not Ceph's."""

    beside: tuple[Neighbour, ...] = ()
    health: HealthEvidence | None = None
    #: What the storage counted; None: not Ceph's.
    counters: CountersEvidence | None = None

    def kept_work(self, guests: PoolWork | None) -> StorageWork | None:
        """What the record keeps of what the storage did, and of what the guests did meanwhile."""
        if self.counters is None:
            return None
        return replace(storage_work(self.counters), guests=guests)

    @property
    def kept_health(self) -> StorageHealth | None:
        """What the record keeps of it."""
        return storage_health(self.health) if self.health is not None else None


class Around:
    """Tells the other processes what this one's VMs do, and finds out what went on around a key."""

    def __init__(self, plan: Plan, process: str, *, alone: bool) -> None:
        self._plan = plan
        self._loads = LoadJournal(plan.run_path, process, alone=alone)
        self._health = HealthJournal(plan.run_path)
        self._counters = CountersJournal(plan.run_path)
        #: Those that any pool of the run has its data or metadata in.
        self._ceph_pools = sorted(
            {
                name
                for ceph in plan.ceph.values()
                for part in ("data", "metadata", "root")
                for name in ceph.get(part, ())
            }
        )
        #: When the last work was asked for.
        self._asked_s = 0.0

    def says(self, pool: str | None, load: Load | None) -> None:
        """From now on the VMs of ``pool`` do this; None: they rest, or are gone."""
        if load == "working":
            self._asked_s = time.time()
        if pool is not None:
            self._loads.says(pool, load)

    def of(self, pool: str, runs: Iterable[GuestRun | GuestError]) -> Surroundings:
        """What went on while fio ran, by this host's clock; its answers came just now."""
        times = [run.common for run in runs if not isinstance(run, GuestError) and run.common is not None]
        # The clocks of guests are known to some milliseconds, and are not trusted beyond what is possible.
        began_s = max(self._asked_s, min((one.started_epoch_ns for one in times), default=0) / 1e9)
        ended_s = min(time.time(), max((one.ended_epoch_ns for one in times), default=0) / 1e9)
        others = tuple(
            Neighbour(pool=f"run {run}", share=None, backend="not_known", why=why)
            for run, why in self._plan.other_runs.items()
        )
        if began_s >= ended_s:
            return Surroundings(beside=others)
        windows = self._loads.windows(began_s, ended_s)
        beside = neighbours(pool, began_s, ended_s, windows, partial(self._plan.relation, pool))
        return Surroundings(
            beside=beside + others,
            health=self._storage(pool, began_s, ended_s),
            counters=self._counted(pool, began_s, ended_s),
        )

    def _counted(self, pool: str, began_s: float, ended_s: float) -> CountersEvidence | None:
        if (ceph := self._plan.ceph.get(pool)) is None:
            return None
        looks, problem = self._counters.during(pgs_of(ceph["cluster"]), began_s, ended_s)
        data, metadata = tuple(ceph.get("data", ())), tuple(ceph.get("metadata", ()))
        own = {*data, *metadata}
        also = tuple(
            name
            for name, other in self._plan.ceph.items()
            if name != pool and own & {*other.get("data", ()), *other.get("metadata", ())}
        )
        return CountersEvidence(
            kind=ceph["kind"],
            window_s=ended_s - began_s,
            looks=looks,
            data=data,
            metadata=metadata,
            run=tuple(name for name in self._ceph_pools if name not in own),
            separate=tuple(ceph.get("separate", ())),
            also=also,
            problem=problem,
        )

    def _storage(self, pool: str, began_s: float, ended_s: float) -> HealthEvidence | None:
        if (ceph := self._plan.ceph.get(pool)) is None:
            return None
        return self._health.during(ceph["cluster"], tuple(ceph["objects"]), ceph["kind"], began_s, ended_s)
