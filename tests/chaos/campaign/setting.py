"""What a campaign runs on: simulated machines for nearly all rounds, QEMU for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from profile_texts import SIZED

from campaign.cluster import NAMESPACE
from campaign.plan import SOUND, RunPlan

_SIZE_ENTRIES = {
    "vm": "tiny: {vcpus: 1, memory: 512Mi}",
    "pod": "pod: {machine: pod, vcpus: 1, memory: 512Mi, image: fio}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """``deadline_s``: what takes longer hangs, on a slow machine too."""

    sandbox: Mapping[str, Any]
    pvc_size: str
    fio: str
    timeouts: str
    guest: str
    deadline_s: float

    def matrix(self, plan: RunPlan) -> str:
        """The matrix file of a run."""
        return (
            f"cluster: kubeconfig\nnamespace: {NAMESPACE}\n"
            f"pools: [{', '.join(plan.pools)}]\n"
            f"vm_sizes: {{{', '.join(_SIZE_ENTRIES[machine] for machine in plan.machines)}}}\n"
            f"pvc_sizes: [{self.pvc_size}]\n"
            f"concurrency: {list(plan.concurrency)}\n"
            f"profiles: [one]\nblock_sizes: [{', '.join(plan.block_sizes)}]\n"
            f"fio: {{{self.fio}}}\ntimeouts: {{{self.timeouts}}}\nguest: {{{self.guest}}}\n"
        )


#: A key takes about half a second of fio.
SIMULATED = Setting(
    sandbox={
        "machine": "simulated",
        "speed": 25,
        "boot_s": 0.1,
        "clone_s": 0.1,
        "namespaces": [NAMESPACE],
        "storage_classes": {
            **{name: {"default": name == SOUND[0]} for name in SOUND},
            "cutting": {"faults": {"cut": True}},
            "silent": {"faults": {"ssh_silent_s": 2}},
            "migrating": {"faults": {"migrate": True}},
            "jumping": {"faults": {"clock_jump_s": -3600}},
            "crashing": {"faults": {"crash": True}},
            "rebooting": {"faults": {"reboot_s": 0.5}},
            "evicting": {"troubles": {"evicted_s": 0.2}},
        },
    },
    pvc_size="10Gi",
    fio="runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 64M",
    timeouts="boot: 60s, ssh: 40s, layout: 40s, fio_slack: 30s, delete: 60s",
    guest="root_size: 10Gi",
    deadline_s=180.0,
)

QEMU = Setting(
    sandbox={
        "machine": "qemu",
        "nodes": {"count": 1, "cpu": 4, "memory": "4Gi"},
        "namespaces": [NAMESPACE],
        "storage_classes": {name: {"default": name == SOUND[0]} for name in SOUND[:2]},
    },
    pvc_size="10Gi",
    fio="runtime: 3s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 16M",
    timeouts="boot: 300s, ssh: 300s, layout: 120s, fio_slack: 120s, delete: 120s",
    guest="root_size: 2Gi",
    deadline_s=900.0,
)

#: One phase.
PROFILE = f"{SIZED}thread=1\nallow_file_create=0\n[reads]\nrw=randread\n"
