"""What a kill leaves, and who may take a run over."""

from __future__ import annotations

import json
import os
import shutil
import signal

from pytest_odfperf.cluster.client.kinds import CONFIG_MAP, LEASE, VM


def test_workers_whose_controller_was_killed_end_and_delete_their_pools(bed):
    process = bed.start("--odf-parallel=2", "--odf-matrix", "long.yaml", "--odf-run-id", "killed")
    bed.until(lambda: bed.running(2), "two VMs to run")
    workers = bed.workers(process)
    os.kill(process.pid, signal.SIGKILL)
    bed.end(process)
    bed.until(lambda: all(map(bed.is_gone, workers)), "the workers to end")
    bed.until(lambda: not bed.left(VM), "the VMs to be gone")
    # Only the controller removes these; they say that the run is dead.
    bed.until(lambda: bed.left() == ["ConfigMap odfperf-killed", "Lease odfperf-killed"])


def test_a_run_that_was_killed_as_a_whole_is_named_at_the_next_start_and_resumed(bed):
    keys = ("--odf-filter", "*:*:*:*:*:4k")
    first = bed.start("--odf-parallel=2", "--odf-matrix", "long.yaml", *keys, "--odf-run-id", "killed")
    bed.until(lambda: bed.running(2), "two VMs to run")
    os.killpg(first.pid, signal.SIGKILL)
    bed.end(first)
    assert len(bed.left(VM)) == 2
    # The process is known to be gone, so its lease need not run out.
    other = bed.run(
        "--odf", "--odf-matrix", "short.yaml", *keys, "--odf-pool", "fast", "--odf-run-id", "other"
    )
    assert other.code == 0, other.out
    (line,) = (line for line in other.lines if "orphan: " in line)
    assert line.startswith("odfperf: orphan: run killed of ")
    assert "2 VirtualMachine" in line
    assert line.endswith("; remove it with: pytest --odf-cleanup killed --odf-matrix short.yaml")
    assert len(bed.left(VM)) == 2
    (record,) = other.records()
    (beside,) = record["beside"]
    assert (beside["pool"], beside["share"], beside["backend"]) == ("run killed", None, "not_known")
    assert "fio may still run in 2 of its VMs" in beside["why"]
    assert "backend_unknown" in [doubt["code"] for doubt in record["doubts"]]
    resumed = bed.run("--odf-resume", "killed", "--odf-fio", "runtime=10s")
    assert resumed.code == 0, resumed.out
    assert len(resumed.records()) == 2
    assert bed.left() == []


def test_nobody_takes_over_a_run_that_is_alive(bed):
    process = bed.start("--odf", "--odf-matrix", "long.yaml", "--odf-run-id", "alive")
    bed.until(lambda: bed.running(1), "a VM to run")
    before = (bed.folder / "results" / "alive" / "run.json").read_text()
    refused = bed.run("--odf-resume", "alive")
    assert refused.code == 4, refused.out
    assert "run alive is alive: another process of this machine works in " in refused.out
    # From another folder, as from another machine.
    shutil.copytree(bed.folder / "results", bed.folder / "copy", symlinks=True)
    resumed = bed.run("--odf-resume", "alive", "--odf-results", "copy")
    assert resumed.code == 4, resumed.out
    assert f":{process.pid}/" in resumed.out
    assert "run alive is alive: " in resumed.out
    assert (bed.folder / "results" / "alive" / "run.json").read_text() == before
    elsewhere = bed.run(
        "--odf", "--odf-matrix", "long.yaml", "--odf-run-id", "alive", "--odf-results", "elsewhere"
    )
    assert elsewhere.code == 4, elsewhere.out
    assert not (bed.folder / "elsewhere" / "alive").exists()
    cleaned = bed.run("--odf-cleanup", "alive")
    assert cleaned.code == 4
    assert "that run is alive" in cleaned.out
    # Another run beside it meets nothing of it.
    beside = bed.run("--odf", "--odf-matrix", "short.yaml", "--odf-pool", "fast", "--odf-run-id", "beside")
    assert beside.code == 0, beside.out
    assert "orphan" not in beside.out
    everything = bed.run("--odf-cleanup", "all", "--odf-cleanup", "orphans", "--odf-matrix", "long.yaml")
    assert everything.code == 0, everything.out
    assert "is alive and is left alone" in everything.out
    assert bed.running(1)
    assert process.poll() is None
    process.terminate()
    assert bed.end(process).code == 143
    assert bed.left() == []


def test_a_controller_whose_lease_was_taken_ends_its_run_and_deletes_nothing(bed):
    process = bed.start("--odf-parallel=2", "--odf-matrix", "long.yaml", "--odf-run-id", "mine")
    bed.until(lambda: bed.running(2), "two VMs to run")

    def taken() -> bool:
        lease = bed.calls.get(LEASE, "odfperf-mine", bed.namespace)
        lease["spec"]["holderIdentity"] = "somebody@else:1/x"
        bed.calls.replace(LEASE, bed.namespace, lease)
        return True

    bed.until(lambda: retried(taken))
    outcome = bed.end(process)
    assert outcome.code == 2, outcome.out
    assert "odfperf: ended: run mine was taken over by somebody@else:1/x; nothing was deleted" in outcome.out
    assert bed.left(VM)
    run = json.loads((outcome.run / "run.json").read_text())
    assert run["ended_by"] == "run mine was taken over by somebody@else:1/x"
    bed.calls.delete(CONFIG_MAP, "odfperf-mine", bed.namespace)
    bed.until(lambda: not bed.left(), "the owner's objects to follow it")


def retried(call):
    from pytest_odfperf.cluster.client.calls import ApiError

    try:
        return call()
    except ApiError as error:
        if error.status != 409:
            raise
        return None


def test_deleting_the_run_object_removes_the_run_and_ends_it(bed):
    process = bed.start("--odf", "--odf-matrix", "long.yaml", "--odf-run-id", "removed")
    bed.until(lambda: bed.running(1), "a VM to run")
    assert bed.calls.delete(CONFIG_MAP, "odfperf-removed", bed.namespace)
    outcome = bed.end(process)
    assert outcome.code == 2, outcome.out
    assert "run removed was removed: its ConfigMap odfperf-removed is gone" in outcome.out
    bed.until(lambda: not bed.left(), "everything to follow")


def test_a_worker_that_dies_in_its_last_key_leaves_nothing_beside_the_pool_that_is_kept_apart(bed):
    process = bed.start(
        "--odf-parallel=2", "--odf-isolation=pool", "--odf-matrix", "long.yaml", "--odf-run-id", "apart",
        "--odf-filter", "*:*:*:*:*:4k", "--odf-fio", "runtime=150s",
    )  # fmt: skip
    log = bed.folder / "results" / "apart" / "fast" / "pool.log"
    bed.until(lambda: log.exists() and "starting fio" in log.read_text(), "fio to start")
    (worker,) = bed.workers(process)
    os.kill(worker, signal.SIGKILL)
    outcome = bed.end(process)
    assert outcome.code == 1, outcome.out
    lost, measured = outcome.records()
    assert (lost["key"].split(":")[0], lost["status"]) == ("fast", "failed")
    assert (measured["key"].split(":")[0], measured["status"]) == ("slow", "passed")
    assert measured["beside"] == [], "what the dead worker left was deleted first"
    assert bed.left() == []
