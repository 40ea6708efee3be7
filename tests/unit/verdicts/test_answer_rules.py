"""fio's answers that look whole, with exit code 0 and error 0, and are none to the job."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.histogram import Histogram, index_of, value_of
from pytest_odfperf.fio.job import Job, read_job
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.rule_table import NEXT_STEPS

SETTINGS = FioSettings(runtime_s=1, ramp_s=1, iodepth=4, numjobs=2, file_size_bytes=8 << 20)
JudgeAnswer = Callable[..., list[Doubt]]
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


def lat(**changes: float) -> Change:
    """Figures of the latencies, each times a factor."""

    def change(document: dict[str, Any]) -> None:
        part = document["jobs"][0]["read"]["lat_ns"]
        part.update({name: part[name] * factor for name, factor in changes.items()})

    return change


def percentile(name: str, factor: float) -> Change:
    def change(document: dict[str, Any]) -> None:
        table = document["jobs"][0]["read"]["lat_ns"]["percentile"]
        table[name] = int(table[name] * factor)

    return change


def faster(factor: float) -> Change:
    """All latencies so many times shorter, and all that is made of them: only the rate does not fit."""

    def change(document: dict[str, Any]) -> None:
        part = document["jobs"][0]["read"]["lat_ns"]
        bins: dict[str, int] = {}
        for name, ios in part["bins"].items():
            middle = str(value_of(index_of(int(int(name) / factor))))
            bins[middle] = bins.get(middle, 0) + ios
        for name in ("min", "max"):
            part[name] = value_of(index_of(int(part[name] / factor)))
        part.update(bins=bins, mean=part["mean"] / factor, stddev=part["stddev"] / factor)
        part["percentile"] = {}

    return change


#: What was changed, how, the code that objects, and what its text must say.
ROWS: list[tuple[str, Change, str, str]] = [
    ("one latency of six million", only_one_latency, "counts_differ", "6000000 I/Os, but 1 latencies"),
    ("more I/Os than latencies", scaled("total_ios", 1.1), "counts_differ", "with at most 10 in flight"),
    ("fewer I/Os than latencies", scaled("total_ios", 0.5), "counts_differ", "with at most 10 in flight"),
    ("no bytes", read(io_bytes=0), "other_block_size", "rand-read read: 0 bytes in"),
    ("half of the bytes", scaled("io_bytes", 0.5), "other_block_size", "bytes in"),
    ("ten times the runtime", scaled("runtime", 10), "other_length", "ms of 1000 ms"),
    ("cut short", read(runtime=970), "other_length", "ran 970 ms of 1000 ms"),
    ("a worker killed", entry(job_runtime=1000), "workers_missing", "its 2 workers ran 1000 ms of 2000 ms"),
    ("all workers killed", entry(job_runtime=0), "workers_missing", "ran 0 ms of 2000 ms"),
    ("workers of another job", entry(job_runtime=60_000), "other_length", "its 2 workers ran 60000 ms"),
    ("went on after errors", entry(total_err=5, first_error=5), "failed_ios", "5 I/Os failed, and fio went"),
    ("went on when full", entry(total_err=1, first_error=28), "failed_ios", "ENOSPC"),
    ("errors that are no number", entry(total_err="many"), "failed_ios", "I/Os failed"),
    ("buffered", option(direct="0"), "page_cache", "fio ran with direct=0, not 1"),
    ("another engine", option(ioengine="psync"), "other_engine", "fio ran with ioengine=psync, not libaio"),
    ("another depth", option(iodepth="1"), "other_options", "fio ran with iodepth=1, not 4"),
    ("another block size", option(bs="8k"), "other_options", "fio ran with bs=8k, not 4k"),
    ("another direction", option(rw="randwrite"), "other_options", "fio ran with rw=randwrite, not randread"),
    ("another file", option(filename="/dev/vda"), "other_options", "filename=/dev/vda"),
    ("another ramp", option(ramp_time="0"), "other_options", "ramp_time=0"),
    ("dropped direct", without("direct"), "page_cache", "fio ran without direct=1"),
    ("dropped block size", without("bs"), "other_options", "fio ran without bs=4k"),
    ("buffered by the other word", option(buffered="1"), "page_cache", "fio ran with buffered=1"),
    ("no clocks", option(gtod_reduce="1"), "other_options", "fio ran with gtod_reduce=1"),
    ("goes on after errors", option(continue_on_error="io"), "other_options", "continue_on_error=io"),
    ("hits the cache", option(random_distribution="zipf:1.2"), "other_options", "random_distribution=zipf"),
    ("bytes that compress", option(zero_buffers="1"), "other_options", "zero_buffers=1"),
    ("a rate of its own", option(rate_iops="100"), "other_options", "rate_iops=100, which the job has not"),
    ("a depth of one", entry(iodepth_level={"1": 100.0, "2": 0.0, "4": 0.0}), "depth_not_reached",
     "only 1 and more, of the 4"),
    ("half of the depth", entry(iodepth_level={"1": 10.0, "2": 90.0, "4": 0.0}), "depth_not_reached",
     "only 2 and more, of the 4"),
    ("the data disk did nothing", disks(vdb=0, vda=290_000), "wrong_disk", "I/Os went to vda, and 0"),
    ("the data disk did little", disks(vdb=30, vda=290_000), "wrong_disk", "and 30 to the data disk vdb"),
    ("no disk did anything", disks(vdb=0), "wrong_disk", "the data disk vdb did no I/O"),
    ("nor did another", disks(vdb=0, vda=0), "wrong_disk", "the data disk vdb did no I/O"),
    ("only another disk", disks(vda=290_000), "wrong_disk", "the data disk is vdb"),
    ("a phase before the other's end",
     lambda document: [one.update(job_start=1000 + n) for n, one in enumerate(document["jobs"])],
     "phases_overlap", "rand-write: began 1 ms after those above it"),
    ("writes of a reader", lambda document: document["jobs"][0]["write"].update(total_ios=7),
     "other_direction", "7 I/Os of write, though it is rw=randread"),
    ("trims of a reader", lambda document: document["jobs"][0]["trim"].update(total_ios=7),
     "other_direction", "7 I/Os of trim"),
    ("latencies halved", faster(2), "littles_law", "I/Os in flight; 8 were asked for"),
    ("latencies a quarter longer", faster(0.8), "littles_law", "I/Os in flight; 8 were asked for"),
    ("another N", lat(N=2), "histogram_differs", "the histogram has"),
    ("another mean", lat(mean=0.9), "histogram_differs", "the mean is"),
    ("another least", lat(min=0.5), "histogram_differs", "the least latency is"),
    ("another largest", lat(max=0.5), "histogram_differs", "the largest latency is"),
    ("another spread", lat(stddev=2), "histogram_differs", "the standard deviation is"),
    ("another p99", percentile("99.000000", 0.5), "percentiles_differ", "fio's p99 is"),
    ("another median", percentile("50.000000", 1.1), "percentiles_differ", "fio's p50 is"),
    ("ninety-nine million IOPS", read(iops=99_000_000), "rates_differ", "99000000 IOPS, but"),
    ("another bandwidth", scaled("bw_bytes", 2), "rates_differ", "bytes/s, but"),
    ("from memory", faster(1000), "impossible_value", "memory answered"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "said"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_an_answer_that_does_not_agree_is_invalid(
    sample: tuple[dict[str, Any], Job], judge_answer: JudgeAnswer, change: Change, code: str, said: str
) -> None:
    document, job = sample
    disks(vdb=290_000, vda=12)(document)
    assert judge_answer(document, job, SETTINGS, mount="/dev/vdb") == []
    change(document)
    doubts = judge_answer(document, job, SETTINGS, mount="/dev/vdb")
    texts = [doubt.text for doubt in doubts if (doubt.code, doubt.level) == (code, "invalid")]
    assert any(said in text for text in texts), doubts
    assert code in NEXT_STEPS


@pytest.mark.parametrize(
    "change",
    [
        # In flight at the ramp's end: in the latencies, and not in fio's own count.
        lambda document: document["jobs"][0]["read"].update(
            total_ios=document["jobs"][0]["read"]["lat_ns"]["N"] - 8
        ),
        # 3.39 and newer: whole numbers as floats, and when a section began.
        lambda document: document["jobs"][0]["read"].update(
            iops=float(document["jobs"][0]["read"]["iops"]),
            total_ios=float(document["jobs"][0]["read"]["total_ios"]),
        ),
        lambda document: [one.update(job_start=1000 + 2000 * n) for n, one in enumerate(document["jobs"])],
        entry(error=0.0),
        # An old version, or a disk that nobody can tell.
        lambda document: document["jobs"][0].pop("job_runtime"),
        lambda document: document["jobs"][0].pop("job options"),
        lambda document: document.update(disk_util=[]),
        # A flag without a value, and one that does nothing.
        option(time_based="", group_reporting="", gtod_reduce="0"),
    ],
)
def test_what_is_no_contradiction_is_valid(
    sample: tuple[dict[str, Any], Job], judge_answer: JudgeAnswer, change: Change
) -> None:
    document, job = sample
    change(document)
    assert judge_answer(document, job, SETTINGS) == []


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


def test_an_io_that_is_awaited_for_long_belongs_to_its_runtime(
    sample: tuple[dict[str, Any], Job], judge_answer: JudgeAnswer
) -> None:
    document, job = sample
    read(runtime=21_000)(document)
    part = document["jobs"][0]["read"]["lat_ns"]
    assert "other_length" in {doubt.code for doubt in judge_answer(document, job, SETTINGS)}
    part["max"] = 20_000_000_000
    assert "other_length" not in {doubt.code for doubt in judge_answer(document, job, SETTINGS)}


def test_the_pause_that_a_worker_is_in_belongs_to_its_runtime(
    sample: tuple[dict[str, Any], Job], judge_answer: JudgeAnswer
) -> None:
    document, job = sample
    option(thinktime="5s")(document)
    read(runtime=6500)(document)
    pausing = read_job(job.text.replace("rw=randread", "rw=randread\nthinktime=5s"))
    codes = {doubt.code for doubt in judge_answer(document, pausing, SETTINGS)}
    assert "other_length" not in codes


@pytest.mark.parametrize(
    ("share", "codes"), [(1.0, []), (0.985, []), (0.97, ["guest_clock"]), (0.02, ["guest_clock"])]
)
def test_a_run_that_was_shorter_by_the_guests_own_clock_is_invalid_whatever_the_guest_says_of_it(
    sample: tuple[dict[str, Any], Job], judge_answer: JudgeAnswer, share: float, codes: list[str]
) -> None:
    document, job = sample
    asked_s = len(job.phases) * (SETTINGS.runtime_s + SETTINGS.ramp_s)
    doubts = judge_answer(document, job, SETTINGS, ran_s=share * asked_s, time_scale=50.0)
    assert [doubt.code for doubt in doubts if doubt.level == "invalid"] == codes
