"""A storage that counts what it does: its counters in the results, and what they say against them."""

from __future__ import annotations

import csv
from typing import Any

MATRIX = """
cluster: sandbox
namespace: perf
pools: [rep3]
vm_sizes:
  tiny: {vcpus: 1, memory: 1Gi}
pvc_sizes: [10Gi]
concurrency: [2]
profiles: [mixed-70-30]
block_sizes: [4k, 64k]
fio: {runtime: 40s, ramp: 4s, numjobs: 1, iodepth: 4, file_size: 1G}
sandbox:
  machine: simulated
  speed: 2
  boot_s: 0.1
  clone_s: 0.1
  storage_classes:
    rep3: {provisioner: openshift-storage.rbd.csi.ceph.com, parameters: {pool: rep3}, model: {read_iops: 3000, write_iops: 2000}}
  ceph:
    block_pools: {rep3: {}, others: {}}
    changes:
      - {after_s: 34, clients: {others: {iops: 4000, block_size: 16k, reads: 0.4}}, osds_hung: [1], recovery: 20Mi}
      - {after_s: 3600, health: HEALTH_OK}
"""  # noqa: E501


def test_the_storage_speaks_for_results_and_against_them(run_pytest: Any) -> None:
    outcome = run_pytest("--odf", "--odf-matrix", "seen.yaml", seen__yaml=MATRIX)
    clean, disturbed = outcome.records()
    codes = [doubt["code"] for doubt in clean["doubts"]]
    assert (clean["verdict"], codes) == ("valid", []), clean["doubts"]
    work = clean["storage"]
    assert work["unwitnessed"] is None
    assert 5 < work["seen_s"] < work["window_s"] < 30
    # Twice as fast as fio believes.
    figures = (clean["read"], work["own"]["read_iops"]), (clean["write"], work["own"]["write_iops"])
    for figure, counted in figures:
        assert abs(counted / (2 * figure["iops_per_s"]) - 1) < 0.2
    assert work["others"] == []
    assert work["osds_up"] == work["osds"] == 3
    # The others, recovery, and the OSD that does nothing.
    codes = [doubt["code"] for doubt in disturbed["doubts"]]
    assert {"others_io", "recovery_ran", "osd_hung"} <= set(codes), disturbed["doubts"]
    assert disturbed["verdict"] in ("suspect", "invalid")
    assert [one["pool"] for one in disturbed["storage"]["others"]] == ["others"]
    page = outcome.page()
    assert "others_io" in page
    assert "What the storage did, by its own counters" in page
    assert "recovery" in page
    with (outcome.run / "results.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["scope"] == "key"]
    assert all(float(row["storage_read_iops_per_s"]) > 0 for row in rows)
    assert [float(row["storage_others_iops_per_s"]) > 100 for row in rows] == [False, True]
    assert (outcome.run / "counters.jsonl").exists()
