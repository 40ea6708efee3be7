"""Patterns choose keys as a shell chooses files; what chooses nothing is an error."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.matrix.select import Pattern, select

FULL = expand(load_matrix("full"))


def pools(keys: tuple[Key, ...]) -> list[str]:
    return list(dict.fromkeys(key.pool for key in keys))


def test_without_patterns_everything_is_selected() -> None:
    assert select(FULL) == FULL


def test_a_glob_works_inside_a_field() -> None:
    assert pools(select(FULL, ["rep*:*:*:*:*:*"])) == ["rep3", "rep3-virt", "rep3-enc", "rep2", "rep1"]
    assert pools(select(FULL, ["ec-[24]-?:*:*:*:*:*"])) == ["ec-2-1", "ec-2-2", "ec-4-2"]
    assert pools(select(FULL, ["*[!0-9]-iops:*:*:*:*:*"])) == ["ibmc-vpc-file-min-iops"]


def test_a_literal_is_the_whole_field() -> None:
    assert [str(key) for key in select(FULL, ["rep3:small:150Gi:1:random-rw:4k"])] == [
        "rep3:small:150Gi:1:random-rw:4k"
    ]
    assert {key.concurrency for key in select(FULL, ["*:*:*:1:*:*"])} == {1}


def test_filters_add_up() -> None:
    assert pools(select(FULL, ["rep2:*:*:*:*:*", "rep1:*:*:*:*:*"])) == ["rep2", "rep1"]


def test_an_exclude_wins_over_a_filter() -> None:
    keys = select(FULL, ["rep2:small:150Gi:1:*:*"], ["*:*:*:*:random-rw:*", "*:*:*:*:*:native"])
    assert [f"{key.profile}:{key.block_size}" for key in keys] == [
        "sequential-rw:4k", "sequential-rw:64k", "sequential-rw:1M",
        "mixed-70-30:4k", "mixed-70-30:64k", "mixed-70-30:1M",
    ]  # fmt: skip


def test_pools_choose_by_name() -> None:
    assert pools(select(FULL, pools=["rep1", "rep3"])) == ["rep3", "rep1"]


@pytest.mark.parametrize(
    ("pattern", "fields"),
    [("rep3", "1 field"), ("rep3:*", "2 fields"), ("*:*:*:*:*:*:*", "7 fields"), ("", "1 field")],
)
@pytest.mark.parametrize("kind", ["filters", "excludes"])
def test_a_wrong_number_of_fields_is_refused_with_the_form(kind: str, pattern: str, fields: str) -> None:
    with pytest.raises(InputError) as refused:
        select(FULL, **{kind: [pattern]})
    assert f"has {fields}, not 6: write pool:size:pvc:concurrency:profile:block_size" in str(refused.value)


def test_an_empty_field_is_refused() -> None:
    with pytest.raises(InputError, match="size is empty; write \\* for any"):
        select(FULL, ["rep3::*:*:*:*"])


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("rep4:*:*:*:*:*", "pool 'rep4' is not there (did you mean 'rep3"),
        ("REP3:*:*:*:*:*", "pool 'REP3' is not there"),
        (
            "*:*:*:*:random-rw:8k",
            "block_size '8k' is not there (known: 4k, 64k, 1M, native)",
        ),
        ("*:*:*:*:db-oltp:4k", "each field alone does, but no key has all of them"),
    ],
)
def test_a_filter_that_matches_nothing_says_which_field(pattern: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        select(FULL, ["rep2:*:*:*:*:*", pattern])
    assert f"--odf-filter {pattern!r} matches no key of the matrix" in str(refused.value)
    assert hint in str(refused.value)


def test_an_unknown_pool_lists_the_known() -> None:
    with pytest.raises(
        InputError,
        match=r"--odf-pool 'rep4' is not a pool of the matrix \(did you mean 'rep.'\? known: rep3, ",
    ):
        select(FULL, pools=["rep4"])


def test_an_exclude_that_matches_nothing_excludes_nothing() -> None:
    assert select(FULL, excludes=["none:*:*:*:*:*"]) == FULL


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(InputError, match="no key is left: 4860 in the matrix"):
        select(FULL, ["rep2:*:*:*:*:*"], ["rep2:*:*:*:*:*"])
    with pytest.raises(InputError, match="no key is left"):
        select(FULL, ["rep2:*:*:*:*:*"], pools=["rep3"])


def test_a_pattern_that_would_backtrack_ends() -> None:
    key = Key("a" * 63, "small", "1Gi", 1, "p", "4k")
    assert not Pattern.parse(f"{'*a' * 100}b:*:*:*:*:*").matches(key)


def test_an_endless_pattern_is_refused() -> None:
    with pytest.raises(InputError, match="longer than 400"):
        Pattern.parse("*" * 10_000)


@settings(deadline=None)
@given(st.sampled_from(FULL))
def test_every_key_is_its_own_pattern(key: Key) -> None:
    assert select(FULL, [str(key)]) == (key,)


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_filter_and_exclude_of_one_pattern_divide_the_keys(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(FULL))
    stars = data.draw(st.lists(st.booleans(), min_size=6, max_size=6).filter(lambda chosen: not all(chosen)))
    pattern = ":".join("*" if star else field for star, field in zip(stars, key.fields, strict=True))
    inside, outside = select(FULL, [pattern]), select(FULL, excludes=[pattern])
    assert sorted([*inside, *outside]) == sorted(FULL)
    assert key in inside
