"""What a signal does: whoever gets it, whenever it comes, nothing of the run is left."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_odfperf.cluster.client.kinds import CONFIG_MAP, SECRET, VM

NUMBERS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}

#: A test whose fixture takes its time to end, whatever comes.
SLOW_TO_END = """
import time
import pytest

@pytest.fixture
def slow_to_end():
    yield
    end = time.monotonic() + 300
    while time.monotonic() < end:
        time.sleep(0.1)

def test_slow(slow_to_end, odf_guests, odf_key):
    time.sleep(300)
"""


def summaries(run: Path) -> set[str]:
    return {path.parent.name for path in run.glob("*/.pool-summary")}


def check_ended(bed: Any, outcome: Any, name: str) -> None:
    """What holds after every first signal."""
    assert outcome.code == NUMBERS[name], outcome.out
    assert bed.left() == []
    assert "Traceback" not in outcome.out, outcome.out
    said = [line for line in outcome.lines if line.startswith("odfperf: ")]
    at = said.index(f"odfperf: ended by {name}")
    assert said[at + 1].startswith("odfperf: deleted ")
    assert said[at + 2] == f"odfperf: go on with: pytest --odf-resume {outcome.run.name}"
    assert said[at + 3].startswith(f"odfperf: clean up with: pytest --odf-cleanup {outcome.run.name} ")
    assert outcome.lines[-1] == said[at + 3]
    run = json.loads((outcome.run / "run.json").read_text())
    assert run["ended_by"] == name
    assert run["left"] == []


@pytest.mark.parametrize(
    ("name", "whom"),
    [
        ("SIGTERM", "controller"),
        ("SIGHUP", "controller"),
        ("SIGINT", "group"),
        ("SIGTERM", "group"),
        ("SIGINT", "worker"),
    ],
)
def test_the_first_signal_ends_a_parallel_run_and_deletes_what_it_made(bed, name, whom):
    process = bed.start("--odf-parallel=2", "--odf-matrix", "long.yaml")
    bed.until(lambda: bed.running(2), "two VMs to run")
    number = signal.Signals[name]
    if whom == "group":
        os.killpg(process.pid, number)
    else:
        os.kill(process.pid if whom == "controller" else bed.workers(process)[0], number)
    outcome = bed.end(process)
    check_ended(bed, outcome, name)
    # Disks follow their VMs, maybe before they are asked for.
    assert "odfperf: deleted 2 VirtualMachine, " in outcome.out
    assert ", 2 Secret, 1 ConfigMap" in outcome.out
    assert outcome.cases() is not None
    assert (outcome.run / "report.html").is_file()


def test_the_first_signal_ends_a_sequential_run(bed):
    name = "SIGHUP"
    process = bed.start("--odf", "--odf-matrix", "long.yaml")
    bed.until(lambda: bed.running(1), "a VM to run")
    process.send_signal(signal.Signals[name])
    check_ended(bed, bed.end(process), name)


def test_what_is_known_is_in_every_report_after_a_signal(bed):
    process = bed.start("--odf-parallel=2", "--odf-matrix", "short.yaml", "--odf-fio", "runtime=60s")
    records = bed.folder / "results" / "latest" / "results.jsonl"
    bed.until(lambda: records.is_file() and records.read_text(), "a record")
    process.terminate()
    outcome = bed.end(process)
    check_ended(bed, outcome, "SIGTERM")
    keys = {record["key"] for record in outcome.records()}
    cases = {case.get("name"): case for case in outcome.cases()}
    assert {f"test_storage[{key}]" for key in keys} <= set(cases)
    # What had begun is there with the reason, and nothing else.
    for name, case in cases.items():
        skipped = case.find("skipped")
        assert (skipped is None) == (name in {f"test_storage[{key}]" for key in keys})
        assert skipped is None or "the run was ended by SIGTERM" in (skipped.get("message") or "")
    csv = (outcome.run / "results.csv").read_text()
    assert len(keys) == outcome.report_states()["passed"]
    assert {line.partition(",")[0] for line in csv.splitlines()[1:]} == {
        key.partition(":")[0] for key in keys
    }
    assert 0 < len(keys) < 4
    # A pool that was never begun is in the totals, too.
    assert summaries(outcome.run) == {"fast", "slow"}
    assert "Per-pool results:" in outcome.out


def test_a_background_job_that_inherited_sigint_as_ignored_is_interrupted(bed):
    process = bed.start("--odf-parallel=2", "--odf-matrix", "long.yaml", sigint=signal.SIG_IGN)
    bed.until(lambda: bed.running(2), "two VMs to run")
    process.send_signal(signal.SIGINT)
    check_ended(bed, bed.end(process), "SIGINT")


def test_under_timeout_which_signals_twice_the_run_ends_in_order(bed):
    under = ("timeout", "--preserve-status", "--signal=TERM", "12")
    outcome = bed.run("--odf-parallel=2", "--odf-matrix", "long.yaml", under=under)
    assert outcome.code == 143, outcome.out
    assert "second signal (" not in outcome.out
    assert bed.left() == []


def test_the_deletes_do_not_wait_for_a_session_that_takes_its_time(bed):
    process = bed.start("--odf", "--odf-matrix", "long.yaml", "test_slow.py", test_slow__py=SLOW_TO_END)
    bed.until(lambda: bed.running(1), "a VM to run")
    process.terminate()
    # The session has not ended: a CI job would be killed now.
    bed.until(lambda: not bed.left(VM, SECRET), "the VMs to be gone")
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    bed.end(process)
    bed.until(lambda: not [name for name in bed.left() if "ConfigMap" not in name and "Lease" not in name])


def test_the_second_signal_ends_all_at_once_and_names_the_command_that_finishes(bed):
    process = bed.start(
        "--odf-parallel=2", "--odf-matrix", "long.yaml", "test_slow.py", "--odf-run-id", "twice",
        test_slow__py=SLOW_TO_END,
    )  # fmt: skip
    bed.until(lambda: bed.running(2), "two VMs to run")
    workers = bed.workers(process)
    assert len(workers) == 2
    process.terminate()
    bed.until(lambda: not bed.left(VM), "the first signal's deletes")
    time.sleep(1)
    process.send_signal(signal.SIGHUP)
    outcome = bed.end(process)
    # The first signal is the cause of the end.
    assert outcome.code == 143, outcome.out
    assert "odfperf: second signal (SIGHUP), ending at once." in outcome.out
    assert outcome.lines[-1].endswith("Finish the cleanup with: pytest --odf-cleanup twice")
    bed.until(lambda: all(map(bed.is_gone, workers)), "the workers to be gone")
    assert "ConfigMap odfperf-twice" in bed.left()
    cleaned = bed.run("--odf-cleanup", "twice")
    assert cleaned.code == 0, cleaned.out
    assert bed.left() == []


def test_what_is_made_after_the_first_deletes_is_swept_at_the_end(bed):
    late = """
