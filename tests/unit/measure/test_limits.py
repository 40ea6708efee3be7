"""Limits: what a matrix may say, and which keys have such figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.definition import definition
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.model import KeyLimits, Matrix
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.matrix.values.limit import METRICS, OPERATORS, parse_limit
from pytest_odfperf.schedule.jobs import render_jobs
from pytest_odfperf.schedule.limit_check import check_limits


@pytest.mark.parametrize(
    ("text", "direction", "metric", "section", "operator", "value"),
    [
        ("write p99 < 5ms", "write", "p99", None, "<", 5e6),
        ("read iops >= 10k", "read", "iops", None, ">=", 10_000),
        ("read iops>1.5M", "read", "iops", None, ">", 1_500_000),
        ("sync p99 <= 20 ms", "sync", "p99", None, "<=", 20e6),
        ("each mean < 800us", "each", "mean", None, "<", 800e3),
        ("  read   p99.9 ≤ 1.5s ", "read", "p99.9", None, "<=", 1.5e9),
        ("write worst guest p99 < 90µs", "write", "worst guest p99", None, "<", 90e3),
        ("read bw > 200MiB/s", "read", "bw", None, ">", 200 << 20),
        ("read bw > 200M", "read", "bw", None, ">", 200e6),
        ("read bw > 200MB/s", "read", "bw", None, ">", 200e6),
        ("fairness >= 0.9", "all", "fairness", None, ">=", 0.9),
        ("read fairness > 0.95", "read", "fairness", None, ">", 0.95),
        ("write p99 of db-wal < 5ms", "write", "p99", "db-wal", "<", 5e6),
    ],
)
def test_a_limit_is_read(
    text: str, direction: str, metric: str, section: str | None, operator: str, value: float
) -> None:
    limit = parse_limit(text)
    found = (limit.direction, limit.metric, limit.section, limit.operator)
    assert found == (direction, metric, section, operator)
    assert limit.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not written as a figure, one of <=, >=, <, > and a value"),
        ("write p99", "is not written as"),
        ("write p99 = 5ms", "is not written as"),
        ("write p99 == 5ms", "is not written as"),
        ("write p99 => 5ms", "is not written as"),
        ("1ms < write p99 < 5ms", "is not written as"),
        ("write p98 < 5ms", "'p98' is no figure (did you mean 'p99'? known: iops, bw, mean, p50"),
        ("wirte p99 < 5ms", "'wirte p99' is no figure"),
        ("write < 5ms", "it names no figure"),
        ("< 5ms", "it names no figure"),
        ("p99 < 5ms", "names no direction: write read, write, sync or each before p99"),
        ("sync bw > 5M", "syncs have no bandwidth"),
        ("write p99 < 5", "'5' is not a time such as 800us, 5ms or 1.5s"),
        ("write p99 < 5m", "'5m' is not a time"),
        ("write p99 < 0ms", "is not a time"),
        ("write p99 < -5ms", "'-5ms' is not a time"),
        ("write p99 < 1e3ms", "is not a time"),
        ("write p99 < nan", "is not a time"),
        ("read iops > 10K", "'10K' is not a rate such as 500, 10k or 1.5M"),
        ("read iops > 10Ki", "is not a rate"),
        ("read iops > 5m", "is not a rate"),
        ("read iops > inf", "is not a rate"),
        ("read iops > 1_000", "is not a rate"),
        ("read iops > ١٠", "is not a rate"),
        ("read bw > 5ms", "'5ms' is not a bandwidth such as 200M"),
        ("fairness > 90%", "'90%' is not a number above 0 and up to 1"),
        ("fairness > 1.5", "is not a number above 0"),
        ("read p99 of a/b < 5ms", "'a/b' can not be a section"),
        ("read p99 of < 5ms", "'p99 of' is no figure"),
        ("x" * 300, "is not written as"),
    ],
)
def test_what_is_no_limit_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_limit(text, place="m.yaml:7")
    assert said in str(raised.value)
    assert str(raised.value).startswith("m.yaml:7: limit ")
    assert str(raised.value).isprintable()


@given(st.text(max_size=60) | st.from_regex(r"(read |each )?(iops|p99) ?[<>]=? ?[0-9.]{1,5}(ms|k|Mi)?"))
def test_any_text_is_a_limit_or_one_line(text: str) -> None:
    try:
        limit = parse_limit(text)
    except InputError as error:
        found = str(error)
    else:
        found = limit.text
        assert parse_limit(limit.text) == limit
        assert (limit.metric in METRICS, limit.operator in OPERATORS) == (True, True)
        assert 0 < limit.value < math.inf
    assert found.isprintable()


MATRIX = """
pools: [rep3, rep2]
vm_sizes: {small: {vcpus: 2, memory: 4Gi}}
pvc_sizes: [150Gi]
concurrency: [1]
profiles: [random-rw, db-oltp, readers]
block_sizes: [4k]
"""
READERS = """
[global]
ioengine=libaio
direct=1
time_based=1
runtime=${RUNTIME}
ramp_time=${RAMP_TIME}
group_reporting=1
lat_percentiles=1
size=${FILE_SIZE}
[readers]
rw=randread
bs=${BLOCK_SIZE}
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Matrix]:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "readers.fio").write_text(READERS)

    def read(limits: str) -> Matrix:
        (tmp_path / "m.yaml").write_text(MATRIX + limits)
        return load_text(MATRIX + limits, source="m.yaml", folder=tmp_path, name="m")

    return read


