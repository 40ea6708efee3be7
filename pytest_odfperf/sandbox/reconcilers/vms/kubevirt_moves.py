"""What KubeVirt's controllers do otherwise from one minor version to the next (docs/kubevirt-versions.md)."""

from __future__ import annotations

from dataclasses import dataclass

_MI = 1 << 20


@dataclass(frozen=True, slots=True)
class Moves:
    """The sides of each move that hold for KubeVirt 1.``minor``."""

    minor: int

    @property
    def vmi_finalizer(self) -> str:
        old = "foregroundDeleteVirtualMachine"
        return f"kubevirt.io/{old}" if self.minor >= 7 else old

    @property
    def console_is_sidecar(self) -> bool:
        """Whether the serial console is logged by an init container that goes on running."""
        return self.minor >= 6

    @property
    def template_names_account(self) -> bool:
        """Whether ``serviceAccountName`` of a VM's template says who clones its disks."""
        return self.minor >= 9

    @property
    def processes_bytes(self) -> int:
        """Monitor, launcher, virtlogd, virtqemud and QEMU of a launcher pod."""
        virtlogd, virtqemud = 25 if self.minor >= 5 else 20, 40 if self.minor >= 4 else 35
        return (25 + 100 + virtlogd + virtqemud + 30) * _MI

    @property
    def graphics_bytes(self) -> int:
        return (32 if self.minor >= 6 else 16) * _MI
