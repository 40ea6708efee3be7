"""Who still uses an object that does not go: the words behind its finalizers."""

from __future__ import annotations

from functools import cached_property

from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.kinds import CLAIM, POD, VM, VMI, Kind


class Users:
    """Looks at the namespace once. Says nothing where the right to look is missing."""

    def __init__(self, calls: Calls, namespace: str) -> None:
        self._calls = calls
        self._namespace = namespace

    def of(self, kind: Kind, item: JsonObject) -> str | None:
        """The pods that use a claim; the instance, pod and node of a VM."""
        name = item["metadata"]["name"]
        if kind is CLAIM:
            pods = [pod for pod in self._pods if name in _claims(pod)]
            return "used by " + ", ".join(map(_pod, pods)) if pods else None
        if kind not in (VM, VMI):
            return None
        instance = item if kind is VMI else self._instances.get(name)
        if instance is None:
            return None
        uid, status = instance["metadata"].get("uid"), instance.get("status") or {}
        words = [f"instance {status.get('phase', 'Unknown')} on node {status.get('nodeName', 'none')}"]
        owned = (
            pod
            for pod in self._pods
            if any(owner.get("uid") == uid for owner in pod["metadata"].get("ownerReferences") or ())
        )
        return ", ".join(words + [_pod(pod) for pod in owned])

    @cached_property
    def _pods(self) -> list[JsonObject]:
        return self._items(POD)

    @cached_property
    def _instances(self) -> dict[str, JsonObject]:
        return {item["metadata"]["name"]: item for item in self._items(VMI)}

    def _items(self, kind: Kind) -> list[JsonObject]:
        try:
            return self._calls.items(kind, self._namespace)
        except ApiError:
            return []


def _claims(pod: JsonObject) -> list[str | None]:
    volumes = (pod.get("spec") or {}).get("volumes") or ()
    return [(volume.get("persistentVolumeClaim") or {}).get("claimName") for volume in volumes]


def _pod(pod: JsonObject) -> str:
    phase = (pod.get("status") or {}).get("phase", "Unknown")
    state = "Terminating" if pod["metadata"].get("deletionTimestamp") else phase
    node = (pod.get("spec") or {}).get("nodeName", "none")
    return f"pod {pod['metadata']['name']} ({state} on node {node})"
