"""``health.jsonl``: how the storage was, whenever that changed; the controller writes it, workers read it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pytest_odfperf.measure.storage_health import (
    CephKind,
    CephMoment,
    CephState,
    HealthEvidence,
    PgMoment,
    PgState,
    PoolMoment,
    PoolState,
)
from pytest_odfperf.plain import from_plain, to_plain
from pytest_odfperf.run.growing_file import GrowingFile

HEALTH = "health.jsonl"

State = CephState | PoolState | PgState

#: What each state is of, in the file.
_KINDS: dict[str, type[State]] = {"ceph": CephState, "pool": PoolState, "pgs": PgState}


#: From when on, and how it was; None: gone, or not known any more.
_Moment = tuple[float, State | None]


def pgs_of(cluster: str) -> str:
    """The name of the PGs of ``CephCluster namespace/name``."""
    return cluster.replace("CephCluster ", "PGs ", 1)


class HealthJournal:
    """The states of the storage's objects, by name; each process has its own reader."""

    def __init__(self, run_path: Path) -> None:
        self._file = GrowingFile(run_path / HEALTH)
        self._moments: dict[str, list[_Moment]] = {}

    def begin(self) -> None:
        """What was written before, if anything was, is of an earlier session of the run."""
        if self._file.path.exists():
            self._file.append({"at": time.time(), "session": True})

    def says(self, name: str, state: State | None) -> None:
        """From now on the object ``name`` is in this state; None: it is gone, or nobody knows any more."""
        kind = next((kind for kind, states in _KINDS.items() if isinstance(state, states)), None)
        self._file.append({"at": time.time(), "name": name, "of": kind, "state": to_plain(state)})

    def during(
        self, cluster: str, pools: tuple[str, ...], kind: CephKind, began_s: float, ended_s: float
    ) -> HealthEvidence | None:
        """What was seen of a CephCluster and of some pools' objects; None if nothing was of the cluster."""
        for at_s, entry in self._file.new():
            self._take(at_s, entry)
        ceph = self._within(cluster, began_s, ended_s)
        states = tuple(CephMoment(at_s, state) for at_s, state in ceph if isinstance(state, CephState))
        found = [
            PoolMoment(at_s, name, state if isinstance(state, PoolState) else None)
            for name in pools
            for at_s, state in self._within(name, began_s, ended_s)
        ]
        found.sort(key=lambda moment: moment.at_s)
        pgs = tuple(
            PgMoment(at_s, state)
            for at_s, state in self._within(pgs_of(cluster), began_s, ended_s)
            if isinstance(state, PgState)
        )
        return HealthEvidence(kind=kind, ceph=states, pools=tuple(found), pgs=pgs) if states else None

    def _within(self, name: str, began_s: float, ended_s: float) -> list[_Moment]:
        """The last state before ``began_s``, at 0, and all until ``ended_s``, by seconds since."""
        moments = [(at_s, state) for at_s, state in self._moments.get(name, []) if at_s <= ended_s]
        before = sum(at_s <= began_s for at_s, _ in moments)
        return [(max(0.0, at_s - began_s), state) for at_s, state in moments[max(0, before - 1) :]]

    def _take(self, at_s: float, entry: dict[str, Any]) -> None:
        if entry.get("session"):
            self._moments.clear()
        name, plain = entry.get("name"), entry.get("state")
        kind = _KINDS.get(str(entry.get("of")))
        try:
            state = None if plain is None or kind is None else from_plain(kind, plain, "state")
        except ValueError:
            return
        if isinstance(name, str):
            self._moments.setdefault(name, []).append((at_s, state))
