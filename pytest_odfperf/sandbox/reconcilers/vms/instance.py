"""VirtualMachineInstances: a launcher pod, then a machine. What virt-controller and virt-handler do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.machines.base import GUEST_SHUTDOWN, STOPPED, Machine
from pytest_odfperf.sandbox.reconcilers.api_client import Api, now
from pytest_odfperf.sandbox.reconcilers.conditions import (
    condition,
    differs,
    find,
    merged,
    plain,
    record_event,
)
from pytest_odfperf.sandbox.reconcilers.nodes.kubelet import guest_interface
from pytest_odfperf.sandbox.reconcilers.nodes.launcher_logs import COMPUTE, CONSOLE, Logs
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    DATA_VOLUME,
    NODE,
    POD,
    PVC,
    VMI,
    Name,
    Obj,
    is_deleting,
    name_of,
    uid_of,
)
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches, Reconciler
from pytest_odfperf.sandbox.reconcilers.storage import claim_states as claims
from pytest_odfperf.sandbox.reconcilers.trouble_book import TroubleBook, held_s
from pytest_odfperf.sandbox.reconcilers.vms.disk_status import grow_disks, volume_status
from pytest_odfperf.sandbox.reconcilers.vms.kubevirt_moves import Moves
from pytest_odfperf.sandbox.reconcilers.vms.launcher import launcher_pod, pod_name
from pytest_odfperf.sandbox.reconcilers.vms.mishaps import migrated, mishap, pull_problem
from pytest_odfperf.sandbox.reconcilers.volume_claims import claim_names

#: Annotations of a VMI that say where its guest's ports are reached: the portforward subresource dials there.
PORT_ANNOTATION = "sandbox.odfperf/port-"
FINAL = ("Succeeded", "Failed")
#: All that KubeVirt puts on an instance, the old spelling too.
_FINALIZERS = (
    "kubevirt.io/foregroundDeleteVirtualMachine",
    "foregroundDeleteVirtualMachine",
    "kubevirt.io/virtualMachineControllerFinalize",
)
_SOURCE = "virtualmachine-controller"


class Instances(Reconciler):
    def __init__(
        self,
        api: Api,
        caches: Caches,
        make_machine: Callable[[Obj], Awaitable[Machine]],
        *,
        cpu_allocation_ratio: int,
        moves: Moves,
        troubles: TroubleBook,
        logs: Logs,
    ) -> None:
        super().__init__(api, caches, VMI)
        self._make_machine = make_machine
        self._ratio = cpu_allocation_ratio
        self._moves = moves
        self._troubles = troubles
        self._logs = logs
        #: When each machine began to run, by the VMI's uid.
        self._running_since_s: dict[str, float] = {}
        #: By the VMI's uid.
        self._machines: dict[str, Machine] = {}
        self._uids: dict[Name, str] = {}
        self._ended: dict[str, str] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self.follow_owned(POD)
        for kind in (PVC, DATA_VOLUME):
            self.follow(kind, lambda claim: claims.users_of(caches[VMI].objects, claim, claim_names))

    async def close(self) -> None:
        """Stop all machines at once."""
        await asyncio.gather(
            *(machine.stop(0) for machine in self._machines.values()), return_exceptions=True
        )

    async def reconcile(self, name: Name) -> None:
        vmi = self.current(name)
        former = self._uids.get(name)
        if former is not None and (vmi is None or former != uid_of(vmi)):
            # Its finalizers were taken away: nobody else knows this machine.
            await self._stop(former, 0)
            self._uids.pop(name, None)
        if vmi is None:
            return
        uid = uid_of(vmi)
        finalizers = vmi["metadata"].get("finalizers") or []
        if not is_deleting(vmi) and self._moves.vmi_finalizer not in finalizers:
            await self.api.set_finalizers(VMI, vmi, [*finalizers, self._moves.vmi_finalizer])
            return
        pod = self.caches[POD].get(name[0], pod_name(vmi))
        phase = (vmi.get("status") or {}).get("phase") or ""
        if is_deleting(vmi):
            await self._delete(vmi, pod, phase)
        elif phase in FINAL:
            await self._stop(uid, 0)
            if pod is not None and not claims.has_ended(pod):
                await self.api.patch_status(POD, name_of(pod), {"phase": phase})
        elif pod is None and phase in ("Scheduling", "Scheduled", "Running"):
            if await self.api.get(POD, name[0], pod_name(vmi)) is None:
                await self._finish(vmi, "Failed", "the virt-launcher pod is gone")
        elif pod is not None and (is_deleting(pod) or claims.has_ended(pod)):
            await self._finish(vmi, "Failed", "the virt-launcher pod was deleted")
        elif pod is None:
            await self._pending(vmi)
        else:
            await self._with_pod(vmi, pod, phase)

    async def _pending(self, vmi: Obj) -> None:
        """Before there is a pod: wait for the claims."""
        namespace = vmi["metadata"]["namespace"]
        ready = True
        for claim_name in claim_names(vmi):
            claim = self.caches[PVC].get(namespace, claim_name)
            if claim is None:
                what = f"PVC {namespace}/{claim_name} does not exist, waiting for it to appear"
                failed = condition("Synchronized", "False", "FailedPvcNotFound", what)
                await self._write(vmi, "Pending", [_not_ready("PodNotExists"), failed])
                await self._warn(vmi, "FailedPvcNotFound", what)
                return
            # A pod is what a claim that waits for its first consumer waits for.
            ready &= claims.is_bound(claim) or claims.waits_for_consumer(self.caches, claim)
            data_volume = self.caches[DATA_VOLUME].get(namespace, claim_name)
            phase = (data_volume.get("status") or {}).get("phase") if data_volume else "Succeeded"
            ready &= phase in ("Succeeded", "WaitForFirstConsumer", "PendingPopulation")
        said = "Not all of the VMI's DVs are ready"
        volumes = condition("DataVolumesReady", "False", "NotAllDVsReady", said)
        if ready:
            said = "All of the VMI's DVs are bound and ready"
            volumes = condition("DataVolumesReady", "True", "AllDVsReady", said)
        told = [_not_ready("PodNotExists"), volumes]
        if ready:
            refused = self._troubles.of_machine(namespace, vmi).launcher_refused
            try:
                if refused is not None:
                    raise OdfError(refused)
                await self.api.create(POD, launcher_pod(vmi, self._ratio, self._moves))
            except OdfError as error:
                said = f"failed to create virtual machine pod: {error}"
                failed = condition("Synchronized", "False", "FailedCreate", said)
                await self._write(vmi, "Pending", [*told, failed])
                await self._warn(vmi, "FailedCreate", said)
                raise
        await self._write(vmi, "Pending", told)

    async def _with_pod(self, vmi: Obj, pod: Obj, phase: str) -> None:
        status = pod.get("status") or {}
        # One step after the other: a pod can be faster than the cache of instances.
        if not phase:
            await self._write(vmi, "Pending", [_not_ready("PodNotExists")])
        elif phase == "Pending" or status.get("phase") != "Running":
            scheduled = find(status.get("conditions"), "PodScheduled")
            told = [scheduled] if scheduled and scheduled["status"] == "False" else []
            told += pull_problem(status)
            await self._write(vmi, "Scheduling", [_not_ready("PodNotExists"), *map(plain, told)])
        elif phase == "Scheduling":
            node = pod["spec"]["nodeName"]
            more = {"nodeName": node, "activePods": {uid_of(pod): node}}
            await self._write(vmi, "Scheduled", [_not_ready("GuestNotRunning")], **more)
        elif phase == "Scheduled":
            await self._run(vmi, pod)
        elif (reason := self._ended.get(uid_of(vmi))) is not None:
            await self._finish(vmi, "Succeeded" if reason in (GUEST_SHUTDOWN, STOPPED) else "Failed", reason)
        elif uid_of(vmi) not in self._machines:
            await self._finish(vmi, "Failed", "its machine is not there: the sandbox was started anew")
        else:
            await self._mishap(vmi)
            await grow_disks(self.api, self.caches, vmi, self._machines[uid_of(vmi)])

    async def _run(self, vmi: Obj, pod: Obj) -> None:
        uid = uid_of(vmi)
        troubles = self._troubles.of_machine(vmi["metadata"]["namespace"], vmi)
        if uid not in self._machines:
            try:
                if troubles.qemu_error is not None:
                    raise OdfError(troubles.qemu_error)
                machine = await self._make_machine(vmi)
                # Known before it starts: a start that is cancelled must not leave a process behind.
                self._machines[uid] = machine
                self._uids[name_of(vmi)] = uid
                await machine.start()
            except OdfError as error:
                message = f"server error. command SyncVMI failed: {error}"
                self._logs.say(pod, COMPUTE, message)
                await self._warn(vmi, "SyncFailed", message)
                await self._stop(uid, 0)
                await self._finish(vmi, "Failed", message)
                return
            self._logs.show(pod, COMPUTE, machine.process_log)
            self._logs.show(pod, CONSOLE, machine.console_log)
            self._running_since_s[uid] = time.monotonic()
            for after_s in (troubles.node_lost_s, troubles.paused_s):
                if after_s is not None:
                    self.queue.add_later(name_of(vmi), after_s + 0.01)
            watcher = asyncio.create_task(self._watch(name_of(vmi), uid, machine), name=f"machine {uid}")
            self._watchers.add(watcher)
            watcher.add_done_callback(self._watchers.discard)
        reached = {} if troubles.no_address else self._machines[uid].ports
        ports = {f"{PORT_ANNOTATION}{port}": f"{host}:{at}" for port, (host, at) in reached.items()}
        # The ports first: whoever sees Running may connect.
        if not await self.api.patch(VMI, name_of(vmi), {"metadata": {"annotations": ports}}):
            return
        live = condition("LiveMigratable", "False", "DisksNotLiveMigratable", "a sandbox has no migration")
        ready = [condition("Ready", "True"), live]
        volumes = volume_status(self.caches, vmi)
        interfaces: list[Obj] = [] if troubles.no_address else [guest_interface(pod)]
        await self._write(vmi, "Running", ready, interfaces=interfaces, volumeStatus=volumes)
        await record_event(self.api, VMI, vmi, "Started", "VirtualMachineInstance started.", source=_SOURCE)

    async def _mishap(self, vmi: Obj) -> None:
        ran_s = time.monotonic() - self._running_since_s.get(uid_of(vmi), time.monotonic())
        told = mishap(vmi, self._troubles.of_machine(vmi["metadata"]["namespace"], vmi), ran_s)
        if told is not None:
            await self._write(vmi, "Running", told)

    async def _watch(self, name: Name, uid: str, machine: Machine) -> None:
        moving = asyncio.create_task(self._migrate(name, machine.migrating)) if machine.migrating else None
        self._ended[uid] = await machine.wait()
        if moving:
            moving.cancel()
        self.queue.add(name)

    async def _migrate(self, name: Name, wanted: asyncio.Event) -> None:
        """What is left in an instance of a live migration: the machine itself is where it always was."""
        await wanted.wait()
        vmi = self.current(name)
        if vmi is None:
            return
        await self.api.patch_status(VMI, name, migrated(vmi, [node for _, node in self.caches[NODE].objects]))

    async def _stop(self, uid: str, grace_s: float) -> None:
        machine = self._machines.get(uid)
        if machine is not None:
            await machine.stop(grace_s)
            self._machines.pop(uid, None)

    async def _finish(self, vmi: Obj, phase: str, why: str) -> None:
        await self._stop(uid_of(vmi), 0)
        await self._write(vmi, phase, [_not_ready("GuestNotRunning", why)])
        if phase == "Failed":
            await self._warn(vmi, "Stopped", f"The VirtualMachineInstance crashed: {why}")

    async def _delete(self, vmi: Obj, pod: Obj | None, phase: str) -> None:
        grace = vmi["metadata"].get("deletionGracePeriodSeconds") or vmi["spec"].get(
            "terminationGracePeriodSeconds"
        )
        await self._stop(uid_of(vmi), 30 if grace is None else float(grace))
        held = self._troubles.of_machine(vmi["metadata"]["namespace"], vmi).vm_held_s
        if (left_s := held_s(vmi, held)) > 0:
            self.queue.add_later(name_of(vmi), left_s)
            return
        if phase not in FINAL:
            await self._write(
                vmi, "Succeeded" if phase == "Running" else "Failed", [_not_ready("PodTerminating")]
            )
            return
        if pod is not None:
            if not is_deleting(pod):
                await self.api.delete(POD, name_of(pod), uid=uid_of(pod))
            return
        if await self.api.get(POD, vmi["metadata"]["namespace"], pod_name(vmi)) is not None:
            return
        self._ended.pop(uid_of(vmi), None)
        self._running_since_s.pop(uid_of(vmi), None)
        left = [f for f in vmi["metadata"].get("finalizers") or [] if f not in _FINALIZERS]
        await self.api.set_finalizers(VMI, vmi, left)

    async def _warn(self, vmi: Obj, reason: str, message: str) -> None:
        await record_event(self.api, VMI, vmi, reason, message, warning=True, source=_SOURCE)

    async def _write(self, vmi: Obj, phase: str, conditions: list[Obj], **more: object) -> None:
        before = vmi.get("status") or {}
        status: Obj = {"phase": phase, **more}
        status["conditions"] = merged(before.get("conditions"), conditions)
        if phase != before.get("phase"):
            steps = before.get("phaseTransitionTimestamps") or []
            step = {"phase": phase, "phaseTransitionTimestamp": now()}
            status["phaseTransitionTimestamps"] = [*steps, step]
        if differs(status, before):
            await self.api.patch_status(VMI, name_of(vmi), status)


def _not_ready(reason: str, message: str = "") -> Obj:
    return condition("Ready", "False", reason, message)
