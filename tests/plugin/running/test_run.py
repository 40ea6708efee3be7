"""A run over the whole road: sandbox, VMs, SSH, fio, records, reports. The guests are simulated."""

import json

import pytest

POOLS = ("fast", "slow", "third")
KEYS = [f"{pool}:tiny:10Gi:1:random-rw:{size}" for pool in POOLS for size in ("4k", "64k")]


def test_a_sequential_run_measures_every_key_and_writes_all_outputs(run_pytest):
    outcome = run_pytest("--odf", "--odf-matrix", "sim.yaml", "--odf-run-id", "run-1")
    assert outcome.code == 0, outcome.out
    assert outcome.run.name == "run-1"
    assert [record["key"] for record in outcome.records()] == KEYS
    for record in outcome.records():
        assert record["status"] == "passed"
        assert record["marking"] == "SIMULATED"
        assert record["read"]["iops_per_s"] > 0
        assert record["write"]["lat_p99_ns"] > 0
        for artefact in record["artefacts"]:
            assert (outcome.run / artefact).stat().st_size > 0 or artefact.endswith(".log")
    names = {path.name for path in outcome.run.iterdir()}
    assert {"run.json", "results.jsonl", "results.csv", "junit.xml", "report.html", "fast"} <= names
    assert (outcome.run / "fast" / ".pool-summary").read_text() == "2 2 0 0\n"
    assert "measured" in (outcome.run / "fast" / "pool.log").read_text()
    run = json.loads((outcome.run / "run.json").read_text())
    assert run["marking"] == "SIMULATED"
    assert run["left"] == []
    assert "PRIVATE KEY" not in (outcome.run / "run.json").read_text()


def test_parallel_pools_on_workers_sized_by_the_cluster_give_the_same_tests_at_the_same_time(run_pytest):
    outcome = run_pytest("--odf-parallel", "--odf-matrix", "sim.yaml", "--odf-fio", "runtime=60s")
    assert outcome.code == 0, outcome.out
    assert "1536 GiB, 288 cores; 60 %: 921 GiB, 172 cores" in outcome.out
    assert "3 pools -> 3" in outcome.out
    assert sorted(record["key"] for record in outcome.records()) == sorted(KEYS)
    workers, spans = {}, {}
    for record in outcome.records():
        pool = record["key"].partition(":")[0]
        workers[pool] = record["worker"]
        spans.setdefault(pool, []).append((record["started_at_epoch_ms"], record["ended_at_epoch_ms"]))
    assert len(set(workers.values())) == 3
    starts = [min(start for start, _ in times) for times in spans.values()]
    ends = [max(end for _, end in times) for times in spans.values()]
    assert max(starts) < min(ends)
    cases = outcome.cases()
    assert sorted(case.get("name") for case in cases) == sorted(f"test_storage[{key}]" for key in KEYS)
    names = {entry.get("name") for entry in cases[0].iter("property")}
    assert {"pool", "run_id", "marking", "read_iops_per_s", "write_lat_p99_ns"} <= names
    assert "SIMULATED: no figure of this run comes from real storage" in outcome.out
    assert "  fast:  2/2 passed, 0 failed, 0 skipped (log: results/" in outcome.out
    told = [line for line in outcome.lines if "odfperf: pool" in line]
    assert len(told) == 6
    assert all(line.startswith("odfperf: pool") for line in told)


def test_pools_of_one_key_each_run_on_fewer_workers_whatever_proxy_the_environment_names(run_pytest):
    nowhere = "http://127.0.0.1:1"
    outcome = run_pytest(
        "--odf-parallel=2", "--odf-matrix", "sim.yaml", "--odf-filter", "*:*:*:*:*:4k",
        env={"HTTPS_PROXY": nowhere, "https_proxy": nowhere, "ALL_PROXY": nowhere, "NO_PROXY": ""},
    )  # fmt: skip
    assert outcome.code == 0, outcome.out
    assert len(outcome.records()) == 3


#: The Ceph pool of ``lost`` is not Ready, and ``nope`` does not exist.
TROUBLED = """
cluster: kubeconfig
namespace: {namespace}
pools:
  - {{name: fast, storage_class: fast}}
  - {{name: typo, storage_class: nope}}
  - {{name: lost, storage_class: lost}}
vm_sizes:
  tiny: {{vcpus: 1, memory: 1Gi}}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {{runtime: 10s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}}
"""
SKIPPED = {
    "typo": "StorageClass 'nope' does not exist (known: ",
    "lost": "CephBlockPool gone is Failure, not Ready",
}


