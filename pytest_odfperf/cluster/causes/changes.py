"""What became of the VMs of a group that ran: lost for what is measured on them, or only moved. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_odfperf.cluster.causes.cause_table import AFTER_BOOT
from pytest_odfperf.cluster.causes.seen import VmSeen, condition, phase, run_strategy, status_of, uid_of
from pytest_odfperf.cluster.client.calls import JsonObject
from pytest_odfperf.vm.spec import RunningVm

#: The reason of the loss of a VM that is gone, restarted or ended, as `GuestError` has it.
GONE = "gone"


class Loss(NamedTuple):
    """Why a VM is not the one that was made: `GONE`, or a cause of the table; and the same in words."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the VMs of a group, by name."""

    #: Why a VM is not the one that was made.
    lost: dict[str, Loss] = field(default_factory=dict)
    #: From which node to which. The guest went on meanwhile, with a pause.
    moved: dict[str, tuple[str, str]] = field(default_factory=dict)


def changes_of(
    vms: Sequence[RunningVm], instances: Mapping[str, JsonObject]
) -> tuple[Changes, tuple[RunningVm, ...]]:
    """What the instances, by name, show of ``vms``; and the VMs where they are now."""
    found = Changes()
    now = []
    for vm in vms:
        instance = instances.get(vm.name)
        moved: RunningVm | None = None
        # What happened to a pod is in the pod itself, of VMs elsewhere.
        looks = (gone, _ill) if vm.machine == "vm" else (_ill, gone)
        if loss := looks[0](vm, instance) or looks[1](vm, instance):
            found.lost[vm.name] = loss
        elif vm.machine == "vm" and instance is not None and (moved := _moved(vm, instance)) is not None:
            found.moved[vm.name] = (vm.node, moved.node)
        now.append(moved or vm)
    return found, tuple(now)


def gone(vm: RunningVm, instance: JsonObject | None, machine: JsonObject | None = None) -> Loss | None:
    """Why ``vm`` is not there any more; ``machine``: its VirtualMachine, if that is known."""
    by_somebody = _by_somebody(machine)
    if instance is None:
        return by_somebody or Loss(GONE, "its instance is gone")
    if uid_of(instance) != vm.uid:
        return by_somebody or Loss(GONE, "it was restarted")
    if phase(instance) in ("Running", "Unknown"):
        return None
    said = (condition(instance, "Ready", "True", "False", "Unknown") or {}).get("message")
    return by_somebody or Loss(GONE, f"it is {phase(instance)}" + (f": {said}" if said else ""))


def _by_somebody(machine: JsonObject | None) -> Loss | None:
    """What the VM itself shows of why its instance ended."""
    if machine is None:
        return None
    if machine["metadata"].get("deletionTimestamp"):
        return Loss("deleted", "somebody deleted it")
    if (strategy := run_strategy(machine)) not in (None, "Always"):
        return Loss("stopped", f"somebody stopped it: its runStrategy is {strategy}")
    return None


def _ill(vm: RunningVm, instance: JsonObject | None) -> Loss | None:
    """Why nothing that is measured on ``vm`` counts, though it is there."""
    seen = VmSeen(name=vm.name, vm=None, instance=instance, root=None, events={})
    if vm.machine == "pod":
        pods = () if instance is None else (instance,)
        seen = VmSeen(name=vm.name, vm=None, instance=None, root=None, pods=pods, pod=instance, events={})
    for cause in AFTER_BOOT:
        for look in cause.look(seen):
            return Loss(cause.name, f"{cause.name}: {look.words}")
    return None


def migration_of(instance: JsonObject) -> str:
    """Which migration an instance last went through: one that ended where it began is one too."""
    state = status_of(instance).get("migrationState") or {}
    return str(state.get("migrationUid") or state.get("startTimestamp") or "")


def _moved(vm: RunningVm, instance: JsonObject) -> RunningVm | None:
    """``vm`` where it is now, None if it stayed."""
    node, migration = str(status_of(instance).get("nodeName", "")), migration_of(instance)
    if node == vm.node and migration == vm.migration:
        return None
    return dataclasses.replace(vm, node=node, migration=migration)
