from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.answers.section_load import kind
from pytest_odfperf.fio.job import Job, read_job
from pytest_odfperf.matrix.model import FioSettings

SETTINGS = FioSettings(runtime_s=1, ramp_s=1, iodepth=4, numjobs=2, file_size_bytes=8 << 20)
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def sample(fio_samples: Path) -> tuple[str, Job]:
    return (fio_samples / "random-rw.json").read_text(), read_job((fio_samples / "random-rw.fio").read_text())


def test_real_answers_have_the_figures_that_fio_gives(sample: tuple[str, Job]) -> None:
    text, job = sample
    result = parse(text, job, SETTINGS)
    assert result.fio_version == "fio-3.33"
    for found, raw in zip(result.jobs, json.loads(text)["jobs"], strict=True):
        direction = "read" if found.name == "rand-read" else "write"
        part, said = getattr(found, direction), raw[direction]
        assert part.iops_per_s == pytest.approx(said["iops"], rel=1e-3)
        assert part.bw_bytes_per_s == pytest.approx(said["bw_bytes"], rel=1e-3)
        assert part.bw_bytes_per_s == pytest.approx(part.iops_per_s * 4096)
        assert part.lat_mean_ns == said["lat_ns"]["mean"]
        assert part.histogram.total == said["lat_ns"]["N"]
    assert (result.jobs[0].write, result.jobs[1].read) == (None, None)
    assert [found.phase for found in result.jobs] == [0, 1]


@pytest.mark.parametrize("name", ["db-oltp", "mixed-70-30"])
def test_every_expected_direction_of_a_real_answer_is_there(fio_samples: Path, name: str) -> None:
    job = read_job((fio_samples / f"{name}.fio").read_text())
    result = parse((fio_samples / f"{name}.json").read_text(), job, SETTINGS)
    for section, found in zip(job.sections, result.jobs, strict=True):
        assert {kind for kind in ("read", "write") if getattr(found, kind)} == section.directions


def test_the_last_of_several_documents_counts(sample: tuple[str, Job]) -> None:
    text, job = sample
    early = json.loads(text)
    early["jobs"][0]["read"]["total_ios"] = 7
    assert parse(f"{json.dumps(early)}\n{text}", job, SETTINGS) == parse(text, job, SETTINGS)


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [
        (
            "note: both iodepth >= 1 and synchronous I/O engine are selected",
            "config",
        ),
        ("\nfio: terminating on signal 15", "interrupted"),
        ("fio: engine libaio not loadable", "missing_dependency"),
        ("fio: ENOSPC on laying out file, stopping", "no_space"),
    ],
)
@pytest.mark.parametrize("with_json", [True, False])
def test_what_fio_says_before_its_json_decides(
    sample: tuple[str, Job], prefix: str, reason: str, with_json: bool
) -> None:
    text, job = sample
    if with_json and reason in ("config", "interrupted"):
        assert parse(f"{prefix}\n{text}", job, SETTINGS).said == (prefix.strip(),)
        return
    with pytest.raises(FioError) as raised:
        parse(f"{prefix}\n{text if with_json else ''}", job, SETTINGS)
    assert raised.value.reason == reason
    assert prefix.strip() in raised.value.problem


@pytest.mark.parametrize("text", ["", " \n"])
def test_nothing_is_an_error_of_its_own(sample: tuple[str, Job], text: str) -> None:
    with pytest.raises(FioError) as raised:
        parse(text, sample[1], SETTINGS)
    assert raised.value.reason == "empty"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_answer_is_truncated(sample: tuple[str, Job], share: float) -> None:
    text, job = sample
    with pytest.raises(FioError) as raised:
        parse(text[: int(len(text) * share)], job, SETTINGS)
    assert raised.value.reason == "truncated"


def _error(code: int) -> Change:
    return lambda document: document["jobs"][1].update(error=code)


def _read(**changes: Any) -> Change:
    return lambda document: document["jobs"][0]["read"].update(changes)


def _lat(**changes: Any) -> Change:
    return lambda document: document["jobs"][0]["read"]["lat_ns"].update(changes)


