"""How each cause is recognised that only a pod shows in which a key is measured, not the launcher of a VM.

Words: kubelet (``pkg/kubelet/kuberuntime``, ``pkg/kubelet/container/sync_result.go``), the core API's
ContainerState.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_odfperf.cluster.causes.look import Look
from pytest_odfperf.cluster.causes.seen import VmSeen, condition, name_of, phase, status_of, words
from pytest_odfperf.cluster.client.calls import JsonObject

_NOT_MADE = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError")
_MEMORY = "OOMKilled"


def _states(pod: JsonObject | None, state: str) -> Iterator[Any]:
    for container in status_of(pod).get("containerStatuses") or ():
        if found := (container.get("state") or {}).get(state):
            yield found


def _pod(seen: VmSeen) -> str:
    node = ((seen.pod or {}).get("spec") or {}).get("nodeName")
    return f"Pod {seen.name}" + (f" on node {node}" if node else "")


def container_refused(seen: VmSeen) -> Iterator[Look]:
    """The image is there, and its container can not be made or started."""
    for waiting in _states(seen.pod, "waiting"):
        if waiting.get("reason") in _NOT_MADE:
            yield Look(_pod(seen), words(waiting))


def out_of_memory(seen: VmSeen) -> Iterator[Look]:
    for ended in _states(seen.pod, "terminated"):
        if ended.get("reason") == _MEMORY:
            yield Look(_pod(seen), f"{_MEMORY}: its processes needed more memory than the pod has")


def container_ended(seen: VmSeen) -> Iterator[Look]:
    """Whatever ended it; a pod of ours never ends by itself."""
    if phase(seen.pod) not in ("Failed", "Succeeded") or condition(seen.pod, "DisruptionTarget", "True"):
        return
    told = list(_states(seen.pod, "terminated"))
    if any(ended.get("reason") == _MEMORY for ended in told):
        return
    shown = [f"exit code {ended.get('exitCode')}, {words(ended)}" for ended in told]
    # A node that does not take it (its resources, its admission) says so in the pod.
    shown += [said] if (said := words(status_of(seen.pod))) else []
    yield Look(_pod(seen), f"{phase(seen.pod)}: {'; '.join(shown) or 'nothing says why'}")


def pod_deleted(seen: VmSeen) -> Iterator[Look]:
    if seen.pod is None or condition(seen.pod, "DisruptionTarget", "True"):
        return
    if seen.pod["metadata"].get("deletionTimestamp"):
        yield Look(f"Pod {name_of(seen.pod)}", "somebody deleted it")


def pod_node_lost(seen: VmSeen) -> Iterator[Look]:
    """Not ready, though its container runs and it has no probe: its node does not answer."""
    told = condition(seen.pod, "Ready", "False", "Unknown")
    if told and phase(seen.pod) == "Running" and any(_states(seen.pod, "running")):
        yield Look(_pod(seen), f"not Ready: {words(told) or 'its node does not answer'}")
