"""The guest's script on this machine, with a fio of our own: it ends fio although nobody comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.job import render
from pytest_odfperf.guest.answers import split_logs
from pytest_odfperf.matrix.model import FioSettings, Profile

#: Does not end by itself within any test's patience, nor by SIGTERM.
STUBBORN = "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n"
ENDLESS = "#!/bin/sh\nexec sleep 600\n"


def write_script(folder: Path, fio: str) -> Path:
    """The script with folders and a fio of its own."""
    programs, state = folder / "bin", folder / "state"
    for made in (programs, state, folder / "data"):
        made.mkdir()
    # The script ends every fio of its machine, and this one may run others.
    for name, content in (("fio", fio), ("pkill", '#!/bin/sh\nexec /usr/bin/pkill --session 0 "$@"\n')):
        (programs / name).write_text(content)
        (programs / name).chmod(0o755)
    text = (files("pytest_odfperf.vm") / "guest" / "odfperf-guest").read_text()
    assert text.count("PATH=/usr/local/sbin:") == 1
    assert text.count("STATE=/run/odfperf ") == 1
    assert text.count("--kill-after=15") == 1
    text = text.replace("PATH=/usr/local/sbin:", f"PATH={programs}:/usr/local/sbin:")
    text = text.replace("STATE=/run/odfperf ", f"STATE={state} ").replace("--kill-after=15", "--kill-after=1")
    text = text.replace("DATA_DIR=/mnt/data ", f"DATA_DIR={folder / 'data'} ")
    script = folder / "odfperf-guest"
    script.write_text(text)
    return script


def run_fio(folder: Path, fio: str, deadline_s: int, job: str = "[global]\n") -> list[str]:
    """What the script's service leaves as the result of a job."""
    script, state = write_script(folder, fio), folder / "state"
    given = {"token": "job-1", "deadline": str(deadline_s), "job.fio": job, "go": "0"}
    for name, content in given.items():
        (state / name).write_text(f"{content}\n")
    process = subprocess.Popen(["sh", str(script), "fio"], start_new_session=True)
    try:
        process.wait(60)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, 9)
            process.wait()
    return (state / "result").read_text().split()


def test_fio_ends_at_its_deadline_by_itself(tmp_path: Path) -> None:
    token, code, timed_out, *times, _ = run_fio(tmp_path, ENDLESS, 1)
    assert (token, code, timed_out) == ("job-1", "124", "1")
    epoch_ns, clock_ns, from_ns, to_ns, last_epoch_ns, last_clock_ns = map(int, times)
    assert clock_ns <= from_ns < to_ns <= last_clock_ns
    assert 1 <= (to_ns - from_ns) / 1e9 < 30
    assert (last_epoch_ns - epoch_ns) / 1e9 == pytest.approx((last_clock_ns - clock_ns) / 1e9, abs=0.5)


def test_so_does_a_fio_that_does_not_heed_sigterm(tmp_path: Path) -> None:
    token, code, timed_out, *_ = run_fio(tmp_path, STUBBORN, 1)
    assert (token, code, timed_out) == ("job-1", "137", "1")


def test_a_job_that_ends_in_time_has_its_own_code(tmp_path: Path) -> None:
    token, code, timed_out, *_ = run_fio(tmp_path, "#!/bin/sh\nexit 3\n", 60)
    assert (token, code, timed_out) == ("job-1", "3", "0")


#: Counts how often it is started, and does not take a job that says bad.
PICKY = """#!/bin/sh
echo x >>"$(dirname "$0")/starts"
shift
grep -q bad "$@" || exit 0
echo "fio: failed parsing bad=1" >&2
exit 7
"""


