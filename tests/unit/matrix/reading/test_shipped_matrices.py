# ruff: noqa: E501 - tables are read line by line
"""The shipped matrices are those of the bash suite, key by key; the demo is what its makers promise."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pytest_odfperf.matrix.expand import count_keys, expand
from pytest_odfperf.matrix.reading.files import shipped_names
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.schedule.capacity import NodeCapacity, auto_scale, demands
from pytest_odfperf.schedule.jobs import check_fit, render_jobs

ODF = [
    "rep3", "rep3-virt", "rep3-enc", "cephfs-rep3", "rep2", "rep1", "cephfs-rep2", "ec-2-1", "ec-3-1", "ec-2-2",
    "ec-4-2",
]  # fmt: skip
FILE = [
    "ibmc-vpc-file-500-iops", "ibmc-vpc-file-1000-iops", "ibmc-vpc-file-3000-iops", "ibmc-vpc-file-min-iops"
]  # fmt: skip


def test_six_matrices_ship() -> None:
    assert shipped_names() == ("demo", "demo-ceph", "full", "overview", "quick", "rank")


@pytest.mark.parametrize("name", ["full", "quick", "overview", "rank"])
def test_the_pools_are_eleven_of_odf_and_four_file_tiers(name: str) -> None:
    assert [pool.name for pool in load_matrix(name).pools] == [*ODF, *FILE]


@pytest.mark.parametrize(
    ("name", "keys", "groups"),
    [("full", 4860, 405), ("quick", 60, 15), ("overview", 30, 15), ("rank", 45, 15)],
)
def test_the_counts_are_those_of_the_bash_suite(name: str, keys: int, groups: int) -> None:
    matrix = load_matrix(name)
    every = expand(matrix)
    assert len(every) == len(set(every)) == count_keys(matrix) == keys
    per_group = Counter(key.group for key in every)
    assert len(per_group) == groups
    assert set(per_group.values()) == {keys // groups}
    assert set(Counter(key.pool for key in every).values()) == {keys // 15}


def test_the_full_matrix_has_twelve_keys_a_group_in_the_order_of_its_profiles() -> None:
    keys = [key for key in expand(load_matrix("full")) if str(key.group) == "rep2:medium:500Gi:5"]
    assert [f"{key.profile}:{key.block_size}" for key in keys] == [
        "sequential-rw:4k", "sequential-rw:64k", "sequential-rw:1M",
        "random-rw:4k", "random-rw:64k", "random-rw:1M",
        "mixed-70-30:4k", "mixed-70-30:64k", "mixed-70-30:1M",
        "db-oltp:native", "app-server:native", "data-pipeline:native",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("quick", ["small:150Gi:1:random-rw:4k", "small:150Gi:1:random-rw:1M",
                   "small:150Gi:1:sequential-rw:4k", "small:150Gi:1:sequential-rw:1M"]),
        ("overview", ["small:150Gi:1:random-rw:4k", "small:150Gi:1:sequential-rw:1M"]),
        ("rank", ["medium:150Gi:1:random-rw:4k", "medium:150Gi:1:sequential-rw:1M", "medium:150Gi:1:mixed-70-30:4k"]),
    ],
)  # fmt: skip
def test_the_small_matrices_run_these_keys_in_this_order(name: str, expected: list[str]) -> None:
    assert [str(key) for key in expand(load_matrix(name)) if key.pool == "ec-4-2"] == [
        f"ec-4-2:{k}" for k in expected
    ]


@pytest.mark.parametrize(
    ("name", "runtime_s"), [("full", 120), ("quick", 120), ("overview", 120), ("rank", 60)]
)
def test_fio_runs_as_in_the_bash_suite(name: str, runtime_s: int) -> None:
    fio = load_matrix(name).fio
    assert (fio.runtime_s, fio.ramp_s, fio.iodepth, fio.numjobs, fio.file_size_bytes) == (
        runtime_s, 10, 32, 4, 4 << 30,
    )  # fmt: skip


def test_the_vms_are_those_of_the_bash_suite() -> None:
    assert [(size.label, size.vcpus, size.memory_bytes >> 30) for size in load_matrix("full").vm_sizes] == [
        ("small", 2, 4),
        ("medium", 4, 8),
        ("large", 8, 16),
    ]


def test_rbd_is_block_and_file_systems_are_not() -> None:
    for pool in load_matrix("full").pools:
        is_file = "cephfs" in pool.name or "file" in pool.name
        assert pool.volume_mode == ("Filesystem" if is_file else "Block")


def test_replication_is_counted_as_the_pool_makes_it() -> None:
    for pool in load_matrix("full").pools:
        if pool.recipe is None:
            assert pool.overhead == 1
            continue
        chunks = pool.recipe.chunks
        copies = sum(chunks) / chunks[0] if chunks else pool.recipe.replicas
        assert pool.overhead == pytest.approx(copies, rel=0.001)


@pytest.mark.parametrize("name", ["full", "quick", "overview", "rank", "demo", "demo-ceph"])
def test_every_job_can_be_rendered_and_fits_on_its_disk(name: str) -> None:
    matrix = load_matrix(name)
    keys = expand(matrix)
    check_fit(matrix, render_jobs(matrix, keys), keys)


def test_the_demo_has_four_pools_two_exact_caps_and_a_group_of_two() -> None:
    matrix = load_matrix("demo")
    assert matrix.cluster == "sandbox"
    assert matrix.sandbox is not None
    assert matrix.sandbox["machine"] == "qemu"
    classes = matrix.sandbox["storage_classes"]
    assert {pool.storage_class for pool in matrix.pools} == set(classes)
    caps = [classes[pool.storage_class]["backend"].get("iops") for pool in matrix.pools]
    assert caps == [500, 1000, None, 250]
    keys = expand(matrix)
    assert min(Counter(key.pool for key in keys).values()) >= 2
    assert [str(group) for group in dict.fromkeys(key.group for key in keys) if group.concurrency == 2] == [
        "pair:tiny:1Gi:2"
    ]


def test_no_shipped_file_is_longer_than_a_screen_or_three() -> None:
    import pytest_odfperf.matrix.reading.files as files

    for path in Path(files.shipped_dir()).glob("*.yaml"):
        assert len(path.read_text().splitlines()) < 150


def test_the_demo_runs_two_pools_at_once() -> None:
    matrix = load_matrix("demo")
    assert matrix.sandbox is not None
    node = matrix.sandbox["nodes"]
    nodes = [
        NodeCapacity(name=f"n{n}", cpu=str(node["cpu"]), memory=node["memory"], ready=True, schedulable=True)
        for n in range(node["count"])
    ]
    groups = demands(matrix, (key.group for key in expand(matrix)))
    assert auto_scale(nodes, groups, len(matrix.pools)).workers == 2
