"""What a simulated guest says of itself."""

from __future__ import annotations

from typing import Any

from pytest_odfperf.sandbox.config.guest_faults import Faults
from pytest_odfperf.sandbox.machines.base import DiskSpec, MachineSpec
from pytest_odfperf.sandbox.machines.simulated.simulated_fio import MARKING, VERSION
from pytest_odfperf.sandbox.machines.simulated.simulated_witness import MOST_DISKS, disk_name


def facts_of(
    spec: MachineSpec, data: DiskSpec | None, data_dir: str | None, boot_id: str, faults: Faults
) -> dict[str, Any]:
    """As the guest's script collects it; ``data`` is the disk that is measured, mounted at ``data_dir``."""
    disks = [
        {
            "name": disk_name(i),
            "size": disk.size_bytes,
            "serial": disk.serial,
            "type": "disk",
            "mountpoints": [data_dir if disk is data else None],
        }
        for i, disk in enumerate(spec.disks[:MOST_DISKS])
    ]
    device = next((f"/dev/{d['name']}" for d, s in zip(disks, spec.disks, strict=False) if s is data), "")
    return {
        "hostname": spec.name,
        "kernel": "6.12.0-simulated",
        "fio_version": None if faults.no_fio else VERSION,
        "boot_id": boot_id,
        "lscpu": {
            "lscpu": [
                {"field": "Architecture:", "data": "x86_64"},
                {"field": "CPU(s):", "data": str(spec.vcpus)},
                {"field": "Model name:", "data": "Simulated CPU"},
            ]
        },
        "lsblk": {"blockdevices": disks},
        "mount": "" if faults.no_disk else device,
        "marking": MARKING,
        **faults.facts,
    }
