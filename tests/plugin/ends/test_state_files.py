"""Full disks, vanished folders, kills, and state files that somebody else wrote: nothing complete is lost."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

#: Long enough to break something in the middle: four keys of one pool after the other.
SLOW = """
extends: sim.yaml
pools: [fast, slow]
sandbox: {machine: simulated, speed: 12, boot_s: 0.1, clone_s: 0.1}
"""
KEYS = 4
DEADLINE_S = 120


def records_of(results: Path) -> list[bytes]:
    path = results / "latest" / "results.jsonl"
    return path.read_bytes().splitlines() if path.is_file() else []


def wait_for_records(results: Path, number: int) -> None:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if len(records_of(results)) >= number:
            return
        time.sleep(0.05)
    pytest.fail(f"not {number} records within {DEADLINE_S} s")


def ended(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=DEADLINE_S)
    assert "Traceback" not in out, out
    assert "INTERNALERROR" not in out, out
    return out


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A mounted file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    while os.path.ismount(folder):
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


def read_only(folder: Path, yes: bool) -> None:
    """A read-only view over the folder: the disk itself stays busy with the logs that are open."""
    if yes:
        subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
    else:
        subprocess.run(["umount", str(folder)], check=True)


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "full": (fill, "No space left on device"),
    "read-only": (lambda disk: read_only(disk, True), "Read-only file system"),
}


@pytest.mark.parametrize(("how", "mode"), [("full", "--odf"), ("read-only", "--odf-parallel=2")])
def test_a_disk_that_takes_no_more_ends_the_run_and_a_resume_finds_all(
    start_pytest, run_pytest, small_disk, tmp_path, how, mode
):
    breaks, said = BROKEN[how]
    results = small_disk / "results"
    process = start_pytest(mode, "--odf-matrix", "slow.yaml", "--odf-results", str(results), slow__yaml=SLOW)
    wait_for_records(results, 1)
    breaks(small_disk)
    before = records_of(results)
    out = ended(process)
    assert process.returncode in (1, 2), out
    assert said in out
    assert "the run ends, since its results can not be kept" in out
    assert "could not be deleted" not in out
    assert "could not be cleaned" not in out
    # Side by side, the two keys that are left may both have begun.
    assert mode != "--odf" or "not run (log:" in out
    assert re.search(r"[01]/[12] passed, 1 failed", out), out
    # Nothing that was written is harmed.
    assert records_of(results)[: len(before)] == before
    json.loads((results / "latest" / "run.json").read_text())
    if how == "read-only":
        read_only(small_disk, False)
    else:
        (small_disk / "filler").unlink()
    again = run_pytest("--odf-resume", "last", "--odf-results", str(results))
    assert again.code == 0, again.out
    passed = [
        record["key"]
        for record in map(json.loads, filter(None, map(whole, records_of(results))))
        if record["status"] == "passed"
    ]
    assert len(passed) == len(set(passed)) == KEYS
    assert json.loads((results / "latest" / "run.json").read_text())["left"] == []


def children(pid: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]


def wait_until_gone(pids: list[int]) -> None:
    end = time.monotonic() + DEADLINE_S
    while left := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < end, f"processes {left} are still there"
        time.sleep(0.05)


def whole(line: bytes) -> bytes:
    try:
        json.loads(line)
    except ValueError:
        return b""
    return line


def test_a_vanished_results_folder_is_said_and_the_cluster_is_cleaned(start_pytest, tmp_path):
    process = start_pytest("--odf", "--odf-matrix", "slow.yaml", slow__yaml=SLOW)
    wait_for_records(tmp_path / "results", 1)
    (tmp_path / "results").rename(tmp_path / "moved")
    out = ended(process)
    assert process.returncode == 1, out
    assert "the run ends, since its results can not be kept" in out
    assert "No such file or directory" in out or "the run's folder is gone" in out
    assert "could not be" not in out.replace("could not be written", "")
    assert records_of(tmp_path / "moved")


def test_a_vanished_cache_loses_nothing(start_pytest, run_pytest, tmp_path):
    process = start_pytest("--odf", "--odf-matrix", "slow.yaml", slow__yaml=SLOW)
    wait_for_records(tmp_path / "results", 1)
    shutil.rmtree(tmp_path / ".pytest_cache")
    out = ended(process)
    assert process.returncode == 0, out
    shutil.rmtree(tmp_path / ".pytest_cache")
    again = run_pytest("--odf-resume", "last")
    assert f"{KEYS} deselected" in again.out


def test_a_cache_that_can_not_be_written_is_said_once_and_is_not_needed(run_pytest, tmp_path):
    (tmp_path / ".pytest_cache").write_text("a file where a folder should be")
    outcome = run_pytest("--odf", "--odf-matrix", "sim.yaml", "--odf-pool", "fast")
    assert outcome.code == 0, outcome.out
    assert "Traceback" not in outcome.out
    assert outcome.out.count(".pytest_cache/d/odfperf can not be written: ") == 1
    assert "2 deselected" in run_pytest("--odf-resume", "last").out


@pytest.mark.parametrize("whom", ["controller", "group"])
def test_after_sigkill_what_was_complete_is_kept_and_the_rest_runs_once(
    start_pytest, run_pytest, tmp_path, whom
):
    process = start_pytest("--odf-parallel=2", "--odf-matrix", "slow.yaml", slow__yaml=SLOW)
    wait_for_records(tmp_path / "results", 2)
    below = children(process.pid)
    if whom == "group":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate(timeout=DEADLINE_S)
    # Workers whose controller is gone end their key first.
    wait_until_gone(below)
    kept = records_of(tmp_path / "results")
    # As a power loss leaves it, and as alien tools do.
    run = (tmp_path / "results" / "latest").resolve()
    with (run / "results.jsonl").open("ab") as file:
        file.write(b'\xff\xfe\n{"schema": 1, "key": "fast:tiny"}\n' + kept[0][:70])
    cache = tmp_path / ".pytest_cache" / "d" / "odfperf"
    with (cache / f"done-{run.name}-gw0.jsonl").open("ab") as file:
        file.write(b'[1]\n{"schema": 1, "te')
    (cache / f"done-{run.name}-gw7.jsonl").mkdir()
    again = run_pytest("--odf-resume", "last")
    assert again.code == 0, again.out
    assert again.out.count("3 lines are no record and left out (first: line") == 1
    assert again.out.count("3 lines are not readable and left out") == 1
    keys = [
        record["key"]
        for record in map(json.loads, filter(None, map(whole, records_of(tmp_path / "results"))))
        if "run_id" in record
    ]
    assert len(keys) == len(set(keys)) == KEYS
    assert len(again.cases()) == KEYS


def test_a_worker_killed_between_its_record_and_its_report_has_measured_its_key(run_pytest, tmp_path):
    # The record is on the disk, the report never leaves the worker: this runs outside of the plugin's own.
    dies = """
import os, pytest
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call" and "[fast:tiny:10Gi:1:random-rw:4k" in item.nodeid:
        os.kill(os.getpid(), 9)
    return report
"""
    outcome = run_pytest(
        "--odf-parallel=2", "--odf-matrix", "sim.yaml", "--odf-pool", "fast", "--odf-pool", "slow",
        "-p", "dies", dies__py=dies,
    )  # fmt: skip
    records = [
        record for record in outcome.records() if record["key"].endswith("fast:tiny:10Gi:1:random-rw:4k")
    ]
    assert [record["status"] for record in records] == ["passed"], outcome.out
    assert "the worker died after it measured" in outcome.out
    assert "fast: 2/2 passed, 0 failed, 0 skipped (log" in outcome.out
    again = run_pytest("--odf-resume", "last")
    assert "4 tests completed earlier" in again.out
    assert len(again.records()) == 4
