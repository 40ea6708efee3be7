"""Keys in pods: a whole run beside VMs, what goes wrong in pods, kills and interrupts, and nothing left."""

from __future__ import annotations

import os
import signal

import pytest

from pytest_odfperf.cluster.client.kinds import POD

PODS = """
cluster: sandbox
namespace: perf
pools: [fast, slow]
vm_sizes:
  tiny: {vcpus: 1, memory: 1Gi}
  pod: {machine: pod, vcpus: 1, memory: 1Gi, image: quay.io/example/fio}
pvc_sizes: [10Gi]
concurrency: [2]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}
limits: {"*:pod:*:*:*:*": [read p99 < 1s]}
sandbox:
  machine: simulated
  speed: 50
  boot_s: 0.1
  clone_s: 0.1
  storage_classes: {slow: {backend: {iops: 500}}}
"""
TROUBLED = """
cluster: sandbox
namespace: perf
pools: [lost, dead, greedy, drained, refused, bare]
vm_sizes:
  pod: {machine: pod, vcpus: 1, memory: 1Gi, image: fio}
pvc_sizes: [10Gi]
concurrency: [2]
profiles: [random-rw]
block_sizes: [4k]
fio: {runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 64M}
sandbox:
  machine: simulated
  speed: 10
  storage_classes:
    lost: {faults: {cut: true}}
    dead: {faults: {crash: true, guests: [2]}}
    greedy: {troubles: {out_of_memory_s: 0.2}}
    drained: {troubles: {evicted_s: 0.2}}
    refused: {troubles: {container_error: "user 0 is \\e[31m not allowed\\nhere"}}
    bare: {faults: {no_fio: true}}
"""


def test_keys_in_vms_and_in_pods_are_measured_in_one_run(run_pytest) -> None:
    outcome = run_pytest("--odf-parallel=2", "--odf-matrix", "pods.yaml", pods__yaml=PODS)
    assert outcome.code == 0, outcome.out
    records = {record["key"]: record for record in outcome.records()}
    assert len(records) == 8
    assert {record["verdict"] for record in records.values()} == {"valid"}
    for key, record in records.items():
        assert [guest["node"] for guest in record["guests"]] != ["", ""]
        assert record["machine"] == ("pod" if ":pod:" in key else None)
        twin = records[key.replace(":pod:", ":tiny:")]
        if key.startswith("fast:pod:"):
            # Nothing but the hypervisor lies between; where the volume is the limit, it is of both.
            assert record["read"]["iops_per_s"] > 1.05 * twin["read"]["iops_per_s"]
        if key.startswith("slow:"):
            assert record["read"]["iops_per_s"] == pytest.approx(1000, rel=0.02)
    assert {len(record.get("limits") or ()) for key, record in records.items() if ":pod:" in key} == {1}
    assert "Price of virtualisation" in outcome.page()
    summary = (outcome.run / "summary.md").read_text()
    assert "| `fast:tiny:10Gi:2:random-rw:4k` | `pod` | read rate |" in summary
    assert "making 2 pods" in (outcome.run / "fast" / "pool.log").read_text()


def test_what_goes_wrong_in_a_pod_is_named(run_pytest) -> None:
    outcome = run_pytest("--odf-parallel=3", "--odf-matrix", "troubled.yaml", troubled__yaml=TROUBLED)
    assert outcome.code == 1, outcome.out
    records = {record["key"].partition(":")[0]: record for record in outcome.records()}
    assert records["lost"]["status"] == "passed"
    assert all(guest["reconnects"] >= 1 for guest in records["lost"]["guests"])
    assert {pool: record.get("reason_code") for pool, record in records.items()} == {
        "lost": None,
        "dead": "container_ended",
        "greedy": "out_of_memory",
        "drained": "evicted",
        "refused": "container_refused",
        "bare": "missing_dependency",
    }
    assert "exit code 137, Error: simulated crash (fault)" in records["dead"]["reason"]
    said = records["refused"]["reason"]
    assert "CreateContainerError: user 0 is" in said
    assert "\x1b" not in outcome.out + said
    assert "\n" not in said
    folder = outcome.run / str(records["refused"]["diagnosis"])
    assert "image: fio" in (folder / "pods.yaml").read_text()
    assert "secrets.yaml" not in {path.name for path in folder.iterdir()}


