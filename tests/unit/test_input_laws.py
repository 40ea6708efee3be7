"""The law of everything that is read: an answer or one line. Any value, in any place of what we know.

tests/fuzz does the same with thousands of changed bytes and values.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_odfperf.errors import FioError, InputError
from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.job import Job, read_job, render
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.model import FioSettings, Profile
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.matrix.reading.matrix_check import check
from pytest_odfperf.matrix.serial import from_json, to_json
from pytest_odfperf.measure.aggregate import combine
from pytest_odfperf.measure.verdicts.doubt import Doubt, verdict_of

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["10Gi", "4k", "${RUNTIME}", "..", "a\nb", "\x1b[0m", "quick", "random-rw"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)

DOCUMENT: dict[str, Any] = {
    "pools": [{"name": "p", "storage_class": "sc", "only": {"concurrency": [1]}}],
    "vm_sizes": {"small": {"vcpus": 1, "memory": "1Gi"}},
    "pvc_sizes": ["10Gi"],
    "concurrency": [1],
    "profiles": [{"name": "random-rw", "block_sizes": ["4k"]}],
    "fio": {"runtime": "10s", "ramp": 1, "file_size": "1G"},
    "guest": {"packages": ["fio"]},
    "timeouts": {"boot": "5m"},
}


def put(tree: Any, value: Any, choose: Any) -> Any:
    """``tree`` with ``value`` in a place that ``choose`` picks."""
    tree = copy.deepcopy(tree)
    inside = tree
    while True:
        place = choose(sorted(inside) if isinstance(inside, dict) else list(range(len(inside))))
        deeper = inside[place]
        if not isinstance(deeper, dict | list) or not deeper or choose([True, False]):
            inside[place] = value
            return tree
        inside = deeper


def one_line(error: Exception) -> None:
    assert str(error).isprintable(), repr(str(error))
    assert len(str(error)) < 4100


SOME = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SOME
@given(value=VALUES, data=st.data())
def test_a_matrix_with_any_value_in_any_place(tmp_path: Path, value: Any, data: st.DataObject) -> None:
    tree = put(DOCUMENT, value, lambda places: data.draw(st.sampled_from(places)))
    try:
        expand(load_text(json.dumps(tree), source="m.yaml", folder=tmp_path, name="m"))
    except InputError as error:
        one_line(error)


@SOME
@given(value=VALUES, data=st.data())
def test_a_stored_matrix_with_any_value_in_any_place(tmp_path: Path, value: Any, data: st.DataObject) -> None:
    stored = to_json(load_text(json.dumps(DOCUMENT), source="m.yaml", folder=tmp_path, name="m"))
    tree = put(stored, value, lambda places: data.draw(st.sampled_from(places)))
    try:
        matrix = check(from_json(json.loads(json.dumps(tree))))
    except InputError as error:
        one_line(error)
    except ValueError as error:
        one_line(InputError(str(error)))
    else:
        assert all(key.pool and "/" not in str(key) for key in expand(matrix))


LINES = st.sampled_from(
    ["[global]", "[a]", "[a", "[]", "rw=randrw", "rw=", "bs=${BLOCK_SIZE}", "size=${FILE_SIZE}", "size=1x",
     "time_based=1", "group_reporting=1", "lat_percentiles=1", "runtime=${RUNTIME}", "ramp_time=${RAMP_TIME}",
     "=", "stonewall", "numjobs=-1", "filename=../x", "exec_prerun=id", "${", "$", "${NO}", "; x", "#", "\0"]
) | st.text(max_size=20)  # fmt: skip


@SOME
@given(lines=st.lists(LINES, max_size=14))
def test_any_template_is_a_job_or_one_line(lines: list[str]) -> None:
    text = "\n".join(lines)
    block_size = "4k" if "${BLOCK_SIZE}" in text else "native"
    profile = Profile(name="p", template=text, block_sizes=(block_size,))
    try:
        job = render(profile, FioSettings(), block_size)
    except InputError as error:
        one_line(error)
    else:
        assert job.sections


JudgeAnswer = Callable[..., list[Doubt]]


def sample(folder: Path) -> tuple[Job, Any]:
    return read_job((folder / "random-rw.fio").read_text()), json.loads(
        (folder / "random-rw.json").read_text()
    )


@SOME
@given(value=VALUES, data=st.data())
def test_an_answer_of_fio_with_any_value_in_any_place(
    fio_samples: Path, value: Any, data: st.DataObject
) -> None:
    job, answer = sample(fio_samples)
    tree = put(answer, value, lambda places: data.draw(st.sampled_from(places)))
    try:
        measured = combine({"vm": parse(json.dumps(tree), job, FioSettings(runtime_s=1, ramp_s=1))})
    except FioError as error:
        one_line(error)
    else:
        for part in (measured.read, measured.write):
            assert part is not None
            json.dumps(part.bw_bytes_per_s, allow_nan=False)


@pytest.mark.parametrize(
    "number", [10**400, 2**64, 1e308, -1, True, "1", None], ids=lambda one: repr(one)[:9]
)
@pytest.mark.parametrize(
    "name", ["total_ios", "runtime", "io_bytes", "lat_ns.mean", "lat_ns.max", "lat_ns.N"]
)
def test_a_counter_that_can_be_none_of_fio(
    fio_samples: Path, judge_answer: JudgeAnswer, name: str, number: Any
) -> None:
    job, answer = sample(fio_samples)
    inside = answer["jobs"][0]["read"]
    for part in name.split(".")[:-1]:
        inside = inside[part]
    inside[name.split(".")[-1]] = number
    try:
        doubts = judge_answer(answer, job, FioSettings(runtime_s=1, ramp_s=1))
    except FioError as error:
        one_line(error)
    else:
        assert verdict_of(doubts) == "invalid"
        assert name == "lat_ns.N"
