"""A profile of unlike sections over the whole road: a log with commits, a reader beside it, a mix."""

import csv
import io
import re

import pytest

from pytest_odfperf.measure.series.series_csv import read_series

MATRIX = """
extends: sim.yaml
pools: [fast]
block_sizes: [4k]
profiles: [wal]
"""

PROFILE = """
[global]
ioengine=libaio
direct=1
time_based=1
runtime=${RUNTIME}
ramp_time=${RAMP_TIME}
group_reporting=1
thread=1
lat_percentiles=1
size=${FILE_SIZE}
overwrite=1
fallocate=none
unlink=1
write_bw_log=mine
log_avg_msec=1000

[wal]
stonewall
rw=write
bs=8k
fdatasync=1

[reader]
new_group
rw=randread
bs=8k
iodepth=8
numjobs=2

[mix]
stonewall
rw=randrw
bs=16k
iodepth=4
"""

#: Two tests of one key share its measurement.
TESTS = """
from importlib import resources

def test_commits(odf_result):
    assert odf_result.sync.lat_p99_ns > odf_result.job("wal").write.lat_p50_ns
    assert [job.name for job in odf_result.jobs] == ["wal", "reader", "mix"]
    assert not hasattr(odf_result.sync, "bw_bytes_per_s")
    assert len(odf_result.directions) == 5

def test_writes(odf_result):
    assert odf_result.write.iops_per_s > 0
"""


def test_unlike_sections_are_apart_in_everything_that_a_run_leaves(run_pytest, tmp_path):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "wal.fio").write_text(PROFILE)
    outcome = run_pytest(
        "--odf", "--odf-matrix", "m.yaml", "test_mine.py", m__yaml=MATRIX, test_mine__py=TESTS
    )
    assert "1 failed, 1 passed" in outcome.out, outcome.out
    said = (
        "profile wal has no one figure for write: wal, mix differ; take odf_result.job('wal').write, or go "
        "through odf_result.jobs"
    )
    assert said in " ".join(outcome.out.split())
    passed, failed = outcome.records()
    assert (passed["status"], failed["status"], failed["reason_code"]) == ("passed", "failed", None)

    assert (passed["read"], passed["write"]) == (None, None)
    assert passed["sync"] == passed["jobs"][0]["sync"]
    assert passed["notes"] == []
    for job, size in zip(passed["jobs"], (8192, 8192, 16384), strict=True):
        for direction in filter(None, (job["read"], job["write"])):
            assert abs(direction["bw_bytes_per_s"] / direction["iops_per_s"] - size) < 1e-6

    names = {entry.get("name") for entry in outcome.cases()[0].iter("property")}
    assert {"wal.write_iops_per_s", "wal.sync_lat_p99_ns", "reader.read_lat_p99_ns", "mix.load"} <= names
    assert {"read_iops_per_s", "write_iops_per_s"} & names == set()

    rows = list(csv.DictReader(io.StringIO((outcome.run / "results.csv").read_text())))
    of_guest = [row for row in rows if row["scope"] == "guest"][:3]
    assert [row["job_name"] for row in of_guest] == ["wal", "reader", "mix"]
    assert [bool(row["sync_lat_p99_ns"]) for row in of_guest] == [True, False, False]
    assert of_guest[0]["job_load"] == "rw=write bs=8k fdatasync=1"

    assert '"wal","reader","mix"' in outcome.page()

    # What fio wrote beside its answer: the plugin's series as one file, the profile's logs as they are.
    folder = outcome.run / "fast" / "tiny" / "10Gi" / "1" / "wal" / "native"
    series = next(folder.glob("*-completions.log")).read_text()
    assert re.findall("^==> (.*) <==$", series, re.M) == [
        f"odfperf_clat_hist.{worker}.log" for worker in range(1, 5)
    ]
    assert len(list(folder.glob("*-mine_bw.*.log"))) == 4
    over_time = read_series(next(folder.glob("*-series.csv")).read_text())
    assert [(one.job, one.direction) for one in over_time] == [
        ("wal", "write"), ("reader", "read"), ("mix", "read"), ("mix", "write"),
    ]  # fmt: skip
    for one, job in zip(over_time[:2], passed["jobs"], strict=False):
        mean = sum(one.rates) / len(one.rates)
        assert mean == pytest.approx(job[one.direction]["iops_per_s"], rel=0.01)
    assert {path.name for path in folder.iterdir()} == {
        artefact.rpartition("/")[2] for artefact in passed["artefacts"]
    }
