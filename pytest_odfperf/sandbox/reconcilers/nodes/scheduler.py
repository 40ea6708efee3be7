"""The scheduler: pods without a node get one that has room, or the message that says why not."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_odfperf.errors import OdfError
from pytest_odfperf.node_matching import has_affinity, has_labels, untolerated
from pytest_odfperf.quantity import to_bytes, to_millicores
from pytest_odfperf.sandbox.reconcilers.api_client import Api, ApiError, Change
from pytest_odfperf.sandbox.reconcilers.conditions import condition, find, merged, record_event
from pytest_odfperf.sandbox.reconcilers.nodes.pod_affinity import pods_refusal
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    NODE,
    POD,
    PVC,
    STORAGE_CLASS,
    Name,
    Obj,
    is_deleting,
    name_of,
)
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches
from pytest_odfperf.sandbox.reconcilers.storage.claim_states import (
    SELECTED_NODE,
    claims_of,
    has_ended,
    is_bound,
)

log = logging.getLogger("odfperf.sandbox")

#: What a pod counts as, in messages, when a resource is short; else "Insufficient <resource>".
_PODS = "pods"


@dataclass(slots=True)
class Room:
    """What is free on a node: cpu in thousandths, all else in whole units."""

    free: dict[str, int] = field(default_factory=dict)
    whole: dict[str, int] = field(default_factory=dict)

    def lacks(self, requests: Mapping[str, int]) -> list[str]:
        short = [name for name, amount in requests.items() if amount > self.free.get(name, 0)]
        return ["Too many pods" if name == _PODS else f"Insufficient {name}" for name in short]

    def take(self, requests: Mapping[str, int]) -> None:
        for name, amount in requests.items():
            self.free[name] = self.free.get(name, 0) - amount

    def score(self, requests: Mapping[str, int]) -> float:
        """Least allocated first, as the scheduler's default does."""
        parts = [
            (self.free.get(name, 0) - requests.get(name, 0)) / self.whole[name]
            for name in ("cpu", "memory")
            if self.whole.get(name)
        ]
        return sum(parts) / max(1, len(parts))


def amounts(resources: Mapping[str, object]) -> dict[str, int]:
    return {n: to_millicores(str(v)) if n == "cpu" else to_bytes(str(v)) for n, v in resources.items()}


def pod_requests(pod: Obj) -> dict[str, int]:
    """Sum over the containers and sidecars, and one pod."""
    total: Counter[str] = Counter({_PODS: 1})
    first = pod["spec"].get("initContainers") or []
    sidecars = [container for container in first if container.get("restartPolicy") == "Always"]
    for container in [*sidecars, *(pod["spec"].get("containers") or [])]:
        total.update(amounts((container.get("resources") or {}).get("requests") or {}))
    return dict(total)


def is_ready(node: Obj) -> bool:
    ready = find((node.get("status") or {}).get("conditions"), "Ready")
    return ready is not None and bool(ready["status"] == "True")


#: What Kubernetes marks nodes with, whether or not the taint is there already.
_CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


def refusal(node: Obj, pod: Obj) -> str | None:
    """Why this node is none for the pod, whatever room it has."""
    spec = pod["spec"]
    tolerations = spec.get("tolerations") or ()
    if node["spec"].get("unschedulable") and untolerated([_CORDON], tolerations):
        return "node(s) were unschedulable"
    taint = untolerated(node["spec"].get("taints") or (), tolerations)
    if taint is not None:
        return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    if not is_ready(node) and untolerated([_NOT_READY], tolerations):
        return "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"
    labels = node["metadata"].get("labels") or {}
    if not has_labels(labels, spec.get("nodeSelector")) or not has_affinity(
        node["metadata"]["name"], labels, spec.get("affinity")
    ):
        return "node(s) didn't match Pod's node affinity/selector"
    return None


