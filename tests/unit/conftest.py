"""What several unit tests are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from pytest_odfperf.fio.answers.fio_result import FioResult
from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.job import Job
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.measure.aggregate import DirectionMeasurement, JobMeasurement, LatencyMeasurement
from pytest_odfperf.measure.record import GuestRecord, Record
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence
from pytest_odfperf.measure.verdicts.judge import judge

# How long an example takes says something of the machine only.
settings.register_profile("odfperf", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("odfperf")


@pytest.fixture(scope="session")
def fio_samples() -> Path:
    """Rendered jobs and what fio 3.33 answered to them (1 s ramp, 1 s runtime, two workers, depth 4)."""
    return Path(__file__).parent / "data" / "fio"


def judged(
    answer: str | dict[str, Any],
    job: Job,
    fio: FioSettings,
    *,
    guests: int = 1,
    log: str = "",
    logs: Mapping[str, str] | None = None,
    ran_s: float | None = None,
    **facts: Any,
) -> list[Doubt]:
    """What the rules object to in an answer of fio, which ``guests`` gave alike. Raises `FioError`."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return judged_result(parse(text, job, fio, log=log, logs=logs), job, fio, guests, ran_s, **facts)


def judged_result(
    result: FioResult, job: Job, fio: FioSettings, guests: int = 1, ran_s: float | None = None, **facts: Any
) -> list[Doubt]:
    lasts_s = len(job.phases) * (fio.runtime_s + fio.ramp_s) + 0.1 if ran_s is None else ran_s
    found = tuple(
        GuestEvidence(
            name=f"vm-{number}",
            result=result,
            facts=facts,
            started_at_epoch_ns=10**18,
            ended_at_epoch_ns=10**18 + int(lasts_s * 1e9),
            ran_s=lasts_s,
        )
        for number in range(guests)
    )
    key = Key.parse("rep3:small:150Gi:1:random-rw:4k")
    return list(judge(Evidence(key=key, job=job, settings=fio, guests=found)))


@pytest.fixture(scope="session")
def judge_answer() -> Callable[..., list[Doubt]]:
    return judged


@pytest.fixture(scope="session")
def judge_result() -> Callable[..., list[Doubt]]:
    return judged_result


def measurement(iops_per_s: float = 1000.0, **changes: Any) -> DirectionMeasurement:
    values: dict[str, Any] = {
        "iops_per_s": iops_per_s,
        "bw_bytes_per_s": iops_per_s * 4096,
        "total_ios": int(iops_per_s * 60),
        "lat_mean_ns": 2_500_000.5,
        "lat_stddev_ns": 900_000.0,
        "lat_p50_ns": 2_000_000,
        "lat_p95_ns": 4_000_000,
        "lat_p99_ns": 5_000_000,
        "lat_max_ns": 9_000_000,
        "worst_guest_lat_p99_ns": 6_000_000,
        "lat_p99_trusted": True,
        "lat_saturated": False,
    }
    return DirectionMeasurement(**(values | changes))


def record(key: str = "rep3:small:150Gi:1:random-rw:4k", **changes: Any) -> Record:
    """A passed record with reads of 1000 IOPS in one guest, and no writes."""
    read = measurement()
    job = JobMeasurement(name="rand-read", read=read, write=None)
    values: dict[str, Any] = {
        "key": Key.parse(key),
        "run_id": "perf-1",
        "test": f"test_storage.py::test_storage[{key}]",
        "status": "passed",
        "definition": "ab" * 32,
        "worker": "gw0",
        "started_at_epoch_ms": 1_000,
        "ended_at_epoch_ms": 131_000,
        "duration_s": 130.0,
        "read": read,
        "jobs": (job,),
        "guests": (
            GuestRecord(name="vm-0", node="n1", started_at_epoch_ns=1, ended_at_epoch_ns=2, jobs=(job,)),
        ),
        "start_skew_ms": 0.5,
        "artefacts": ("rep3/vm-0-fio.json",),
    }
    return Record(**(values | changes))


@pytest.fixture(scope="session")
def make_measurement() -> Callable[..., DirectionMeasurement]:
    return measurement


def unlike_record(**changes: Any) -> Record:
    """A log writer with commits (300 IOPS), and a mix after it that writes too (1000 reads, 40 writes)."""
    commits = {field.name: getattr(measurement(300.0), field.name) for field in fields(LatencyMeasurement)}
    wal = JobMeasurement(
        name="wal",
        phase=0,
        load="rw=write bs=8k fsync=1",
        read=None,
        write=measurement(300.0),
        sync=LatencyMeasurement(**commits),
    )
    mix = JobMeasurement(
        name="mix", phase=1, load="rw=randrw bs=8k", read=measurement(), write=measurement(40.0)
    )
    guest = GuestRecord(name="vm-0", node="n1", started_at_epoch_ns=1, ended_at_epoch_ns=2, jobs=(wal, mix))
    values = {"jobs": (wal, mix), "read": mix.read, "sync": wal.sync, "guests": (guest,)}
    return record("rep3:small:150Gi:1:db:native", **(values | changes))


@pytest.fixture(scope="session")
def make_unlike() -> Callable[..., Record]:
    return unlike_record


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    return record
