"""VirtualMachines: their DataVolumes, their instance by run strategy and requests, their printable status."""

from __future__ import annotations

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.conditions import (
    condition,
    differs,
    find,
    merged,
    plain,
    record_event,
)
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import (
    DATA_VOLUME,
    PVC,
    VM,
    VMI,
    Name,
    Obj,
    is_deleting,
    name_of,
    owner_reference,
)
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches, Reconciler
from pytest_odfperf.sandbox.reconcilers.storage.claim_states import users_of
from pytest_odfperf.sandbox.reconcilers.vms.clone_question import refusal
from pytest_odfperf.sandbox.reconcilers.vms.expanded_vm import expanded_vm
from pytest_odfperf.sandbox.reconcilers.vms.instance import FINAL
from pytest_odfperf.sandbox.reconcilers.vms.kubevirt_moves import Moves
from pytest_odfperf.sandbox.reconcilers.vms.printable import printable_status
from pytest_odfperf.sandbox.reconcilers.vms.start_failure import start_failure, wait_s
from pytest_odfperf.sandbox.reconcilers.volume_claims import claim_names

FINALIZER = "kubevirt.io/virtualMachineControllerFinalize"
_SOURCE = "virtualmachine-controller"
_READY_PHASES = ("Succeeded", "WaitForFirstConsumer", "PendingPopulation")


def _claims(vm: Obj) -> list[str]:
    return claim_names(vm["spec"]["template"])


def run_strategy(vm: Obj) -> str:
    spec = vm["spec"]
    if "runStrategy" in spec:
        return str(spec["runStrategy"])
    return "Always" if spec.get("running") else "Halted"


