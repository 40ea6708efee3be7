from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.job import Job, is_variable, read_job, render
from pytest_odfperf.fio.job_file.fio_numbers import size_bytes
from pytest_odfperf.fio.timing import deadline_s, measured_s
from pytest_odfperf.matrix.model import FioSettings, Profile, Timeouts
from pytest_odfperf.matrix.reading.fields import parse_fio_bytes

SETTINGS = FioSettings()
SHIPPED = Path(__file__).parents[3] / "matrices" / "profiles"

GLOBAL = """[global]
direct=1
time_based=1
runtime=${RUNTIME}
ramp_time=${RAMP_TIME}
group_reporting=1
lat_percentiles=1
size=${FILE_SIZE}
"""


def profile(template: str, name: str = "x") -> Profile:
    return Profile(name=name, template=template, block_sizes=("4k",))


def shipped(name: str, settings: FioSettings = SETTINGS) -> Job:
    template = (SHIPPED / f"{name}.fio").read_text()
    return render(profile(template, name), settings, "64k" if is_variable(template) else "native")


@pytest.mark.parametrize(
    ("name", "jobs"),
    [
        ("sequential-rw", ["seq-read read 4", "seq-write write 4"]),
        ("random-rw", ["rand-read randread 4", "rand-write randwrite 4"]),
        ("mixed-70-30", ["mixed-70-30 randrw 4"]),
        (
            "db-oltp",
            [
                "db-data-read randread 4",
                "db-wal-write write 1",
                "db-oltp-mixed randrw 4",
                "db-point-query randread 1",
            ],
        ),
        (
            "app-server",
            [
                "app-log-write write 2",
                "app-config-read randread 2",
                "app-temp-io randrw 4",
                "app-session-write randwrite 2",
            ],
        ),
        (
            "data-pipeline",
            [
                "pipeline-ingest write 4",
                "pipeline-scan read 4",
                "pipeline-shuffle randread 4",
                "pipeline-checkpoint write 2",
                "pipeline-etl randrw 4",
            ],
        ),
    ],
)
def test_the_shipped_profiles_run_these_jobs_one_after_the_other(name: str, jobs: list[str]) -> None:
    job = shipped(name)
    assert [f"{one.name} {one.rw} {one.numjobs}" for one in job.sections] == jobs
    assert job.stonewalls == len(jobs)
    assert "$" not in job.text


def test_profiles_with_a_variable_block_size_share_the_laid_out_file_and_make_none() -> None:
    job = shipped("random-rw")
    assert job.shared_file
    assert (job.files_bytes, job.own_files_bytes) == (4 << 30, 0)
    assert all(one.options["allow_file_create"] == "0" for one in job.sections)
    assert all(one.options["bs"] == "64k" for one in job.sections)


def test_fixed_profiles_need_a_written_file_for_each_worker() -> None:
    job = shipped("db-oltp")
    assert not job.shared_file
    assert job.files_bytes == (4 + 1 + 4 + 1) * (4 << 30)
    assert all(one.options["overwrite"] == "1" for one in job.sections)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.fio")), ids=lambda path: path.stem)