def check(folder: Path, *jobs: str) -> tuple[str, int]:
    """What the script answers to a check of ``jobs``, and how many processes of fio it took."""
    script = write_script(folder, PICKY)
    request = f"jobs {len(jobs)}\n" + "".join(f"{len(job)}\n{job}" for job in jobs)
    done = subprocess.run(
        ["sh", str(script), "check"], input=request, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    assert not (folder / "state" / "check").exists()
    return done.stdout, (folder / "bin" / "starts").read_text().count("x")


def test_one_process_is_enough_to_check_jobs_that_are_right(tmp_path: Path) -> None:
    said, starts = check(tmp_path, "[a]\n", "[b]\nrw=read\n", "x" * 9000)
    assert (said, starts) == ("checked 0 0\nchecked 0 0\nchecked 0 0\nend check\n", 1)


def test_of_jobs_that_are_not_each_one_has_its_own_words(tmp_path: Path) -> None:
    said, starts = check(tmp_path, "[a]\n", "[b]\nbad=1\n")
    assert said == "checked 0 0\nchecked 7 26\nfio: failed parsing bad=1\nend check\n"
    assert starts == 3


WRITES_LOGS = """#!/bin/sh
for name in mine_bw.1.log odfperf_clat_hist.1.log odfperf_clat_hist.2.log a.prerun.txt; do
    printf '%s\\n' "1, $name" >$name
done
mkdir folder
"""


def test_what_fio_writes_beside_its_answer_is_kept_as_one_file_and_removed(tmp_path: Path) -> None:
    run_fio(tmp_path, WRITES_LOGS, 60)
    state = tmp_path / "state"
    logs = split_logs((state / "fio-logs").read_bytes())
    # The figures need the plugin's own; they come first, should the file be cut.
    assert list(logs)[:2] == ["odfperf_clat_hist.1.log", "odfperf_clat_hist.2.log"]
    assert logs == {name: f"1, {name}\n".encode() for name in logs}
    assert set(logs) == {
        "mine_bw.1.log",
        "odfperf_clat_hist.1.log",
        "odfperf_clat_hist.2.log",
        "a.prerun.txt",
    }
    assert not (state / "left").exists()


def test_a_fio_that_writes_nothing_leaves_no_such_file(tmp_path: Path) -> None:
    run_fio(tmp_path, "#!/bin/sh\nexit 0\n", 60)
    assert not (tmp_path / "state" / "fio-logs").exists()


@pytest.mark.skipif(shutil.which("fio") is None, reason="fio is not installed")
def test_a_real_fio_of_a_rendered_job_gives_a_rate_without_a_note(tmp_path: Path) -> None:
    """The whole way but for SSH: the job that is rendered, the script, its files, the figures."""
    template = (
        "[global]\nioengine=libaio\ndirect=1\nthread=1\ntime_based\ngroup_reporting\nlat_percentiles=1\n"
        "runtime=${RUNTIME}\nramp_time=${RAMP_TIME}\nsize=${FILE_SIZE}\niodepth=4\nrate_iops=200\n"
        "write_iops_log=mine\nlog_avg_msec=500\n"
        "[a]\nrw=randread\nbs=4k\nnumjobs=2\n[b]\nstonewall\nrw=write\nbs=64k\nfdatasync=4\n"
    )
    settings = FioSettings(runtime_s=2, ramp_s=1, iodepth=4, numjobs=2, file_size_bytes=8 << 20)
    job = render(Profile(name="x", template=template, block_sizes=("native",)), settings, "native")
    result = run_fio(tmp_path, f'#!/bin/sh\nexec {shutil.which("fio")} "$@"\n', 60, job.text)
    state = tmp_path / "state"
    logs = {name: log.decode() for name, log in split_logs((state / "fio-logs").read_bytes()).items()}
    assert result[1] == "0", (state / "fio.log").read_text()
    found = parse((state / "fio.json").read_text(), job, settings, logs=logs)
    assert found.notes == ()
    reads, writes = found.jobs[0].read, found.jobs[1].write
    assert reads is not None
    assert writes is not None
    assert reads.iops_per_s == pytest.approx(400, rel=0.05)
    assert reads.bw_bytes_per_s == pytest.approx(4096 * reads.iops_per_s)
    assert writes.bw_bytes_per_s == pytest.approx(65536 * writes.iops_per_s)
    sync = found.jobs[1].sync
    assert sync is not None
    assert sync.iops_per_s == pytest.approx(writes.iops_per_s / 4, rel=0.05)
    assert {"mine_iops.1.log", "mine_iops.2.log", "mine_iops.3.log"} <= set(logs)
