"""Names of the objects of a run: unique, valid and short, whatever the pools are called."""

from __future__ import annotations

import base64
import hashlib
import re

from pytest_odfperf.matrix.keys import GroupKey

#: Every name made here is a DNS-1123 label of at most this length: CDI puts its own words around the names of
#: disks, and a VM's name becomes a host name and a label value.
LONGEST = 40

_READABLE = 11
#: 13 letters of base32 are 65 bits: two groups share a name once in some 10^19 pairs.
_DIGEST = 13


def run_object_name(run_id: str) -> str:
    """The ConfigMap that owns everything of a run."""
    return f"odfperf-{run_id}"


def vm_name(run_id: str, group: GroupKey, attempt: int, index: int) -> str:
    """The VM ``index`` (from 1) of a group; ``attempt`` tells a group from an earlier one of the same key.

    The readable part is only for people; the digest is over everything that makes a group, so that pools
    whose names begin alike do not meet.
    """
    if not 1 <= index <= 99999 or attempt < 1:
        raise ValueError(f"VM {index} of attempt {attempt}: both count from 1, at most 99999 VMs")
    identity = "\0".join((run_id, str(group), str(attempt)))
    digest = base64.b32encode(hashlib.sha256(identity.encode()).digest()).decode().lower()[:_DIGEST]
    return f"{pool_part(group.pool)}{digest}-{index}"


def pool_part(pool: str) -> str:
    """What the names of all objects of a pool begin with. Other pools may share it."""
    readable = re.sub(r"[^a-z0-9]+", "-", pool.lower())[:_READABLE].strip("-") or "pool"
    return f"odf-{readable}-"


def root_disk_name(vm: str) -> str:
    return f"{vm}-root"


def data_claim_name(vm: str) -> str:
    return f"{vm}-data"


def secret_name(vm: str) -> str:
    return f"{vm}-init"


def common_part(vms: tuple[str, ...]) -> str:
    """What the names of all objects of a group have in common, those of its pods too."""
    return vms[0].rpartition("-")[0] + "-"
