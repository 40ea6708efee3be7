"""fio's answers that look whole, with exit code 0 and error 0, and are none to the job."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.answers.failures import NEXT_STEPS
from pytest_odfperf.fio.answers.fio_result import FioResult
from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.fio.job import Job, read_job
from pytest_odfperf.matrix.model import FioSettings

SETTINGS = FioSettings(runtime_s=1, ramp_s=1, iodepth=4, numjobs=2, file_size_bytes=8 << 20)
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def sample(fio_samples: Path) -> tuple[dict[str, Any], Job]:
    """Two sections, two workers each, depth 4, 4k: ``rand-read``, then ``rand-write``."""
    job = read_job((fio_samples / "random-rw.fio").read_text())
    document: dict[str, Any] = json.loads((fio_samples / "random-rw.json").read_text())
    return document, job


def entry(**changes: Any) -> Change:
    return lambda document: document["jobs"][0].update(changes)


def read(**changes: Any) -> Change:
    return lambda document: document["jobs"][0]["read"].update(changes)


def option(**changes: str) -> Change:
    return lambda document: document["jobs"][0]["job options"].update(changes)


def without(name: str) -> Change:
    def drop(document: dict[str, Any]) -> None:
        document["global options"].pop(name, None)
        document["jobs"][0]["job options"].pop(name, None)

    return drop


def scaled(name: str, factor: float) -> Change:
    def scale(document: dict[str, Any]) -> None:
        part = document["jobs"][0]["read"]
        part[name] = int(part[name] * factor)

    return scale


def disks(**ios: int) -> Change:
    found = [{"name": name, "read_ios": count, "write_ios": 0} for name, count in ios.items()]
    return lambda document: document.update(disk_util=found)


def only_one_latency(document: dict[str, Any]) -> None:
    document["jobs"][0]["read"].update(total_ios=6_000_000)
    document["jobs"][0]["read"]["lat_ns"].update(N=1, bins={"100": 1})


ROWS: list[tuple[str, Change, str, str]] = [
    ("one latency of six million", only_one_latency, "inconsistent", "6000000 I/Os, but 1 latencies"),
    ("more I/Os than latencies", scaled("total_ios", 1.1), "inconsistent", "with at most 10 in flight"),
    ("fewer I/Os than latencies", scaled("total_ios", 0.5), "inconsistent", "with at most 10 in flight"),
    ("no bytes", read(io_bytes=0), "inconsistent", "rand-read read: 0 bytes in"),
    ("half of the bytes", scaled("io_bytes", 0.5), "inconsistent", "bytes in"),
    ("ten times the runtime", scaled("runtime", 10), "inconsistent", "ms of 1000 ms"),
    ("a worker killed", entry(job_runtime=1000), "interrupted", "its 2 workers ran 1000 ms of 2000 ms"),
    ("all workers killed", entry(job_runtime=0), "interrupted", "ran 0 ms of 2000 ms"),
    ("workers of another job", entry(job_runtime=60_000), "inconsistent", "its workers ran 60000 ms"),
    ("went on after errors", entry(total_err=5, first_error=5), "io_error", "5 I/Os failed"),
    ("went on when full", entry(total_err=1, first_error=28), "io_error", "ENOSPC"),
    ("errors that are no number", entry(total_err="many"), "io_error", "'many' I/Os failed"),
    ("buffered", option(direct="0"), "config", "fio ran with direct=0, not 1"),
    ("another engine", option(ioengine="psync"), "config", "fio ran with ioengine=psync, not libaio"),
    ("another depth", option(iodepth="1"), "config", "fio ran with iodepth=1, not 4"),
    ("another block size", option(bs="8k"), "config", "fio ran with bs=8k, not 4k"),
    ("another direction", option(rw="randwrite"), "config", "fio ran with rw=randwrite, not randread"),
    ("another file", option(filename="/dev/vda"), "config", "filename=/dev/vda"),
    ("dropped direct", without("direct"), "config", "fio ran without direct=1"),
    ("dropped block size", without("bs"), "config", "fio ran without bs=4k"),
    ("buffered by the other word", option(buffered="1"), "config", "fio ran with buffered=1"),
    ("no clocks", option(gtod_reduce="1"), "config", "fio ran with gtod_reduce=1"),
    ("goes on after errors", option(continue_on_error="io"), "config", "continue_on_error=io"),
    (
        "the data disk did nothing",
        disks(vdb=0, vda=290_000),
        "wrong_device",
        "I/Os went to vda, and 0",
    ),
    ("the data disk did little", disks(vdb=30, vda=290_000), "wrong_device", "and 30 to the data disk vdb"),
    ("no disk did anything", disks(vdb=0), "wrong_device", "the data disk vdb did no I/O"),
    ("nor did another", disks(vdb=0, vda=0), "wrong_device", "the data disk vdb did no I/O"),
    ("only another disk", disks(vda=290_000), "wrong_device", "the data disk is vdb"),
    (
        "a phase before the other's end",
        lambda document: [one.update(job_start=1000 + n) for n, one in enumerate(document["jobs"])],
        "config",
        "rand-write began before the sections above it were over",
    ),
]


def parsed(document: dict[str, Any], job: Job) -> FioResult:
    return parse(json.dumps(document), job, SETTINGS, device="vdb")


@pytest.mark.parametrize(
    ("change", "reason", "said"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_an_answer_that_does_not_agree_is_no_measurement(
    sample: tuple[dict[str, Any], Job], change: Change, reason: str, said: str
) -> None:
    document, job = sample
    disks(vdb=290_000, vda=12)(document)
    assert parsed(document, job)
    change(document)
    with pytest.raises(FioError) as raised:
        parsed(document, job)
    assert raised.value.reason == reason
    assert said in raised.value.problem
    assert reason in NEXT_STEPS


@pytest.mark.parametrize(
    "change",
    [
        # In flight at the ramp's end: in the latencies, and not in fio's own count.
        lambda document: document["jobs"][0]["read"].update(
            total_ios=document["jobs"][0]["read"]["lat_ns"]["N"] - 8
        ),
        # 3.39 and newer: whole numbers as floats, and when a section began.
        lambda document: document["jobs"][0]["read"].update(
            iops=1000.0, total_ios=float(document["jobs"][0]["read"]["total_ios"])
        ),
        lambda document: [one.update(job_start=1000 + 2000 * n) for n, one in enumerate(document["jobs"])],
        entry(error=0.0),
        # An old version, or a disk that nobody can tell.
        lambda document: document["jobs"][0].pop("job_runtime"),
        lambda document: document["jobs"][0].pop("job options"),
        lambda document: document.update(disk_util=[]),
        # A flag without a value, and one that does nothing.
        option(time_based="", group_reporting="", gtod_reduce="0"),
        # An I/O that was awaited for long.
        lambda document: (
            document["jobs"][0]["read"].update(runtime=21_000),
            document["jobs"][0]["read"]["lat_ns"].update(max=20_000_000_000),
        ),
    ],
)
def test_what_is_no_contradiction_is_a_measurement(
    sample: tuple[dict[str, Any], Job], change: Change
) -> None:
    document, job = sample
    change(document)
    assert parse(json.dumps(document), job, SETTINGS).jobs[0].read


@pytest.mark.parametrize(
    ("total_ios", "completed", "size", "runtime_ms", "lat_ms", "truth"),
    [
        (160, 192, 1 << 20, 11_970, 1990, 16.0),
        (640, 671, 4096, 10_016, 500, 64.0),
    ],
)
def test_without_a_log_the_count_is_taken_that_a_full_queue_completes(
    total_ios: int, completed: int, size: int, runtime_ms: int, lat_ms: int, truth: float
) -> None:
    bs = "1m" if size > 4096 else "4k"
    job = read_job(
        "[a]\nioengine=libaio\ndirect=1\ntime_based\ngroup_reporting\nruntime=10\nramp_time=3\nsize=1g\n"
        f"filename=fio-testfile\niodepth=32\nlat_percentiles=1\nrw=randread\nbs={bs}\n"
    )
    lat_ns = lat_ms * 1_000_000
    part = {
        "total_ios": total_ios,
        "io_bytes": completed * size,
        "runtime": runtime_ms,
        "lat_ns": {
            "min": lat_ns,
            "max": lat_ns,
            "mean": lat_ns,
            "stddev": 0,
            "N": completed,
            "bins": Histogram.from_values([lat_ns] * completed).bins,
        },
    }
    document = {
        "fio version": "fio-3.33",
        "jobs": [{"jobname": "a", "error": 0, "read": part, "job_runtime": runtime_ms}],
    }
    settings = FioSettings(runtime_s=10, ramp_s=3, iodepth=32, numjobs=1)
    result = parse(json.dumps(document), job, settings)
    read = result.jobs[0].read
    assert read is not None
    assert read.iops_per_s == pytest.approx(truth, rel=0.005)
    assert read.bw_bytes_per_s == pytest.approx(truth * size, rel=0.005)
    assert "there is no log of its completions" in result.notes[0]


def test_the_pause_that_a_worker_is_in_belongs_to_its_runtime(sample: tuple[dict[str, Any], Job]) -> None:
    document, job = sample
    option(thinktime="5s")(document)
    read(runtime=6500)(document)
    pausing = read_job(job.text.replace("rw=randread", "rw=randread\nthinktime=5s"))
    assert parse(json.dumps(document), pausing, SETTINGS)


def test_a_shallow_queue_is_told(sample: tuple[dict[str, Any], Job]) -> None:
    document, job = sample
    lat = document["jobs"][0]["read"]["lat_ns"]
    # As libaio without direct: each I/O is done before the next is begun.
    lat["mean"] = 1e9 / document["jobs"][0]["read"]["iops"]
    notes = parse(json.dumps(document), job, SETTINGS).notes
    assert any("job rand-read: 1.0 I/Os were in flight on the mean, not 8" in note for note in notes)
