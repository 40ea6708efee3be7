"""What real fio left when it failed, row by row: each becomes one reason, and never a figure."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.answers.answer import Answer, read
from pytest_odfperf.fio.answers.failures import NEXT_STEPS
from pytest_odfperf.fio.job import Job, read_job
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.measure.verdicts.doubt import Doubt, verdict_of
from pytest_odfperf.sandbox.fio_failures import as_job, failure, failure_names

JudgeAnswer = Callable[..., list[Doubt]]
SETTINGS = FioSettings(runtime_s=1, ramp_s=0, iodepth=4, numjobs=1, file_size_bytes=1 << 20)


def a_job(rw: str = "randread", *names: str, **options: str) -> Job:
    lines = {
        "ioengine": "libaio",
        "iodepth": "4",
        "size": "1m",
        "runtime": "1",
        "time_based": "1",
        "group_reporting": "1",
        "lat_percentiles": "1",
        "filename": "fio-testfile",
    } | options
    sections = [f"[{name}]\nstonewall\nrw={rw}" for name in names or ("job",)]
    return read_job("\n".join(["[global]", *(f"{k}={v}" for k, v in lines.items()), *sections, ""]))


def answer(name: str, **changes: object) -> Answer:
    recorded = failure(name)
    return Answer(
        **{
            "exit_code": recorded.exit_code,
            "timed_out": recorded.exit_code == 124,
            "output": recorded.fio_json,
            "log": recorded.fio_log,
            **changes,
        }  # type: ignore[arg-type]
    )


#: Recording, direction, reason, and what the error must quote.
ROWS = [
    ("bad_option", "randread", "config", "Bad option <nonsense=1>"),
    ("bad_value", "randread", "config", "failed parsing numjobs=abc"),
    ("bad_rw", "randread", "config", "failed parsing rw=sideways"),
    ("bad_directory", "randread", "config", "is not a directory"),
    ("unknown_engine", "randread", "missing_dependency", "engine nosuch not loadable"),
    ("engine_setup", "randread", "config", "rbd pool name must be provided"),
    ("read_only_mode", "randwrite", "config", "read-only mode"),
    ("block_above_size", "randread", "config", "size too small"),
    ("rate_min", "randread", "config", "minimum rate exceeds rate"),
    ("no_jobs", "randread", "config", "No job(s) defined"),
    ("no_size", "randread", "config", "error 22 EINVAL; fio said: job: you need to specify size="),
    ("misaligned", "randwrite", "config", "error 22 EINVAL; fio said: fio: io_u error on file"),
    ("max_latency", "randread", "timeout", "error 110 ETIMEDOUT; fio said: fio: latency of"),
    ("no_space", "write", "no_space", "error 28 ENOSPC; fio said: fio: io_u error on file"),
    ("no_space_layout", "read", "no_space", "error 28 ENOSPC; fio said"),
    ("no_space_fallocate", "read", "no_space", "error 28 ENOSPC; fio said"),
    ("read_only", "randwrite", "permission", "error 30 EROFS; fio said: nothing"),
    ("permission", "randread", "permission", "error 13 EACCES; fio said: nothing"),
    ("permission_output", "randread", "permission", "output file open error: Permission denied"),
    ("io_error", "randread", "io_error", "error 5 EIO; fio said: fio: io_u error on file"),
    ("sigterm", "randread", "interrupted", "terminating on signal 15"),
    ("sigint", "randread", "interrupted", "terminating on signal 2"),
    ("sigkill", "randread", "interrupted", "fio was killed (exit code 137)"),
    ("timeout", "randread", "timeout", "had not ended at its deadline"),
    ("group_culprit", "randread", "timeout", "error 110 ETIMEDOUT; fio said: fio: latency of"),
    ("no_device", "randread", "wrong_device", "file creation disallowed"),
]
#: Recordings that ended with 0: direction, and the codes of the rules that object.
INVALID = [
    ("shallow", {"fio_message", "depth_not_reached", "littles_law"}),
    ("short", {"other_length", "workers_missing"}),
]


@pytest.mark.parametrize(("name", "rw", "reason", "said"), ROWS, ids=[row[0] for row in ROWS])
def test_each_failure_has_its_reason_and_quotes_fio(name: str, rw: str, reason: str, said: str) -> None:
    with pytest.raises(FioError) as raised:
        read(answer(name), a_job(rw), SETTINGS)
    assert raised.value.reason == reason
    assert said in raised.value.problem
    assert "\n" not in raised.value.problem
    assert reason in NEXT_STEPS


def test_every_recording_is_a_row_or_a_result() -> None:
    assert set(failure_names()) == {row[0] for row in [*ROWS, *INVALID]} | {"good", "status_interval"}


@pytest.mark.parametrize(("name", "codes"), INVALID)
def test_recordings_without_an_error_that_are_not_to_be_believed(
    judge_answer: JudgeAnswer, name: str, codes: set[str]
) -> None:
    left = failure(name)
    assert left.exit_code == 0
    doubts = judge_answer(left.fio_json, a_job(), SETTINGS, log=left.fio_log)
    assert codes <= {doubt.code for doubt in doubts}
    assert verdict_of(doubts) == "invalid"


@pytest.mark.parametrize("name", ["good", "status_interval"])
def test_recordings_that_did_not_fail_are_results(name: str) -> None:
    result = read(answer(name), a_job(), SETTINGS)
    assert result.jobs[0].read is not None
    assert result.jobs[0].read.total_ios > 0


def test_figures_of_a_run_that_failed_are_never_used() -> None:
    # They look fine: direction, I/Os and histogram are there. Only the exit code tells.
    with pytest.raises(FioError) as raised:
        read(answer("good", exit_code=1), a_job(), SETTINGS)
    assert raised.value.reason == "io_error"
    assert "exit code 1; it said: nothing" in raised.value.problem


def test_the_figures_before_the_disk_was_full_look_plausible() -> None:
    document = json.loads(failure("no_space").fio_json)
    assert document["jobs"][0]["write"]["total_ios"] > 50


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (127, "missing_dependency"),
        (128, "interrupted"),
        (143, "interrupted"),
        (139, "crashed"),
        (3, "io_error"),
    ],
)
def test_an_exit_code_without_words_speaks_for_itself(code: int, reason: str) -> None:
    with pytest.raises(FioError) as raised:
        read(Answer(exit_code=code, timed_out=False, output="", log=""), a_job(), SETTINGS)
    assert raised.value.reason == reason


@pytest.mark.parametrize("code", [5, 61, 116])
def test_an_errno_without_a_row_is_an_io_error(code: int) -> None:
    document = json.loads(failure("permission").fio_json)
    document["jobs"][0]["error"] = code
    with pytest.raises(FioError, match=rf"^io_error: job job: error {code} E"):
        read(answer("permission", output=json.dumps(document)), a_job(), SETTINGS)


def test_a_synchronous_engine_is_shallow_even_if_fio_does_not_say_so(judge_answer: JudgeAnswer) -> None:
    # fio 3.33 prints its note in the worker process, where it is lost unless workers are threads.
    text = failure("shallow").fio_json.partition("\n")[2]
    assert text.startswith("{")
    doubts = {doubt.code: doubt.text for doubt in judge_answer(text, a_job(ioengine="psync"), SETTINGS)}
    assert "of the 4 that were asked for; ioengine=psync is synchronous" in doubts["depth_not_reached"]
    shallow = text.replace('"iodepth" : "4"', '"iodepth" : "1"')
    as_it_ran = {"ioengine": "psync", "iodepth": "1", "rate_iops": "50", "bs": "4k", "thread": "1"}
    assert judge_answer(shallow, a_job(**as_it_ran), SETTINGS) == []


def test_io_on_another_disk_is_no_result(judge_answer: JudgeAnswer) -> None:
    document = json.loads(failure("good").fio_json)
    document["disk_util"] = [{"name": "vda", "util": 1.0}]
    texts = [doubt.text for doubt in judge_answer(document, a_job(), SETTINGS, mount="/dev/vdb")]
    assert any("the I/O went to vda, the data disk is vdb" in text for text in texts)
    codes = {doubt.code for doubt in judge_answer(document, a_job(), SETTINGS, mount="/dev/vda")}
    assert "wrong_disk" not in codes


def test_json_that_is_nested_without_end_is_broken_and_no_crash() -> None:
    with pytest.raises(FioError, match="JSON is broken"):
        read(Answer(exit_code=0, timed_out=False, output='{"a":' * 100_000, log=""), a_job(), SETTINGS)


def test_a_recording_can_stand_for_another_job() -> None:
    text = as_job(failure("no_space"), ["one", "two"])
    with pytest.raises(FioError, match="no_space: job one: error 28"):
        read(
            Answer(exit_code=1, timed_out=False, output=text.fio_json, log=text.fio_log),
            a_job("write", "one", "two"),
            SETTINGS,
        )


@given(
    code=st.integers(0, 255),
    timed_out=st.booleans(),
    cut=st.integers(0, 40_000),
    junk=st.text(max_size=60),
    name=st.sampled_from(failure_names()),
)
def test_whatever_fio_leaves_is_a_result_or_a_reason(
    code: int, timed_out: bool, cut: int, junk: str, name: str
) -> None:
    left = failure(name)
    given_answer = Answer(exit_code=code, timed_out=timed_out, output=junk + left.fio_json[:cut], log=junk)
    try:
        read(given_answer, a_job(), SETTINGS)
    except FioError as error:
        failed = error
    else:
        assert (code, timed_out) == (0, False)
        return
    assert failed.reason in NEXT_STEPS
    assert len(failed.problem) < 1500
