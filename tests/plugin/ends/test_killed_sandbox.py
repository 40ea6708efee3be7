"""A run that is killed takes its sandbox with it: no process, no file."""

import os
import signal
import time
from pathlib import Path

from pytest_odfperf.waiting import Deadline


def sandboxes(folder: Path) -> list[int]:
    """Processes that have a file of ``folder`` in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(folder) in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_after_a_sigkill_of_the_run_nothing_of_its_sandbox_is_left(start_pytest, tmp_path, monkeypatch):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    process = start_pytest("--odf-parallel=2", "--odf-matrix", "sim.yaml", "--odf-fio", "runtime=60s")
    try:
        deadline = Deadline("a record", 90)
        while not list(tmp_path.glob("results/*/results.jsonl")):
            deadline.check(str(list(tmp_path.rglob("*"))[:20]))
            assert process.poll() is None
            time.sleep(0.05)
        assert len(sandboxes(temporary)) == 1
    finally:
        os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    deadline = Deadline("the sandbox to be gone", 60)
    while sandboxes(temporary) or list(temporary.glob("odfperf-*")):
        deadline.check(f"{sandboxes(temporary)} {list(temporary.iterdir())}")
        time.sleep(0.05)
