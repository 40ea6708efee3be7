"""A matrix travels as JSON and comes back equal, whatever is in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odfperf.matrix.model import (
    ApiName,
    FioSettings,
    GuestSettings,
    KeyLimits,
    Matrix,
    Only,
    Pool,
    Profile,
    PvcSize,
    Timeouts,
    VmSettings,
    VmSize,
)
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.matrix.serial import from_json, to_json
from pytest_odfperf.matrix.values.recipe import MdsSettings, Recipe

texts = st.text(max_size=20)
counts = st.integers(0, 2**62)
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | counts | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(texts, plain, max_size=3)


def tuples(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=3).map(tuple)


api_names = st.builds(ApiName, kind=texts, name=texts)
vms = st.builds(
    VmSettings,
    node_selector=st.none() | st.dictionaries(texts, texts, max_size=2),
    affinity=st.none() | mappings,
    tolerations=st.none() | tuples(mappings),
    preference=st.none() | api_names,
    labels=st.none() | st.dictionaries(texts, texts, max_size=2),
    access_mode=st.sampled_from([None, "ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"]),
    patch=st.none() | mappings,
)
targets = st.sampled_from(["file", "block"])
only = st.builds(
    Only,
    vm_sizes=st.none() | tuples(texts),
    pvc_sizes=st.none() | tuples(texts),
    concurrency=st.none() | tuples(counts),
    profiles=st.none() | tuples(texts),
)
recipes = st.builds(
    Recipe,
    kind=st.sampled_from(["CephBlockPool", "CephFilesystem"]),
    name=st.none() | texts,
    replicas=st.none() | counts,
    parameters=st.dictionaries(texts, texts, max_size=2),
    image_features=st.none() | tuples(texts),
    mds=st.none() | st.builds(MdsSettings, active=counts, cpus=st.floats(0.1, 8)),
)
pools = st.builds(
    Pool,
    name=texts,
    storage_class=texts,
    volume_mode=st.sampled_from(["Block", "Filesystem", None]),
    backend=st.none() | texts,
    overhead=st.floats(1, 100),
    recipe=st.none() | recipes,
    only=only,
    vm=vms,
    target=st.none() | targets,
)
matrices = st.builds(
    Matrix,
    source=texts,
    name=texts,
    cluster=st.none() | texts,
    namespace=texts,
    pools=tuples(pools),
    vm_sizes=tuples(
        st.builds(
            VmSize, label=texts, vcpus=counts, memory_bytes=counts, instancetype=st.none() | api_names, vm=vms
        )
    ),
    pvc_sizes=tuples(st.builds(PvcSize, label=texts, size_bytes=counts)),
    concurrency=tuples(counts),
    profiles=tuples(st.builds(Profile, name=texts, template=st.text(), block_sizes=tuples(texts))),
    fio=st.builds(FioSettings, target=targets),
    guest=st.builds(GuestSettings, packages=tuples(texts), root_storage_class=st.none() | texts),
    timeouts=st.builds(Timeouts, boot_s=counts),
    vm=vms,
    limits=tuples(st.builds(KeyLimits, pattern=texts, texts=tuples(texts), place=texts)),
    sandbox=st.none() | mappings,
)


@settings(deadline=None)
@given(matrices)
def test_a_matrix_comes_back_equal_through_json_text(matrix: Matrix) -> None:
    assert from_json(json.loads(json.dumps(to_json(matrix)))) == matrix


@pytest.mark.parametrize("name", ["full", "quick", "overview", "rank", "demo", "demo-ceph"])
def test_the_shipped_matrices_come_back_equal(name: str) -> None:
    matrix = load_matrix(name)
    assert from_json(json.loads(json.dumps(to_json(matrix)))) == matrix


def test_only_plain_types_are_used() -> None:
    def check(value: object) -> None:
        assert type(value) in (dict, list, str, int, float, bool, type(None))
        for item in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
            check(item)

    check(to_json(load_matrix("demo")))


def test_the_json_is_the_callers_own() -> None:
    matrix = load_matrix("demo")
    to_json(matrix)["sandbox"]["machine"] = "changed"
    assert matrix.sandbox is not None
    assert matrix.sandbox["machine"] == "qemu"
