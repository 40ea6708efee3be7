"""``--odf-ramp`` on the whole road: pools whose edge is known, a resume, and what can not be asked."""

import csv
import json

import pytest

RAMP = """
cluster: sandbox
namespace: perf
pools: [edge, wide]
vm_sizes:
  tiny: {vcpus: 1, memory: 1Gi}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
fio: {runtime: 20s, ramp: 1s, numjobs: 4, iodepth: [1, 4], file_size: 1G}
block_sizes: [4k]
capacity: {rate_iops: 200, p99: 20ms, max_vms: 6, repeats: 2}
sandbox:
  machine: simulated
  speed: 100
  boot_s: 0.05
  clone_s: 0.05
  nodes: {count: 2, cpu: 64, memory: 64Gi}
  backends: {small: {iops: 900}, large: {iops: 100000}}
  storage_classes:
    edge: {model: {backend: small}}
    wide: {model: {backend: large}}
"""


def test_how_many_vms_a_pool_carries(run_pytest):
    ramp = ("--odf-parallel", "--odf-ramp", "--odf-matrix", "ramp.yaml")
    done = run_pytest(*ramp, ramp__yaml=RAMP)
    assert done.code == 0, done.out
    edge, wide = sorted(done.records(), key=lambda record: record["key"])
    # Four VMs of 200 are 800 of 900 I/Os a second; five can not be.
    assert (edge["capacity"]["kept_vms"], edge["capacity"]["broken_vms"]) in [(2, 3), (3, 4), (4, 5)]
    assert edge["capacity"]["broke_first"]
    assert (wide["capacity"]["kept_vms"], wide["capacity"]["broken_vms"]) == (6, None)
    low, high = edge["capacity"]["kept_vms"], edge["capacity"]["broken_vms"]
    attempts = [step["vms"] for step in edge["capacity"]["steps"] if step["purpose"] != "drift"]
    assert (attempts.count(low), attempts.count(high)) == (2, 2)
    assert f"Capacity of edge:tiny:10Gi:random-rw:4k: carries {low} VMs at 200" in done.out
    rows = list(csv.DictReader((done.run / "capacity.csv").open()))
    assert [int(row["vms"]) for row in rows if row["storage_pool"] == "edge"] == [
        step["vms"] for step in edge["capacity"]["steps"]
    ]
    properties = {p.get("name"): p.get("value") for p in done.cases()[0].iter("property")}
    assert int(properties["capacity_vms"]) in (low, 6)
    assert "How many" not in done.out
    assert "carries" in done.page()

    # A run that was killed before the answer's record goes on with the steps that it has.
    steps = (done.run / "capacity-steps.jsonl").read_text().splitlines()
    (done.run / "capacity-steps.jsonl").write_text("\n".join(steps[:-3]) + "\n")
    lines = (done.run / "results.jsonl").read_text().splitlines()
    ended = json.loads(steps[-1])["key"]
    (done.run / "results.jsonl").write_text(
        "".join(f"{line}\n" for line in lines if json.loads(line)["key"] != ended)
    )
    for checkpoint in done.folder.rglob("*checkpoint*"):
        if checkpoint.is_file():
            checkpoint.unlink()
    again = run_pytest("--odf-resume", "last", "-p", "no:cacheprovider")
    assert again.code == 0, again.out
    old = next(record for record in (edge, wide) if record["key"] == ended)
    new = next(record for record in again.records() if record["key"] == ended)
    assert new["capacity"]["kept_vms"] == old["capacity"]["kept_vms"]
    kept = [json.loads(line)["step"] for line in steps[:-3] if json.loads(line)["key"] == ended]
    assert [step["started_at_epoch_ms"] for step in new["capacity"]["steps"]][: len(kept)] == [
        step["started_at_epoch_ms"] for step in kept
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--odf-ramp", "--odf-matrix", "sim.yaml"), "--odf-ramp: the matrix does not say what is asked"),
        (("--odf-ramp", "--odf-repeat", "3", "--odf-matrix", "ramp.yaml"), "exclude each other"),
        (
            ("--odf", "--odf-fio", "rate_iops=7", "--odf-matrix", "sim2.yaml"),
            "divided evenly by its 4 workers",
        ),
    ],
)
def test_what_can_not_be_asked_is_one_line(run_pytest, arguments, said):
    four = "extends: sim.yaml\nfio: {numjobs: 4, runtime: 10s}\n"
    done = run_pytest(*arguments, "--odf-dry-run", ramp__yaml=RAMP, sim2__yaml=four)
    assert done.code == 4
    assert said in [line for line in done.lines if line][-1]
    assert all(line.startswith(("ERROR: ", "odfperf: ")) for line in done.lines if line)
