"""Handles of ceph-csi's volumes and snapshots: which pool, or file system, their data is in.

``VERSION-LENGTH-CLUSTER-LOCATION-UUID``: hexadecimal digits, 4, 4, as many as LENGTH, 16 and 36 (ceph-csi,
``internal/util/csiid.go``). The location is the number of the pool, or of the file system.
"""

from __future__ import annotations

import re

_HEAD = re.compile(r"([0-9a-f]{4})-([0-9a-f]{4})-", re.ASCII)
_TAIL = re.compile(r"-([0-9a-f]{16})-[0-9a-f-]{36}", re.ASCII)


def location_of(handle: str) -> int | None:
    """The number of the pool (RBD) or file system (CephFS); None for what is no such handle."""
    head = _HEAD.match(handle)
    if head is None:
        return None
    tail = _TAIL.fullmatch(handle[head.end() + int(head[2], 16) :])
    return int(tail[1], 16) if tail else None
