"""Bulk cleanup: everything that carries a run's label."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_odfperf.cluster.client.calls import ApiError, Calls
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import CONFIG_MAP, LEASE, POD, Kind
from pytest_odfperf.cluster.groups.group_kinds import MADE
from pytest_odfperf.cluster.groups.removal import remove, selected
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.vm.labels import pool_selector, run_selector
from pytest_odfperf.waiting import Deadline, Stop

#: What it is held by.
HELD_BY = (CONFIG_MAP, LEASE)
#: Nothing waits for these two but the garbage collector.
_HELD_BY_S = 15.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """The names of what a sweep found, by kind, and what was still there when its time was over."""

    found: Mapping[str, set[str]]
    left: tuple[str, ...]

    @property
    def deleted(self) -> dict[str, int]:
        """How many objects of each kind are gone."""
        return {
            kind: sum(not any(line.startswith(f"{kind} {name} ") for line in self.left) for name in names)
            for kind, names in self.found.items()
        }

    def with_found(self, more: Mapping[str, set[str]]) -> Sweep:
        """This, with what an earlier deletion found."""
        kinds = [*self.found, *(kind for kind in more if kind not in self.found)]
        return Sweep({kind: self.found.get(kind, set()) | more.get(kind, set()) for kind in kinds}, self.left)


def sweep(
    cluster: Cluster,
    namespace: str,
    run_id: str,
    deadline_s: float,
    *,
    stop: Stop | None = None,
    before_release: Callable[[], None] = lambda: None,
) -> Sweep:
    """Delete all objects of the run, and wait until they are gone or ``deadline_s`` is over.

    The ConfigMap and the Lease go last, after ``before_release``: until all else is gone, nobody shall take
    the run over. Takes no part in the run's own stop: it is what runs after one. Raises `ClusterError`, and
    `ValueError` for an empty run id, which would select all runs.
    """
    found: dict[str, set[str]] = {}
    selector, stop = run_selector(run_id), stop or Stop()
    deadline = Deadline(f"the objects of run {run_id} to be gone", deadline_s)
    left = remove(cluster, namespace, selector, MADE, deadline, stop, found)
    before_release()
    deadline = Deadline(f"the ConfigMap of run {run_id} to be gone", min(deadline_s, _HELD_BY_S))
    left += remove(cluster, namespace, selector, HELD_BY, deadline, stop, found)
    return Sweep(found, left)


class EarlyDelete:
    """Deletes that were sent at once, all kinds together, and are waited for by nobody.

    ``found`` fills with the names that the API server answered, ``problems`` with what it refused.
    """

    def __init__(self, cluster: Cluster, namespace: str, selector: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._selector = selector
        self.found: dict[str, set[str]] = {}
        self.problems: list[str] = []
        # A thread each: one kind that the API server is slow with shall not hold up the others.
        self._threads = [
            threading.Thread(target=self._delete, args=(kind,), name=f"delete-{kind.plural}", daemon=True)
            for kind in MADE
        ]
        for thread in self._threads:
            thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the answers, at most for so long."""
        deadline = Deadline("the deletes to be answered", seconds)
        for thread in self._threads:
            thread.join(deadline.left_s())

    def _delete(self, kind: Kind) -> None:
        try:
            selector = selected(kind, self._selector)
            names = Calls(self._cluster, Stop()).delete_collection(kind, self._namespace, selector)
        except ApiError as error:
            without_right = kind is POD and error.status == 403  # nobody could measure in pods then
            if error.status != 404 and not without_right:  # the cluster has no such kind, so nothing of it
                self.problems.append(str(error))
        except ClusterError as error:
            self.problems.append(str(error))
        else:
            self.found[kind.name] = set(names)


def abandon_pool(cluster: Cluster, namespace: str, run_id: str, pool: str, seconds: float) -> None:
    """Ask for the deletion of all that a pool has, and wait at most ``seconds`` for the answers."""
    # Twice: a create that was on its way may have come after the first.
    for _ in range(2):
        EarlyDelete(cluster, namespace, pool_selector(run_id, pool)).join(seconds / 2)
        time.sleep(1.0)
