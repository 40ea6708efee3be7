"""The kubelets of all nodes: a pod with a node runs once its claims are bound, and goes when deleted."""

from __future__ import annotations

import zlib

from pytest_odfperf.sandbox.controllers.claims import claims_of, has_ended, is_bound
from pytest_odfperf.sandbox.controllers.client import Api, now
from pytest_odfperf.sandbox.controllers.conditions import condition, find, merged
from pytest_odfperf.sandbox.controllers.controller import Caches, Controller
from pytest_odfperf.sandbox.controllers.kinds import POD, PVC, VMI, Name, Obj, is_deleting, name_of


def pod_address(pod: Obj) -> str:
    """An address that tells pods apart. Nothing listens there."""
    digest = zlib.crc32(pod["metadata"]["uid"].encode())
    return f"10.{128 + digest % 4}.{digest >> 8 & 255}.{digest >> 16 & 255}"


class Kubelets(Controller):
    def __init__(self, api: Api, caches: Caches) -> None:
        super().__init__(api, caches, POD)
        self.follow(PVC, self._pods_with)
        self.follow(VMI, self._pods_of)

    def _pods_with(self, claim: Obj) -> list[Name]:
        namespace, name = name_of(claim)
        return [
            key
            for key, pod in self.caches[POD].objects.items()
            if key[0] == namespace and name in claims_of(pod)
        ]

    def _pods_of(self, vmi: Obj) -> list[Name]:
        uid = vmi["metadata"]["uid"]
        return [
            key
            for key, pod in self.caches[POD].objects.items()
            if (pod["metadata"].get("labels") or {}).get("kubevirt.io/created-by") == uid
        ]

    async def reconcile(self, name: Name) -> None:
        pod = self.current(name)
        if pod is None:
            return
        if is_deleting(pod):
            # A launcher ends after its guest: its instance's controller stops the machine first.
            if not self._guest_runs(pod):
                await self.api.delete(POD, name, uid=pod["metadata"]["uid"], grace_s=0)
            return
        if not pod["spec"].get("nodeName") or has_ended(pod):
            return
        claims = [self.caches[PVC].get(name[0], claim) for claim in claims_of(pod)]
        before = pod.get("status") or {}
        scheduled = condition("PodScheduled", "True")
        if not all(is_bound(claim) for claim in claims):
            if (find(before.get("conditions"), "PodScheduled") or {}).get("status") != "True":
                await self._write(pod, {"phase": "Pending"}, [scheduled])
            return
        if before.get("phase") == "Running":
            return
        containers = [c["name"] for c in pod["spec"].get("containers") or []]
        moment = now()
        address = pod_address(pod)
        running = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": moment,
            "containerStatuses": [
                {
                    "name": container,
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "image": "",
                    "imageID": "",
                    "state": {"running": {"startedAt": moment}},
                }
                for container in containers
            ],
        }
        names = ("Initialized", "ContainersReady", "Ready")
        await self._write(pod, running, [scheduled, *(condition(kind, "True") for kind in names)])

    def _guest_runs(self, pod: Obj) -> bool:
        uid = (pod["metadata"].get("labels") or {}).get("kubevirt.io/created-by")
        return any(
            vmi["metadata"]["uid"] == uid
            and (vmi.get("status") or {}).get("phase") in ("Scheduled", "Running")
            for vmi in self.caches[VMI].objects.values()
        )

    async def _write(self, pod: Obj, status: Obj, conditions: list[Obj]) -> None:
        before = (pod.get("status") or {}).get("conditions")
        status = status | {"conditions": merged(before, conditions)}
        await self.api.patch_status(POD, name_of(pod), status)
