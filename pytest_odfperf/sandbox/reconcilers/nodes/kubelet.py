"""The kubelets of all nodes: a pod with a node runs once its claims are bound, and goes when deleted."""

from __future__ import annotations

import zlib

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.config.trouble_rules import Troubles
from pytest_odfperf.sandbox.reconcilers.api_client import Api, now
from pytest_odfperf.sandbox.reconcilers.conditions import condition, differs, find, merged, record_event
from pytest_odfperf.sandbox.reconcilers.nodes.launcher_logs import Logs
from pytest_odfperf.sandbox.reconcilers.nodes.pod_containers import PodContainers, runs_script
from pytest_odfperf.sandbox.reconcilers.nodes.pod_mishaps import mishap_of
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import POD, PVC, VMI, Name, Obj, is_deleting, name_of
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches, Reconciler
from pytest_odfperf.sandbox.reconcilers.storage.claim_states import claims_of, has_ended, is_bound, users_of
from pytest_odfperf.sandbox.reconcilers.trouble_book import TroubleBook, held_s

#: A launcher that crashed is there long enough for its log to be read.
_CRASHED_S = 2.0
#: A container that can not be made is tried again after this.
_AGAIN_S = 1.0


def pod_address(pod: Obj) -> str:
    """An address that tells pods apart. Nothing listens there."""
    digest = zlib.crc32(pod["metadata"]["uid"].encode())
    return f"10.{128 + digest % 4}.{digest >> 8 & 255}.{digest >> 16 & 255}"


def guest_interface(pod: Obj) -> Obj:
    """The guest's interface on the pod network, as an instance's status has it."""
    address = pod_address(pod)
    return {
        "name": "default",
        "interfaceName": "eth0",
        "ipAddress": address,
        "ipAddresses": [address],
        "infoSource": "domain",
        "linkState": "up",
        "queueCount": 1,
    }


