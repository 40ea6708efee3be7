"""The machines that a configuration asks for."""

from __future__ import annotations

from pathlib import Path

from pytest_odfperf.sandbox.ceph.client_io import ClientIo
from pytest_odfperf.sandbox.config.parse_config import SandboxConfig
from pytest_odfperf.sandbox.machines.base import Machines


def choose_machines(config: SandboxConfig, directory: Path, client_io: ClientIo) -> Machines:
    """`OdfError` if they can not run here (no QEMU, no image). ``directory`` is for what they share.

    ``client_io`` is told what simulated ones do to a modelled Ceph.
    """
    if config.machine == "simulated":
        from pytest_odfperf.sandbox.machines.simulated.simulated_machine import SimulatedMachines

        return SimulatedMachines(config, client_io)
    from pytest_odfperf.sandbox.machines.qemu.qemu_machine import QemuMachines

    return QemuMachines(config, directory)
