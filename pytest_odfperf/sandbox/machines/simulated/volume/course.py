"""What a simulated volume does from moment to moment, where its speed changes: I/Os and latencies by time.

A closed loop is as fast as the volume is, and by Little's law its latency is as much longer as it is slower.
A job with a rate has what it asks for while the volume can; what it could not do it makes up for, as fio
does. What is in flight when the volume stands still waits until it goes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from pytest_odfperf.sandbox.machines.simulated.volume.pace import STEP_MS
from pytest_odfperf.sandbox.machines.simulated.volume.storage_model import Load, Rate

_LEAST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One direction of a section, over all its workers, in steps of `STEP_MS`."""

    #: Completions; together they are whole numbers.
    ios: Sequence[float]
    #: Mean latency of those, in ns.
    lat_ns: Sequence[float]
    #: Stalls as (first ms, last ms, I/Os that waited all that time).
    stalls: Sequence[tuple[int, int, int]]

    @property
    def total(self) -> int:
        return round(sum(self.ios))

    def spread(self) -> dict[int, float]:
        """I/Os by their mean latency in ns, to 2 %; those that waited in stalls are not among them."""
        found: dict[int, float] = {}
        for ios, lat_ns in zip(self.ios, self.lat_ns, strict=True):
            if ios:
                near = round(math.exp(round(math.log(lat_ns) * 50) / 50))
                found[near] = found.get(near, 0.0) + ios
        waited = sum(stall[2] for stall in self.stalls)
        if found and waited:
            most = max(found, key=lambda lat: found[lat])
            found[most] = max(0.0, found[most] - waited)
        return found

    def until(self) -> list[float]:
        """I/Os until the end of each step."""
        return list(accumulate(self.ios))


def courses(load: Load, rate: Rate, free: Rate, speed: Sequence[float]) -> tuple[Course, Course]:
    """Reads and writes. ``rate``: what the load has at the usual speed; ``free``: without a rate."""
    stalls = list(_still(speed))
    found = []
    for usual, most, lat_ns, free_lat_ns in (
        (rate.read_iops, free.read_iops, rate.read_lat_mean_ns, free.read_lat_mean_ns),
        (rate.write_iops, free.write_iops, rate.write_lat_mean_ns, free.write_lat_mean_ns),
    ):
        held = usual < 0.999 * most
        ios, latencies = _one(usual, most, lat_ns, free_lat_ns, speed, held=held)
        waiting = round(load.outstanding * usual / max(rate.read_iops + rate.write_iops, 1e-9))
        # At a rate fewer are in flight.
        waiting = min(waiting, max(1, round(usual * lat_ns / 1e9))) if held else waiting
        total = math.floor(sum(ios) + 1e-6)
        scale = total / sum(ios) if total else 0.0
        found.append(
            Course(
                ios=[scale * one for one in ios],
                lat_ns=latencies,
                stalls=[(first, last, waiting) for first, last in stalls] if total else [],
            )
        )
    return found[0], found[1]


def _one(
    usual: float, most: float, lat_ns: float, free_lat_ns: float, speed: Sequence[float], *, held: bool
) -> tuple[list[float], list[float]]:
    ios: list[float] = []
    latencies: list[float] = []
    owed = 0.0
    for factor in speed:
        can = most * factor * STEP_MS / 1000
        if held:
            owed += usual * STEP_MS / 1000
            done = min(owed, can)
            owed -= done
            full = owed > 1e-6
        else:
            done, full = can, True
        ios.append(done)
        latencies.append((free_lat_ns if full else lat_ns) / max(factor, _LEAST))
    return ios, latencies


def _still(speed: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Times without any speed: (first ms, last ms)."""
    start: int | None = None
    for number, factor in enumerate([*speed, 1.0]):
        if factor <= 0 and start is None:
            start = number
        elif factor > 0 and start is not None:
            yield start * STEP_MS, number * STEP_MS
            start = None
