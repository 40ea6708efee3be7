"""What is asked of a pool's capacity."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacitySettings:
    """How ``--odf-ramp`` asks how many VMs, each at a fixed rate, a pool carries."""

    #: Of each VM, reads and writes together.
    rate_iops: int
    #: The latency that 99 of 100 I/Os of each direction must keep.
    lat_p99_ns: int
    start_vms: int = 1
    most_vms: int = 64
    #: Times that the answer's two ends are measured.
    repeats: int = 3
