"""The open bugs of the shell suite that this plugin comes from: each has a test that would have caught it.

Here, in two runs and a dry run:

- a timeout counts as a pass, and so does an empty answer; both are marked as done, and never run again
- the first permutation ignores filters and resume
- exit code 0 whatever failed
- names that begin alike are cut to one name, and pools delete each other's VMs
- a resume without the mode's option expands to the full matrix; a dry run of a resume subtracts nothing
- a failed test leaves an earlier run's JSON, which is taken for its result
- a summary of an earlier session is counted; a pool that was never begun is absent from the totals

Elsewhere:

- ``:1`` found in ``:16`` in the checkpoint: test_a_key_is_never_found_in_a_longer_one here, and
  tests/unit/run/test_store.py, ...run_whose_id_begins_as_anothers...
- two pools or runs with one name: tests/unit/matrix/test_names.py, ...pools_that_begin_alike...
- a killed pool: ends/test_state_files.py, ...sigkill..., ends/test_interrupt_and_resume.py,
  ...killed_worker...
- results that are not of the run: test_wrong_input.py, run ids; tests/unit/run/test_store.py, ...latest...
- a missing file on resume: test_wrong_input.py, "unknown run"; tests/unit/run/test_store.py,
  ...mark_without...
- quantities in Ti, G, M, k, m and ``8192Mi``: tests/unit/test_quantity.py, test_capacity.py,
  ...allocatable_may_be_written_in_any_unit..., and here
- averages by row halve what a stonewall profile does: tests/unit/measure/test_aggregate.py, ...phases...
- ETA counts what was skipped: here; tests/unit/run/test_progress.py
- rate_iops on a mix doubles it: here
- volume modes from names: tests/unit/cluster/test_pools.py. A dimension that is missing counts as zero:
  tests/unit/outputs/test_results_csv.py, ...never_zero

Not here: two orchestrators at once (tests of the run object), rankings and comparisons (no report ranks yet).
"""

import csv
import json
from pathlib import Path

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.job import read_job
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.measure.record import Record
from pytest_odfperf.run.before.earlier_results import by_test
from pytest_odfperf.run.controller.progress import Progress

POOLS = ("ocs-storagecluster-ceph-rbd-alpha", "ocs-storagecluster-ceph-rbd-beta", "hung", "void")
MATRIX = f"""
extends: sim.yaml
pools: {json.dumps([{"name": pool} for pool in POOLS])}
timeouts: {{fio_slack: 1s}}
sandbox:
  machine: simulated
  speed: 50
  boot_s: 0.1
  clone_s: 0.1
  storage_classes:
    hung: {{faults: {{slow: 1000}}}}
    void: {{faults: {{output: empty}}}}
"""
KEYS = [f"{pool}:tiny:10Gi:1:random-rw:64k" for pool in POOLS]
GOOD, BAD = KEYS[:2], KEYS[2:]


def table(run: Path) -> dict[str, list[dict[str, str]]]:
    with (run / "results.csv").open(newline="") as file:
        rows: dict[str, list[dict[str, str]]] = {}
        for row in csv.DictReader(file):
            rows.setdefault(row["storage_pool"], []).append(row)
    return rows