@pytest.mark.parametrize(
    ("change", "reason", "said"),
    [
        (_error(28), "no_space", "job rand-write: error 28 ENOSPC"),
        (_error(13), "permission", "job rand-write: error 13 EACCES"),
        (_error(5), "io_error", "job rand-write: error 5 EIO"),
        (_error(110), "timeout", "job rand-write: error 110 ETIMEDOUT"),
        (_error(22), "config", "job rand-write: error 22 EINVAL"),
        (_read(total_ios=0), "empty", "job rand-read read: no I/O was done"),
        (_read(runtime=-1), "impossible_value", "job rand-read read: runtime is -1"),
        (_read(runtime=0), "empty", "job rand-read read: it ran 0 ms"),
        (_read(runtime=None), "truncated", "job rand-read read: runtime is None"),
        (_read(io_bytes="many"), "truncated", "job rand-read read: io_bytes is 'many'"),
        (_lat(bins={}), "histogram_differs", "job rand-read read: no latency histogram"),
        (_lat(bins={"5": 0}), "histogram_differs", "job rand-read read: its latency histogram is empty"),
        (_lat(bins={"5": -1}), "impossible_value", "job rand-read read: bucket 5 with count -1"),
        (_lat(mean=float("nan")), "truncated", "NaN is not a number"),
        (
            lambda document: document["jobs"].pop(),
            "truncated",
            "has the jobs rand-read, not rand-read, rand-write",
        ),
        (lambda document: document.update(jobs=[]), "truncated", "has the jobs (none)"),
        (lambda document: document.pop("jobs"), "truncated", "no 'jobs'"),
        (lambda document: document["jobs"].insert(0, 3), "truncated", "has the jobs None"),
    ],
)
def test_an_answer_that_is_no_measurement_names_its_job_and_reason(
    sample: tuple[str, Job], change: Change, reason: str, said: str
) -> None:
    text, job = sample
    document = json.loads(text)
    change(document)
    with pytest.raises(FioError) as raised:
        parse(json.dumps(document), job, SETTINGS)
    assert raised.value.reason == reason
    assert said in raised.value.problem
    assert "\n" not in raised.value.problem


def test_a_missing_histogram_is_not_replaced_by_completion_latency(sample: tuple[str, Job]) -> None:
    text, job = sample
    document = json.loads(text)
    del document["jobs"][0]["read"]["lat_ns"]["bins"]
    assert document["jobs"][0]["read"]["clat_ns"]["N"] > 0
    with pytest.raises(FioError, match="no latency histogram"):
        parse(json.dumps(document), job, SETTINGS)


@pytest.fixture
def oltp(fio_samples: Path) -> tuple[dict[str, Any], Job]:
    """Its second section, ``db-wal-write``, does an fsync after each write."""
    return json.loads((fio_samples / "db-oltp.json").read_text()), read_job(
        (fio_samples / "db-oltp.fio").read_text()
    )


def test_syncs_are_a_direction_of_their_own(oltp: tuple[dict[str, Any], Job]) -> None:
    document, job = oltp
    said = document["jobs"][1]["sync"]["lat_ns"]
    # fdatasync leaves fio's count at 0.
    for counted in (said["N"], 0):
        document["jobs"][1]["sync"]["total_ios"] = counted
        found = parse(json.dumps(document), job, SETTINGS).jobs
        assert [one.sync is not None for one in found] == [False, True, False, False]
        sync, write = found[1].sync, found[1].write
        assert sync is not None
        assert write is not None
        assert (sync.total_ios, sync.lat_max_ns) == (said["N"], said["max"])
        assert sync.histogram.total == said["N"]
        assert sync.iops_per_s == pytest.approx(write.iops_per_s, rel=1e-3)


def test_a_section_that_should_sync_and_did_not_is_no_measurement(oltp: tuple[dict[str, Any], Job]) -> None:
    document, job = oltp
    document["jobs"][1]["sync"]["lat_ns"] = {"min": 0, "max": 0, "mean": 0.0, "stddev": 0.0, "N": 0}
    with pytest.raises(FioError, match="job db-wal-write sync: none was done"):
        parse(json.dumps(document), job, SETTINGS)


