"""Watches how the Ceph clusters of the run's pools are, and writes each change into the run's folder.

One list and one watch for each kind, in the controller, for the whole run: nothing is asked for a VM or a
key.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_odfperf.errors import InterruptedRunError, OdfError
from pytest_odfperf.run.counters_journal import UNKNOWN_S, CountersJournal
from pytest_odfperf.run.health_journal import HealthJournal, State, pgs_of
from pytest_odfperf.run.pool_log import LOGGER
from pytest_odfperf.waiting import Deadline, Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.cluster.client.kinds import Kind
    from pytest_odfperf.cluster.client.watch import Objects
    from pytest_odfperf.measure.storage_counters import StorageCounters

#: Where watching is forbidden. The operator itself asks Ceph every minute.
POLL_S = 15.0
#: The manager's metrics are asked for more often, as far as that costs little: a manager collects them every
#: 15 s, so that what is asked for seldom tells of moments that are known to no better than that. At most so
#: many bytes a second on average, and half a percent of a CPU.
LEAST_POLL_S = 2.0
MOST_BYTES_PER_S = 100_000
#: Nothing in a run lasts so long.
_FOR_EVER_S = 1e8
_END_S = 2.0


class StorageWatch:
    """The watches of one session. What ends them is in the log; figures are then of unknown health."""

    def __init__(
        self,
        cluster: Cluster,
        states: Mapping[str, State],
        journal: HealthJournal,
        counters: CountersJournal,
        prometheus: str | None = None,
    ) -> None:
        """``states`` are those that were read at the start; what they are of is watched."""
        from pytest_odfperf.cluster.client.kinds import CEPH_BLOCK_POOL, CEPH_CLUSTER, CEPH_FILESYSTEM

        self._cluster = cluster
        self._journal = journal
        self._counters = counters
        self._prometheus = prometheus
        self._first = states
        #: By cluster: when its counters were asked for last, since when pools have theirs, what they were.
        self._collected: dict[str, tuple[float, float, StorageCounters | None]] = {}
        self._pause_s = LEAST_POLL_S
        self._stop = Stop()
        self._lock = threading.Lock()
        self._last: dict[str, State] = {}
        self._refused: set[str] = set()
        kinds = {kind.name: kind for kind in (CEPH_BLOCK_POOL, CEPH_CLUSTER, CEPH_FILESYSTEM)}
        places = dict.fromkeys(tuple(name.partition("/")[0].split(" ")) for name in states)
        self._threads = [
            threading.Thread(
                target=self._watch, args=(kinds[kind], place), name=f"health-{kind}", daemon=True
            )
            for kind, place in places
        ]
        self._pgs = [pgs_of(name) for name in states if name.startswith(f"{CEPH_CLUSTER} ")]
        self._threads += [
            threading.Thread(target=self._poll, args=(name,), name="poll-PGs", daemon=True)
            for name in self._pgs
        ]

    def start(self) -> list[str]:
        """What is known already is written at once: the first key shall not wait for a watch.

        Lines on what is not known.
        """
        self._journal.begin()
        self._counters.begin()
        for name, state in self._first.items():
            self._says(name, state)
        problems = [problem for name in self._pgs if (problem := self._ask(name)) is not None]
        for thread in self._threads:
            thread.start()
        return [
            "nobody witnesses what the storage does; whether PGs are clean, and scrubs, are not known: "
            f"{problem}"
            for problem in problems
        ]

    def close(self) -> None:
        """End the watches."""
        self._stop.set()
        patience = Deadline("the watches of the storage to end", _END_S)
        for thread in self._threads:
            thread.join(patience.left_s())

    def _watch(self, kind: Kind, place: str) -> None:
        from pytest_odfperf.cluster.client.watch import Objects

        def look() -> None:
            self._look(kind, place, objects)

        try:
            with Objects(self._cluster, place, "", (kind,), poll_s=POLL_S) as objects:
                objects.wait(look, Deadline("the run to end", _FOR_EVER_S), self._stop, str)
        except InterruptedRunError:
            return
        except OdfError as error:
            LOGGER.warning("%s of namespace %s are not watched any more: %s", kind.plural, place, error)
            self._update(kind, place, {})

    def _poll(self, name: str) -> None:
        """Ask for PGs and counters again and again; who may not once will not later."""
        while name not in self._refused:
            try:
                self._stop.sleep(self._pause_s)
            except InterruptedRunError:
                return
            known = name in self._last
            if (problem := self._ask(name)) is not None and known:
                LOGGER.warning("whether PGs are clean, and scrubs, are not known any more: %s", problem)

    def _ask(self, name: str) -> str | None:
        """Why the PGs are not known; None: they are."""
        from pytest_odfperf.cluster.client.api_error import ApiError
        from pytest_odfperf.cluster.facts.ceph.mgr_metrics import read_mgr

        asked_s, spent_s = time.time(), time.thread_time()
        try:
            answer = read_mgr(self._cluster, name.split(" ")[1].partition("/")[0], self._prometheus)
        except ApiError as error:
            if error.status in (403, 404):
                self._refused.add(name)
            self._says(name, None)
            self._counters.fails(name, str(error))
            self._collected.pop(name, None)
            return str(error)
        self._says(name, answer.pgs)
        if answer.counters is None:
            self._counters.fails(name, "the storage's manager counts no I/O")
        else:
            self._count(name, asked_s, answer.counters)
        spent_s = time.thread_time() - spent_s
        self._pause_s = min(POLL_S, max(LEAST_POLL_S, answer.size_bytes / MOST_BYTES_PER_S, 200 * spent_s))
        return None

    def _count(self, name: str, asked_s: float, counters: StorageCounters) -> None:
        """A new look. Of Prometheus, OSDs may have been asked at other times than the manager."""
        last_s, since_s, before = self._collected.get(name, (asked_s - UNKNOWN_S, asked_s - UNKNOWN_S, None))
        if before is None or (before.collected, before.pools) != (counters.collected, counters.pools):
            since_s = last_s
        if counters != before:
            self._counters.says(name, time.time(), since_s, counters)
        self._collected[name] = asked_s, since_s, counters

    def _look(self, kind: Kind, place: str, objects: Objects) -> None:
        from pytest_odfperf.cluster.facts.ceph.ceph_health import states_of

        self._update(kind, place, states_of(kind, objects.of(kind).values()))

    def _update(self, kind: Kind, place: str, found: Mapping[str, State]) -> None:
        with self._lock:
            gone = [name for name in self._last if name.startswith(f"{kind} {place}/") and name not in found]
        for name in (*found, *gone):
            self._says(name, found.get(name))

    def _says(self, name: str, state: State | None) -> None:
        with self._lock:
            if self._last.get(name) == state:
                return
            if state is None:
                self._last.pop(name, None)
            else:
                self._last[name] = state
        self._journal.says(name, state)
