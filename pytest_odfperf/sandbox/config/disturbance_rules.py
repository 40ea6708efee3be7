"""What a simulated Ceph does beside what its guests ask of it: other clients, recovery, OSDs that fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.config.mapping_reader import Reader

DISTURBANCES = ("clients", "recovery", "osds_down", "osds_out", "osds_hung")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLoad:
    """What somebody does to a pool in each second."""

    iops: float = 1000.0
    block_bytes: int = 64 << 10
    #: Part of the I/Os that are reads, 0 to 1.
    read_part: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    #: By pool; one that Ceph does not have is one that nobody here uses.
    clients: Mapping[str, ClientLoad] = field(default_factory=dict)
    recovery_bytes_per_s: int = 0
    #: Numbers of OSDs that are down, out, or up and do nothing.
    down: tuple[int, ...] = ()
    out: tuple[int, ...] = ()
    hung: tuple[int, ...] = ()


def read_disturbance(read: Reader, raw: Mapping[str, Any]) -> Disturbance | None:
    """None if none of its names is given; else what is not named is over. Raises `InputError`."""
    found = Disturbance(
        clients={name: _load(value, place) for name, value, place in read.mappings("clients")},
        recovery_bytes_per_s=read.optional_quantity("recovery") or 0,
        down=read.integers("osds_down"),
        out=read.integers("osds_out"),
        hung=read.integers("osds_hung"),
    )
    return found if any(raw.get(name) is not None for name in DISTURBANCES) else None


def _load(raw: Mapping[str, Any], place: str) -> ClientLoad:
    read = Reader(raw, place)
    usual = ClientLoad()
    load = ClientLoad(
        iops=read.number("iops", usual.iops),
        block_bytes=read.quantity("block_size", usual.block_bytes),
        read_part=read.number("reads", usual.read_part),
    )
    read.end()
    if load.read_part > 1:
        raise InputError(f"{load.read_part!r} is not from 0 to 1", place=f"{place}.reads")
    return load