def test_what_failed_is_failed_in_every_place_and_is_what_a_resume_runs(run_pytest):
    first = run_pytest(
        "--odf-parallel=2", "--odf-matrix", "bugs.yaml", "--odf-filter", "*:*:*:*:*:64k",
        bugs__yaml=MATRIX,
    )  # fmt: skip
    assert first.code == 1, first.out
    found = {record["key"]: record for record in first.records()}
    # No first key of a group beside the filter.
    assert sorted(found) == sorted(KEYS)
    assert [found[key]["status"] for key in KEYS] == ["passed", "passed", "error", "error"]
    assert "timeout: fio had not ended at its deadline" in found["hung:tiny:10Gi:1:random-rw:64k"]["reason"]
    assert "empty: fio wrote no result" in found["void:tiny:10Gi:1:random-rw:64k"]["reason"]
    assert len({guest["name"] for key in GOOD for guest in found[key]["guests"]}) == 2
    assert (first.run / "hung" / ".pool-summary").read_text() == "1 0 1 0\n"
    marked = "".join(path.read_text() for path in (first.folder / ".pytest_cache/d/odfperf").iterdir())
    assert [key in marked for key in KEYS] == [True, True, False, False]
    failures = [case.get("name") for case in first.cases() if case.find("error") is not None]
    assert len(failures) == 2
    assert not any(value for row in table(first.run)["void"] for name, value in row.items() if "iops" in name)

    # What lies around from somewhere: a result in the place of a failed one, a summary that counts more.
    good = next((first.run / POOLS[0]).rglob("*-fio.json"))
    void = first.run / "void" / "tiny" / "10Gi" / "1" / "random-rw" / "64k" / good.name
    void.write_bytes(good.read_bytes())
    (first.run / "void" / ".pool-summary").write_text("7 7 0 0\n")

    plan = run_pytest("--odf-resume", "last", "--odf-dry-run")
    assert "keys     2 keys in 2 groups on 2 pools; 2 more completed earlier" in plan.out
    assert not any(f"    {key}" in plan.out for key in GOOD)

    again = run_pytest("--odf-resume", "last")
    assert again.code == 1, again.out
    assert "2 tests completed earlier" in again.out
    assert sorted(record["key"] for record in again.records()) == sorted([*KEYS, *BAD])
    assert (again.run / "void" / ".pool-summary").read_text() == "1 0 1 0\n"
    assert not any(value for row in table(again.run)["void"] for name, value in row.items() if "iops" in name)
    assert f"  {POOLS[0]}: 1/1 passed, 0 failed, 0 skipped" in again.out
    assert len(again.cases()) == 4


def test_a_pool_that_was_never_begun_is_in_the_totals(run_pytest):
    outcome = run_pytest(
        "--odf", "--odf-matrix", "bugs.yaml", "--odf-pool", "void", "--odf-pool", "hung", "-x",
        bugs__yaml=MATRIX,
    )  # fmt: skip
    assert outcome.code != 0
    assert "0/1 passed, 1 failed, 0 skipped, 1 not run" in outcome.out
    assert "0/0 passed, 0 failed, 0 skipped, 2 not run" in outcome.out


def test_a_key_is_never_found_in_a_longer_one():
    def record(concurrency: int) -> Record:
        key = Key.parse(f"rep3:small:10Gi:{concurrency}:random-rw:4k")
        return Record(
            key=key, run_id="r", test=f"odfperf::test_storage[{key}]", status="passed", definition="d",
            started_at_epoch_ms=1, ended_at_epoch_ms=2, duration_s=1.0,
        )  # fmt: skip

    one, sixteen = record(1), record(16)
    done = by_test([sixteen], {str(one.key): "d", str(sixteen.key): "d"})
    assert one.test not in done
    assert sixteen.test in done


@pytest.mark.parametrize(("memory", "size"), [("8192Mi", 8 << 30), ("0.5Ti", 512 << 30), ("8G", 8 * 10**9)])
def test_memory_is_any_quantity(tmp_path, memory, size):
    text = f"{{extends: quick, vm_sizes: {{small: {{vcpus: 2, memory: {memory}}}}}}}"
    assert load_text(text, source="m", folder=tmp_path, name="m").vm_size("small").memory_bytes == size


def test_keys_that_were_skipped_do_not_shorten_the_estimate():
    keys = [Key.parse(f"rep3:small:10Gi:{n}:random-rw:4k") for n in range(1, 12)]
    progress = Progress(keys, {"rep3": 1100.0}, 1)
    for key in keys[:9]:
        progress.key_started(key, 0.0)
        progress.key_ended(key, "skipped", 0.0)
    assert progress.left_s(0.0) == pytest.approx(200.0)


@pytest.mark.parametrize("option", ["rate_iops", "rate"])
def test_one_rate_for_a_mix_of_reads_and_writes_is_refused(option):
    job = (
        "[mix]\nrw=randrw\nrwmixread=70\nsize=1G\ntime_based=1\ngroup_reporting=1\nlat_percentiles=1\n"
        f"runtime=10\n{option}=VALUE\n"
    )
    with pytest.raises(InputError, match=rf"job.fio:9: job mix: {option}=500 limits reads and writes"):
        read_job(job.replace("VALUE", "500"))
    assert read_job(job.replace("VALUE", "350,150")).sections[0].options[option] == "350,150"