def check(matrix: Matrix) -> None:
    keys = expand(matrix)
    check_limits(matrix, keys, keys, render_jobs(matrix, keys))


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ("limits: [a]", "m.yaml:8: limits must be a mapping"),
        ("limits:\n  'a:b': [read p99 < 5ms]", "m.yaml:9: limits pattern 'a:b' has 2 fields, not 6"),
        ("limits:\n  '*:*:*:*:*:': [read p99 < 5ms]", "m.yaml:9: limits pattern"),
        ("limits:\n  '*:*:*:*:*:*': 5", "m.yaml:9: limits of *:*:*:*:*:* must be a list"),
        ("limits:\n  '*:*:*:*:*:*':\n  - 5", "m.yaml:10: limit must be a text"),
        ("limits:\n  '*:*:*:*:*:*':\n  - p98 < 1ms", "m.yaml:10: limit 'p98 < 1ms': 'p98' is no figure"),
        ("limits:\n  '*:*:*:*:*:*': [read p99 < 5ms, read p99 < 5ms]", "is there twice"),
        ("limits:\n  'rep4:*:*:*:*:*': [read p99 < 5ms]",
         "m.yaml:9: limits pattern 'rep4:*:*:*:*:*' matches no key of the matrix: pool 'rep4' is not there"),
        ("limits:\n  '*:*:*:*:readers:*': [write p99 < 5ms]",
         "m.yaml:9: limit 'write p99 < 5ms': nothing does write (rw=randread: read only), as in rep3:small"),
        ("limits:\n  '*:*:*:*:*:*': [sync p99 < 5ms]", "nothing does sync (rw=randread: read only)"),
        ("limits:\n  '*:*:*:*:db-oltp:*': [read p99 of db-wal-write < 5ms]",
         "nothing does read (rw=write: sync and write only)"),
        ("limits:\n  '*:*:*:*:db-oltp:*': [read p99 of wal < 5ms]",
         "there is no section 'wal' (known: db-data-read, db-wal-write"),
    ],
)  # fmt: skip
def test_a_limit_that_means_nothing_is_refused_with_its_line(
    load: Callable[[str], Matrix], limits: str, said: str
) -> None:
    with pytest.raises(InputError) as raised:
        check(load(limits))
    assert said in str(raised.value)


def test_all_limits_without_a_figure_are_told_at_once(load: Callable[[str], Matrix]) -> None:
    matrix = load("limits:\n  'rep3:*:*:*:readers:*': [write p99 < 5ms, sync mean < 1s, read p50 < 1s]")
    with pytest.raises(InputError) as raised:
        check(matrix)
    assert len(raised.value.faults) == 2


def test_limits_are_taken_over_by_pattern_and_no_part_of_a_definition(
    load: Callable[[str], Matrix], tmp_path: Path
) -> None:
    load("limits:\n  'rep3:*:*:*:*:*': read iops > 5\n  'rep2:*:*:*:*:*': [read iops > 6]")
    over = "extends: ./m.yaml\npools: [rep3]\nlimits:\n  'rep3:*:*:1:*:*': [read p99 < 1s]\n"
    matrix = load_text(over, source="over.yaml", folder=tmp_path, name="over")
    check(matrix)
    assert [one.pattern for one in matrix.limits] == ["rep3:*:*:*:*:*", "rep2:*:*:*:*:*", "rep3:*:*:1:*:*"]
    key = expand(matrix)[0]
    assert [limit.text for limit in matrix.limits_of(key)] == ["read iops > 5", "read p99 < 1s"]
    without = load_text(
        over.replace("[read p99 < 1s]", "[]"), source="over.yaml", folder=tmp_path, name="over"
    )
    assert [limit.text for limit in without.limits_of(key)] == ["read iops > 5"]
    assert definition(key, matrix) == definition(key, without) == definition(key, replace(matrix, limits=()))


def test_a_matrix_that_somebody_changed_is_checked_again(load: Callable[[str], Matrix]) -> None:
    from pytest_odfperf.matrix.reading.matrix_check import check as check_stored

    matrix = load("")
    for one in (
        KeyLimits(pattern="a:b", texts=(), place="run.json"),
        KeyLimits(pattern="*:*:*:*:*:*", texts=("read p98 < 1ms",), place="run.json"),
    ):
        with pytest.raises(InputError, match=r"run\.json"):
            check_stored(replace(matrix, limits=(one,)))