def test_what_a_section_does_is_told_and_sections_are_alike_by_all_that_decides(
    oltp: tuple[dict[str, Any], Job],
) -> None:
    document, job = oltp
    found = parse(json.dumps(document), job, SETTINGS).jobs
    assert [one.load for one in found] == [
        "rw=randread bs=8k iodepth=16 numjobs=2",
        "rw=write bs=8k fsync=1",
        "rw=randrw rwmixread=80 bs=8k iodepth=4 numjobs=2",
        "rw=randread bs=4k",
    ]
    assert len({one.kind for one in found}) == 4
    head = "ioengine=libaio\ndirect=1\ntime_based\ngroup_reporting\nruntime=1\nsize=8m\nlat_percentiles=1\n"
    for more, alike in (
        ("filename=g\nstonewall\n", True),
        ("new_group\nwrite_bw_log=x\nlog_avg_msec=9\n", True),
        ("stonewall\nbs=4k\niodepth=1\n", True),
        ("stonewall\nbs=8k\n", False),
        ("stonewall\niodepth=2\n", False),
        ("stonewall\nfsync=1\n", False),
        ("stonewall\nrate_iops=5\n", False),
    ):
        text = f"[global]\n{head}[a]\nrw=write\nfilename=f\n[b]\nrw=write\n{more}"
        first, second = read_job(text).sections
        assert (kind(first) == kind(second)) == alike, more


def test_the_rate_is_of_all_ios_but_those_in_flight_at_the_end(sample: tuple[str, Job]) -> None:
    text, job = sample
    asked_job = read_job("[global]\nwrite_hist_log=h\nlog_hist_msec=100\n" + job.text)
    total = json.loads(text)["jobs"][0]["read"]["lat_ns"]["N"]
    each, lines = total // 2 // 10, range(100, 1000, 100)
    logs = {f"h_clat_hist.{n}.log": "".join(f"{t}, 0, 4096, {each}\n" for t in lines) for n in (1, 2)}
    (first, *_) = parse(text, asked_job, SETTINGS, logs=logs).jobs
    assert first.read is not None
    assert first.read.iops_per_s == pytest.approx(20 * each, rel=0.01)
    logs["h_clat_hist.2.log"] = "".join(f"{t}, 0, 4096, {each + each // 9}\n" for t in lines)
    (first, *_) = parse(text, asked_job, SETTINGS, logs=logs).jobs
    assert first.read is not None
    assert first.read.iops_per_s == pytest.approx(total, rel=1e-3)
    # Late lines at the end: a busy guest.
    logs["h_clat_hist.2.log"] = "".join(f"{t}, 0, 4096, {each // 2}\n" for t in lines)
    (first, *_) = parse(text, asked_job, SETTINGS, logs=logs).jobs
    assert first.read is not None
    assert first.read.iops_per_s == pytest.approx(total - 8, rel=1e-3)


def test_reads_and_writes_of_a_mix_are_one_stream(fio_samples: Path) -> None:
    text = (fio_samples / "mixed-70-30.json").read_text()
    job = read_job(
        "[global]\nwrite_hist_log=h\nlog_hist_msec=100\n" + (fio_samples / "mixed-70-30.fio").read_text()
    )
    entry = json.loads(text)["jobs"][0]
    reads, writes = (entry[direction]["lat_ns"]["N"] for direction in ("read", "write"))
    # All come evenly, but at the end there happen to be more reads than usual.
    per_line = [(reads // 20, writes // 20)] * 8 + [(reads // 20 + writes // 40, writes // 40)]
    log = "".join(
        f"{100 * number}, 0, 4096, {read}\n{100 * number}, 1, 4096, {write}\n"
        for number, (read, write) in enumerate(per_line, 1)
    )
    logs = {"h_clat_hist.1.log": log, "h_clat_hist.2.log": log}
    (found,) = parse(text, job, SETTINGS, logs=logs).jobs
    assert found.read is not None
    assert found.write is not None
    assert found.read.iops_per_s / found.write.iops_per_s == pytest.approx(reads / writes)
    assert found.read.iops_per_s + found.write.iops_per_s == pytest.approx(reads + writes, rel=0.01)
    for part in (found.read, found.write):
        assert part.bw_bytes_per_s == pytest.approx(4096 * part.iops_per_s)