@pytest.fixture
def troubled(bed):
    """A matrix with two pools that can not run."""
    (bed.folder / "troubled.yaml").write_text(TROUBLED.format(namespace=bed.namespace))
    return "--odf-matrix=troubled.yaml"


@pytest.mark.parametrize("how", ["--odf", "--odf-parallel=3"])
def test_a_pool_that_can_not_run_is_skipped_with_the_reason_and_stops_nobody(bed, troubled, how):
    outcome = bed.run(how, troubled)
    assert outcome.code == 0, outcome.out
    status = {record["key"]: record for record in outcome.records()}
    assert {key.partition(":")[0] for key, one in status.items() if one["status"] == "passed"} == {"fast"}
    skipped = {case.get("name"): case.find("skipped") for case in outcome.cases()}
    page = outcome.page()
    for pool, why in SKIPPED.items():
        assert any(line.startswith(f"odfperf: pool {pool} is skipped: {why}") for line in outcome.lines)
        assert f"pool {pool} started" not in outcome.out
        for size in ("4k", "64k"):
            key = f"{pool}:tiny:10Gi:1:random-rw:{size}"
            assert status[key]["status"] == "skipped"
            assert why in status[key]["reason"]
            assert why in skipped[f"test_storage[{key}]"].get("message")
        assert f"  {pool}: 0/0 passed, 0 failed, 2 skipped" in outcome.out
        assert (outcome.run / pool / ".pool-summary").read_text() == "0 0 0 2\n"
        assert why in (outcome.run / pool / "pool.log").read_text()
        assert f"Pool {pool} skipped" in page
        assert why in page
    assert bed.left() == []


def test_a_run_in_which_no_pool_can_run_is_no_success(bed, troubled):
    outcome = bed.run("--odf-parallel=2", troubled, "--odf-pool=typo", "--odf-pool=lost")
    assert outcome.code == 4
    assert "no pool can run: typo: StorageClass 'nope' does not exist" in outcome.out
    assert SKIPPED["lost"] in outcome.out
    assert "Traceback" not in outcome.out
    assert not (bed.folder / "results").exists()
    assert bed.left() == []


def test_a_users_own_limit_fails_the_test_but_not_the_measurement(run_pytest):
    outcome = run_pytest(
        "--odf", "--odf-matrix", "sim.yaml", "--odf-pool", "fast", "test_mine.py",
        test_mine__py="def test_oltp(odf_result):\n    assert odf_result.write.lat_p99_ns < 1\n",
    )  # fmt: skip
    assert outcome.code == 1
    assert "2 failed" in outcome.out
    assert all(record["status"] == "failed" and record["write"] for record in outcome.records())


def test_a_failing_fio_fails_its_key_and_says_which_guest(run_pytest):
    matrix = """
extends: sim.yaml
sandbox:
  machine: simulated
  speed: 50
  storage_classes:
    slow: {faults: {fio_exit: 1, block_sizes: [4k]}}
    third: {faults: {output: truncated}}
"""
    outcome = run_pytest("--odf-parallel=3", "--odf-matrix", "faulty.yaml", faulty__yaml=matrix)
    assert outcome.code == 1
    status = {record["key"]: record for record in outcome.records()}
    assert status["fast:tiny:10Gi:1:random-rw:4k"]["status"] == "passed"
    assert status["slow:tiny:10Gi:1:random-rw:64k"]["status"] == "passed"
    for key in ("slow:tiny:10Gi:1:random-rw:4k", *[key for key in KEYS if key.startswith("third")]):
        assert status[key]["status"] == "error"
        assert "guest odf-" in status[key]["reason"]
        assert status[key]["read"] is None
    assert "truncated" in status["third:tiny:10Gi:1:random-rw:64k"]["reason"]
    assert "  slow:  1/2 passed, 1 failed, 0 skipped" in outcome.out


def test_a_group_that_can_not_be_made_fails_its_first_key_and_skips_the_rest(run_pytest):
    matrix = """
extends: sim.yaml
sandbox:
  machine: simulated
  speed: 50
  storage_classes:
    slow: {provisioning_error: "rpc error: pool not found"}
"""
    outcome = run_pytest("--odf", "--odf-matrix", "faulty.yaml", faulty__yaml=matrix)
    assert outcome.code == 1
    first, second = (record for record in outcome.records() if record["key"].startswith("slow"))
    assert first["status"] == "error"
    assert "pool not found" in first["reason"]
    assert second["status"] == "skipped"
    assert "is not available" in second["reason"]
    assert "  slow:  0/1 passed, 1 failed, 1 skipped" in outcome.out
    assert "  third: 2/2 passed" in outcome.out
