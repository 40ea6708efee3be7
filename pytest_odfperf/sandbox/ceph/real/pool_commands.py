"""From a pool as it shall be to the monitor's commands: to make it, or to change one that is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_odfperf.sandbox.ceph.ceph import PoolWanted

#: A command: its prefix and its arguments.
Command = tuple[str, dict[str, Any]]
_LEAST_PGS, _MOST_PGS = 8, 128
#: Of each OSD, from one pool.
_PGS_PER_OSD = 32


def usual_pg_num(wanted: PoolWanted, osds: int) -> int:
    """So many that each OSD has about 32 of this pool, as a power of two."""
    if wanted.pg_num:
        return wanted.pg_num
    copies = wanted.replicas if wanted.coding is None else sum(wanted.coding)
    about = max(_LEAST_PGS, min(_MOST_PGS, osds * _PGS_PER_OSD // max(1, copies or 1)))
    return 1 << (about.bit_length() - 1)


def profile_name(pool: str) -> str:
    return f"{pool}_ecprofile"


def create_commands(wanted: PoolWanted, osds: int) -> Iterator[Command]:
    pg_num = usual_pg_num(wanted, osds)
    created: dict[str, Any] = {"pool": wanted.name, "pg_num": pg_num, "pgp_num": pg_num}
    if wanted.coding is None:
        rule: dict[str, Any] = {"name": wanted.name, "root": "default", "type": wanted.failure_domain}
        if wanted.device_class:
            rule["class"] = wanted.device_class
        yield "osd crush rule create-replicated", rule
        yield "osd pool create", {**created, "pool_type": "replicated", "rule": wanted.name}
        if wanted.replicas is not None:
            yield _size(wanted)
    else:
        data, coding = wanted.coding
        profile = [f"k={data}", f"m={coding}", f"crush-failure-domain={wanted.failure_domain}"]
        if wanted.device_class:
            profile.append(f"crush-device-class={wanted.device_class}")
        name = profile_name(wanted.name)
        yield "osd erasure-code-profile set", {"name": name, "profile": profile}
        yield "osd pool create", {**created, "pool_type": "erasure", "erasure_code_profile": name}
        # RBD and CephFS write parts of objects.
        yield "osd pool set", {"pool": wanted.name, "var": "allow_ec_overwrites", "val": "true"}
    yield from _settings(wanted)


def change_commands(wanted: PoolWanted, before: PoolWanted | None) -> Iterator[Command]:
    """``before``: as it was wanted the last time; None: not known."""
    if wanted == before:
        return
    if (
        wanted.coding is None
        and wanted.replicas is not None
        and (not before or before.replicas != wanted.replicas)
    ):
        yield _size(wanted)
    if wanted.pg_num and (not before or before.pg_num != wanted.pg_num):
        yield "osd pool set", {"pool": wanted.name, "var": "pg_num", "val": str(wanted.pg_num)}
    yield from _settings(wanted)


def _size(wanted: PoolWanted) -> Command:
    arguments: dict[str, Any] = {"pool": wanted.name, "var": "size", "val": str(wanted.replicas)}
    if wanted.replicas == 1 and not wanted.require_safe_size:
        arguments["yes_i_really_mean_it"] = True
    return "osd pool set", arguments


def _settings(wanted: PoolWanted) -> Iterator[Command]:
    settings = dict(wanted.parameters)
    if wanted.compression is not None:
        settings.setdefault("compression_mode", wanted.compression)
    if wanted.target_size_ratio:
        settings.setdefault("target_size_ratio", f"{wanted.target_size_ratio:g}")
    for name, value in settings.items():
        yield "osd pool set", {"pool": wanted.name, "var": name, "val": value}
    for field, limit in (("max_bytes", wanted.quota_bytes), ("max_objects", wanted.quota_objects)):
        yield "osd pool set-quota", {"pool": wanted.name, "field": field, "val": str(limit or 0)}
    if wanted.application:
        yield (
            "osd pool application enable",
            {
                "pool": wanted.name,
                "app": wanted.application,
                "yes_i_really_mean_it": True,
            },
        )
