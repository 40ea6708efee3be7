"""A key that was measured by a simulated guest, and a storage that counts what it did: late, as Ceph does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.job import render
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings, Profile
from pytest_odfperf.measure.series.guest_series import series_of
from pytest_odfperf.measure.storage_counters import (
    CountersEvidence,
    CountersLook,
    IoCount,
    OsdState,
    StorageCounters,
)
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence
from pytest_odfperf.measure.witness import read_witness
from pytest_odfperf.sandbox.ceph.client_io import Course, Done
from pytest_odfperf.sandbox.config.guest_faults import read_guest_faults
from pytest_odfperf.sandbox.config.parse_config import ModelConfig
from pytest_odfperf.sandbox.machines.base import Backend, DiskSpec
from pytest_odfperf.sandbox.machines.simulated.simulated_fio import answer
from pytest_odfperf.sandbox.machines.simulated.simulated_job import parse_job
from pytest_odfperf.sandbox.machines.simulated.simulated_witness import witness_text
from pytest_odfperf.sandbox.machines.simulated.storage_course import course_of, phases_io
from pytest_odfperf.sandbox.machines.simulated.volume.pace import Pace

GLOBAL = (
    "[global]\nioengine=libaio\ntime_based=1\ngroup_reporting=1\nlat_percentiles=1\nfilename=fio-testfile\n"
    "direct=1\niodepth=8\nsize=64m\nruntime=60\nramp_time=10\n"
)
READS = "[a]\nrw=randread\nbs=4k\n"
WRITES = "[a]\nrw=randwrite\nbs=64k\n"
SMALL = "[a]\nrw=randread\nbs=512\n"
PHASES = "[a]\nrw=write\nbs=64k\n[b]\nstonewall\nrw=randrw\nrwmixread=70\nbs=8k\n"
SETTINGS = FioSettings(runtime_s=60, ramp_s=10, iodepth=8, numjobs=1, file_size_bytes=64 << 20)


@cache
def measured(sections: str, faults: str = "{}", seed: int = 1) -> tuple[Evidence, Course, float]:
    """What is known without counters; what the storage did until a second; how long it took."""
    job = render(Profile(name="x", template=GLOBAL + sections, block_sizes=("native",)), SETTINGS, "native")
    simulated = parse_job(job.text)
    told = read_guest_faults(json.loads(faults), "faults")
    document, logs = answer(
        simulated,
        ModelConfig(),
        [],
        Random(seed),
        directory="/mnt/data",
        pace=Pace(steps=told.pace, drift=told.drift),
        ended_epoch_s=1.8e9,
    )  # type: ignore[arg-type]
    backend = Backend(name="sc", directory=Path("/nowhere"))
    disks = [
        DiskSpec(name=n, serial=n, size_bytes=1 << 30, boot=False, backend=backend, volume=n)
        for n in ("root", "data")
    ]
    text = witness_text(disks, disks[1], "/mnt/data", document, simulated, told)
    result = parse(json.dumps(document), job, SETTINGS, logs=logs)
    seconds = 70.0 * len(job.phases)
    guest = GuestEvidence(
        name="vm-0",
        result=result,
        started_at_epoch_ns=0,
        ended_at_epoch_ns=int(seconds * 1e9),
        ran_s=seconds,
        series=series_of(result, 60_000),
        witness=read_witness(text),
    )
    evidence = Evidence(key=Key.parse("p:s:1Gi:1:x:4k"), job=job, settings=SETTINGS, guests=(guest,))
    return evidence, course_of(phases_io(document, simulated, told), 1.0), seconds


@dataclass(frozen=True, kw_only=True)
class Storage:
    """How it counts. Others' I/O is a rate each second; ``factor``: of what the guests do."""

    collects_every_s: float = 15.0
    collects_first_s: float = -10.0
    polled_every_s: float = 2.0
    late_s: float = 3.0
    factor: float = 1.0
    own_extra: Done = field(default_factory=Done)
    others: Done = field(default_factory=Done)
    recovery_bytes_per_s: float = 0.0
    #: By OSD: from when to when it does nothing, is down, is out.
    hung: tuple[tuple[int, float, float], ...] = ()
    #: How much less the others do meanwhile.
    held_up: float = 0.8
    down: tuple[tuple[int, float, float], ...] = ()
    out: tuple[tuple[int, float, float], ...] = ()
    osds: int = 3

    def counters(self, course: Course, at_s: float, number: int) -> StorageCounters:
        done_s = max(-60.0, at_s - self.late_s) + 60.0
        own = course(max(0.0, at_s - self.late_s)).times(self.factor) + self.own_extra.times(done_s)
        osds = {}
        for osd in range(self.osds):
            # What waits for one that hangs holds up the others.
            stood = [
                (1.0 if one == osd else self.held_up) * (min(until, at_s) - from_s)
                for one, from_s, until in self.hung
                if from_s < at_s
            ]
            share = max(0.0, done_s - sum(stood))
            osds[f"osd.{osd}"] = OsdState(
                up=not any(one == osd and from_s <= at_s < until for one, from_s, until in self.down),
                taken_in=not any(one == osd and from_s <= at_s < until for one, from_s, until in self.out),
                ops=int(1000 + 300 * share),
                used_share=0.3,
            )
        return StorageCounters(
            pools={"own": _count(own, 5000), "other": _count(self.others.times(done_s), 100)},
            osds=osds,
            recovering_bytes_per_s=self.recovery_bytes_per_s,
            collected=number,
        )

    def looks(self, course: Course, seconds: float) -> tuple[CountersLook, ...]:
        """As the controller reads and writes them down, from half a minute before the window on."""
        found: list[CountersLook] = []
        last, before_s, at_s = None, -34.0, -30.0
        while at_s < seconds:
            number = int((at_s - self.collects_first_s) // self.collects_every_s)
            if number != last:
                collected_s = self.collects_first_s + number * self.collects_every_s
                counters = self.counters(course, collected_s, number)
                found.append(CountersLook(at_s=at_s, since_s=before_s, counters=counters))
                last = number
            before_s, at_s = at_s, at_s + self.polled_every_s
        before = sum(look.at_s <= 0 for look in found)
        return tuple(found[max(0, before - 1) :])


def _count(done: Done, first: int) -> IoCount:
    return IoCount(
        reads=first + int(done.reads),
        read_bytes=first + int(done.read_bytes),
        writes=first + int(done.writes),
        written_bytes=first + int(done.written_bytes),
    )


def counted(
    sections: str, storage: Storage, *, faults: dict[str, Any] | None = None, seed: int = 1
) -> Evidence:
    """All that is known of the key."""
    evidence, course, seconds = measured(sections, json.dumps(faults or {}), seed)
    counters = CountersEvidence(
        kind="rbd", window_s=seconds, looks=storage.looks(course, seconds), data=("own",)
    )
    return replace(evidence, counters=counters)
