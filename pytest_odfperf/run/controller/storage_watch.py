"""Watches how the Ceph clusters of the run's pools are, and writes each change into the run's folder.

One list and one watch for each kind, in the controller, for the whole run: nothing is asked for a VM or a
key.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_odfperf.errors import InterruptedRunError, OdfError
from pytest_odfperf.run.health_journal import HealthJournal, State
from pytest_odfperf.run.pool_log import LOGGER
from pytest_odfperf.waiting import Deadline, Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.cluster.client.kinds import Kind
    from pytest_odfperf.cluster.client.watch import Objects

#: Where watching is forbidden. The operator itself asks Ceph every minute.
POLL_S = 15.0
#: Nothing in a run lasts so long.
_FOR_EVER_S = 1e8
_END_S = 2.0


class StorageWatch:
    """The watches of one session. What ends them is in the log; figures are then of unknown health."""

    def __init__(self, cluster: Cluster, states: Mapping[str, State], journal: HealthJournal) -> None:
        """``states`` are those that were read at the start; what they are of is watched."""
        from pytest_odfperf.cluster.client.kinds import CEPH_BLOCK_POOL, CEPH_CLUSTER, CEPH_FILESYSTEM

        self._cluster = cluster
        self._journal = journal
        self._first = states
        self._stop = Stop()
        self._lock = threading.Lock()
        self._last: dict[str, State] = {}
        kinds = {kind.name: kind for kind in (CEPH_BLOCK_POOL, CEPH_CLUSTER, CEPH_FILESYSTEM)}
        places = dict.fromkeys(tuple(name.partition("/")[0].split(" ")) for name in states)
        self._threads = [
            threading.Thread(
                target=self._watch, args=(kinds[kind], place), name=f"health-{kind}", daemon=True
            )
            for kind, place in places
        ]

    def start(self) -> StorageWatch:
        """The first key shall not wait for a watch: what is known already is written at once."""
        self._journal.begin()
        for name, state in self._first.items():
            self._says(name, state)
        for thread in self._threads:
            thread.start()
        return self

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

    def _look(self, kind: Kind, place: str, objects: Objects) -> None:
        from pytest_odfperf.cluster.facts.ceph_health import states_of

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
