"""The guest's script on this machine, with a fio of our own: it ends fio although nobody comes back."""

from __future__ import annotations

import os
import subprocess
from importlib.resources import files
from pathlib import Path

#: Does not end by itself within any test's patience, nor by SIGTERM.
STUBBORN = "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n"
ENDLESS = "#!/bin/sh\nexec sleep 600\n"


def run_fio(folder: Path, fio: str, deadline_s: int) -> list[str]:
    """What the script's service leaves as the result of a job."""
    programs, state = folder / "bin", folder / "state"
    for made in (programs, state):
        made.mkdir()
    (programs / "fio").write_text(fio)
    (programs / "fio").chmod(0o755)
    for name, content in (("token", "job-1"), ("deadline", str(deadline_s)), ("job.fio", "[global]")):
        (state / name).write_text(f"{content}\n")
    text = (files("pytest_odfperf.vm") / "guest" / "odfperf-guest").read_text()
    assert text.count("PATH=/usr/local/sbin:") == 1
    assert text.count("STATE=/run/odfperf ") == 1
    assert text.count("--kill-after=15") == 1
    text = text.replace("PATH=/usr/local/sbin:", f"PATH={programs}:/usr/local/sbin:")
    text = text.replace("STATE=/run/odfperf ", f"STATE={state} ").replace("--kill-after=15", "--kill-after=1")
    script = folder / "odfperf-guest"
    script.write_text(text)
    process = subprocess.Popen(["sh", str(script), "fio"], start_new_session=True)
    try:
        process.wait(60)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, 9)
            process.wait()
    return (state / "result").read_text().split()


def test_fio_ends_at_its_deadline_by_itself(tmp_path: Path) -> None:
    token, code, timed_out, started_ns, ended_ns, *_ = run_fio(tmp_path, ENDLESS, 1)
    assert (token, code, timed_out) == ("job-1", "124", "1")
    assert int(ended_ns) > int(started_ns)


def test_so_does_a_fio_that_does_not_heed_sigterm(tmp_path: Path) -> None:
    token, code, timed_out, *_ = run_fio(tmp_path, STUBBORN, 1)
    assert (token, code, timed_out) == ("job-1", "137", "1")


def test_a_job_that_ends_in_time_has_its_own_code(tmp_path: Path) -> None:
    token, code, timed_out, *_ = run_fio(tmp_path, "#!/bin/sh\nexit 3\n", 60)
    assert (token, code, timed_out) == ("job-1", "3", "0")