#: A pod of the pool `drained` is deleted while its fio is asked.
GOES = """
import time

from pytest_odfperf.cluster.client.calls import Calls
from pytest_odfperf.cluster.client.kinds import POD
from pytest_odfperf.run.worker import group_slot
from pytest_odfperf.waiting import Stop

ask = group_slot.ask_guest_fio


def ask_one_that_goes(guest, jobs, matrix):
    if "drained" in guest.name:
        Calls(guest._cluster, Stop()).delete(POD, guest.name, guest.vm.namespace)
        time.sleep(3)
    return ask(guest, jobs, matrix)


group_slot.ask_guest_fio = ask_one_that_goes
"""


def test_a_group_that_is_lost_while_its_fio_is_asked_ends_nobody_elses_keys(run_pytest) -> None:
    troubled = TROUBLED.replace("[lost, dead, greedy, drained, refused, bare]", "[drained, fine]")
    troubled = troubled.replace("evicted_s: 0.2", "evicted_s: 600")
    outcome = run_pytest(
        "--odf", "-p", "goes", "--odf-matrix", "troubled.yaml", troubled__yaml=troubled, goes__py=GOES
    )
    assert outcome.code == 1, outcome.out
    records = {record["key"].partition(":")[0]: record for record in outcome.records()}
    # Seen as it goes, or when it is gone.
    assert records["drained"]["reason_code"] in ("pod_deleted", "deleted")
    assert records["fine"]["status"] == "passed"


@pytest.fixture
def pods(bed):
    text = (bed.folder / "long.yaml").read_text()
    text = text.replace("{vcpus: 1, memory: 1Gi}", "{machine: pod, vcpus: 1, memory: 1Gi, image: fio}")
    for name, seconds in (("long", 600), ("short", 10)):
        (bed.folder / f"{name}.yaml").write_text(text.replace("runtime: 600s", f"runtime: {seconds}s"))
    return bed


def run_in_pods(bed, number: int) -> bool:
    found = bed.calls.items(POD, bed.namespace)
    return len(found) == number and all(item["status"].get("phase") == "Running" for item in found)


def test_an_interrupted_run_leaves_no_pod(pods) -> None:
    process = pods.start("--odf-parallel=2", "--odf-matrix", "long.yaml", "--odf-run-id", "ended")
    pods.until(lambda: run_in_pods(pods, 2), "two pods to run")
    process.terminate()
    assert pods.end(process).code == 143
    assert pods.left() == []
    assert pods.left(POD) == []


def test_pods_of_a_run_that_was_killed_are_named_resumed_over_and_cleaned_up(pods) -> None:
    keys = ("--odf-filter", "*:*:*:*:*:4k")
    first = pods.start("--odf-parallel=2", "--odf-matrix", "long.yaml", *keys, "--odf-run-id", "killed")
    pods.until(lambda: run_in_pods(pods, 2), "two pods to run")
    os.killpg(first.pid, signal.SIGKILL)
    pods.end(first)
    other = pods.run("--odf", "--odf-matrix", "short.yaml", *keys, "--odf-pool", "fast", "--odf-run-id", "b")
    assert other.code == 0, other.out
    (line,) = (line for line in other.lines if "orphan: " in line)
    assert "2 Pod" in line
    assert len(pods.left(POD)) == 2
    resumed = pods.run("--odf-resume", "killed", "--odf-fio", "runtime=10s")
    assert resumed.code == 0, resumed.out
    assert pods.left() + pods.left(POD) == []
    second = pods.start("--odf", "--odf-matrix", "long.yaml", *keys, "--odf-run-id", "gone")
    pods.until(lambda: run_in_pods(pods, 1), "a pod to run")
    os.killpg(second.pid, signal.SIGKILL)
    pods.end(second)
    cleaned = pods.run("--odf-cleanup", "gone", "--odf-matrix", "long.yaml")
    assert cleaned.code == 0, cleaned.out
    assert "1 Pod" in cleaned.out
    assert pods.left() + pods.left(POD) == []
