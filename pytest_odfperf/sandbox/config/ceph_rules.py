"""The ``ceph:`` mapping of a sandbox: Rook's objects, Ceph's health, and how both change while VMs run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.config.config_values import (
    CephChange,
    CephConfig,
    CephObject,
    CephStatus,
    RealCephConfig,
    SimulatedCephConfig,
)
from pytest_odfperf.sandbox.config.disturbance_rules import DISTURBANCES, read_disturbance
from pytest_odfperf.sandbox.config.mapping_reader import Reader

#: Of an OSD: BlueStore's own files take one, and Ceph is full before the end.
SMALLEST_OSD_BYTES = 3 << 30
_LARGEST_OSD_BYTES = 1 << 40
_MOST_OSDS = 12
_MOST_SIMULATED_OSDS = 1000
_SMALLEST_CACHE_BYTES, _LARGEST_CACHE_BYTES = 16 << 20, 4 << 30
_SETTING = re.compile(r"[a-z][a-z0-9_]{0,80}", re.ASCII)
#: Names that mean something for real processes only.
_REAL = ("osd_size", "osd_cache", "device_class", "settings")
#: What a real Ceph has of its own.
_SIMULATED = ("capacity", "changes", "health", *DISTURBANCES)
#: Names that mean something for a simulated Ceph only.
_MODEL = ("device_classes", "release", "settle_s", "split_s", "stuck_s", "collect_s", "late_s")
#: Releases whose pools start in one way or the other.
_RELEASES = ("16.2", "17.2", "18.2", "19.2", "20.2")
_DEVICE_CLASS = re.compile(r"[a-zA-Z0-9_.-]{1,40}", re.ASCII)

#: Types of buckets of Ceph's CRUSH map that may be a failure domain.
DOMAINS = ("osd", "host", "chassis", "rack", "row", "pdu", "pod", "room", "datacenter", "zone", "region")
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
        real=_real(read, raw, place),
        model=_model(read, raw, place),
        failure_domain=read.choice("failure_domain", "host", DOMAINS),
        block_pools=block_pools,
        filesystems=filesystems,
        capacity_bytes=capacity_bytes,
        status=_status(read, "HEALTH_OK"),
        changes=tuple(_change(one, f"{place}.changes[{i}]", known) for i, one in enumerate(changes)),
        disturbance=read_disturbance(read, raw),
    )
    read.end()
    return config


def _model(read: Reader, raw: Mapping[str, Any], place: str) -> SimulatedCephConfig | None:
    """None if there is a real one, or nothing of a Ceph is asked for."""
    if raw.get("real"):
        if given := next((name for name in _MODEL if read.value(name, None) is not None), None):
            raise InputError(f"{given} is of a simulated Ceph only", place=place)
        return None
    usual = SimulatedCephConfig()
    release = str(read.value("release", usual.release))
    if release not in _RELEASES:
        raise InputError(f"{release!r:.60} is not one of {', '.join(_RELEASES)}", place=f"{place}.release")
    classes = read.texts("device_classes") or usual.device_classes
    if bad := next((name for name in classes if not _DEVICE_CLASS.fullmatch(name)), None):
        raise InputError(f"{bad!r:.60} is no name of a device class", place=f"{place}.device_classes")
    osds = None if raw.get("osds") is None else read.integer("osds", 3, at_least=1)
    if osds is not None and osds > _MOST_SIMULATED_OSDS:
        raise InputError(f"{osds} is more than {_MOST_SIMULATED_OSDS}", place=f"{place}.osds")
    model = SimulatedCephConfig(
        osds=osds,
        device_classes=classes,
        release=release,
        settle_s=read.number("settle_s", usual.settle_s),
        split_s=read.number("split_s", usual.split_s),
        stuck_s=read.number("stuck_s", usual.stuck_s),
        collect_s=read.number("collect_s", usual.collect_s),
        late_s=read.number("late_s", usual.late_s),
    )
    asked = (*_MODEL, "osds", "failure_domain", "block_pools", "filesystems")
    return model if any(raw.get(name) not in (None, {}) for name in asked) else None


def _real(read: Reader, raw: Mapping[str, Any], place: str) -> RealCephConfig | None:
    if not read.flag("real", False):
        if given := next((name for name in _REAL if read.value(name, None) is not None), None):
            raise InputError(f"{given} is of a real Ceph only (real: true)", place=place)
        return None
    if given := next((name for name in _SIMULATED if raw.get(name) is not None), None):
        raise InputError(f"{given} is of a simulated Ceph only, a real one has its own", place=place)
    real = RealCephConfig(
        osds=read.integer("osds", 3, at_least=1),
        osd_size_bytes=read.quantity("osd_size", "10Gi"),
        osd_cache_bytes=read.quantity("osd_cache", "128Mi"),
        device_class=read.choice("device_class", "ssd", ("hdd", "ssd", "nvme")),
        settings=_settings(read, f"{place}.settings"),
    )
    if real.osds > _MOST_OSDS:
        raise InputError(f"{real.osds} is more than {_MOST_OSDS}", place=f"{place}.osds")
    for name, value, least, most in (
        ("osd_size", real.osd_size_bytes, SMALLEST_OSD_BYTES, _LARGEST_OSD_BYTES),
        ("osd_cache", real.osd_cache_bytes, _SMALLEST_CACHE_BYTES, _LARGEST_CACHE_BYTES),
    ):
        if not least <= value <= most:
            raise InputError(
                f"{raw[name]!r:.60} is not from {least >> 20}Mi to {most >> 20}Mi", place=f"{place}.{name}"
            )
    return real


def _settings(read: Reader, place: str) -> Mapping[str, str]:
    settings = read.strings("settings")
    for name, value in settings.items():
        if not _SETTING.fullmatch(name):
            raise InputError(f"{name!r:.60} is no name of a setting: letters, digits and _", place=place)
        if not value.isprintable() or any(sign in value for sign in "#;\\"):
            raise InputError(f"{value!r:.60} can not stand in ceph.conf", place=f"{place}.{name}")
    return settings


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
        disturbance=read_disturbance(read, raw),
    )
    read.end()
    return change


def _status(read: Reader, usual: str | None) -> CephStatus | None:
    """``usual`` None: a status only if a health is given."""
    health = read.choice("health", usual, (*_HEALTH, None))
    checks = read.strings("checks")
    used_share = read.number("used", 0.1)
    state = read.text("state", "Created")
    pgs = read.counts("pgs") or None
    return None if health is None else CephStatus(health, checks, used_share, state, pgs)
