"""Ceph that is ill while keys are measured: what the results and the reports say of it."""

from __future__ import annotations

import json
from typing import Any

ILL = """
cluster: sandbox
namespace: perf
pools: [rep3]
vm_sizes:
  tiny: {vcpus: 1, memory: 1Gi}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k, 64k, 1M]
fio: {runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}
sandbox:
  machine: simulated
  speed: 11
  boot_s: 0.1
  clone_s: 0.1
  storage_classes:
    rep3: {provisioner: openshift-storage.rbd.csi.ceph.com, parameters: {pool: rep3}}
  ceph:
    block_pools: {rep3: {spec: {deviceClass: ssd}}}
    health: HEALTH_WARN
    pgs: {active+clean: 95, active+clean+scrubbing+deep: 2}
    checks: {RECENT_CRASH: 1 daemons have recently crashed}
    changes: CHANGES
"""


def codes(record: dict[str, Any]) -> list[str]:
    return [doubt["code"] for doubt in record["doubts"] if doubt["code"].startswith(("storage_", "pool_"))]


def test_what_ceph_says_while_a_key_runs_is_in_its_result(run_pytest: Any) -> None:
    changes = (
        "[{after_s: 0.2, health: HEALTH_WARN, checks: {PG_DEGRADED: 82 pgs degraded}, "
        "pgs: {active+clean: 95, active+clean+scrubbing+deep: 2}}, {after_s: 3600, health: HEALTH_OK}]"
    )
    outcome = run_pytest("--odf", "--odf-matrix", "ill.yaml", ill__yaml=ILL.replace("CHANGES", changes))
    assert outcome.code == 0, outcome.out
    records = outcome.records()
    assert len(records) == 3
    last = records[-1]
    assert codes(last) == ["storage_recovering", "storage_scrubbing"]
    assert last["verdict"] == "suspect"
    assert last["health"]["before"] == "HEALTH_WARN PG_DEGRADED"
    assert last["health"]["checked_at"]
    assert "PG_DEGRADED (82 pgs degraded)" in (outcome.run / "rep3" / "pool.log").read_text()
    assert "storage_recovering" in (outcome.run / "results.csv").read_text()
    assert "storage_recovering" in outcome.page()
    properties = {one.get("name"): one.get("value") for one in outcome.cases()[-1].iter("property")}
    assert properties["storage_health"] == "HEALTH_WARN PG_DEGRADED"


def test_a_pool_that_is_made_anew_voids_the_result_and_an_old_crash_does_not(run_pytest: Any) -> None:
    matrix = ILL.replace("CHANGES", "[{after_s: 4, rebuilt: [rep3]}]").replace("speed: 11", "speed: 2")
    outcome = run_pytest(
        "--odf", "--odf-matrix", "ill.yaml", "--odf-filter", "*:*:*:*:*:4k", ill__yaml=matrix
    )
    (record,) = outcome.records()
    assert record["health"]["before"] == "HEALTH_WARN RECENT_CRASH"
    assert codes(record) == ["storage_scrubbing", "pool_rebuilt"], record
    assert record["health"]["pgs"] == ["2 deep, 2 scrubbing"]
    assert record["verdict"] == "invalid"
    assert outcome.code == 1
    assert any("was made anew" in change for change in record["health"]["changed"])


def test_storage_that_is_not_cephs_is_asked_nothing(run_pytest: Any) -> None:
    outcome = run_pytest("--odf", "--odf-matrix", "sim.yaml", "--odf-filter", "fast:*:*:*:*:4k")
    assert outcome.code == 0, outcome.out
    assert all(record["health"] is None for record in outcome.records())
    assert not (outcome.run / "health.jsonl").exists()
    assert json.loads((outcome.run / "run.json").read_text())["found"]["health"]["storage"] == {}
