# ruff: noqa: E501 - a table of messages is read line by line
"""A matrix file becomes a matrix, or one line that says where it is wrong and what is known there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.model import Matrix, Only, Pool
from pytest_odfperf.matrix.reading.fields import check_subdomain
from pytest_odfperf.matrix.reading.load import load_matrix, load_text

SMALL = """\
namespace: perf
pools:
  - rep3
  - {name: rep2, storage_class: sc-rep2, volume_mode: Block, backend: odf, overhead: 2}
vm_sizes:
  small: {vcpus: 2, memory: 4Gi}
  large: {vcpus: 8, memory: 16Gi}
pvc_sizes: [150Gi]
concurrency: [1, 5]
profiles: [vary, fixed]
block_sizes: [4k, 1M]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    (profiles / "vary.fio").write_text("[a]\nbs=${BLOCK_SIZE}\nsize=${FILE_SIZE}\n")
    (profiles / "fixed.fio").write_text("[a]\nbs=8k\nsize=${FILE_SIZE}\n")
    return tmp_path


def load(text: str, folder: Path) -> Matrix:
    return load_text(text, source="m.yaml", folder=folder, name="m")


def problem(text: str, folder: Path) -> str:
    with pytest.raises(InputError) as refused:
        load(text, folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_small_file_is_a_whole_matrix(folder: Path) -> None:
    matrix = load(SMALL, folder)
    assert (matrix.name, matrix.source, matrix.namespace, matrix.cluster) == ("m", "m.yaml", "perf", None)
    assert matrix.pools == (
        Pool(name="rep3", storage_class="rep3"),
        Pool(name="rep2", storage_class="sc-rep2", volume_mode="Block", backend="odf", overhead=2.0),
    )
    assert [(size.label, size.vcpus, size.memory_bytes) for size in matrix.vm_sizes] == [
        ("small", 2, 4 << 30),
        ("large", 8, 16 << 30),
    ]
    assert [(size.label, size.size_bytes) for size in matrix.pvc_sizes] == [("150Gi", 150 << 30)]
    assert [profile.block_sizes for profile in matrix.profiles] == [("4k", "1M"), ("native",)]
    assert (matrix.fio.runtime_s, matrix.fio.file_size_bytes, matrix.timeouts.boot_s) == (120, 4 << 30, 900)


def test_keys_go_from_pool_to_block_size_with_the_last_changing_first(folder: Path) -> None:
    keys = expand(load(SMALL, folder))
    assert len(keys) == len(set(keys)) == 2 * 2 * 1 * 2 * 3
    assert [str(key) for key in keys[:4]] == [
        "rep3:small:150Gi:1:vary:4k",
        "rep3:small:150Gi:1:vary:1M",
        "rep3:small:150Gi:1:fixed:native",
        "rep3:small:150Gi:5:vary:4k",
    ]
    assert str(keys[-1]) == "rep2:large:150Gi:5:fixed:native"


def test_groups_go_from_vm_size_over_pvc_size_to_concurrency(folder: Path) -> None:
    keys = expand(load(SMALL.replace("[150Gi]", "[20Gi, 150Gi]").replace("[vary, fixed]", "[fixed]"), folder))
    assert [":".join(key.fields[1:4]) for key in keys[:8]] == [
        "small:20Gi:1", "small:20Gi:5", "small:150Gi:1", "small:150Gi:5",
        "large:20Gi:1", "large:20Gi:5", "large:150Gi:1", "large:150Gi:5",
    ]  # fmt: skip


def test_a_pool_can_be_restricted(folder: Path) -> None:
    matrix = load(
        SMALL.replace(
            "  - rep3\n", "  - {name: rep3, only: {concurrency: [5], profiles: [fixed], vm_sizes: [large]}}\n"
        ),
        folder,
    )
    assert matrix.pools[0].only == Only(concurrency=(5,), profiles=("fixed",), vm_sizes=("large",))
    assert [str(key) for key in expand(matrix) if key.pool == "rep3"] == ["rep3:large:150Gi:5:fixed:native"]


def test_a_restriction_does_not_change_the_order_of_the_matrix(folder: Path) -> None:
    text = SMALL.replace("  - rep3\n", "  - {name: rep3, only: {profiles: [fixed, vary]}}\n")
    plain = [str(key) for key in expand(load(SMALL, folder))]
    assert [str(key) for key in expand(load(text, folder))] == plain


def test_settings_are_read_with_their_units(folder: Path) -> None:
    matrix = load(
        SMALL
        + """\
cluster: sandbox
fio: {runtime: 2m, ramp: 5, iodepth: 16, numjobs: 2, file_size: 1Gi}
timeouts: {boot: 20m, ssh: 60s, fio_slack: 1h}
guest: {data_source: fedora, user: fedora, packages: [fio, xfsprogs], root_size: 1.5Gi, root_storage_class: fast}
sandbox: {machine: qemu, anything: [1, {a: null}]}
""",
        folder,
    )
    assert (matrix.fio.runtime_s, matrix.fio.ramp_s, matrix.fio.file_size_bytes) == (120, 5, 1 << 30)
    assert (matrix.timeouts.boot_s, matrix.timeouts.ssh_s, matrix.timeouts.fio_slack_s) == (1200, 60, 3600)
    assert (matrix.guest.packages, matrix.guest.root_size_bytes) == (("fio", "xfsprogs"), 3 << 29)
    assert matrix.cluster == "sandbox"
    assert matrix.sandbox == {"machine": "qemu", "anything": [1, {"a": None}]}


@pytest.mark.parametrize("size", ["4G", "4g", "4Gi", "4GiB", "4GB", "4096M", "4194304k", "4294967296"])
def test_fio_sizes_are_powers_of_1024_as_in_fio(folder: Path, size: str) -> None:
    assert load(f"{SMALL}fio: {{file_size: {size}}}", folder).fio.file_size_bytes == 4 << 30


def test_pvc_sizes_are_kubernetes_quantities(folder: Path) -> None:
    matrix = load(SMALL.replace("[150Gi]", "[150G, 161061273600, 1.5Ti]"), folder)
    assert [size.size_bytes for size in matrix.pvc_sizes] == [150 * 10**9, 150 << 30, 3 << 39]
    assert [size.label for size in matrix.pvc_sizes] == ["150G", "161061273600", "1.5Ti"]


def test_a_profile_may_have_block_sizes_of_its_own(folder: Path) -> None:
    matrix = load(SMALL.replace("[vary, fixed]", "[{name: vary, block_sizes: [8k]}]"), folder)
    assert matrix.profiles[0].block_sizes == ("8k",)


def test_a_template_is_found_relative_to_its_matrix(folder: Path) -> None:
    (folder / "mine.fio").write_text("mine ${BLOCK_SIZE}")
    matrix = load(SMALL.replace("[vary, fixed]", "[{name: x, template: mine.fio}, random-rw]"), folder)
    assert matrix.profiles[0].template == "mine ${BLOCK_SIZE}"
    assert "[rand-read]" in matrix.profile("random-rw").template


@pytest.mark.parametrize(
    "path", ["vary.fio", "profiles/vary.fio", "./profiles/../profiles/vary.fio", "random-rw.fio"]
)
def test_a_template_path_is_also_looked_up_in_the_profile_folders(folder: Path, path: str) -> None:
    matrix = load(SMALL.replace("[vary, fixed]", f"[{{name: x, template: {path}}}]"), folder)
    assert "${BLOCK_SIZE}" in matrix.profiles[0].template


def test_a_template_path_with_a_null_byte_is_an_input_error(folder: Path) -> None:
    assert "can not be read" in problem(
        SMALL.replace("[vary, fixed]", '[{name: x, template: "a\\0b"}]'), folder
    )


def test_a_file_on_disk_is_loaded_by_its_path(folder: Path) -> None:
    path = folder / "mine.yaml"
    path.write_text(SMALL)
    assert load_matrix(str(path)).name == "mine"


def test_a_byte_order_mark_does_no_harm(folder: Path) -> None:
    path = folder / "mine.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert load_matrix(str(path)).namespace == "perf"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("namespace: perf", "namspace: perf", "m.yaml:1: unknown field 'namspace' in the matrix (did you mean 'namespace'? known: extends,"),
        ("namespace: perf", "namespace: Perf", "m.yaml:1: namespace 'Perf' is not a DNS-1123 label"),
        ("namespace: perf", f"namespace: {'a' * 64}", "m.yaml:1: namespace 'aaa"),
        ("namespace: perf", "namespace: 7", "m.yaml:1: namespace must be a text, not '7', a whole number (write it in quotes: '7')"),
        ("namespace: perf", "cluster: openshift", "m.yaml:1: cluster 'openshift' is not known (known: kubeconfig, sandbox)"),
        ("  - rep3\n", "  - rep2\n", "m.yaml:4: pool 'rep2' is there twice"),
        ("  - rep3\n", "  - no\n", "m.yaml:3: pool must be a mapping, not 'no', true or false"),
        ("  - rep3\n", "  - rep:3\n", "m.yaml:3: pool 'rep:3' can not be part of a key"),
        ("  - rep3\n", "  - ../x\n", "m.yaml:3: pool '../x' can not be part of a key"),
        ("  - rep3\n", "  - Rep3\n", "m.yaml:3: pool 'Rep3': storage_class 'Rep3' is not a DNS-1123 subdomain"),
        ("  - rep3\n", "  - {storage_class: x}\n", "m.yaml:3: pool has no name"),
        ("  - rep3\n", "  - {name: a, storageclass: x}\n", "m.yaml:3: unknown field 'storageclass' in pool (did you mean 'storage_class'? known: name, storage_class, volume_mode, backend, overhead, recipe, allow_not_ready, only, vm, target, caps)"),
        ("volume_mode: Block", "volume_mode: block", "m.yaml:4: pool 'rep2': volume_mode 'block' is not known (did you mean 'Block'? known: Block, Filesystem, from-provisioner)"),
        ("overhead: 2", "overhead: 0.5", "m.yaml:4: pool 'rep2': overhead 0.5 is not from 1 to 100"),
        ("overhead: 2", "overhead: .nan", "m.yaml:4: '.nan' is no usable number"),
        ("overhead: 2", "only: {concurrency: [7]}", "m.yaml:4: concurrency '7' of pool 'rep2' is not declared (known: 1, 5)"),
        ("overhead: 2", "only: {concurrency: [yes]}", "m.yaml:4: concurrency 'yes' of pool 'rep2' is not declared"),
        ("overhead: 2", "only: {vm_sizes: []}", "m.yaml:4: only vm_sizes of pool 'rep2' is empty"),
        ("overhead: 2", "only: {pools: [x]}", "m.yaml:4: unknown field 'pools' in only of pool 'rep2'"),
        ("pools:\n  - rep3\n  - {name: rep2, storage_class: sc-rep2, volume_mode: Block, backend: odf, overhead: 2}", "pools: []", "m.yaml:2: pools is empty"),
        ("pools:\n  - rep3\n  - {name: rep2, storage_class: sc-rep2, volume_mode: Block, backend: odf, overhead: 2}", "pools: {a: 1}", "m.yaml:2: pools must be a list, not a mapping"),
        ("pools:\n  - rep3\n  - {name: rep2, storage_class: sc-rep2, volume_mode: Block, backend: odf, overhead: 2}", "", "m.yaml:1: the matrix has no pools"),
        ("memory: 4Gi", "memory: 4GB", "m.yaml:6: VM size 'small': memory: '4GB' is not a quantity"),
        ("memory: 4Gi", "memory: 4", "m.yaml:6: VM size 'small': memory 4 is 4 bytes, not from 67108864"),
        ("memory: 4Gi", "ram: 4Gi", "m.yaml:6: unknown field 'ram' in VM size 'small' (known: vcpus, memory, instancetype, vm, machine, image)"),
        ("vcpus: 2, ", "", "m.yaml:6: VM size 'small' has no vcpus"),
        ("vcpus: 2", "vcpus: 0", "m.yaml:6: VM size 'small': vcpus 0 is not from 1 to 1024"),
        ("vcpus: 2", "vcpus: 1.5", "m.yaml:6: VM size 'small': vcpus must be a whole number, not '1.5', a number"),
        ("vcpus: 2", "vcpus: true", "m.yaml:6: VM size 'small': vcpus must be a whole number, not 'true', true or false"),
        ("  large:", "  small:", "m.yaml:7: 'small' is there twice, first on line 6"),
        ("[150Gi]", "[150Gi, 150Gi]", "m.yaml:8: PVC size '150Gi' is there twice"),
        ("[150Gi]", "[1Ti, 1024Gi]", "m.yaml:8: PVC size '1024Gi' is the same as '1Ti'"),
        ("[150Gi]", "[-1Gi]", "m.yaml:8: PVC size '-1Gi' can not be part of a key"),
        ("[150Gi]", "150Gi", "m.yaml:8: pvc_sizes must be a list, not '150Gi', a text"),
        ("[150Gi]", "[4Gi]", "m.yaml:8: fio file_size of 4294967296 bytes does not fit on a PVC of 4Gi"),
        ("[1, 5]", "[1, 1]", "m.yaml:9: concurrency 1 is there twice"),
        ("[1, 5]", "[0]", "m.yaml:9: concurrency 0 is not from 1 to 1000"),
        ("[1, 5]", "['1']", "m.yaml:9: concurrency must be a whole number, not '1', a text"),
        ("[vary, fixed]", "[vary, vary]", "m.yaml:10: profile 'vary' is there twice"),
        ("[vary, fixed]", "[nowhere]", "m.yaml:10: profile 'nowhere' has no template: profiles/nowhere.fio"),
        ("[vary, fixed]", "[../../x]", "m.yaml:10: profile '../../x' can not be part of a key"),
        ("[vary, fixed]", "[{name: x, template: gone.fio}]", "m.yaml:10: template of profile x "),
        ("[vary, fixed]", "[{name: fixed, block_sizes: [4k]}]", "m.yaml:10: profile 'fixed' has block_sizes, but its template does not use ${BLOCK_SIZE}"),
        ("block_sizes: [4k, 1M]", "", "m.yaml:10: profile 'vary' needs block sizes"),
        ("[4k, 1M]", "[4k, 4096]", "m.yaml:11: block size '4096' is the same as '4k'"),
        ("[4k, 1M]", "[4k, 4x]", "m.yaml:11: block size '4x' is not written as 4k, 1M or bytes"),
        ("[4k, 1M]", "[1000]", "m.yaml:11: block size '1000' is not a multiple of 512 bytes"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nfio: {runtime: soon}", "m.yaml:12: fio runtime 'soon' is not written as 120s, 2m, 1h or seconds"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nfio: {runtime: 0}", "m.yaml:12: fio runtime 0 is 0, not from 1 to 86400"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nfio:\n  runtime: 1\n  ramptime: 1", "m.yaml:14: unknown field 'ramptime' in fio (did you mean 'runtime'? known: runtime, ramp, iodepth, numjobs, file_size, target, rate_iops)"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nfio: {file_size: 1000000001}", "m.yaml:12: fio file_size is not a multiple of 4096 bytes"),
        ("block_sizes: [4k, 1M]", "block_sizes: [64M]\nfio: {file_size: 1M}", "m.yaml:10: block size 64M of profile vary is above fio file_size"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nguest: {user: 'root; reboot'}", "m.yaml:12: guest user 'root; reboot' is not a Linux user name"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nguest: {packages: ['fio; reboot']}", "m.yaml:12: package 'fio; reboot' is not a package name"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\ntimeouts: 5", "m.yaml:12: timeouts must be a mapping, not '5', a whole number"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nsandbox: [a]", "m.yaml:12: sandbox must be a mapping, not a list"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nranking: {weights: {varied: 2}}", "m.yaml:12: ranking weights: profile 'varied' is not declared (did you mean 'vary'?"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nranking: {weights: {vary: 0}}", "m.yaml:12: ranking weight of vary 0 is not from 0.001 to 1000"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nranking: {weights: {}}", "m.yaml:12: ranking weights is empty"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nranking: {}", "m.yaml:12: ranking has no weights"),
        ("block_sizes: [4k, 1M]", "block_sizes: [4k]\nname: a/b", "m.yaml:12: name 'a/b' can not be part of a key"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_line(folder: Path, before: str, after: str, expected: str) -> None:
    assert before in SMALL
    found = problem(SMALL.replace(before, after, 1), folder)
    assert found.startswith(expected)


def test_a_matrix_of_too_many_keys_is_refused(folder: Path) -> None:
    many = SMALL.replace("[1, 5]", str(list(range(1, 1000)))).replace(
        "[4k, 1M]", str([512 * n for n in range(1, 99)])
    )
    assert problem(many, folder) == "m.yaml: the matrix has 395604 keys, more than 100000"


def test_no_matrix_of_that_name_lists_those_that_ship() -> None:
    with pytest.raises(
        InputError,
        match=r"no matrix 'rnak' ships with the plugin \(known: demo, demo-ceph, full, overview, quick, rank\)",
    ):
        load_matrix("rnak")


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.yaml can not be read: No such file"):
        load_matrix(str(tmp_path / "gone.yaml"))


def test_a_folder_is_no_matrix(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").mkdir()
    with pytest.raises(InputError, match=r"x\.yaml is not a file"):
        load_matrix(str(tmp_path / "x.yaml"))


def test_a_binary_file_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(InputError, match=r"x\.yaml:2: matrix is not UTF-8"):
        load_matrix(str(tmp_path / "x.yaml"))


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"#" * (300 << 10))
    with pytest.raises(InputError, match="larger than 256 KiB"):
        load_matrix(str(tmp_path / "x.yaml"))


def test_a_path_with_a_null_byte_is_an_input_error() -> None:
    with pytest.raises(InputError):
        load_matrix("a\0b.yaml")


def test_a_hostile_template_is_only_text(folder: Path) -> None:
    hostile = "[a]\n; $(reboot) `id` </script> ${BLOCK_SIZE} {{x}} \x1b[31m %s\n"
    (folder / "profiles" / "vary.fio").write_text(hostile)
    assert load(SMALL, folder).profile("vary").template == hostile


def test_a_storage_class_is_called_whatever_the_api_server_allows() -> None:
    longest = "a." * 126 + "a"
    assert len(longest) == 253
    assert check_subdomain("StorageClass", longest) == longest
    with pytest.raises(InputError, match="at most 253"):
        check_subdomain("StorageClass", f"a{longest}")