class Scheduler:
    """One loop over all waiting pods, woken by each change of a pod, node or claim."""

    def __init__(self, api: Api, caches: Caches) -> None:
        self._api = api
        self._caches = caches
        self._woken = asyncio.Event()
        #: Bound, and not yet seen so in the cache.
        self._assumed: dict[str, tuple[str, dict[str, int]]] = {}
        for kind in (POD, NODE, PVC, STORAGE_CLASS):
            caches[kind].listeners.append(self._heard)

    def _heard(self, change: Change) -> None:
        obj = change.obj
        if change.kind is POD and (change.gone or obj["spec"].get("nodeName")):
            self._assumed.pop(obj["metadata"]["uid"], None)
        self._woken.set()

    async def run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            for pod in self._waiting():
                try:
                    await self._schedule(pod)
                except OdfError as error:
                    log.info("pod %s: %s", pod["metadata"]["name"], error)
                    asyncio.get_running_loop().call_later(0.2, self._woken.set)

    def _waiting(self) -> list[Obj]:
        pods = [
            pod
            for pod in self._caches[POD].objects.values()
            if not pod["spec"].get("nodeName")
            and pod["metadata"]["uid"] not in self._assumed
            and pod["spec"].get("schedulerName", "default-scheduler") == "default-scheduler"
            and not is_deleting(pod)
            and not has_ended(pod)
        ]
        return sorted(pods, key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), name_of(pod)))

    def _rooms(self) -> dict[str, Room]:
        rooms = {}
        for (_, name), node in self._caches[NODE].objects.items():
            whole = amounts((node.get("status") or {}).get("allocatable") or {})
            rooms[name] = Room(free=dict(whole), whole=whole)
        for pod in self._caches[POD].objects.values():
            node_name = pod["spec"].get("nodeName")
            if node_name in rooms and not has_ended(pod):
                rooms[node_name].take(pod_requests(pod))
        for node_name, requests in self._assumed.values():
            if node_name in rooms:
                rooms[node_name].take(requests)
        return rooms

    def _places(self) -> list[tuple[Obj, Obj]]:
        """The pods that have a node, each with its node."""
        found = []
        for pod in self._caches[POD].objects.values():
            assumed = self._assumed.get(pod["metadata"]["uid"])
            name = pod["spec"].get("nodeName") or (assumed[0] if assumed else None)
            node = self._caches[NODE].get("", name) if name else None
            if node is not None and not has_ended(pod):
                found.append((pod, node))
        return found

    async def _schedule(self, pod: Obj) -> None:
        problem = self._claim_problem(pod)
        if problem:
            await self._unschedulable(pod, problem)
            return
        requests = pod_requests(pod)
        rooms = self._rooms()
        fitting: list[str] = []
        reasons: Counter[str] = Counter()
        places = self._places()
        for name, room in rooms.items():
            node = self._caches[NODE].objects["", name]
            refused = refusal(node, pod) or pods_refusal(node, pod, places)
            lacks = [refused] if refused else room.lacks(requests)
            reasons.update(lacks)
            if not lacks:
                fitting.append(name)
        if not fitting:
            told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
            await self._unschedulable(pod, f"0/{len(rooms)} nodes are available: {told}.")
            return
        best = max(sorted(fitting), key=lambda name: rooms[name].score(requests))
        self._assumed[pod["metadata"]["uid"]] = (best, requests)
        try:
            await self._bind(pod, best)
        except OdfError:
            self._assumed.pop(pod["metadata"]["uid"], None)
            raise

    def _claim_problem(self, pod: Obj) -> str | None:
        total = len(self._caches[NODE].objects)
        for name in claims_of(pod):
            claim = self._caches[PVC].get(pod["metadata"]["namespace"], name)
            if claim is None:
                return f'0/{total} nodes are available: persistentvolumeclaim "{name}" not found.'
            sc = self._caches[STORAGE_CLASS].get("", claim["spec"].get("storageClassName") or "")
            late = sc is not None and sc.get("volumeBindingMode") == "WaitForFirstConsumer"
            if not is_bound(claim) and not late:
                return f"0/{total} nodes are available: pod has unbound immediate PersistentVolumeClaims."
        return None

    async def _bind(self, pod: Obj, node: str) -> None:
        namespace, name = name_of(pod)
        for claim_name in claims_of(pod):
            claim = self._caches[PVC].get(namespace, claim_name)
            if claim is not None and not is_bound(claim):
                change = {"metadata": {"annotations": {SELECTED_NODE: node}}}
                await self._api.patch(PVC, (namespace, claim_name), change)
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": pod["metadata"]["uid"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        try:
            await self._api.call("POST", POD.path(namespace, name, "binding"), binding)
        except ApiError as error:
            if error.code not in (404, 409):
                raise
            # It is gone, or on its way.
            self._assumed.pop(pod["metadata"]["uid"], None)
            return
        message = f"Successfully assigned {namespace}/{name} to {node}"
        await record_event(self._api, POD, pod, "Scheduled", message, source="default-scheduler")

    async def _unschedulable(self, pod: Obj, message: str) -> None:
        before = (pod.get("status") or {}).get("conditions") or []
        said = find(before, "PodScheduled") or {}
        if said.get("message") == message:
            return
        name: Name = name_of(pod)
        told = condition("PodScheduled", "False", "Unschedulable", message)
        status = {"phase": "Pending", "conditions": [*merged(before, [told])]}
        await self._api.patch_status(POD, name, status)
        await record_event(
            self._api, POD, pod, "FailedScheduling", message, warning=True, source="default-scheduler"
        )
