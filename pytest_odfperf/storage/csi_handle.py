"""What ceph-csi calls drivers, and the handles of its volumes and snapshots: whose their data is, and where.

``PREFIX.SORT.csi.ceph.com``: Rook's prefix is the namespace of its operator, which need not be that of the
CephCluster; a driver that nobody prefixed has none. ``clusterID`` is the namespace of the CephCluster, unless
ODF is in provider mode.

``VERSION-LENGTH-CLUSTER-LOCATION-UUID``: hexadecimal digits, 4, 4, as many as LENGTH, 16 and 36 (ceph-csi,
``internal/util/csiid.go``). The location is the number of the pool, or of the file system.
"""

from __future__ import annotations

import re
from typing import Any

_DRIVER = re.compile(r"(?:(.+)\.)?(rbd|cephfs|nfs|nvmeof)\.csi\.ceph\.com")
_HEAD = re.compile(r"([0-9a-f]{4})-([0-9a-f]{4})-", re.ASCII)
_TAIL = re.compile(r"-([0-9a-f]{16})-[0-9a-f-]{36}", re.ASCII)


def location_of(handle: str) -> int | None:
    """The number of the pool (RBD) or file system (CephFS); None for what is no such handle."""
    head = _HEAD.match(handle)
    if head is None:
        return None
    tail = _TAIL.fullmatch(handle[head.end() + int(head[2], 16) :])
    return int(tail[1], 16) if tail else None


def is_of(driver: str, namespace: str, cluster_id: Any = None) -> bool:
    """Whether volumes of ``driver`` may be of the Ceph in ``namespace``."""
    found = _DRIVER.fullmatch(driver)
    return found is not None and (found[1] in (None, namespace) or cluster_id == namespace)


def is_sort(driver: str, sort: str) -> bool:
    """Whether ``driver`` makes volumes of ``sort``: ``rbd``, ``cephfs``."""
    found = _DRIVER.fullmatch(driver)
    return found is not None and found[2] == sort
