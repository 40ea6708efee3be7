"""Which runs may be compared: every fact that changes what a figure means, and none that does not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.matrix.serial import from_json, to_json
from pytest_odfperf.measure.compare.run_likeness import describe, differences, software_difference

MATRIX = """
pools: [rep3, rep2]
vm_sizes: {small: {vcpus: 2, memory: 4Gi}}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw, sequential-rw]
block_sizes: [4k]
fio: {runtime: 60s, file_size: 1G}
sandbox: {machine: simulated, storage_classes: {rep3: {backend: {iops: 1000}}}}
"""

VERSIONS = {"kubernetes": "v1.33", "openshift": "4.20.1", "odf": "4.20", "ceph": "19.2", "kubevirt": "v1.6"}
#: Where a StorageClass's facts are in the definition.
CLASS = "storage_class_facts"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A run.json, as far as a comparison reads it."""
    matrix = load_text(MATRIX, source="m.yaml", folder=tmp_path_factory.mktemp("m"), name="m")
    storage = {
        pool.name: {
            "name": pool.name,
            "provisioner": "rbd",
            "binding_mode": "Immediate",
            "parameters": {"pool": "a"},
        }
        for pool in matrix.pools
    }
    return {
        "method": 3,
        "marking": None,
        "options": {"parallel": None, "filters": []},
        "matrix": json.loads(json.dumps(to_json(matrix))),
        "definitions": {str(key): "hash" for key in expand(matrix)},
        "found": {
            "storage_classes": storage,
            "volume_modes": {"rep3": "Block", "rep2": "Block"},
            "versions": {
                "kubernetes": "v1.33",
                "openshift": "4.20.1",
                "odf": "4.20",
                "ceph": "19.2",
                "kubevirt": "v1.6",
            },
            "instancetypes": {},
        },
    }


def unlike(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    first, second = (describe(one, from_json(one["matrix"])) for one in (ours, theirs))
    return differences(first, second)


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def make(content: dict[str, Any]) -> None:
        *above, last = path.split("/")
        for step in above:
            content = content[int(step)] if isinstance(content, list) else content[step]
        content[last] = value

    return make


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("method", 2, "method: 3, not 2"),
        ("method", None, "method: 3, not "),
        ("marking", "SIMULATED", "marking: real storage, not SIMULATED"),
        ("options/parallel", 2, "pools: one after the other, not several at once"),
        ("options", {"parallel": 2, "isolation": "backend"}, "isolation: none, not backend"),
        ("found/versions/kubernetes", "v1.34", "kubernetes version: v1.33, not v1.34"),
        ("found/versions/openshift", "4.21.0", "openshift version: 4.20.1, not 4.21.0"),
        ("found/versions/odf", "4.21", "odf version: 4.20, not 4.21"),
        ("found/versions/ceph", "20.1", "ceph version: 19.2, not 20.1"),
        ("found/versions/kubevirt", "v1.7", "kubevirt version: v1.6, not v1.7"),
        ("found/volume_modes/rep3", "Filesystem", f"{CLASS}.volume_mode: Block, not Filesystem (2 of 4"),
        ("found/storage_classes/rep3/provisioner", "nfs", f"{CLASS}.provisioner: rbd, not nfs (2 of 4 keys"),
        ("found/storage_classes/rep3/parameters", {"pool": "b"}, f"{CLASS}.parameters.pool: a, not b"),
        ("matrix/vm_sizes/0/vcpus", 4, "vcpus: 2, not 4 (4 of 4 keys, rep3:small:10Gi:1:random-rw:4k first)"),
        ("matrix/vm_sizes/0/memory_bytes", 1 << 30, "memory_bytes: "),
        ("matrix/pvc_sizes/0/size_bytes", 1 << 34, "pvc_bytes: "),
        ("matrix/fio/runtime_s", 30, "job.settings.RUNTIME: 60, not 30"),
        ("matrix/fio/ramp_s", 1, "job.settings.RAMP_TIME: "),
        ("matrix/fio/iodepth", 4, "job.settings.IODEPTH: "),
        ("matrix/fio/numjobs", 1, "job.settings.NUMJOBS: "),
        ("matrix/fio/file_size_bytes", 1 << 28, "job.file_size_bytes: "),
        ("matrix/fio/target", "block", "target: nothing, not block"),
        ("matrix/guest/data_source", "fedora", "guest.data_source: centos-stream9, not fedora"),
        ("matrix/guest/packages", ["tuned"], "guest.packages: "),
        ("matrix/pools/0/storage_class", "other", "storage_class: rep3, not other"),
        ("matrix/vm", {"node_selector": {"a": "b"}}, "vm"),
    ],
)  # fmt: skip
def test_what_a_figure_depends_on_makes_runs_unlike(
    content: dict[str, Any], path: str, value: Any, said: str
) -> None:
    other = copy.deepcopy(content)
    change(path, value)(other)
    found = unlike(content, other)
    assert any(line.startswith(said) for line in found), found
    assert all("\n" not in line for line in found)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("run_id", "another"),
        ("options/filters", ["*:*:*:*:*:4k"]),
        ("options/isolation", "backend"),
        ("matrix/name", "other"),
        ("matrix/timeouts/boot_s", 10),
        ("matrix/ranking", {"weights": {"random-rw": 2.0}}),
        # What is measured: a sandbox stands for the storage.
        ("matrix/sandbox/storage_classes/rep3/backend/iops", 750),
        ("found/versions/new", "1"),
        ("found/server", "https://elsewhere"),
    ],
)
def test_what_it_does_not_depend_on_does_not(content: dict[str, Any], path: str, value: Any) -> None:
    other = copy.deepcopy(content)
    change(path, value)(other)
    assert unlike(content, other) == []


def test_a_template_is_told_by_the_lines_that_differ(content: dict[str, Any]) -> None:
    other = copy.deepcopy(content)
    profile = other["matrix"]["profiles"][0]
    profile["template"] = profile["template"].replace("ioengine=libaio", "ioengine=io_uring")
    (found,) = unlike(content, other)
    assert found.startswith("job.template: ['ioengine=libaio'], not ['ioengine=io_uring'] (2 of 4 keys")


def test_keys_of_one_run_only_and_one_pool_beside_none_do_not_count(content: dict[str, Any]) -> None:
    other = copy.deepcopy(content)
    other["definitions"] = {key: "x" for key in content["definitions"] if key.startswith("rep3:")}
    other["options"]["parallel"] = "auto"
    assert unlike(other, {**other, "options": {"parallel": None}}) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("found", []),
        ("options", "x"),
        ("definitions", {"no key": ""}),
        ("definitions", {"gone:small:10Gi:1:random-rw:4k": ""}),
        ("definitions", {"rep3:huge:10Gi:1:random-rw:4k": ""}),
        ("definitions", {"rep3:small:10Gi:1:nothing:4k": ""}),
        ("found/versions", [1]),
        ("found/storage_classes", 5),
    ],
)
def test_what_is_no_run_is_refused(content: dict[str, Any], path: str, value: Any) -> None:
    other = copy.deepcopy(content)
    change(path, value)(other)
    with pytest.raises(ValueError):
        describe(other, from_json(other["matrix"]))


def test_guests_with_another_fio_or_kernel_are_unlike_and_unknown_ones_are_not() -> None:
    ours = ("fio-3.39", "kernel 6.12")
    assert software_difference(ours, tuple(reversed(ours))) is None
    assert software_difference(ours, ()) is None
    assert software_difference(ours, ("fio-3.33", "kernel 6.12")) == (
        "guests: fio-3.39, kernel 6.12, not fio-3.33, kernel 6.12"
    )