def test_latency_of_shipped_profiles_counts_from_submission_in_threads(path: Path) -> None:
    for one in shipped(path.stem).sections:
        assert (one.options["lat_percentiles"], one.options["thread"]) == ("1", "1")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (GLOBAL + "[a]\nrw=read\nbs=${BLOK}\n", "profiles/x.fio:11: unknown variable 'BLOK'; known: RUNTIME"),
        (GLOBAL + "[a]\nrw=read\nbs=$BS\n", "profiles/x.fio:11: unknown variable '$BS'"),
        (GLOBAL + "[a]\nrw=raed\n", "profiles/x.fio:10: job a: unknown rw 'raed'; known: read, randread"),
        (GLOBAL + "[a]\nbs=4k\n", "profiles/x.fio:9: job a: rw is missing"),
        (GLOBAL, "profiles/x.fio: there is no job"),
        ("", "profiles/x.fio: there is no job"),
        ("rw=read\n", "profiles/x.fio:1: 'rw=read' stands before the first section"),
        (GLOBAL + "[a\nrw=read\n", "profiles/x.fio:9: '[a' is not a section"),
        (GLOBAL + "[a]\nrw=read\n[a]\nrw=read\n", "profiles/x.fio:11: the job name 'a' is used twice"),
        (GLOBAL + "[a]\nrw=read\n[b]\nrw=write\n", "profiles/x.fio:11: job b runs beside a"),
        (GLOBAL + "[a]\nrw=read\nfilename=/dev/vda\n", "profiles/x.fio:11: job a: filename '/dev/vda'"),
        (GLOBAL + "[a]\nrw=read\nnumjobs=0\n", "profiles/x.fio:11: job a: numjobs '0'"),
        (GLOBAL + "[a]\nrw=rw\nunified_rw_reporting=1\n", "profiles/x.fio:11: job a: unified_rw_reporting"),
        (GLOBAL + "[a]\nrw=read\nruntime=5\n", "profiles/x.fio:11: job a: runtime must be ${RUNTIME}"),
        (GLOBAL.replace("lat_perc", "clat_perc") + "[a]\nrw=read\n", "job a: lat_percentiles=1 is missing"),
    ],
)
def test_a_template_error_names_the_line_and_what_is_known(template: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        render(profile(template), SETTINGS, "native")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_jobs_with_new_group_run_together_in_one_phase() -> None:
    job = render(
        profile(GLOBAL + "[a]\nrw=read\n[b]\nrw=write\nnew_group\n[c]\nrw=rw\nstonewall\n"),
        SETTINGS,
        "native",
    )
    assert job.phases == (("a", "b"), ("c",))
    assert (job.phase_of("b"), job.phase_of("c")) == (0, 1)
    assert measured_s(job, SETTINGS) == 2 * (120 + 10)


@pytest.mark.parametrize("block_size", ["", "4x", "1000", "0", "8G", "native", "-4k", "4k\nrw=write"])
def test_block_sizes_that_direct_io_can_not_do_are_refused(block_size: str) -> None:
    template = (SHIPPED / "random-rw.fio").read_text()
    with pytest.raises(InputError, match="block size"):
        render(profile(template), SETTINGS, block_size)


def test_a_fixed_profile_takes_no_block_size() -> None:
    with pytest.raises(InputError, match="fixes its block sizes itself"):
        render(profile((SHIPPED / "db-oltp.fio").read_text()), SETTINGS, "4k")


@pytest.mark.parametrize(
    "change",
    [
        {"runtime_s": 0},
        {"ramp_s": -1},
        {"iodepth": 0},
        {"numjobs": True},
        {"file_size_bytes": 4097},
        {"runtime_s": 1.5},
    ],
)
def test_settings_that_fio_can_not_run_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(InputError, match="fio"):
        shipped("random-rw", replace(SETTINGS, **change))


@given(
    st.sampled_from(sorted(path.stem for path in SHIPPED.glob("*.fio"))),
    st.integers(1, 900),
    st.integers(0, 90),
)
def test_the_deadline_is_always_after_the_measurement(name: str, runtime_s: int, ramp_s: int) -> None:
    settings = replace(SETTINGS, runtime_s=runtime_s, ramp_s=ramp_s)
    job = shipped(name, settings)
    assert measured_s(job, settings) == job.stonewalls * (runtime_s + ramp_s)
    assert deadline_s(job, settings, Timeouts()) >= measured_s(job, settings) + Timeouts().fio_slack_s


def test_only_jobs_with_files_of_their_own_get_time_to_lay_them_out() -> None:
    timeouts = Timeouts()
    assert deadline_s(shipped("random-rw"), SETTINGS, timeouts) == 2 * 130 + 180
    assert deadline_s(shipped("db-oltp"), SETTINGS, timeouts) >= 4 * 130 + 180 + timeouts.layout_s


def test_a_job_can_be_read_back_from_its_text() -> None:
    job = shipped("app-server")
    assert read_job(job.text) == job


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4k", 4096),
        ("1MB", 1 << 20),
        ("1MiB", 1_000_000),
        ("512", 512),
        ("150Gi", 150 << 30),
        ("k", None),
        ("4 k", None),
    ],
)
def test_sizes_of_job_files_are_read_as_fio_reads_them(text: str, size: int | None) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["4k", "4K", "4Ki", "4kB", "4KiB", "4096", "1MiB", "1m"])
def test_a_block_size_is_what_the_matrix_says_however_it_is_written(text: str) -> None:
    job = render(profile(GLOBAL + "[a]\nrw=read\nbs=${BLOCK_SIZE}\n"), SETTINGS, text)
    assert size_bytes(job.sections[0].options["bs"]) == parse_fio_bytes(text)
