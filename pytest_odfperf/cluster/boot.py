"""How far the VMs of a group are, from what the API shows: running, on the way, or failed and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_odfperf.cluster.calls import JsonObject
from pytest_odfperf.cluster.kinds import CLAIM, DATA_VOLUME, EVENT, VM, VMI, Kind
from pytest_odfperf.errors import GroupError
from pytest_odfperf.vm.names import data_claim_name, root_disk_name

#: A provisioner tries again, so one ProvisioningFailed is no verdict; but the first words tell the cause,
#: and a claim that is still Pending this long after them has nothing to wait for.
PROVISIONING_GRACE_S = 5.0
#: The reason of the events in which a provisioner says what is wrong.
PROVISIONING_FAILED = "ProvisioningFailed"
#: gRPC codes with which a CSI driver says "I am still at it".
_STILL_AT_IT = ("DeadlineExceeded", "Aborted", "Unavailable", "context deadline exceeded", "already exists")

Found = Callable[[Kind], Mapping[str, JsonObject]]


@dataclass
class BootState:
    """Judges the objects of a group; called on every change of one of them."""

    group: str
    vm_names: tuple[str, ...]
    found: Found
    #: The names of claims whose provisioning failed, and when that was first seen.
    _failing_since_s: dict[str, float] = field(default_factory=dict)

    def running(self, now_s: float) -> dict[str, JsonObject] | None:
        """The instances by VM once all run, None while they do not; `GroupError` if one never will."""
        for vm in self.vm_names:
            self._check(vm, now_s)
        instances = self.found(VMI)
        ready = {vm: instances[vm] for vm in self.vm_names if _phase(instances.get(vm)) == "Running"}
        return ready if len(ready) == len(self.vm_names) else None

    def summary(self) -> str:
        """What the VMs that do not run wait for, in words of the API."""
        waiting = {vm: self._waits_for(vm) for vm in self.vm_names}
        waiting = {vm: state for vm, state in waiting.items() if state != "Running"}
        running = len(self.vm_names) - len(waiting)
        shown = "; ".join(f"{vm}: {state}" for vm, state in list(waiting.items())[:3])
        more = f"; and {len(waiting) - 3} more" if len(waiting) > 3 else ""
        return f"{running} of {len(self.vm_names)} VMs run; {shown}{more}" if waiting else "all VMs run"

    def _check(self, vm: str, now_s: float) -> None:
        machine = self.found(VM).get(vm)
        if failure := _condition(machine, "Failure", "True"):
            self._fail(f"VirtualMachine {vm}", _words(failure), "see the message; nothing else will happen")
        instance = self.found(VMI).get(vm)
        if _phase(instance) == "Failed":
            reason = (
                _words(_condition(instance, "Ready", "False")) or "the virt-launcher pod or the guest ended"
            )
            self._fail(
                f"VirtualMachineInstance {vm}",
                f"Failed: {reason}",
                f"oc describe vmi {vm}; logs of virt-launcher",
            )
        volume = self.found(DATA_VOLUME).get(root_disk_name(vm))
        if _phase(volume) == "Failed":
            reason = _words(_condition(volume, "Bound", "False") or _condition(volume, "Running", "False"))
            self._fail(
                f"DataVolume {root_disk_name(vm)}", f"Failed: {reason}", "check the DataSource of the matrix"
            )
        for claim in (data_claim_name(vm), root_disk_name(vm)):
            self._check_claim(claim, now_s)

    def _check_claim(self, name: str, now_s: float) -> None:
        claim = self.found(CLAIM).get(name)
        if _phase(claim) == "Lost":
            self._fail(
                f"PersistentVolumeClaim {name}", "Lost: its volume is gone", "look at the StorageClass"
            )
        message = self._provisioning_failure(claim) if _phase(claim) == "Pending" else None
        if message is None or any(mark in message for mark in _STILL_AT_IT):
            self._failing_since_s.pop(name, None)
            return
        since_s = self._failing_since_s.setdefault(name, now_s)
        if now_s - since_s >= PROVISIONING_GRACE_S or "not found" in message:
            storage_class = (claim or {}).get("spec", {}).get("storageClassName")
            self._fail(
                f"PersistentVolumeClaim {name}",
                f"Pending, ProvisioningFailed: {message}",
                f"check StorageClass {storage_class} and the log of its provisioner",
            )

    def _fail(self, what: str, state: str, advice: str) -> None:
        raise GroupError(f"VM group {self.group} could not be made: {what}: {state}; next: {advice}")

    def _provisioning_failure(self, claim: JsonObject | None) -> str | None:
        uid = (claim or {}).get("metadata", {}).get("uid")
        of_claim = [
            event
            for event in self.found(EVENT).values()
            if event.get("reason") == PROVISIONING_FAILED
            and (event.get("involvedObject") or {}).get("uid") == uid
        ]
        last = max(of_claim, key=_last_seen, default=None)
        return str(last.get("message", "")) if last else None

    def _waits_for(self, vm: str) -> str:
        instance, machine = self.found(VMI).get(vm), self.found(VM).get(vm)
        if _phase(instance) == "Running":
            return "Running"
        if unschedulable := _condition(instance, "PodScheduled", "False"):
            return f"no node takes it: {_words(unschedulable)}"
        for name in (data_claim_name(vm), root_disk_name(vm)):
            claim = self.found(CLAIM).get(name)
            if _phase(claim) == "Pending" and (message := self._provisioning_failure(claim)):
                return f"PersistentVolumeClaim {name} is Pending: {message}"
        volume = self.found(DATA_VOLUME).get(root_disk_name(vm))
        if volume and _phase(volume) != "Succeeded":
            progress = (volume.get("status") or {}).get("progress", "N/A")
            words = _words(_condition(volume, "Running", "False")) if _phase(volume) else ""
            return f"root disk {_phase(volume) or 'not begun'} ({progress}) {words}".rstrip()
        claim_phase = _phase(self.found(CLAIM).get(data_claim_name(vm)))
        if claim_phase not in (None, "Bound"):
            return f"data disk {claim_phase}"
        if not_synchronized := _condition(instance, "Synchronized", "False"):
            return f"{_phase(instance)}: {_words(not_synchronized)}"
        shown = ((machine or {}).get("status") or {}).get("printableStatus")
        return f"VM {shown or 'not seen yet'}, instance {_phase(instance) or 'not there'}"


def _phase(found: JsonObject | None) -> str | None:
    phase: str | None = ((found or {}).get("status") or {}).get("phase")
    return phase


def _condition(found: JsonObject | None, sort: str, status: str) -> JsonObject | None:
    conditions: list[Any] = ((found or {}).get("status") or {}).get("conditions") or []
    return next((c for c in conditions if c.get("type") == sort and c.get("status") == status), None)


def _words(condition: JsonObject | None) -> str:
    if condition is None:
        return ""
    return ": ".join(part for part in (condition.get("reason"), condition.get("message")) if part)


def _last_seen(event: JsonObject) -> str:
    return str(
        event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    )
