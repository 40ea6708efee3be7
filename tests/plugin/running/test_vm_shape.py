"""A run whose VMs have a place and a shape, on raw disks too, with a key for each queue depth."""

import csv
import json

MATRIX = """
cluster: sandbox
namespace: perf
pools:
  - fast
  - {name: fast-raw, storage_class: fast, target: block, vm: {access_mode: ReadWriteMany}}
vm_sizes:
  u1: {vcpus: 1, memory: 2Gi, instancetype: u1.small, vm: {preference: fedora}}
pvc_sizes: [10Gi]
concurrency: [2]
profiles: [random-rw, db-oltp]
block_sizes: [4k]
fio: {runtime: 10s, ramp: 1s, numjobs: 1, iodepth: [1, 16], file_size: 1G}
vm:
  node_selector: {bench: "yes"}
  tolerations: [{key: bench, operator: Exists}]
  affinity:
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {role: guest}}}
  labels: {role: guest}
  annotations: {example.com/owner: storage team}
  patch: {spec: {template: {spec: {priorityClassName: bench, domain: {ioThreadsPolicy: shared}}}}}
sandbox:
  machine: simulated
  speed: 50
  boot_s: 0.1
  clone_s: 0.1
  nodes:
    - {name: big, cpu: 96, memory: 512Gi}
    - {name: bench-1, cpu: 8, memory: 32Gi, labels: {bench: "yes"}, taints: [{key: bench}]}
    - {name: bench-2, cpu: 8, memory: 32Gi, labels: {bench: "yes"}, taints: [{key: bench}]}
"""


def test_vms_have_their_place_and_shape_and_raw_disks_are_marked(run_pytest):
    outcome = run_pytest("--odf", "--odf-matrix", "shape.yaml", shape__yaml=MATRIX)
    assert outcome.code == 0, outcome.out
    records = {record["key"]: record for record in outcome.records()}
    profiles = ("random-rw.qd1:4k", "random-rw.qd16:4k", "db-oltp.qd1:native", "db-oltp.qd16:native")
    assert list(records) == [f"{pool}:u1:10Gi:2:{rest}" for pool in ("fast", "fast-raw") for rest in profiles]
    for key, record in records.items():
        assert record["status"] == "passed"
        # Both tainted nodes, one guest each, and never the one that has the most room.
        assert sorted(guest["node"] for guest in record["guests"]) == ["bench-1", "bench-2"]
        assert record["target"] == ("block" if "raw" in key else None)
    deep, shallow = (
        records[f"fast:u1:10Gi:2:random-rw.{depth}:4k"]["read"]["iops_per_s"] for depth in ("qd16", "qd1")
    )
    assert deep > 4 * shallow
    rows = list(csv.DictReader((outcome.run / "results.csv").read_text().splitlines()))
    assert {row["target"] for row in rows if row["storage_pool"] == "fast-raw"} == {"block"}
    assert "SIMULATED, block" in outcome.page()
    names = {
        entry.get("value") for entry in outcome.cases()[-1].iter("property") if entry.get("name") == "target"
    }
    assert names == {"block"}
    (job,) = {
        one["job options"]["filename"]
        for path in outcome.run.glob("fast-raw/**/*-fio.json")
        for one in json.loads(path.read_text())["jobs"]
    }
    assert job == "/dev/disk/by-id/virtio-odfperfdata"


def test_a_size_that_is_not_its_instancetypes_ends_the_run_before_anything_is_made(run_pytest):
    wrong = MATRIX.replace("memory: 2Gi, instancetype", "memory: 4Gi, instancetype")
    outcome = run_pytest("--odf", "--odf-matrix", "shape.yaml", shape__yaml=wrong)
    assert outcome.code == 4
    said = "VM size u1 has 1 vCPUs and 4Gi, but its instancetype u1.small gives 1 and 2Gi"
    assert any(said in line for line in outcome.lines), outcome.out