import os, pytest

@pytest.fixture
def late(request):
    yield
    from pytest_odfperf.cluster.client.connect import connect
    from pytest_odfperf.plugin.session_state import PLAN
    plan = request.config.stash[PLAN]
    body = {"metadata": {"name": "late", "labels": {"odfperf/run-id": plan.run_id}}}
    connect().api("CoreV1Api").create_namespaced_secret(plan.matrix.namespace, body)

def test_late(late, odf_guests, odf_key):
    import time
    time.sleep(300)
"""
    process = bed.start("--odf-parallel=2", "--odf-matrix", "long.yaml", "test_late.py", "--odf-pool", "fast",
                        test_late__py=late)  # fmt: skip
    bed.until(lambda: bed.running(1), "a VM to run")
    os.kill(bed.workers(process)[0], signal.SIGTERM)
    outcome = bed.end(process)
    check_ended(bed, outcome, "SIGTERM")
    assert "2 Secret" in outcome.out


def test_a_signal_while_the_sandbox_starts_ends_both(start_pytest, tmp_path):
    process = start_pytest("--odf", "--odf-matrix", "sim.yaml")
    end = time.monotonic() + 90
    while not (started := sandboxes(process.pid)):
        assert time.monotonic() < end
        time.sleep(0.01)
    process.terminate()
    out, _ = process.communicate(timeout=90)
    assert process.returncode == 143, out
    assert "Traceback" not in out
    while not all(not Path(f"/proc/{pid}/cmdline").exists() for pid in started):
        assert time.monotonic() < end
        time.sleep(0.05)


def sandboxes(pid: int) -> list[int]:
    """The sandbox processes that ``pid`` started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    found = map(int, path.read_text().split()) if path.exists() else ()
    return [
        child for child in found if b"pytest_odfperf.sandbox" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def test_the_second_signal_leaves_no_sandbox_behind(start_pytest, tmp_path):
    process = start_pytest(
        "--odf", "--odf-matrix", "sim.yaml", "--odf-pool", "fast", "test_slow.py", test_slow__py=SLOW_TO_END
    )
    started: list[int] = []
    log = tmp_path / "results" / "latest" / "fast" / "pool.log"
    end = time.monotonic() + 90
    while not (log.is_file() and "all guests answer" in log.read_text()):
        assert time.monotonic() < end
        time.sleep(0.05)
    started = sandboxes(process.pid)
    assert len(started) == 1
    process.terminate()
    time.sleep(1)
    process.terminate()
    out, _ = process.communicate(timeout=90)
    assert process.returncode == 143, out
    # The cluster is gone with the run: there is nothing to clean.
    assert "--odf-cleanup" not in out
    while Path(f"/proc/{started[0]}/cmdline").exists():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    "how", [("--odf",), ("--odf-parallel", "--odf-dry-run"), ("--odf-preflight",), ("--odf-cleanup=orphans",)]
)
def test_a_signal_while_a_cluster_does_not_answer(bed, how):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = bed.kubeconfig.read_text()
        server = next(line.split("server: ")[1] for line in text.splitlines() if "server: " in line)
        silent_config = bed.folder / "silent"
        silent_config.write_text(text.replace(server, f"https://127.0.0.1:{silent.getsockname()[1]}"))
        process = bed.start(*how, "--odf-matrix", "short.yaml", env={"KUBECONFIG": str(silent_config)})
        silent.settimeout(90)
        connection, _ = silent.accept()
        process.terminate()
        outcome = bed.end(process)
        connection.close()
    assert outcome.code == 143, outcome.out
    assert "interrupted; nothing was measured" in outcome.out
    assert "Traceback" not in outcome.out
    assert not (bed.folder / "results").exists()


