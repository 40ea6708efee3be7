# ruff: noqa: E501 - a table of messages is read line by line
"""A matrix may extend another and say only what differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.reading.load import load_matrix

BASE = """\
namespace: base
name: base
pools:
  - {name: rep2, storage_class: sc-rep2, volume_mode: Block, overhead: 2}
  - {name: rep3, storage_class: sc-rep3, volume_mode: Block, overhead: 3}
  - plain
vm_sizes:
  small: {vcpus: 2, memory: 4Gi}
  large: {vcpus: 8, memory: 16Gi}
pvc_sizes: [150Gi]
concurrency: [1, 5]
profiles: [{name: own, template: own.fio}, random-rw]
block_sizes: [4k, 1M]
fio: {runtime: 30, iodepth: 8}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "own.fio").write_text("own ${BLOCK_SIZE}")
    return tmp_path


def load(folder: Path, text: str) -> Matrix:
    (folder / "sub" / "m.yaml").write_text(f"extends: ../base.yaml\n{text}")
    return load_matrix(str(folder / "sub" / "m.yaml"))


def problem(folder: Path, text: str) -> str:
    with pytest.raises(InputError) as refused:
        load(folder, text)
    return str(refused.value).replace(f"{folder}/", "")


def test_what_is_not_said_is_the_base(folder: Path) -> None:
    matrix = load(folder, "")
    base = load_matrix(str(folder / "base.yaml"))
    assert expand(matrix) == expand(base)
    assert (matrix.fio, matrix.namespace, matrix.pools) == (base.fio, "base", base.pools)


def test_the_name_is_not_inherited(folder: Path) -> None:
    assert load(folder, "").name == "m"
    assert load(folder, "name: mine").name == "mine"


def test_settings_are_overridden_field_by_field(folder: Path) -> None:
    fio = load(folder, "fio: {runtime: 5s}").fio
    assert (fio.runtime_s, fio.iodepth, fio.numjobs) == (5, 8, 4)


def test_pools_are_chosen_by_name_and_keep_their_fields(folder: Path) -> None:
    matrix = load(folder, "pools: [rep3, plain]")
    assert [(pool.name, pool.storage_class, pool.overhead) for pool in matrix.pools] == [
        ("rep3", "sc-rep3", 3.0),
        ("plain", "plain", 1.0),
    ]


def test_a_pool_of_the_base_can_be_changed_in_one_field(folder: Path) -> None:
    matrix = load(folder, "pools: [{name: rep3, volume_mode: Filesystem}, {name: new, storage_class: other}]")
    assert [(pool.name, pool.storage_class, pool.volume_mode, pool.overhead) for pool in matrix.pools] == [
        ("rep3", "sc-rep3", "Filesystem", 3.0),
        ("new", "other", None, 1.0),
    ]


def test_vm_sizes_are_chosen_by_label(folder: Path) -> None:
    assert [(size.label, size.vcpus) for size in load(folder, "vm_sizes: [large]").vm_sizes] == [("large", 8)]


def test_new_vm_sizes_replace_those_of_the_base(folder: Path) -> None:
    matrix = load(folder, "vm_sizes:\n  tiny: {vcpus: 1, memory: 1Gi}\n")
    assert [size.label for size in matrix.vm_sizes] == ["tiny"]


def test_a_template_is_found_where_the_base_named_it(folder: Path) -> None:
    matrix = load(folder, "profiles: [own, {name: random-rw, block_sizes: [4k]}]")
    assert matrix.profile("own").template == "own ${BLOCK_SIZE}"
    assert matrix.profile("own").block_sizes == ("4k", "1M")
    assert matrix.profile("random-rw").block_sizes == ("4k",)


def test_a_template_beside_the_extending_matrix_goes_first(folder: Path) -> None:
    (folder / "sub" / "profiles").mkdir()
    (folder / "sub" / "profiles" / "app-server.fio").write_text("mine")
    assert load(folder, "profiles: [app-server]").profiles[0].template == "mine"


def test_new_block_sizes_hold_for_the_profiles_of_the_base(folder: Path) -> None:
    assert load(folder, "block_sizes: [64k]").profile("own").block_sizes == ("64k",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pools:\n  - rep2\n  - rep4\n", "sub/m.yaml:4: pool 'rep4' is not declared (known: rep2, rep3, plain)"),
        ("pools: [rep2, rep2]", "sub/m.yaml:2: pool 'rep2' is there twice"),
        ("vm_sizes: [smal]", "sub/m.yaml:2: VM size 'smal' is not declared (known: small, large)"),
        ("vm_sizes: [small, small]", "sub/m.yaml:2: VM size 'small' is there twice"),
        ("vm_sizes: [[small]]", "sub/m.yaml:2: VM size '' is not declared"),
        ("vm_sizes: []", "sub/m.yaml:2: vm_sizes is empty"),
        ("profiles: [{name: random-rw, block_size: [4k]}]", "sub/m.yaml:2: unknown field 'block_size' in profile (did you mean 'block_sizes'?"),
        ("fio: {iodepth: 0}", "sub/m.yaml:2: fio iodepth 0 is not from 1 to 65536"),
        ("fio: [1]", "sub/m.yaml:2: fio must be a mapping, not a list"),
        ("pool: [rep2]", "sub/m.yaml:2: unknown field 'pool' in the matrix (did you mean 'pools'?"),
    ],
)  # fmt: skip
def test_a_fault_is_named_where_it_was_written(folder: Path, text: str, expected: str) -> None:
    assert problem(folder, text).startswith(expected)


def test_a_fault_of_the_base_is_named_in_the_base(folder: Path) -> None:
    (folder / "base.yaml").write_text(BASE.replace("iodepth: 8", "iodepth: many"))
    assert problem(folder, "fio: {iodepth: 1}").startswith(
        "sub/../base.yaml:14: fio iodepth must be a whole number"
    )


def test_matrices_that_extend_each_other_are_refused(folder: Path) -> None:
    (folder / "base.yaml").write_text("extends: sub/m.yaml\n")
    assert "extends 'sub/m.yaml', which extends this matrix" in problem(folder, "")


def test_a_matrix_that_extends_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("extends: m.yaml\n")
    with pytest.raises(InputError, match=r"m\.yaml:1: extends 'm\.yaml', which extends this matrix"):
        load_matrix(str(tmp_path / "m.yaml"))


def test_a_long_chain_is_refused(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"m{number}.yaml").write_text(f"extends: m{number + 1}.yaml\n")
    with pytest.raises(InputError, match="more than 8 matrices extend each other"):
        load_matrix(str(tmp_path / "m0.yaml"))


def test_an_unknown_base_names_the_line_and_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("# mine\nextends: ful\n")
    with pytest.raises(InputError, match=r"m\.yaml:2: no matrix 'ful' ships .*known: demo, demo-ceph, full,"):
        load_matrix(str(tmp_path / "m.yaml"))


def test_a_file_named_like_a_shipped_matrix_may_extend_it(tmp_path: Path) -> None:
    (tmp_path / "full.yaml").write_text("extends: full\npools: [rep2]\n")
    assert len(expand(load_matrix(str(tmp_path / "full.yaml")))) == 324
