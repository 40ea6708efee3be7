# ruff: noqa: E501
"""Recipes of pools: what a matrix file may say of them, and what each fault is told as."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.reading.entries import read_pools
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.matrix.reading.matrix_check import check
from pytest_odfperf.matrix.reading.recipe_entry import COMPRESSIONS, FAILURE_DOMAINS, read_recipe
from pytest_odfperf.matrix.reading.yaml_marks import marked, read_yaml
from pytest_odfperf.matrix.serial import from_json, to_json
from pytest_odfperf.matrix.values.recipe import MdsSettings, Recipe

BLOCK = "kind: CephBlockPool"
FILES = "kind: CephFilesystem"


def read(text: str) -> Recipe:
    return read_recipe(read_yaml(text, "m.yaml"), "p")


FAULTS = [
    ("{}", "recipe of pool 'p' has no kind"),
    ("kind: CephPool", "'CephPool' is not known (did you mean 'CephBlockPool'?"),
    (f"{BLOCK}\nsize: 3", "m.yaml:2: unknown field 'size' in recipe of pool 'p'"),
    (f"{BLOCK}\nreplica: 3", "did you mean 'replicas'?"),
    (f"{BLOCK}\nreplicas: '3'", "m.yaml:2: recipe of pool 'p': replicas must be a whole number, not '3', a text"),
    (f"{BLOCK}\nreplicas: 3.0", "must be a whole number"),
    (f"{BLOCK}\nreplicas: true", "must be a whole number"),
    (f"{BLOCK}\nreplicas: 0", "replicas 0 is not from 1 to 10"),
    (f"{BLOCK}\nreplicas: 3\ndata_chunks: 2\ncoding_chunks: 1", "m.yaml:3: recipe of pool 'p' has replicas and data_chunks: a pool is replicated or erasure coded"),
    (f"{BLOCK}\ndata_chunks: 2", "has data_chunks and no coding_chunks"),
    (f"{BLOCK}\ncoding_chunks: 2", "has coding_chunks and no data_chunks"),
    (f"{BLOCK}\ndata_chunks: 1\ncoding_chunks: 1", "data_chunks 1 is not from 2 to 32"),
    (f"{BLOCK}\nreplicas: 2\nrequire_safe_replica_size: false", "m.yaml:3: recipe of pool 'p': require_safe_replica_size: false is the word for replicas: 1 only"),
    (f"{FILES}\ndata_chunks: 2\ncoding_chunks: 1", "m.yaml:2: recipe of pool 'p': data_chunks is of a CephBlockPool, not of a CephFilesystem"),
    (f"{FILES}\nimage_features: [layering]", "image_features is of a CephBlockPool"),
    (f"{BLOCK}\nmds: {{active: 1}}", "mds is of a CephFilesystem"),
    (f"{BLOCK}\nname: a_b", "is not a DNS-1123 subdomain"),
    (f"{BLOCK}\nfailure_domain: hosts", "'hosts' is not known (did you mean 'host'?"),
    (f"{BLOCK}\ndevice_class: 'a b'", "'a b' is not a device class"),
    (f"{BLOCK}\ntarget_size_ratio: 1.5", "is not from 0 to 1"),
    (f"{BLOCK}\ncompression: zstd", "'zstd' is not known"),
    (f"{BLOCK}\npg_num: 33", "m.yaml:2: recipe of pool 'p': pg_num 33 is no power of two"),
    (f"{BLOCK}\npg_num: 0", "pg_num 0 is not from 1"),
    (f"{BLOCK}\npg_num: 32\ntarget_size_ratio: 0.1", "has pg_num and target_size_ratio"),
    (f"{BLOCK}\npg_num: 32\nparameters: {{pg_autoscale_mode: warn}}", "pg_autoscale_mode is off with pg_num"),
    (f"{BLOCK}\nparameters: {{size: 2}}", "m.yaml:2: recipe of pool 'p': parameters: size is said by the field replicas"),
    (f"{BLOCK}\nreplicas: 2\nparameters: {{min_size: 3}}", "parameters: min_size 3 is not from 1 to 2, with 2 replicas"),
    (f"{BLOCK}\nreplicas: 2\nparameters: {{min_size: 0}}", "min_size 0 is not from 1 to 2"),
    (f"{BLOCK}\ndata_chunks: 2\ncoding_chunks: 1\nparameters: {{min_size: 1}}", "min_size 1 is not from 2 to 3, with 2+1 chunks"),
    (f"{BLOCK}\nparameters: {{'a b': 2}}", "is no name of a setting of a Ceph pool"),
    (f"{BLOCK}\nparameters: {{bulk: [1]}}", "must be a text or a number, not a list"),
    (f"{BLOCK}\nparameters: {{bulk: 'x; rm'}}", "is no value of such a setting"),
    (f"{BLOCK}\nquota: {{max_size: 10GB}}", "quota max_size"),
    (f"{BLOCK}\nquota: {{size: 10Gi}}", "unknown field 'size' in quota of"),
    (f"{FILES}\nmds: {{active: 0}}", "mds active 0 is not from 1"),
    (f"{FILES}\nmds: {{standby: 1}}", "must be true or false"),
    (f"{BLOCK}\nimage_features: [fast-diff, exclusive-lock]", "image feature fast-diff needs object-map"),
    (f"{BLOCK}\nimage_features: []", "is empty"),
    (f"{BLOCK}\nimage_features: layering", "must be a list"),
    (f"{BLOCK}\nmap_options: 'krbd:rxbounce --x'", "is not options of rbd map"),
    (f"{BLOCK}\nreplicas: 3\nmetadata_pool: other", "metadata_pool is of an erasure coded pool"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), FAULTS, ids=[problem[:40] for _, problem in FAULTS])
def test_each_fault_of_a_recipe_is_one_line_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert problem in str(caught.value)
    assert str(caught.value).startswith("m.yaml:")
    assert "\n" not in str(caught.value)


def test_a_pool_whose_name_no_object_can_have_must_name_its_object() -> None:
    with pytest.raises(
        InputError, match="recipe of pool 'Rep_2' has no name, and the pool's own 'Rep_2' is not"
    ):
        read_recipe(read_yaml(f"{BLOCK}\nreplicas: 2", "m.yaml"), "Rep_2")
    # One that makes nothing only names what is looked at.
    assert read_recipe(read_yaml(BLOCK, "m.yaml"), "Rep_2").makes is False


def test_words_of_yaml_are_given_to_ceph_as_they_were_written() -> None:
    assert read(f"{BLOCK}\nparameters: {{bulk: yes, hit_set_period: 3600, x: 0.10}}").parameters == {
        "bulk": "yes",
        "hit_set_period": "3600",
        "x": "0.10",
    }


@pytest.mark.parametrize(
    ("text", "needed", "redundancy"),
    [
        (f"{BLOCK}\nreplicas: 3", 3, "3 replicas"),
        (f"{BLOCK}\nreplicas: 1\nrequire_safe_replica_size: false", 1, "1 replica"),
        (f"{BLOCK}\ndata_chunks: 4\ncoding_chunks: 2", 6, "4+2 chunks"),
        # The metadata of a file system has three copies.
        (f"{FILES}\nreplicas: 2", 3, "2 replicas"),
        (f"{FILES}\nreplicas: 2\nmetadata_replicas: 2", 2, "2 replicas"),
    ],
)
def test_how_many_failure_domains_a_pool_takes(text: str, needed: int, redundancy: str) -> None:
    assert (read(text).domains_needed, read(text).redundancy) == (needed, redundancy)


@pytest.mark.parametrize(
    ("pool", "overhead"),
    [
        ("recipe: {kind: CephBlockPool, replicas: 3}", 3.0),
        ("recipe: {kind: CephBlockPool, data_chunks: 2, coding_chunks: 1}", 1.5),
        ("recipe: {kind: CephBlockPool}", 1.0),
        ("overhead: 2, recipe: {kind: CephBlockPool, replicas: 3}", 2.0),
    ],
)
def test_a_pool_stores_what_its_recipe_says_unless_the_matrix_does(pool: str, overhead: float) -> None:
    (found,) = read_pools(read_yaml(f"[{{name: p, {pool}}}]", "m.yaml"), {})
    assert found.overhead == overhead


words = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
block_pools = st.builds(
    Recipe,
    kind=st.just("CephBlockPool"),
    name=st.just("x"),
    replicas=st.integers(2, 10),
    failure_domain=st.sampled_from([None, *FAILURE_DOMAINS]),
    device_class=st.none() | words,
    target_size_ratio=st.none() | st.floats(0, 1),
    compression=st.sampled_from([None, *COMPRESSIONS]),
    parameters=st.dictionaries(st.sampled_from(["bulk", "nodeep-scrub", "nodelete"]), words),
    quota_bytes=st.none() | st.integers(1 << 20, 1 << 50),
    quota_objects=st.none() | st.integers(1, 1 << 40),
    image_features=st.none() | st.just(("layering", "exclusive-lock")),
    map_options=st.none() | st.just("krbd:rxbounce"),
    encryption_kms_id=st.none() | words,
)
filesystems = st.builds(
    Recipe,
    kind=st.just("CephFilesystem"),
    name=st.just("x"),
    replicas=st.integers(2, 10),
    metadata_replicas=st.none() | st.integers(1, 5),
    second_filesystem=st.booleans(),
    pg_num=st.none() | st.sampled_from([1, 8, 64]),
    mds=st.none()
    | st.builds(
        MdsSettings,
        active=st.integers(1, 9),
        standby=st.booleans(),
        cpus=st.floats(0.5, 8),
        memory_bytes=st.integers(1 << 30, 1 << 40),
    ),
)


@given(block_pools | filesystems)
def test_a_recipe_that_is_written_is_read_as_the_same(recipe: Recipe) -> None:
    assert read_recipe(marked(recipe.written()), "p") == recipe


def test_the_hash_of_recipes_of_older_matrices_is_over_what_they_said() -> None:
    pools = {pool.name: pool for pool in load_matrix("full").pools}
    assert pools["rep1"].recipe is not None
    assert pools["ec-2-1"].recipe is not None
    assert pools["rep1"].recipe.deciding() == {
        "kind": "CephBlockPool",
        "name": "perf-test-rep1",
        "replicas": 1,
    }
    assert pools["ec-2-1"].recipe.deciding() == {
        "kind": "CephBlockPool",
        "name": "perf-test-ec-2-1",
        "data_chunks": 2,
        "coding_chunks": 1,
    }


def test_recipes_of_a_run_folder_are_looked_at_as_those_of_a_file() -> None:
    matrix = load_matrix("full")
    assert check(from_json(to_json(matrix))) == matrix
    broken = replace(matrix.pools[4], recipe=replace(matrix.pools[4].recipe, replicas=99))  # type: ignore[type-var]
    with pytest.raises(InputError, match="replicas 99 is not from 1 to 10"):
        check(replace(matrix, pools=(broken,)))
