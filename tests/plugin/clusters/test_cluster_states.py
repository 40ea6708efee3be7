"""What a cluster is like at the moment, and what a run makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from reruns_plugin import RERUNS

ONE_KEY = ("--odf-matrix", "short.yaml", "--odf-filter", "*:*:*:*:*:4k")


def test_a_pool_that_is_not_ready_is_measured_on_request_and_every_report_says_so(bed: Any) -> None:
    pool = ("--odf-extra-sc", "lost", "--odf-pool", "lost")
    refused = bed.run("--odf", *ONE_KEY, *pool)
    assert refused.code == 4, refused.out
    assert "no pool can run: lost: CephBlockPool gone is Failure, not Ready" in refused.out
    outcome = bed.run("--odf", *ONE_KEY, *pool, "--odf-allow-not-ready", "lost")
    assert outcome.code == 0, outcome.out
    said = "CephBlockPool gone is Failure, not Ready, and measured all the same (allow_not_ready)"
    assert f"odfperf: pool lost: {said}" in outcome.out
    (record,) = outcome.records()
    assert record["notes"] == [f"pool lost: {said}"]
    for name in ("junit.xml", "report.html", "lost/pool.log", "run.json"):
        assert said in (outcome.run / name).read_text(), name


#: What pytest-repeat does.
REPEATS = """
import pytest

@pytest.fixture
def step(request): pass

def pytest_generate_tests(metafunc):
    metafunc.fixturenames.append("step")
    metafunc.parametrize("step", range(3), indirect=True, ids=["1-3", "2-3", "3-3"])
"""


def plugin(name: str, installed: bool, option: str, same: str) -> dict[str, Any]:
    """How a run gets the plugin itself, where it is installed, or what does the same."""
    if not installed:
        return {"same__py": same, "arguments": ("-p", "same")}
    pytest.importorskip(name)
    return {"arguments": (option,)}


@pytest.mark.parametrize("installed", [False, True])
def test_a_group_that_can_not_be_deleted_is_red_also_if_its_test_is_run_again(
    bed: Any, installed: bool
) -> None:
    """pytest-rerunfailures runs the test again whose end failed, and the second attempt passes."""
    more = plugin("pytest_rerunfailures", installed, "--reruns=1", RERUNS)
    matrix = bed.folder / "short.yaml"
    matrix.write_text(matrix.read_text().replace("delete: 60s", "delete: 2s"))
    outcome = bed.run(
        "--odf", *ONE_KEY, "--odf-pool", "held", "--odf-extra-sc", "held", *more.pop("arguments"), **more
    )
    assert outcome.code == 1, outcome.out
    (case,) = [case for case in outcome.cases() if "deletion of VM group" in str(case.get("name"))]
    (failure,) = case.iter("failure")
    assert "VM group held:tiny:10Gi:1 is not gone after 2 s" in str(failure.text)
    assert "is not gone after 2 s" in outcome.out
    assert "VM group held:tiny:10Gi:1 is not gone after 2 s" in outcome.page()
    assert len(outcome.records()) == 2, "it was measured again"
    assert outcome.records()[-1]["status"] == "passed"


@pytest.mark.parametrize(("mode", "installed"), [("--odf", True), ("--odf-parallel=1", False)])
def test_each_repeat_of_pytest_repeat_is_a_measurement(bed: Any, mode: str, installed: bool) -> None:
    more = plugin("pytest_repeat", installed, "--count=3", REPEATS)
    outcome = bed.run(mode, *ONE_KEY, "--odf-pool", "fast", *more.pop("arguments"), **more)
    assert outcome.code == 0, outcome.out
    records = outcome.records()
    assert [record["test"].rpartition("4k")[2] for record in records] == ["-1-3]", "-2-3]", "-3-3]"]
    assert len({record["guests"][0]["started_at_epoch_ns"] for record in records}) == 3
    assert [record["notes"] for record in records] == [
        [],
        ["repeat 2 of this key"],
        ["repeat 3 of this key"],
    ]
    assert len({record["artefacts"][0] for record in records}) == 3
    assert len({record["guests"][0]["name"] for record in records}) == 1, "on one VM group"


def test_tests_with_parameters_of_their_own_share_a_measurement_and_a_rerun_has_none(bed: Any) -> None:
    (bed.folder / "test_own.py").write_text(
        "import pytest\n"
        "@pytest.fixture(params=[1, 2])\n"
        "def limit(request): return request.param\n"
        "@pytest.mark.parametrize('factor', [1, 2])\n"
        "def test_own(odf_result, limit, factor): assert odf_result.read.iops_per_s > limit * factor\n"
    )
    outcome = bed.run("test_own.py", "--odf", *ONE_KEY, "--odf-pool", "fast")
    assert outcome.code == 0, outcome.out
    assert len(outcome.records()) == 4
    assert len({record["guests"][0]["started_at_epoch_ns"] for record in outcome.records()}) == 1
