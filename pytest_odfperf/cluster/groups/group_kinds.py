"""What a group is made of: VMs with their instances and root disks, or pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_odfperf.cluster.client.calls import JsonObject
from pytest_odfperf.cluster.client.kinds import CLAIM, DATA_VOLUME, POD, SECRET, VM, VMI, Kind
from pytest_odfperf.matrix.model import Machine


@dataclass(frozen=True, slots=True)
class GroupKinds:
    """The kinds of one sort of machine."""

    #: What the run makes and deletes.
    whole: Kind
    #: What runs: of VMs another object, which KubeVirt makes.
    instance: Kind
    #: What is deleted, in this order: while a machine runs, its claims are held by their protection.
    deleted: tuple[Kind, ...]
    #: What is gone when a group is. Secrets have no state.
    watched: tuple[Kind, ...]
    #: What one and several are called.
    word: str

    def node(self, instance: JsonObject) -> str:
        """Where an instance runs."""
        place = instance.get("status" if self.instance is VMI else "spec") or {}
        return str(place.get("nodeName") or "")


#: What all groups of a pool or a run are made of.
MADE = (VM, POD, DATA_VOLUME, CLAIM, SECRET)

GROUP_KINDS: Mapping[Machine, GroupKinds] = {
    "vm": GroupKinds(VM, VMI, (VM, DATA_VOLUME, CLAIM, SECRET), (VM, VMI, DATA_VOLUME, CLAIM), "VM"),
    "pod": GroupKinds(POD, POD, (POD, CLAIM, SECRET), (POD, CLAIM), "pod"),
}