class Kubelets(Reconciler):
    def __init__(
        self, api: Api, caches: Caches, troubles: TroubleBook, logs: Logs, containers: PodContainers
    ) -> None:
        super().__init__(api, caches, POD)
        self._containers = containers
        containers.on_end = self.queue.add
        self._troubles = troubles
        self._logs = logs
        self.follow(PVC, lambda claim: users_of(caches[POD].objects, claim, claims_of))
        self.follow(VMI, self._pods_of)

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
            crashed = self._troubles.of_claims(name[0], claims_of(pod)).qemu_error is not None
            if (left_s := held_s(pod, _CRASHED_S if crashed else 0.0)) > 0:
                self.queue.add_later(name, left_s)
            elif not self._guest_runs(pod):
                if runs_script(pod):
                    grace = pod["metadata"].get("deletionGracePeriodSeconds")
                    await self._containers.stop(pod, 30.0 if grace is None else float(grace))
                await self.api.delete(POD, name, uid=pod["metadata"]["uid"], grace_s=0)
                self._logs.forget(pod)
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
            await self._look_at_container(pod)
            return
        if await self._is_troubled(pod, scheduled) or not await self._has_started(pod, scheduled):
            return
        moment = now()
        address = pod_address(pod)
        running = {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": moment,
            **states(pod, {"running": {"startedAt": moment}}, ready=True),
        }
        names = ("Initialized", "ContainersReady", "Ready")
        await self._write(pod, running, [scheduled, *(condition(kind, "True") for kind in names)])

    async def _has_started(self, pod: Obj, scheduled: Obj) -> bool:
        """Whether what runs in the pod does, if anything is to."""
        if not runs_script(pod):
            return True
        troubles = self._troubles.of_claims(name_of(pod)[0], claims_of(pod))
        try:
            if troubles.container_error is not None:
                raise OdfError(troubles.container_error)
            await self._containers.start(pod)
        except OdfError as error:
            waiting = {"reason": "CreateContainerError", "message": str(error)}
            await self._warn(pod, "Failed", f"Error: {error}", "kubelet")
            status = {"phase": "Pending", **states(pod, {"waiting": waiting}, ready=False)}
            if differs(status, pod.get("status") or {}):
                await self._write(pod, status, [scheduled])
            self.queue.add_later(name_of(pod), _AGAIN_S)
            return False
        for after_s in (troubles.node_lost_s, troubles.out_of_memory_s, troubles.evicted_s):
            if after_s is not None:
                self.queue.add_later(name_of(pod), after_s + 0.01)
        return True

    async def _look_at_container(self, pod: Obj) -> None:
        """What became of the container of a pod that ran."""
        if not runs_script(pod):
            return
        ended = self._containers.ended(pod)
        troubles = self._troubles.of_claims(name_of(pod)[0], claims_of(pod))
        told: list[Obj] = []
        if ended is None:
            ended, changed, told = mishap_of(pod, troubles)
            if ended is None and changed is not None and differs(changed, pod.get("status") or {}):
                await self._write(pod, changed, told)
        if ended is None:
            return
        terminated = {
            "exitCode": ended.exit_code,
            "reason": ended.reason,
            "startedAt": (pod.get("status") or {}).get("startTime"),
            "finishedAt": now(),
        }
        if ended.message:
            terminated["message"] = ended.message
        status = {
            "phase": "Succeeded" if ended.exit_code == 0 else "Failed",
            **states(pod, {"terminated": terminated}, ready=False),
        }
        ready = [condition(kind, "False", f"Pod{status['phase']}") for kind in ("ContainersReady", "Ready")]
        await self._write(pod, status, [*told, *ready])
        await self._containers.stop(pod, 0)

    async def _is_troubled(self, pod: Obj, scheduled: Obj) -> bool:
        """Whether its containers can not start; says why."""
        namespace, name = name_of(pod)
        claims = claims_of(pod)
        troubles = self._troubles.of_claims(namespace, claims)
        volume = next((v for c in claims if (v := self._volume_with(namespace, c, troubles))), "pvc")
        waiting = {"reason": "ContainerCreating"}
        if troubles.image_pull:
            image = pod["spec"]["containers"][0]["image"] if runs_script(pod) else "sandbox/virt-launcher"
            pulled = (pod.get("status") or {}).get("containerStatuses") or []
            waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}
            if not pulled:
                said = f'Failed to pull image "{image}": reading manifest: manifest unknown'
                waiting = {"reason": "ErrImagePull", "message": said}
                self.queue.add_later((namespace, name), 0.2)
            await self._warn(pod, "BackOff" if pulled else "Failed", waiting["message"], "kubelet")
        elif troubles.attach_error is not None:
            said = f'AttachVolume.Attach failed for volume "{volume}" : {troubles.attach_error}'
            await self._warn(pod, "FailedAttachVolume", said, "attachdetach-controller")
        elif troubles.mount_error is not None:
            said = f'MapVolume.MapPodDevice failed for volume "{volume}" : {troubles.mount_error}'
            await self._warn(pod, "FailedMapVolume", said, "kubelet")
        else:
            return False
        status = {"phase": "Pending", **states(pod, {"waiting": waiting}, ready=False)}
        if differs(status, pod.get("status") or {}):
            await self._write(pod, status, [scheduled])
        return True

    def _volume_with(self, namespace: str, claim: str, troubles: Troubles) -> str | None:
        found = self.caches[PVC].get(namespace, claim)
        return (
            found["spec"].get("volumeName") if found and self._troubles.of_claim(found) is troubles else None
        )

    async def _warn(self, pod: Obj, reason: str, message: str, source: str) -> None:
        await record_event(self.api, POD, pod, reason, message, warning=True, source=source)

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


def states(pod: Obj, state: Obj, *, ready: bool) -> Obj:
    """The states of all containers, those that begin first (sidecars) in a list of their own."""
    return {
        field: [
            {
                "name": container["name"],
                "ready": ready,
                "started": ready,
                "restartCount": 0,
                "image": "",
                "imageID": "",
                "state": state,
            }
            for container in pod["spec"][containers]
        ]
        for field, containers in (
            ("initContainerStatuses", "initContainers"),
            ("containerStatuses", "containers"),
        )
        if pod["spec"].get(containers)
    }
