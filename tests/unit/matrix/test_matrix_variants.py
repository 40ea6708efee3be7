# ruff: noqa: E501 - a table of messages is read line by line
"""Lists of iodepth and numjobs give one key for each number, under names that can be told apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.definition import definition
from pytest_odfperf.matrix.expand import count_keys, expand
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix, Profile
from pytest_odfperf.matrix.overrides import override_fio
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.matrix.reading.matrix_check import check
from pytest_odfperf.matrix.select import select
from pytest_odfperf.matrix.serial import from_json, to_json
from pytest_odfperf.matrix.variants import listed_numbers, variant_name, variants
from pytest_odfperf.schedule.jobs import job_of, render_jobs

HEAD = """
vm_sizes: {small: {vcpus: 2, memory: 4Gi}}
pvc_sizes: [20Gi]
concurrency: [1]
block_sizes: [4k]
"""
FIXED = """[global]
ioengine=libaio
direct=1
time_based=1
runtime=${RUNTIME}
ramp_time=${RAMP_TIME}
group_reporting=1
lat_percentiles=1
size=${FILE_SIZE}
bs=${BLOCK_SIZE}
"""


def load(text: str, folder: Path = Path()) -> Matrix:
    return load_text(HEAD + text, source="m.yaml", folder=folder, name="m")


def problem(text: str, folder: Path = Path()) -> str:
    with pytest.raises(InputError) as caught:
        load(text, folder)
    return str(caught.value)


def names(matrix: Matrix) -> list[str]:
    return list(dict.fromkeys(key.profile for key in expand(matrix)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("profiles: [random-rw]\nfio: {iodepth: 16}", ["random-rw"]),
        ("profiles: [random-rw]\nfio: {iodepth: [1, 32]}", ["random-rw.qd1", "random-rw.qd32"]),
        ("profiles: [random-rw]\nfio: {iodepth: [32]}", ["random-rw.qd32"]),
        ("profiles: [random-rw]\nfio: {numjobs: [4, 1]}", ["random-rw.nj4", "random-rw.nj1"]),
        (
            "profiles: [random-rw]\nfio: {iodepth: [1, 8], numjobs: [1, 2]}",
            ["random-rw.qd1.nj1", "random-rw.qd1.nj2", "random-rw.qd8.nj1", "random-rw.qd8.nj2"],
        ),
        # app-server fixes its depths; it takes numjobs.
        ("profiles: [app-server, random-rw]\nfio: {iodepth: [1, 2]}",
         ["app-server", "random-rw.qd1", "random-rw.qd2"]),
        ("profiles: [{name: random-rw, iodepth: 4}, mixed-70-30]\nfio: {iodepth: [1, 2]}",
         ["random-rw", "mixed-70-30.qd1", "mixed-70-30.qd2"]),
        ("profiles: [{name: random-rw, iodepth: [4, 5]}, mixed-70-30]\nfio: {numjobs: [7]}",
         ["random-rw.qd4.nj7", "random-rw.qd5.nj7", "mixed-70-30.nj7"]),
    ],
)  # fmt: skip
def test_a_list_gives_one_profile_for_each_number(text: str, expected: list[str]) -> None:
    matrix = load(f"pools: [a]\n{text}")
    assert names(matrix) == expected
    assert count_keys(matrix) == len(expand(matrix)) == len(expected)
    assert check(from_json(json.loads(json.dumps(to_json(matrix))))) == matrix
    for key in expand(matrix):
        assert Key.parse(str(key)) == key


def test_each_variant_runs_with_its_own_numbers() -> None:
    matrix = load("pools: [a]\nprofiles: [random-rw]\nfio: {iodepth: [1, 32], numjobs: [2, 4]}")
    keys = expand(matrix)
    jobs = render_jobs(matrix, keys)
    found = {(s.iodepth, s.numjobs) for key in keys for s in job_of(jobs, key).sections}
    assert found == {(1, 2), (1, 4), (32, 2), (32, 4)}


def test_a_variant_is_what_one_number_in_the_matrix_is() -> None:
    """The numbers decide the definition, not the name: a result of either stands for the other."""
    listed = load("pools: [a]\nprofiles: [random-rw]\nfio: {iodepth: [8, 9]}")
    single = load("pools: [a]\nprofiles: [random-rw]\nfio: {iodepth: 8}")
    eight, nine = expand(listed)
    (only,) = expand(single)
    assert definition(eight, listed) == definition(only, single) != definition(nine, listed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("profiles: [random-rw]\nfio: {iodepth: []}", "iodepth of fio is empty"),
        ("profiles: [random-rw]\nfio: {iodepth: [1, 1]}", "iodepth 1 is there twice"),
        ("profiles: [random-rw]\nfio: {iodepth: [0]}", "iodepth 0 is not from 1 to 65536"),
        ("profiles: [random-rw]\nfio: {numjobs: [x]}", "numjobs must be a whole number"),
        ("profiles: [random-rw]\nfio: {runtime: [1, 2]}", "fio runtime must be a text, not a list"),
        ("profiles: [{name: app-server, iodepth: [1, 2]}]", "has iodepth, but its template does not use ${IODEPTH}"),
        ("profiles: [{name: app-server, iodepth: 3}]", "has iodepth, but its template does not use ${IODEPTH}"),
        ("profiles: [{name: random-rw, iodepth: [1]}, {name: random-rw.qd1, template: random-rw.fio}]",
         "profile 'random-rw.qd1' is there twice: it is also a variant of 'random-rw'"),
        (f"profiles: [{{name: {'x' * 61}, template: random-rw.fio, iodepth: [10]}}]",
         "can not be part of a key"),
    ],
)  # fmt: skip
def test_wrong_lists_are_refused_with_the_line(text: str, expected: str) -> None:
    found = problem(f"pools: [a]\n{text}")
    assert found.startswith("m.yaml:")
    assert expected in found


@pytest.mark.parametrize(
    ("sections", "refused"),
    [
        (
            "iodepth=${IODEPTH}\nnumjobs=1\n[a]\nrw=read\niodepth=4\n[b]\nstonewall\nrw=write\niodepth=2\n",
            True,
        ),
        ("iodepth=${IODEPTH}\n[a]\nrw=read\niodepth=4\n[b]\nstonewall\nrw=write\n", False),
        ("# iodepth=${IODEPTH}\niodepth=1\n[a]\nrw=read\n", False),
    ],
)
def test_a_list_that_changes_no_section_makes_no_two_keys(
    tmp_path: Path, sections: str, refused: bool
) -> None:
    (tmp_path / "mine.fio").write_text(FIXED + sections)
    text = "pools: [a]\nprofiles: [{name: mine, template: mine.fio}]\nfio: {iodepth: [1, 2]}"
    matrix = load(text, tmp_path)
    if refused:
        with pytest.raises(InputError, match=r"mine\.qd1 and mine\.qd2 are the same job"):
            render_jobs(matrix, expand(matrix))
    else:
        render_jobs(matrix, expand(matrix))


def test_a_restriction_names_a_profile_for_all_variants_or_one_of_them() -> None:
    matrix = load(
        "pools: [{name: a, only: {profiles: [random-rw]}}, {name: b, only: {profiles: [random-rw.qd2]}}]\n"
        "profiles: [random-rw, mixed-70-30]\nfio: {iodepth: [1, 2]}"
    )
    found = [(key.pool, key.profile) for key in expand(matrix)]
    assert found == [("a", "random-rw.qd1"), ("a", "random-rw.qd2"), ("b", "random-rw.qd2")]
    assert count_keys(matrix) == 3


def test_filters_take_variants_by_name_and_glob() -> None:
    keys = expand(load("pools: [a]\nprofiles: [random-rw]\nfio: {iodepth: [1, 16], numjobs: [1, 4]}"))
    for glob, count in (("random-rw.qd1.nj4", 1), ("random-rw.qd1.*", 2), ("*.nj4", 2), ("random-rw*", 4)):
        assert len(select(keys, [f"*:*:*:*:{glob}:*"])) == count
    with pytest.raises(InputError, match=r"profile 'random-rw' is not there.*random-rw\.qd1\.nj1"):
        select(keys, ["*:*:*:*:random-rw:*"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["iodepth=8"], ["random-rw.nj1", "random-rw.nj2", "app-server.nj1", "app-server.nj2"]),
        (["iodepth=8", "numjobs=3"], ["random-rw", "app-server"]),
        (["iodepth=5,6", "numjobs=3"], ["random-rw.qd5", "random-rw.qd6", "app-server"]),
        (["runtime=5"], [
            "random-rw.qd1.nj1", "random-rw.qd1.nj2", "random-rw.qd4.nj1", "random-rw.qd4.nj2",
            "app-server.nj1", "app-server.nj2",
        ]),
    ],
)  # fmt: skip
def test_the_command_line_goes_before_lists(given: list[str], expected: list[str]) -> None:
    matrix = load(
        "pools: [a]\nprofiles: [{name: random-rw, iodepth: [1, 4]}, app-server]\nfio: {numjobs: [1, 2]}"
    )
    changed = override_fio(matrix, given)
    assert names(changed) == expected
    jobs = render_jobs(changed, expand(changed))
    if "iodepth=8" in given:
        depths = {s.iodepth for key, job in jobs.cells.items() if "random" in key[0] for s in job.sections}
        assert depths == {8}
    assert check(from_json(to_json(changed))) == changed


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("iodepth=1,1", "--odf-fio: iodepth 1 is there twice"),
        ("iodepth=1,", "--odf-fio: iodepth must be a whole number, not '', a text"),
        ("numjobs=0,4", "--odf-fio: numjobs 0 is not from 1 to 1024"),
        ("runtime=1,2", "--odf-fio: fio runtime '1,2' is not written as 120s, 2m, 1h or seconds"),
        ("target=raw", "--odf-fio: fio target 'raw' is not known (known: file, block)"),
    ],
)
def test_a_wrong_list_on_the_command_line_is_told(given: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        override_fio(load("pools: [a]\nprofiles: [random-rw]"), [given])
    assert str(caught.value) == expected


def test_a_restriction_to_a_variant_that_the_command_line_takes_away_is_told() -> None:
    matrix = load(
        "pools: [{name: a, only: {profiles: [random-rw.qd1]}}]\nprofiles: [random-rw]\nfio: {iodepth: [1, 2]}"
    )
    with pytest.raises(InputError, match=r"--odf-fio: pool 'a' is restricted to profile 'random-rw.qd1'"):
        override_fio(matrix, ["iodepth=9"])


numbers = st.fixed_dictionaries(
    {}, optional={"iodepth": st.integers(1, 70_000), "numjobs": st.integers(1, 2000)}
)


@given(st.sampled_from(["a", "a.b", "a-1", "qd1"]), numbers, numbers)
def test_names_of_variants_are_injective(profile: str, one: dict[str, int], other: dict[str, int]) -> None:
    assert (variant_name(profile, one) == variant_name(profile, other)) == (one == other)


@given(
    st.fixed_dictionaries(
        {},
        optional={n: st.lists(st.integers(1, 99), min_size=1, unique=True) for n in ("iodepth", "numjobs")},
    )
)
def test_a_variants_name_and_numbers_tell_the_same(lists: dict[str, list[int]]) -> None:
    profile = Profile(name="p", template="d=${IODEPTH}\nn=${NUMJOBS}", block_sizes=("4k",))
    made = variants(profile, {name: tuple(given) for name, given in lists.items()})
    assert len({one.name for one in made}) == len(made)
    for one in made:
        assert variant_name("p", listed_numbers(one)) == one.name
        assert set(listed_numbers(one)) == set(lists)


def test_a_stored_variant_whose_name_lies_is_refused() -> None:
    matrix = load("pools: [a]\nprofiles: [random-rw]\nfio: {iodepth: [1, 2]}")
    plain = to_json(matrix)
    plain["profiles"][0]["iodepth"] = 7
    with pytest.raises(InputError, match=r"'random-rw.qd1' is no variant"):
        check(from_json(plain))
