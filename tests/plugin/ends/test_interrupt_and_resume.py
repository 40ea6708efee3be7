"""Ctrl+C, a killed worker, and what a resume runs."""

import html
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

KEYS = 6
DEADLINE_S = 90


def wait_for_records(folder: Path, number: int) -> None:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        path = folder / "results" / "latest" / "results.jsonl"
        if path.is_file() and len(path.read_text().splitlines()) >= number:
            return
        time.sleep(0.05)
    pytest.fail(f"not {number} records within {DEADLINE_S} s")


def children(pid: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]


def is_worker(pid: int) -> bool:
    return b"-c" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def test_after_ctrl_c_exactly_the_rest_runs_and_the_report_holds_all(start_pytest, run_pytest, tmp_path):
    process = start_pytest("--odf-parallel=2", "--odf-matrix", "sim.yaml")
    wait_for_records(tmp_path, 2)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=180)
    assert process.returncode == 128 + signal.SIGINT, out
    assert "odfperf: deleted" in out
    assert "could not be deleted" not in out
    resumed = run_pytest("--odf-resume", "last")
    assert resumed.code == 0, resumed.out
    records = resumed.records()
    assert len(records) == KEYS
    assert len({record["key"] for record in records}) == KEYS
    done = [line for line in resumed.lines if "tests completed earlier" in line]
    assert len(done) == 1
    assert len(resumed.cases()) == KEYS
    assert resumed.report_states() == {"passed": len(records)}


def test_a_completed_run_resumes_to_nothing(run_pytest):
    first = run_pytest("--odf", "--odf-matrix", "sim.yaml", "--odf-pool", "fast")
    assert first.code == 0, first.out
    again = run_pytest("--odf-resume", "last")
    assert "2 deselected" in again.out
    assert again.code == 0
    assert len(again.records()) == 2


def test_a_changed_definition_is_measured_again_and_said(run_pytest):
    run_pytest("--odf", "--odf-matrix", "sim.yaml", "--odf-pool", "fast")
    again = run_pytest("--odf-resume", "last", "--odf-fio", "iodepth=8")
    assert again.code == 0, again.out
    assert "measured again, since their definition changed: fast:" in again.out
    assert len(again.records()) == 4


def test_a_resume_on_another_cluster_is_said(bed):
    only = ("--odf-matrix", "short.yaml", "--odf-pool", "fast")
    first = bed.run("--odf", *only, "-k", "64k")
    assert first.code == 0, first.out
    path = first.run / "run.json"
    server = json.loads(path.read_text())["found"]["server"]
    path.write_text(path.read_text().replace(server, "https://other:6443"))
    resumed = bed.run("--odf-resume", "last")
    assert resumed.code == 0, resumed.out
    assert (
        "odfperf: this run began on https://other:6443: if that is another cluster, its reports mix both"
        in resumed.lines
    )
    again = bed.run("--odf-resume", "last")
    assert "this run began on" not in again.out


def test_a_killed_worker_loses_its_key_only(start_pytest, tmp_path):
    process = start_pytest(
        "--odf-parallel=2", "--odf-matrix", "sim.yaml", "--odf-fio", "runtime=60s", "--html=pages/page.html"
    )
    wait_for_records(tmp_path, 1)
    workers = [pid for pid in children(process.pid) if is_worker(pid)]
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    out, _ = process.communicate(timeout=180)
    assert process.returncode == 1, out
    lines = (tmp_path / "results" / "latest" / "junit.xml").read_text()
    assert lines.count("<testcase") == KEYS
    # The kill may also hit a worker whose last key has its record, and whose group is being deleted.
    ((how, lost),) = set(re.findall(r"the worker died (while|after) it measured [^;]*\[([^;]*)\];", lines))
    records = (tmp_path / "results" / "latest" / "results.jsonl").read_text().splitlines()
    failed = [one["key"] for one in map(json.loads, records) if one["status"] == "failed"]
    assert failed == ([lost] if how == "while" else [])
    # pytest-html shows the test that was lost, as one that failed, and where our report is.
    page = (tmp_path / "pages" / "page.html").read_text()
    assert "1 Failed," in page or how == "after"
    assert f"[{lost}]" in html.unescape(page)
    (link,) = re.findall('<a href="([^"]*report.html)"', page)
    assert (tmp_path / "pages" / link).samefile(tmp_path / "results" / "latest" / "report.html")
    run = (tmp_path / "results" / "latest" / "run.json").read_text()
    assert '"left": []' in run
