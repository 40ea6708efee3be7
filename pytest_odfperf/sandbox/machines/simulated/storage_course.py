"""What the storage behind a simulated guest's data disk does while its fio runs, phase after phase."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any

from pytest_odfperf.sandbox.ceph.client_io import ClientIo, Course, Done
from pytest_odfperf.sandbox.config.config_values import StorageClassConfig
from pytest_odfperf.sandbox.config.guest_faults import Faults
from pytest_odfperf.sandbox.machines.base import Backend
from pytest_odfperf.sandbox.machines.simulated.simulated_job import SimulatedJob, SimulatedSection
from pytest_odfperf.sandbox.machines.simulated.volume.pace import Pace, speeds

#: An I/O that is larger is one for each object.
OBJECT_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class PhaseIo:
    """All of a phase's I/O, its ramps' too, and how long it takes."""

    seconds: float
    done: Done
    #: The part that is done by each of as many moments, evenly spaced; empty: the same in each second.
    shares: tuple[float, ...] = ()

    def until(self, after_s: float) -> Done:
        part = min(1.0, after_s / self.seconds)
        if self.shares:
            place = part * (len(self.shares) - 1)
            number = min(int(place), len(self.shares) - 2)
            low, high = self.shares[number : number + 2]
            part = low + (place - number) * (high - low)
        return self.done.times(part)


def phases_io(document: Mapping[str, Any], job: SimulatedJob, faults: Faults) -> tuple[PhaseIo, ...]:
    """Of fio's answer: what reaches the storage, in the time of the guest."""
    reaches = 0.0 if faults.wrong_disk else (1 - faults.unseen_part) * (1 - faults.unstored_part)
    entries = iter(document["jobs"])
    found = []
    for phase in job.phases:
        total = Done()
        for section, entry in zip(phase, entries, strict=False):
            pieces = -(-section.load.block_bytes // OBJECT_BYTES)
            whole = 1 + section.ramp_s / section.runtime_s
            read, write = entry["read"], entry["write"]
            all_bytes = read["io_bytes"] + write["io_bytes"]
            done = Done(
                read["total_ios"] * pieces,
                read["io_bytes"],
                write["total_ios"] * pieces,
                write["io_bytes"],
            ).times(reaches)
            foreign = all_bytes * faults.foreign_part
            total += (done + Done(0, 0, foreign / section.load.block_bytes, foreign)).times(whole)
        seconds = max(section.ramp_s + section.runtime_s for section in phase)
        found.append(PhaseIo(seconds, total, _shares(phase[0], faults)))
    return tuple(found)


def _shares(section: SimulatedSection, faults: Faults) -> tuple[float, ...]:
    pace = Pace(steps=faults.pace, drift=faults.drift, warm_up_s=faults.warm_up_s)
    if pace.even:
        return ()
    rates = speeds(pace, section.runtime_s, Random(0))  # noqa: S311 - no jitter, no secret
    total, ramp = sum(rates) or 1.0, section.ramp_s / (section.ramp_s + section.runtime_s)
    # The witness too takes the ramp to be as fast as the rest.
    before = round(len(rates) * section.ramp_s / section.runtime_s)
    in_ramp = [ramp * number / max(1, before) for number in range(before + 1)]
    return (*in_ramp, *(ramp + (1 - ramp) * done / total for done in accumulate(rates)))


def course_of(phases: Sequence[PhaseIo], speed: float) -> Course:
    """By seconds since fio's start, where time goes ``speed`` times as fast."""

    def done(after_s: float) -> Done:
        left_s, total = after_s * speed, Done()
        for phase in phases:
            if left_s <= 0:
                break
            total += phase.until(left_s)
            left_s -= phase.seconds
        return total

    return done


def data_pool_of(backend: Backend, storage_class: StorageClassConfig) -> str | None:
    """The pool of Ceph that has a volume's data; None: it is not Ceph's."""
    if backend.pool is not None:
        return backend.data_pool or backend.pool
    given, driver = storage_class.parameters, storage_class.provisioner
    if driver.endswith("rbd.csi.ceph.com"):
        return given.get("dataPool") or given.get("pool")
    if driver.endswith("cephfs.csi.ceph.com") and "fsName" in given:
        return given.get("pool") or f"{given['fsName']}-data0"
    return None


def _nothing(_: float) -> Done:
    """Before it is known what a fio does."""
    return Done()


class StorageSide:
    """What a modelled Ceph is told of one guest's data disk. A guest on other storage tells nobody."""

    def __init__(self, client_io: ClientIo | None, pool: str | None) -> None:
        self._io = client_io or ClientIo()
        self._pool = pool

    def lays_out(self, size_bytes: int, lasts_s: float) -> None:
        """From now on it writes so much."""
        if self._pool is not None and size_bytes:
            written = Done(writes=size_bytes / OBJECT_BYTES, written_bytes=size_bytes)
            phases = [PhaseIo(max(lasts_s, 1e-6), written)]
            self._io.begins(self._pool, course_of(phases, 1.0), lasts_s)

    @contextmanager
    def working(self) -> Iterator[Callable[[Sequence[PhaseIo], float], None]]:
        """fio runs inside; what is given is told what it does, and how much faster time goes."""
        with self._io.working(self._pool, _nothing) as client:

            def learn(phases: Sequence[PhaseIo], speed: float) -> None:
                if client is not None:
                    client.course = course_of(phases, speed)

            yield learn
