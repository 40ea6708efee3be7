"""A dry run lists what would run, and ends with what it would take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.matrix.select import select
from pytest_odfperf.schedule.backends import by_matrix
from pytest_odfperf.schedule.jobs import render_jobs
from pytest_odfperf.schedule.plan_text import plan_text, size_text, time_text


def text_of(matrix: Matrix, keys: tuple[Key, ...], **more: object) -> str:
    arguments: dict[str, object] = {"workers": 2, "why": "--odf-parallel 2", **more}
    return plan_text(matrix=matrix, keys=keys, jobs=render_jobs(matrix, keys), **arguments)  # type: ignore[arg-type]


def test_a_small_plan_reads_like_this() -> None:
    matrix = load_matrix("rank")
    keys = select(expand(matrix), pools=["rep2", "cephfs-rep3"])
    assert text_of(matrix, keys, done=1) == (
        """\
pool cephfs-rep3 (StorageClass ocs-storagecluster-cephfs, Filesystem, backend odf): 3 keys in 1 group, 8 min
  group cephfs-rep3:medium:150Gi:1: 1 VM of 4 vCPU and 8Gi, 150Gi data disk each, 8 min
    cephfs-rep3:medium:150Gi:1:random-rw:4k
    cephfs-rep3:medium:150Gi:1:sequential-rw:1M
    cephfs-rep3:medium:150Gi:1:mixed-70-30:4k

pool rep2 (StorageClass perf-test-sc-rep2, Block, backend odf): 3 keys in 1 group, 8 min
  group rep2:medium:150Gi:1: 1 VM of 4 vCPU and 8Gi, 150Gi data disk each, 8 min
    rep2:medium:150Gi:1:random-rw:4k
    rep2:medium:150Gi:1:sequential-rw:1M
    rep2:medium:150Gi:1:mixed-70-30:4k

keys     6 keys in 2 groups on 2 pools; 1 more completed earlier
fio      10 jobs one after the other by their stonewalls, each 10 s ramp and 60 s measured: 12 min
VMs      at most 2 at once: 8 vCPUs, 16 GiB memory
storage  at most 300 GiB data and 60 GiB root disks at once; 930 GiB stored with replication, if full
workers  2 pools at once: --odf-parallel 2
time     about 8 min (longest pool cephfs-rep3: 8 min; all one after the other: 17 min)"""
    )


def test_the_full_plan_has_every_key_on_a_line_and_the_sums_last() -> None:
    matrix = load_matrix("full")
    keys = expand(matrix)
    lines = text_of(matrix, keys, workers=7).splitlines()
    assert [line.strip() for line in lines if line.startswith("    ")] == [str(key) for key in keys]
    assert sum(line.startswith("  group ") for line in lines) == 405
    assert sum(line.startswith("pool ") for line in lines) == 15
    assert [line.split()[0] for line in lines[-6:]] == ["keys", "fio", "VMs", "storage", "workers", "time"]
    assert lines[-6] == "keys     4860 keys in 405 groups on 15 pools"
    # 2 + 2 + 1 jobs by three block sizes, 4 + 4 + 5 that fix theirs: 28 in each of 405 groups.
    assert lines[-5].split()[1] == "11340"
    assert "at most 70 at once: 560 vCPUs" in lines[-4]


def test_a_pool_that_can_not_run_is_named_and_counted_in_no_sum() -> None:
    matrix = load_matrix("quick")
    keys = select(expand(matrix), pools=["rep2", "rep1"])
    text = text_of(matrix, keys, pool_problems={"rep1": "StorageClass perf-test-sc-rep1 does not exist"})
    assert "pool rep1 can not run: StorageClass perf-test-sc-rep1 does not exist (4 keys skipped)" in text
    assert "keys     4 keys in 1 group on 1 pool; 4 skipped with their pools" in text
    assert "VMs      at most 1 at once: 2 vCPUs, 4 GiB memory" in text
    assert "workers  1 pool at once" in text
    assert "    rep1:" not in text


def test_a_plan_of_nothing_but_broken_pools_says_so() -> None:
    matrix = load_matrix("quick")
    keys = select(expand(matrix), pools=["rep1"])
    text = text_of(matrix, keys, pool_problems={"rep1": "gone"})
    assert text.endswith(
        "keys     0 keys in 0 groups on 0 pools; 4 skipped with their pools\ntime     nothing runs"
    )


def test_disks_of_unknown_replication_are_said_to_be() -> None:
    matrix = load_matrix("quick")
    matrix = replace(matrix, guest=replace(matrix.guest, root_storage_class=None))
    assert "root disks counted once, their StorageClass is no pool" in text_of(matrix, expand(matrix))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (75, "75 s"),
        (510, "8 min"),
        (5939, "99 min"),
        (5999, "1 h 40 min"),
        (7260, "2 h 01 min"),
        (180_000, "2 d 2 h"),
    ],
)
def test_times_are_as_exact_as_an_estimate_deserves(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (512 << 20, "512 MiB"),
        (150 << 30, "150 GiB"),
        (1536 << 30, "1.5 TiB"),
        (70_000 << 30, "68.4 TiB"),
    ],
)
def test_sizes_have_three_digits(size: int, text: str) -> None:
    assert size_text(size) == text


def test_isolation_shows_the_groups_of_backends_and_what_they_take() -> None:
    matrix = load_matrix("rank")
    keys = select(expand(matrix), pools=["rep2", "cephfs-rep3", "ibmc-vpc-file-500-iops"])
    backends = by_matrix(matrix)
    lines = text_of(matrix, keys, workers=2, isolation="backend", backends=backends).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("backends"))
    assert lines[at : at + 3] == [
        "backends 2 groups of pools that share devices, or may; those that do are never measured at one time "
        "(--odf-isolation backend)",
        "         cephfs-rep3, rep2: odf (the matrix's `backend`)",
        "         ibmc-vpc-file-500-iops: ibmc-vpc-file-500-iops (the matrix's `backend`)",
    ]
    assert lines[-1].startswith("time     about 17 min (longest pool")
    alone = text_of(matrix, keys, workers=1, isolation="pool").splitlines()
    assert "backends no two pools are measured at one time (--odf-isolation pool)" in alone
    assert alone[-1].startswith("time     about 25 min")


def test_backends_that_nobody_told_are_one_group_that_says_why() -> None:
    matrix = load_matrix("rank")
    matrix = replace(matrix, pools=tuple(replace(pool, backend=None) for pool in matrix.pools))
    keys = select(expand(matrix), pools=["rep2", "rep3"])
    text = text_of(matrix, keys, isolation="backend", backends=by_matrix(matrix, "no cluster"))
    assert (
        "         rep3, rep2: not known (no cluster)" in text or "rep2, rep3: not known (no cluster)" in text
    )
