"""The machines that a configuration asks for."""

from __future__ import annotations

from pathlib import Path

from pytest_odfperf.sandbox.config.parse_config import SandboxConfig
from pytest_odfperf.sandbox.machines.base import Machines


def choose_machines(config: SandboxConfig, directory: Path) -> Machines:
    """`OdfError` if they can not run here (no QEMU, no image). ``directory`` is for what they share."""
    if config.machine == "simulated":
        from pytest_odfperf.sandbox.machines.simulated.simulated_machine import SimulatedMachines

        return SimulatedMachines(config)
    from pytest_odfperf.sandbox.machines.qemu.qemu_machine import QemuMachines

    return QemuMachines(config, directory)
