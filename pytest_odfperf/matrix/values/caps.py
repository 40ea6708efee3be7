"""Names of caps: of each volume, and of all volumes of a backend together; IOPS, and bytes a second."""

from __future__ import annotations

CAPS = (
    "iops", "read_iops", "write_iops", "bandwidth", "read_bandwidth", "write_bandwidth",
    "backend_iops", "backend_bandwidth",
)  # fmt: skip
