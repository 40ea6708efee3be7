"""How fast a simulated volume answers: a closed loop with a latency floor, peaks and limits.

A load keeps ``outstanding`` I/Os in flight. Unhindered it completes outstanding / latency of them per
second; the volume's peaks, its limits and its share of a backend cap that; and by Little's law the mean
latency is outstanding / IOPS whatever capped them. The defaults of `ModelConfig` follow published figures of
one VM on a three-copy Ceph pool. Nothing here is a measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from pytest_odfperf.sandbox.config.parse_config import ModelConfig

#: A sync of a write-ahead log took about twice as long as its write, on three-copy pools.
_SYNC_WRITES = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one fio section asks of the volume."""

    #: I/Os in flight: iodepth x numjobs.
    outstanding: int
    #: Part of the I/Os that are reads, 0 to 1.
    read_part: float
    block_bytes: int
    #: fio's rate_iops x numjobs; None: as fast as it goes.
    read_rate_iops: float | None = None
    write_rate_iops: float | None = None
    #: Writes of a worker between two syncs; 0: none.
    sync_every: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Caps over reads and writes together; None: no cap."""

    iops: float | None = None
    bandwidth_bytes_per_s: float | None = None

    def times(self, factor: float) -> Limits:
        return Limits(
            iops=None if self.iops is None else self.iops * factor,
            bandwidth_bytes_per_s=None
            if self.bandwidth_bytes_per_s is None
            else self.bandwidth_bytes_per_s * factor,
        )

    def shared_by(self, volumes: int) -> Limits:
        return self.times(1 / volumes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a load gets."""

    read_iops: float
    write_iops: float
    read_lat_mean_ns: float
    write_lat_mean_ns: float
    #: Of a sync; 0 without.
    sync_lat_mean_ns: float = 0.0


def _seconds_per_io(model: ModelConfig, load: Load, limits: Sequence[Limits], speed: float) -> float:
    """The least time that the volume, with its limits, spends on one I/O of the mix.

    A limit is kept exactly, as a throttle keeps it; ``speed`` is what noise leaves of the volume's own.
    """
    size = load.block_bytes
    read = max(1 / model.read_iops, size / model.read_bandwidth)
    write = max(1 / model.write_iops, size / model.write_bandwidth)
    demands = [(load.read_part * read + (1 - load.read_part) * write) / speed]
    for limit in limits:
        if limit.iops is not None:
            demands.append(1 / limit.iops)
        if limit.bandwidth_bytes_per_s is not None:
            demands.append(size / limit.bandwidth_bytes_per_s)
    return max(demands)


def _floor_s(model: ModelConfig, load: Load) -> tuple[float, float]:
    """Latency of a single read and a single write on the idle volume."""
    size = load.block_bytes
    return (
        model.read_lat_us / 1e6 + size / model.read_bandwidth,
        model.write_lat_us / 1e6 + size / model.write_bandwidth,
    )


def _sync_s(load: Load, floor: tuple[float, float]) -> float:
    """What syncs add to each write: a sync takes twice as long as a write, and holds its worker up."""
    return _SYNC_WRITES * floor[1] / load.sync_every if load.sync_every else 0.0


def _wanted_iops(load: Load, unhindered: float) -> float:
    """The IOPS that the load asks for. The slower direction of a mix holds the other back."""
    wanted = unhindered
    if load.read_rate_iops is not None and load.read_part > 0:
        wanted = min(wanted, load.read_rate_iops / load.read_part)
    if load.write_rate_iops is not None and load.read_part < 1:
        wanted = min(wanted, load.write_rate_iops / (1 - load.read_part))
    return wanted


def rates(model: ModelConfig, loads: Sequence[Load], limits: Sequence[Limits], random: Random) -> list[Rate]:
    """What each of the loads gets when all run at once on one volume; ``random`` gives the noise."""
    speeds = [max(0.5, min(1.0, 1 - abs(random.gauss(0, model.noise)))) for _ in loads]
    costs = [_seconds_per_io(model, load, limits, speed) for load, speed in zip(loads, speeds, strict=True)]
    floors = [_floor_s(model, load) for load in loads]
    mixed = [
        load.read_part * floor[0] + (1 - load.read_part) * (floor[1] + _sync_s(load, floor))
        for load, floor in zip(loads, floors, strict=True)
    ]
    unhindered = [
        speed * load.outstanding / lat_s for load, lat_s, speed in zip(loads, mixed, speeds, strict=True)
    ]
    wanted = [_wanted_iops(load, iops) for load, iops in zip(loads, unhindered, strict=True)]
    use = sum(iops * cost for iops, cost in zip(wanted, costs, strict=True))
    result = []
    for load, floor, lat_s, iops, free in zip(loads, floors, mixed, wanted, unhindered, strict=True):
        got = iops / max(use, 1.0)
        # A load that its own rate_iops holds back never fills its queue: it waits as in an M/M/1 queue.
        busy = min(use, 0.99)
        mean_s = load.outstanding / got if use >= 1 or iops == free else lat_s / (1 - busy)
        mean_s = min(mean_s, load.outstanding / got)
        result.append(
            Rate(
                read_iops=got * load.read_part,
                write_iops=got * (1 - load.read_part),
                read_lat_mean_ns=mean_s * floor[0] / lat_s * 1e9,
                write_lat_mean_ns=mean_s * floor[1] / lat_s * 1e9,
                sync_lat_mean_ns=mean_s * _SYNC_WRITES * floor[1] / lat_s * 1e9 if load.sync_every else 0.0,
            )
        )
    return result
