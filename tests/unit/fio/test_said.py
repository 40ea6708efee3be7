"""What fio says beside its JSON, line by line; what of it fio 3.33 said here with exit code 0 is marked."""

from __future__ import annotations

import json

import pytest

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.answers.answer import Answer, read
from pytest_odfperf.fio.answers.failures import NEXT_STEPS
from pytest_odfperf.fio.answers.said import TABLE, by_words, notes_of
from pytest_odfperf.fio.job import read_job
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.sandbox.fio_failures import failure

SETTINGS = FioSettings(runtime_s=1, ramp_s=0, iodepth=4, numjobs=1, file_size_bytes=1 << 20)
JOB = read_job(
    "[job]\nioengine=libaio\ndirect=1\niodepth=4\nsize=1m\nruntime=1\ntime_based=1\ngroup_reporting=1\n"
    "lat_percentiles=1\nfilename=fio-testfile\nrw=randread\nrate_iops=50\n"
)

HARMFUL = [
    # Seen with exit code 0.
    ("fio: terminating on signal 15", "interrupted"),
    ("fio: pid=4711, got signal=9", "interrupted"),
    (
        "note: both iodepth >= 1 and synchronous I/O engine are selected, queue depth will be capped at 1",
        "config",
    ),
    (
        "fio: verification read phase will never start because write phase uses all of runtime",
        "config",
    ),
    ("fio: Any use of blockalign= turns off randommap", "config"),
    ("Option verifysort is deprecated", "config"),
    ("fio: unable to open 'more.fio' job file", "config"),
    ("Error 1 while parsing include file more.fio", "config"),
    ("Bad option <nonsense=1>", "config"),
    ("fio: job a dropped", "config"),
    # Of its sources.
    ("fio: norandommap given for variable block sizes, verify limited", "config"),
    ("fio: os or kernel doesn't support IO scheduler switching", "config"),
    ("fio: unable to set io scheduler to bfq", "config"),
    ("fio: file fio-testfile failed allocating random map. Running job without.", "config"),
    ("fio: file a.0.0 may be ignored", "config"),
    ("fio: this platform does not support fdatasync() falling back to using fsync().  Use ...", "config"),
    ("a: rounded down io_size from 70000 to 65536", "config"),
    ("fio: failed setting verify thread affinity", None),
    ("fio: cgroup blkio does not appear to be mounted", "config"),
    ("fio: 1 job failed to start", "crashed"),
    ("fio: pid=3, err=5/file:io_u.c:1889, func=io_u error, error=Input/output error", "io_error"),
    ("fio: io_u error on file f: Remote I/O error: read offset=0, buflen=4096", "io_error"),
    ("md5: verify failed at file f offset 0, length 4096 (requested block: offset=0)", "io_error"),
    ("a: rate_iops_min=100 not met, got 3 IOPS", "timeout"),
    ("fio: aio appears to be stalled, giving up", "timeout"),
    ("fio: job 'a' (state=5) hasn't exited in 60 seconds, it appears to be stuck. Doing ...", "timeout"),
    ("fio: first direct IO errored. File system may not support direct IO, or iomem_align= is bad", "config"),
    ("fio: looks like your file system does not support direct=1/buffered=0", "config"),
    ("fio: smalloc pool exhausted", "crashed"),
    ("note: something new that is not run as written", "config"),
]

HARMLESS = [
    "a: Laying out IO file (1 file / 128MiB)",
    "cgroup-job: Laying out IO file (1 file / 128MiB)",
    "a: Prepopulating IO file (f)",
    "a : Saving output of prerun in a.prerun.txt",
    "fio: file f exceeds 32-bit tausworthe random generator.",
    "fio: Switching to tausworthe64. Use the random_generator= option to get rid of this warning.",
    "fio: multiple writers may overwrite blocks that belong to other jobs. This can ...",
    "fio: kb_base differs for jobs in group, using 1024 as the base",
]

UNKNOWN = ["fio: clocksource=cpu may not be reliable", "a kernel of some day says something new"]


@pytest.mark.parametrize(("line", "reason"), HARMFUL)
@pytest.mark.parametrize("where", ["log", "prefix"])
def test_what_is_known_to_be_harmful_voids_the_figures_though_fio_ended_with_0(
    line: str, reason: str | None, where: str
) -> None:
    if reason is None:
        assert by_words([line]) is None
        return
    good = failure("good").fio_json
    answer = Answer(
        exit_code=0,
        timed_out=False,
        output=f"{line}\n{good}" if where == "prefix" else good,
        log=f"{line}\n" if where == "log" else "",
    )
    if reason in ("config", "interrupted"):
        # There is an answer: it is not to be believed.
        assert read(answer, JOB, SETTINGS).said == (line,)
        return
    with pytest.raises(FioError) as raised:
        read(answer, JOB, SETTINGS)
    assert raised.value.reason == reason
    assert line in raised.value.problem
    assert reason in NEXT_STEPS


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_known_to_be_harmless_is_not_shown(line: str) -> None:
    assert by_words([line]) is None
    assert notes_of([line]) == ()


@pytest.mark.parametrize("line", UNKNOWN)
def test_what_is_not_known_is_a_note_once(line: str) -> None:
    good = failure("good").fio_json
    answer = Answer(exit_code=0, timed_out=False, output=f"{line}\n{good}", log=f"{line}\n{line}\n")
    result = read(answer, JOB, SETTINGS)
    assert [note for note in result.notes if note.startswith("fio said")] == [f"fio said: {line}"]


def test_a_talkative_fio_is_cut_short() -> None:
    notes = notes_of(f"new {number}" for number in range(100))
    assert len(notes) == 6
    assert notes[-1] == "fio said 95 lines more, see its log"


def test_a_row_that_can_not_decide_is_none() -> None:
    """A part that holds an earlier one of another reason would never be asked."""
    seen: list[tuple[str, str | None]] = []
    for part, reason in TABLE:
        assert part == part.lower()
        assert not [old for old, why in seen if old in part and why not in (None, reason)], part
        seen.append((part, reason))


def test_the_recording_without_a_word_has_no_note_of_one() -> None:
    document = json.loads(failure("good").fio_json)
    result = read(Answer(exit_code=0, timed_out=False, output=json.dumps(document), log=""), JOB, SETTINGS)
    assert not [note for note in result.notes if note.startswith("fio said")]
