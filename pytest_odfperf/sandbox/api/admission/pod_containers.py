"""Which containers of a pod count for what it asks for."""

from __future__ import annotations

from pytest_odfperf.sandbox.api.objects.object_store import Obj


def lasting(pod: Obj) -> list[Obj]:
    """Those that run as long as the pod: its containers, and sidecars (KEP-753) among the init containers."""
    first = pod["spec"].get("initContainers") or ()
    sidecars = [container for container in first if container.get("restartPolicy") == "Always"]
    return [*sidecars, *pod["spec"]["containers"]]
