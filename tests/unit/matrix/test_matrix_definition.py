"""A key's definition changes if, and only if, something changes that decides its number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_odfperf.matrix.definition import definition
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix, Only, Pool, Profile, PvcSize, VmSize
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.matrix.values.recipe import Recipe

KEY = Key.parse("rep2:small:150Gi:5:random-rw:4k")
NATIVE_KEY = Key.parse("rep2:small:150Gi:5:db-oltp:native")
FACTS = {"provisioner": "openshift-storage.rbd.csi.ceph.com", "parameters": {"pool": "perf-test-rep2"}}
SANDBOX = {
    "machine": "simulated",
    "speed": 10,
    "storage_classes": {"perf-test-sc-rep2": {"backend": {"iops": 500}}, "other": {"backend": {"iops": 1}}},
}


def the_matrix() -> Matrix:
    return replace(load_matrix("full"), sandbox=SANDBOX)


def pool(**changed: Any) -> Callable[[Matrix], Matrix]:
    def change(matrix: Matrix) -> Matrix:
        return replace(
            matrix, pools=tuple(replace(p, **changed) if p.name == "rep2" else p for p in matrix.pools)
        )

    return change


def fio(**changed: Any) -> Callable[[Matrix], Matrix]:
    return lambda matrix: replace(matrix, fio=replace(matrix.fio, **changed))


def guest(**changed: Any) -> Callable[[Matrix], Matrix]:
    return lambda matrix: replace(matrix, guest=replace(matrix.guest, **changed))


def sandbox(**changed: Any) -> Callable[[Matrix], Matrix]:
    return lambda matrix: replace(matrix, sandbox={**SANDBOX, **changed})


def template(edit: Callable[[str], str]) -> Callable[[Matrix], Matrix]:
    return lambda matrix: replace(
        matrix,
        profiles=tuple(replace(p, template=edit(p.template)) for p in matrix.profiles),
    )


def vm_size(**changed: Any) -> Callable[[Matrix], Matrix]:
    return lambda matrix: replace(
        matrix, vm_sizes=tuple(replace(size, **changed) for size in matrix.vm_sizes)
    )


RELEVANT: dict[str, Callable[[Matrix], Matrix]] = {
    "runtime": fio(runtime_s=60),
    "ramp": fio(ramp_s=0),
    "iodepth": fio(iodepth=1),
    "numjobs": fio(numjobs=1),
    "file size": fio(file_size_bytes=1 << 30),
    "template": template(lambda text: text.replace("randrepeat=1", "randrepeat=0")),
    "vcpus": vm_size(vcpus=3),
    "memory": vm_size(memory_bytes=1 << 31),
    "PVC size": lambda m: replace(
        m, pvc_sizes=tuple(replace(p, size_bytes=p.size_bytes + 1) for p in m.pvc_sizes)
    ),
    "StorageClass": pool(storage_class="other"),
    "volume mode": pool(volume_mode="Filesystem"),
    "recipe": pool(recipe=Recipe(kind="CephBlockPool", name="perf-test-rep2", replicas=3)),
    "data source": guest(data_source="fedora"),
    "data source namespace": guest(data_source_namespace="mine"),
    "packages": guest(packages=("fio", "tuned")),
    "root size": guest(root_size_bytes=1 << 34),
    "root StorageClass": guest(root_storage_class=None),
    "sandbox machine": sandbox(machine="qemu"),
    "sandbox image": sandbox(image="/x.qcow2"),
    "sandbox StorageClass": sandbox(storage_classes={"perf-test-sc-rep2": {"backend": {"iops": 501}}}),
    "no sandbox": lambda matrix: replace(matrix, sandbox=None),
}

IRRELEVANT: dict[str, Callable[[Matrix], Matrix]] = {
    "source": lambda matrix: replace(matrix, source="elsewhere.yaml"),
    "name": lambda matrix: replace(matrix, name="x"),
    "cluster": lambda matrix: replace(matrix, cluster=None),
    "namespace": lambda matrix: replace(matrix, namespace="x"),
    "timeouts": lambda matrix: replace(matrix, timeouts=replace(matrix.timeouts, boot_s=1)),
    "user": guest(user="fedora"),
    "backend": pool(backend="x"),
    "overhead": pool(overhead=9.0),
    "restriction": pool(only=Only(vm_sizes=("small",))),
    "other pools": lambda matrix: replace(matrix, pools=(*matrix.pools, Pool(name="x", storage_class="x"))),
    "order of pools": lambda matrix: replace(matrix, pools=matrix.pools[::-1]),
    "other sizes": lambda matrix: replace(matrix, concurrency=(5,), pvc_sizes=matrix.pvc_sizes[:1]),
    "other block sizes": lambda m: replace(
        m, profiles=tuple(replace(p, block_sizes=("4k",)) for p in m.profiles)
    ),
    "comments": template(lambda text: f"; a comment\n\n{text}"),
    "indentation": template(lambda text: text.replace("\n", "  \n")),
    "sandbox speed": sandbox(speed=99),
    "another sandbox StorageClass": sandbox(storage_classes={**SANDBOX["storage_classes"], "other": {}}),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("change", RELEVANT.values(), ids=RELEVANT)
def test_what_decides_the_number_changes_the_definition(change: Callable[[Matrix], Matrix]) -> None:
    matrix = the_matrix()
    assert change(matrix) != matrix
    assert definition(KEY, change(matrix), FACTS) != definition(KEY, matrix, FACTS)


@pytest.mark.parametrize("change", IRRELEVANT.values(), ids=IRRELEVANT)
def test_what_does_not_decide_the_number_leaves_the_definition(change: Callable[[Matrix], Matrix]) -> None:
    matrix = the_matrix()
    assert change(matrix) != matrix
    assert definition(KEY, change(matrix), FACTS) == definition(KEY, matrix, FACTS)


@pytest.mark.parametrize(
    "facts", [None, {}, {**FACTS, "parameters": {"pool": "other"}}, {**FACTS, "more": 1}]
)
def test_the_clusters_words_on_the_storage_class_count(facts: dict[str, Any] | None) -> None:
    matrix = the_matrix()
    assert definition(KEY, matrix, facts) != definition(KEY, matrix, FACTS)


def test_the_order_of_facts_does_not_count() -> None:
    matrix = the_matrix()
    assert definition(KEY, matrix, dict(reversed(FACTS.items()))) == definition(KEY, matrix, FACTS)


def test_a_setting_that_the_template_does_not_use_does_not_count() -> None:
    # db-oltp fixes its block sizes, but takes iodepth.
    matrix = the_matrix()
    fixed = template(lambda text: text.replace("${IODEPTH}", "7"))(matrix)
    assert definition(NATIVE_KEY, fio(iodepth=1)(fixed)) == definition(NATIVE_KEY, fixed)
    assert definition(NATIVE_KEY, fio(iodepth=1)(matrix)) != definition(NATIVE_KEY, matrix)


def test_a_hostile_sandbox_setting_still_has_a_definition() -> None:
    assert definition(KEY, sandbox(storage_classes=[1])(the_matrix()))


def test_keys_of_one_group_and_of_pools_with_other_storage_differ() -> None:
    matrix = load_matrix("full")
    definitions = {definition(key, matrix) for key in expand(matrix)}
    assert len(definitions) == 4860


def test_the_definition_is_the_same_on_every_python() -> None:
    """Pinned: a hash that changes with the interpreter would make every resume start anew."""
    matrix = Matrix(
        source="m.yaml",
        name="m",
        cluster=None,
        namespace="perf",
        pools=(Pool(name="rep2", storage_class="sc", overhead=1.5),),
        vm_sizes=(VmSize(label="small", vcpus=2, memory_bytes=4 << 30),),
        pvc_sizes=(PvcSize(label="150Gi", size_bytes=150 << 30),),
        concurrency=(5,),
        profiles=(
            Profile(name="random-rw", template="[a]\nbs=${BLOCK_SIZE}\nx=\u00fc\n", block_sizes=("4k",)),
        ),
    )
    assert (
        definition(KEY, matrix, {"weight": 1.1})
        == "5f059e411bb632fa0c768a17abb88c82f9c5dfcbc17a6dfe441c48d6c0cdee17"
    )
