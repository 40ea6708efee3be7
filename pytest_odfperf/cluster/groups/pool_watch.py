"""What the API server holds of one pool of a run: watched once, from its first group to its last.

One list and one watch per kind feed all that is done with the groups: their boot, the sentinel, the look at
them after each key, and their removal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from pytest_odfperf.cluster.client.calls import JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import CLAIM, DATA_VOLUME, EVENT, POD, VM, VMI, Kind
from pytest_odfperf.cluster.client.watch import Objects
from pytest_odfperf.vm.labels import MANAGED_BY, group_labels, is_own_pod, pool_selector
from pytest_odfperf.vm.names import common_part, pool_part
from pytest_odfperf.vm.spec import GroupSpec
from pytest_odfperf.waiting import Deadline, Stop

#: What a group is made of, as far as it is watched. Its Secrets have no state.
WATCHED = (VM, VMI, DATA_VOLUME, CLAIM)

T = TypeVar("T")


class PoolWatch:
    """The objects of one pool of a run. A pool is on one process at a time."""

    def __init__(self, cluster: Cluster, namespace: str, run_id: str, pool: str) -> None:
        self.pool = pool
        self._objects = Objects(
            cluster,
            namespace,
            pool_selector(run_id, pool),
            (*WATCHED, POD),
            events_of=pool_part(pool),
        ).__enter__()

    @classmethod
    def of(cls, cluster: Cluster, spec: GroupSpec) -> PoolWatch:
        """The watch for the pool of ``spec``."""
        return cls(cluster, spec.namespace, spec.run_id, spec.key.pool)

    def group(self, spec: GroupSpec) -> GroupView:
        """What there is of one group."""
        return GroupView(self._objects, spec)

    def anything(self, deadline: Deadline, stop: Stop) -> bool:
        """Whether there is anything of the pool; waits for the first lists. Raises as `Objects.wait`."""

        def any_of_it() -> bool:
            pods = self._objects.of(POD).values()
            return any(self._objects.of(kind) for kind in WATCHED) or any(map(is_own_pod, pods))

        return self._objects.wait(any_of_it, deadline, stop, lambda: "no list yet")

    def close(self) -> None:
        """End the watches."""
        self._objects.close()


class GroupView:
    """One group's part of a `PoolWatch`."""

    def __init__(self, objects: Objects, spec: GroupSpec) -> None:
        self._objects = objects
        labels = group_labels(spec.run_id, spec.key)
        self._labels = {name: value for name, value in labels.items() if name != MANAGED_BY}.items()
        self._part = common_part(spec.vm_names)

    def of(self, kind: Kind) -> Mapping[str, JsonObject]:
        """The group's objects of ``kind`` by name, as of the last event."""
        found = self._objects.of(kind)
        return {name: item for name, item in found.items() if self._is_ours(kind, item)}

    def wait(
        self, look: Callable[[], T | None], deadline: Deadline, stop: Stop, state: Callable[[], str]
    ) -> T:
        """As `Objects.wait`; ``look`` is called on changes of other groups, too."""
        return self._objects.wait(look, deadline, stop, state)

    def follows(self, *kinds: Kind) -> bool:
        """Whether what is known of ``kinds`` is what the API server tells at this moment."""
        return self._objects.follows(*kinds)

    def _is_ours(self, kind: Kind, item: JsonObject) -> bool:
        if kind is EVENT:
            return self._part in str((item.get("involvedObject") or {}).get("name"))
        return self._labels <= (item["metadata"].get("labels") or {}).items()