def test_a_signal_while_a_login_plugin_hangs_ends_both(bed):
    login = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(bed.folder / "login")}
    document = yaml.safe_load(bed.kubeconfig.read_text())
    document["users"][0]["user"] = {"exec": {**login, "interactiveMode": "Never"}}
    (bed.folder / "hangs").write_text(yaml.safe_dump(document))
    pid = bed.folder / "pid"
    (bed.folder / "login").write_text(f"#!/bin/sh\necho $$ > {pid}\nexec sleep 1000\n")
    (bed.folder / "login").chmod(0o755)
    process = bed.start(
        "--odf", "--odf-matrix", "short.yaml", env={"KUBECONFIG": str(bed.folder / "hangs")}
    )  # fmt: skip
    bed.until(lambda: pid.exists() and pid.read_text().strip(), "the login plugin")
    process.send_signal(signal.SIGINT)
    outcome = bed.end(process)
    assert outcome.code == 130, outcome.out
    assert "interrupted; nothing was measured" in outcome.out
    bed.until(lambda: bed.is_gone(int(pid.read_text())), "the login plugin to be gone")


def test_a_signal_does_not_abort_the_sweep_of_a_run_that_ends(bed):
    process = held_at_its_end(bed)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None
    bed.finalizers(CONFIG_MAP, "odfperf-held", [])
    outcome = bed.end(process)
    check_ended(bed, outcome, "SIGINT")
    assert len(outcome.records()) == 1
    assert "1 passed" in outcome.out


def test_a_second_signal_does_abort_it(bed):
    process = held_at_its_end(bed)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    outcome = bed.end(process)
    assert outcome.code == 130
    assert outcome.lines[-1].endswith("Finish the cleanup with: pytest --odf-cleanup held")
    assert bed.left(CONFIG_MAP) == ["ConfigMap odfperf-held"]
    bed.finalizers(CONFIG_MAP, "odfperf-held", [])


def held_at_its_end(bed: Any) -> Any:
    """A run of one key that has measured, and waits for its ConfigMap to go."""
    process = bed.start(
        "--odf", "--odf-matrix", "short.yaml", "--odf-pool", "fast", "--odf-filter", "*:*:*:*:*:4k",
        "--odf-run-id", "held",
    )  # fmt: skip
    bed.until(lambda: "ConfigMap odfperf-held" in bed.left(CONFIG_MAP), "the run object")
    bed.finalizers(CONFIG_MAP, "odfperf-held", ["example.com/held"])

    def ends() -> bool:
        item = bed.calls.get(CONFIG_MAP, "odfperf-held", bed.namespace)
        return "deletionTimestamp" in item["metadata"]

    bed.until(ends, "the run to end")
    return process


ENDINGS = {
    "-x": ("-x", "assert False", 2),
    "--maxfail": ("--maxfail=1", "assert False", 1),
    "pytest.exit": ("-v", "pytest.exit('enough', 7)", 7),
    "KeyboardInterrupt": ("-v", "raise KeyboardInterrupt", 2),
}


@pytest.mark.parametrize(
    ("ending", "how"),
    [
        ("-x", "--odf-parallel=2"),
        ("--maxfail", "--odf"),
        ("pytest.exit", "--odf"),
        ("pytest.exit", "--odf-parallel=2"),
        ("KeyboardInterrupt", "--odf-parallel=2"),
    ],
)
def test_a_session_that_ends_early_leaves_nothing(bed, ending, how):
    option, statement, code = ENDINGS[ending]
    text = f"import pytest\ndef test_it(odf_guests, odf_key):\n    {statement}\n"
    outcome = bed.run(how, "--odf-matrix", "short.yaml", option, "test_it.py", test_it__py=text)
    assert outcome.code == code, outcome.out
    assert bed.left() == []
    assert "INTERNALERROR" not in outcome.out


@pytest.mark.parametrize(
    ("how", "hook"),
    [("--odf-parallel=2", "pytest_runtest_logreport(report)"), ("--odf", "pytest_sessionfinish()")],
)
def test_an_internal_error_of_another_plugin_leaves_nothing(bed, how, hook):
    conftest = f"def {hook}:\n    raise RuntimeError('broken plugin')\n"
    outcome = bed.run(how, "--odf-matrix", "short.yaml", conftest__py=conftest)
    assert outcome.code != 0
    assert "broken plugin" in outcome.out
    assert bed.left() == []


def test_a_signal_does_not_open_the_debugger(bed):
    process = bed.start("--odf", "--odf-matrix", "long.yaml", "--pdb")
    bed.until(lambda: bed.running(1), "a VM to run")
    process.terminate()
    outcome = bed.end(process)
    check_ended(bed, outcome, "SIGTERM")
    assert "(Pdb)" not in outcome.out
