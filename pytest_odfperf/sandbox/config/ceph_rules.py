"""The ``ceph:`` mapping of a sandbox: Rook's objects, Ceph's health, and how both change while VMs run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.config.config_values import CephChange, CephConfig, CephObject, CephStatus
from pytest_odfperf.sandbox.config.mapping_reader import Reader

_HEALTH = ("HEALTH_OK", "HEALTH_WARN", "HEALTH_ERR")


def read_ceph(raw: Mapping[str, Any], place: str) -> CephConfig:
    """Check the mapping. Raises `InputError`."""
    read = Reader(raw, place)
    block_pools = {n: _object(v, p) for n, v, p in read.mappings("block_pools")}
    filesystems = {n: _object(v, p) for n, v, p in read.mappings("filesystems")}
    capacity_bytes = read.quantity("capacity", "30Ti")
    changes = read.value("changes", [])
    if not isinstance(changes, list):
        raise InputError(f"{changes!r:.60} is not a list of changes", place=f"{place}.changes")
    known = {*block_pools, *filesystems}
    config = CephConfig(
        block_pools=block_pools,
        filesystems=filesystems,
        capacity_bytes=capacity_bytes,
        status=_status(read, "HEALTH_OK"),
        changes=tuple(_change(one, f"{place}.changes[{i}]", known) for i, one in enumerate(changes)),
    )
    read.end()
    return config


def _object(raw: Mapping[str, Any], place: str) -> CephObject:
    read = Reader(raw, place)
    made = CephObject(phase=read.text("phase", "Ready"), spec=read.mapping("spec"))
    read.end()
    return made


def _change(raw: Any, place: str, known: set[str]) -> CephChange:
    read = Reader(raw, place)
    phases = read.strings("phases")
    rebuilt = read.texts("rebuilt")
    if unknown := sorted({*phases, *rebuilt} - known):
        names = ", ".join(sorted(known)) or "none"
        raise InputError(f"{unknown[0]!r:.60} is no pool or file system of ceph ({names})", place=place)
    change = CephChange(
        after_s=read.number("after_s", 0.0),
        status=_status(read, None),
        phases=phases,
        rebuilt=rebuilt,
    )
    read.end()
    return change


def _status(read: Reader, usual: str | None) -> CephStatus | None:
    """``usual`` None: a status only if a health is given."""
    health = read.choice("health", usual, (*_HEALTH, None))
    checks = read.strings("checks")
    used_share = read.number("used", 0.1)
    state = read.text("state", "Created")
    pgs = read.counts("pgs") or CephStatus().pgs
    return None if health is None else CephStatus(health, checks, used_share, state, pgs)
