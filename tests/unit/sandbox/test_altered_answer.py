from __future__ import annotations

import copy
from typing import Any

import pytest

from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.sandbox.altered_answer import alter

ANSWER: dict[str, Any] = {
    "fio version": "fio-3.33",
    "jobs": [
        {"jobname": "a", "read": {"iops": 10.5, "total_ios": 10, "bins": {"100": 3, "9024": 7}}},
        {"jobname": "b", "read": {"iops": 20.0, "total_ios": 20, "bins": {}}},
    ],
}


@pytest.mark.parametrize(
    ("changes", "path", "becomes"),
    [
        ({"fio version": "fio-3.41"}, ("fio version",), "fio-3.41"),
        ({"jobs/1/read/total_ios": {"times": 10}}, ("jobs", 1, "read", "total_ios"), 200),
        ({"jobs/*/read/total_ios": {"plus": -1}}, ("jobs", 0, "read", "total_ios"), 9),
        ({"jobs/0/read/iops": {"times": 2}}, ("jobs", 0, "read", "iops"), 21.0),
        ({"jobs/0/error": 5}, ("jobs", 0, "error"), 5),
        ({"jobs/0/read/bins": {"times": 2}}, ("jobs", 0, "read", "bins"), {"201": 3, "18048": 7}),
        ({"jobs/*/read/bins": {"5": 1}, "jobs/0/read/bins/6": 2}, ("jobs", 1, "read", "bins"), {"5": 1}),
        # What is not there has no multiple, and nothing is made below it.
        ({"jobs/0/write/iops": {"times": 2}, "jobs/0/none": {"plus": 1}}, ("jobs",), ANSWER["jobs"]),
        ({"jobs/7/error": 5, "jobs/0/jobname/x": 1}, ("jobs",), ANSWER["jobs"]),
    ],
)
def test_a_path_leads_to_what_is_changed(
    changes: dict[str, Any], path: tuple[Any, ...], becomes: Any
) -> None:
    document = copy.deepcopy(ANSWER)
    alter(document, changes)
    found: Any = document
    for part in path:
        found = found[part]
    assert found == becomes


def test_what_becomes_nothing_is_gone() -> None:
    document = copy.deepcopy(ANSWER)
    alter(document, {"jobs/*/read/bins": None, "jobs/0/missing": None})
    assert [sorted(entry["read"]) for entry in document["jobs"]] == [["iops", "total_ios"]] * 2


def test_bins_stay_those_of_fio() -> None:
    document = copy.deepcopy(ANSWER)
    alter(document, {"jobs/0/read/bins": {"times": 3.7}})
    assert Histogram.from_bins(document["jobs"][0]["read"]["bins"]).total == 10
