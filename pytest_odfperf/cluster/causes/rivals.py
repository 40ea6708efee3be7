"""Who else could free the room that a group waits for; asked only while the scheduler finds no node."""

from __future__ import annotations

import time

from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import NODE, POD, VMI
from pytest_odfperf.cluster.facts import room
from pytest_odfperf.vm.labels import group_labels, own_pods, run_selector
from pytest_odfperf.vm.spec import GroupSpec
from pytest_odfperf.waiting import Stop

#: The API server is asked again after this.
_FRESH_S = 10.0


class Rivals:
    """The nodes, and the other groups of the same run, as of some seconds ago."""

    def __init__(self, cluster: Cluster, spec: GroupSpec, stop: Stop) -> None:
        self._calls = Calls(cluster, stop, outage_s=0.0)
        self._spec = spec
        self._nodes: list[JsonObject] | None = None
        self._none = False
        self._asked_s: float | None = None

    def never_fits(self, pod: JsonObject) -> str | None:
        """Why no node could hold ``pod`` at all; None if one could, or if nodes can not be read."""
        if self._nodes is None:
            try:
                self._nodes = self._calls.items(NODE)
            except ApiError:
                self._nodes = []
        return room.never_fits(pod, self._nodes)

    def none(self) -> bool:
        """Whether nothing of another group of the run is there: then nothing of it can free any room."""
        now_s = time.monotonic()
        if self._asked_s is None or now_s - self._asked_s > _FRESH_S:
            self._asked_s = now_s
            own = group_labels(self._spec.run_id, self._spec.key).items()
            try:
                selector, place = run_selector(self._spec.run_id), self._spec.namespace
                there = [
                    *self._calls.items(VMI, place, label_selector=selector),
                    *self._calls.items(POD, place, label_selector=own_pods(selector)),
                ]
            except ApiError:
                self._none = False
            else:
                self._none = all(own <= (vmi["metadata"].get("labels") or {}).items() for vmi in there)
        return self._none
