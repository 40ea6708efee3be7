"""Pools that run at one time, on the same devices or not: what each result says of it, and isolation."""

from __future__ import annotations

import csv
from typing import Any

DEVICES = """
cluster: sandbox
namespace: perf
pools: [fast, slow, third]
vm_sizes:
  tiny: {vcpus: 1, memory: 1Gi}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}
sandbox:
  machine: simulated
  speed: 20
  boot_s: 0.1
  clone_s: 0.1
  backends: {devices: {iops: 20000}}
  storage_classes:
    fast: {model: {backend: devices}}
    slow: {model: {backend: devices}}
    third: {}
"""


def test_two_pools_of_one_backend_are_noted_on_each_result(run_pytest: Any) -> None:
    outcome = run_pytest("--odf-matrix", "devices.yaml", "--odf-parallel", "3", devices__yaml=DEVICES)
    assert outcome.code == 0, outcome.out
    assert "at one time, on the same devices or on some that may be: fast, slow" in outcome.out
    assert "fast and slow: at one time, on the same devices (backend devices by the Storage" in outcome.out
    assert "fast and third: at one time, on separate devices" in outcome.out
    for record in outcome.records():
        pool = record["key"].partition(":")[0]
        found = {one["pool"]: one["backend"] for one in record["beside"] if one["disks"] == "data"}
        assert all((one["share"] > 0.01) for one in record["beside"])
        codes = [doubt["code"] for doubt in record["doubts"]]
        if pool == "third":
            assert set(found) <= {"fast", "slow"}
            assert set(found.values()) == {"separate"}
            assert "shared_backend" not in codes
        else:
            other = {"fast": "slow", "slow": "fast"}[pool]
            assert found[other] == "shared"
            assert "shared_backend" in codes
            assert record["verdict"] == "suspect"
    rows = list(csv.DictReader((outcome.run / "results.csv").open()))
    assert all("shared" in row["beside"] for row in rows if row["storage_pool"] == "fast")
    assert "shared_backend" in outcome.page()


def test_isolation_keeps_them_apart_and_a_resume_keeps_the_isolation(run_pytest: Any) -> None:
    outcome = run_pytest(
        "--odf-matrix", "devices.yaml", "--odf-parallel", "3", "--odf-isolation", "backend",
        "--odf-exclude", "*:*:*:*:*:64k", devices__yaml=DEVICES,
    )  # fmt: skip
    assert outcome.code == 0, outcome.out
    assert "3 asked for, reduced to 2 by --odf-isolation backend" in outcome.out
    records = outcome.records()
    assert {record["worker"] for record in records} <= {"gw0", "gw1"}
    for record in records:
        pool = record["key"].partition(":")[0]
        assert {one["pool"] for one in record["beside"]} <= (
            {"fast", "slow"} if pool == "third" else {"third"}
        )
        assert all(one["backend"] == "separate" for one in record["beside"])
    resumed = run_pytest("--odf-resume", "last", "--odf-exclude", "*:*:*:*:*:4k")
    assert resumed.code == 0, resumed.out
    assert "reduced to 2 by --odf-isolation backend" in resumed.out
    assert len(resumed.records()) == 6
    assert not any(one["backend"] == "shared" for record in resumed.records() for one in record["beside"]), (
        "what ran before the resume is beside nobody"
    )