class VirtualMachines(Reconciler):
    def __init__(self, api: Api, caches: Caches, moves: Moves) -> None:
        super().__init__(api, caches, VM)
        self._moves = moves
        self.follow_owned(VMI)
        self.follow_owned(DATA_VOLUME)
        self.follow(PVC, lambda claim: users_of(caches[VM].objects, claim, _claims))

    async def reconcile(self, name: Name) -> None:
        vm = self.current(name)
        if vm is None:
            return
        vmi = self.caches[VMI].get(*name)
        finalizers = list(vm["metadata"].get("finalizers") or [])
        if is_deleting(vm):
            await self._delete(vm, vmi, finalizers)
            return
        if FINALIZER not in finalizers:
            await self.api.set_finalizers(VM, vm, [*finalizers, FINALIZER])
            return
        failure = await self._create_data_volumes(vm)
        requests = list((vm.get("status") or {}).get("stateChangeRequests") or [])
        if failure is None:
            try:
                requests = await self._run(vm, vmi, requests)
            except OdfError as error:
                failure = f"Failure while starting VMI: {error}"
        await self._write(vm, vmi, requests, failure)
        if failure is not None:
            raise OdfError(failure)

    async def _delete(self, vm: Obj, vmi: Obj | None, finalizers: list[str]) -> None:
        await self._write(vm, vmi, [], None)
        if "orphan" not in finalizers:
            if vmi is not None:
                await self._delete_instance(vmi)
                return
            if await self.api.get(VMI, *name_of(vm)) is not None:
                return
        if FINALIZER in finalizers:
            await self.api.set_finalizers(VM, vm, [f for f in finalizers if f != FINALIZER])

    async def _delete_instance(self, vmi: Obj) -> None:
        if not is_deleting(vmi):
            await self.api.delete(VMI, name_of(vmi), uid=vmi["metadata"]["uid"])

    async def _create_data_volumes(self, vm: Obj) -> str | None:
        """None, or why one can not be created."""
        namespace = vm["metadata"]["namespace"]
        for template in vm["spec"].get("dataVolumeTemplates") or []:
            meta = template["metadata"]
            if self.caches[DATA_VOLUME].get(namespace, meta["name"]) is not None:
                continue
            if refused := await refusal(
                self.api, self.caches, vm, template["spec"], by_template=self._moves.template_names_account
            ):
                message = f"Not authorized to create DataVolume {meta['name']}: {refused}"
                await record_event(
                    self.api, VM, vm, "UnauthorizedDataVolumeCreate", message, warning=True, source=_SOURCE
                )
                why = f"not authorized to create DataVolume: {refused}"
                return f"Error encountered while creating DataVolumes: {why}"
            data_volume = {
                "metadata": {
                    "name": meta["name"],
                    "namespace": namespace,
                    "labels": {**(meta.get("labels") or {}), "kubevirt.io/created-by": vm["metadata"]["uid"]},
                    "annotations": meta.get("annotations") or {},
                    "ownerReferences": [owner_reference(VM, vm)],
                },
                "spec": template["spec"],
            }
            try:
                if await self.api.create(DATA_VOLUME, data_volume):
                    message = f"Created DataVolume {meta['name']}"
                    await record_event(
                        self.api, VM, vm, "SuccessfulDataVolumeCreate", message, source=_SOURCE
                    )
            except OdfError as error:
                message = f"Error creating DataVolume {meta['name']}: {error}"
                await record_event(
                    self.api, VM, vm, "FailedDataVolumeCreate", message, warning=True, source=_SOURCE
                )
                return f"Error encountered while creating DataVolumes: {error}"
        return None

    def _data_volumes_ready(self, vm: Obj) -> bool:
        namespace = vm["metadata"]["namespace"]
        for template in vm["spec"].get("dataVolumeTemplates") or []:
            found = self.caches[DATA_VOLUME].get(namespace, template["metadata"]["name"])
            if found is None or (found.get("status") or {}).get("phase") not in _READY_PHASES:
                return False
        return True

    async def _run(self, vm: Obj, vmi: Obj | None, requests: list[Obj]) -> list[Obj]:
        """Start or stop as strategy and requests say; the requests that are left."""
        strategy = run_strategy(vm)
        phase = (vmi.get("status") or {}).get("phase") if vmi else None
        if requests and requests[0].get("action") == "Stop":
            if vmi is not None and requests[0].get("uid") in (None, vmi["metadata"]["uid"]):
                await self._delete_instance(vmi)
                return requests
            requests = requests[1:]
        start = bool(requests) and requests[0].get("action") == "Start"
        if vmi is not None:
            ended = phase in FINAL
            again = strategy == "Always" or (strategy == "RerunOnFailure" and phase == "Failed") or start
            if strategy == "Halted" or (ended and again):
                await self._delete_instance(vmi)
            elif start and not is_deleting(vmi):
                return requests[1:]
            return requests
        # A strategy that does not restart remembers by status.created that it has started.
        once = strategy in ("Once", "RerunOnFailure") and not (vm.get("status") or {}).get("created")
        wanted = strategy == "Always" or once or start
        if not wanted or strategy == "Halted" or not self._data_volumes_ready(vm):
            return requests
        if (left_s := wait_s((vm.get("status") or {}).get("startFailure"))) > 0:
            self.queue.add_later(name_of(vm), left_s)
            return requests
        instance = instance_of(await expanded_vm(self.api, vm), self._moves.vmi_finalizer)
        if await self.api.create(VMI, instance):
            message = "Started the virtual machine by creating the new virtual machine instance"
            told = f"{message} {vm['metadata']['name']}"
            await record_event(self.api, VM, vm, "SuccessfulCreate", told, source=_SOURCE)
        return requests[1:] if start else requests

    async def _write(self, vm: Obj, vmi: Obj | None, requests: list[Obj], failure: str | None) -> None:
        before = vm.get("status") or {}
        live = (vmi.get("status") or {}) if vmi else {}
        ready = find(live.get("conditions"), "Ready")
        if vmi is None:
            conditions = [condition("Ready", "False", "VMINotExists", "VMI does not exist")]
        elif ready is None:
            conditions = [
                condition("Ready", "False", "VMIConditionMissing", "VMI is missing the Ready condition")
            ]
        else:
            conditions = []
        conditions += [plain(c) for c in live.get("conditions") or []]
        if failure:
            conditions.append(condition("Failure", "True", "FailedCreate", failure))
        failed = start_failure(before.get("startFailure"), vmi)
        status: Obj = {
            "created": _created(vm, live.get("phase", "") if vmi else None),
            "ready": bool(ready) and ready["status"] == "True",  # type: ignore[index]
            "printableStatus": printable_status(vm, vmi, run_strategy(vm), failed, self.caches),
            "startFailure": failed,
            "conditions": merged(before.get("conditions"), conditions),
            "runStrategy": run_strategy(vm),
            "observedGeneration": vm["metadata"].get("generation"),
            "desiredGeneration": vm["metadata"].get("generation"),
        }
        if requests or before.get("stateChangeRequests"):
            status["stateChangeRequests"] = requests or None
        if differs(status, before):
            await self.api.patch_status(VM, name_of(vm), status)


def _created(vm: Obj, phase: str | None) -> bool:
    """Whether there is an instance; strategies that start once remember that there was one."""
    strategy, before = run_strategy(vm), bool((vm.get("status") or {}).get("created"))
    if phase is None:
        return before and strategy in ("Once", "RerunOnFailure")
    return not (strategy == "RerunOnFailure" and phase == "Failed")


def instance_of(vm: Obj, finalizer: str) -> Obj:
    """The VMI of a VM. It has the template's labels; the VM's own do not reach it."""
    template = vm["spec"]["template"]
    meta = template.get("metadata") or {}
    return {
        "metadata": {
            "name": vm["metadata"]["name"],
            "namespace": vm["metadata"]["namespace"],
            "labels": meta.get("labels") or {},
            "annotations": meta.get("annotations") or {},
            "finalizers": [FINALIZER, finalizer],
            "ownerReferences": [owner_reference(VM, vm)],
        },
        "spec": template["spec"],
    }
