"""JUnit XML at the end of a session: the run's suites, what users' tests add to them, other tests beside."""

import xml.etree.ElementTree as ET

from junit_readers import broken_rules

TESTS = """
import os

def test_free(record_property):
    record_property("shelf", 3)
    record_property("odd \\ud800\\x00", "\\ud800\\x00")

def test_free_fails():
    assert 1 == 2, "of nobody"

def test_key(odf_result, odf_key, record_property, record_testsuite_property):
    record_property("rack", odf_key.pool)
    record_testsuite_property("site", "north")
    print("said by the test")
    assert odf_key.block_size != "64k", "no 64k here"
"""

DYING = """
import os, signal
from decimal import Decimal
from pathlib import Path

def test_key(odf_result, odf_key, record_property):
    record_property("where", Path("rack/7"))
    record_property("parts", [Decimal("1.5"), {"a": Path("b")}])
    if str(odf_key).startswith("slow:") and odf_key.block_size == "4k":
        os.kill(os.getpid(), signal.SIGKILL)
"""

#: What pytest-rerunfailures asks of a scheduler when a worker died.
ASKS = """
def pytest_handlecrashitem(crashitem, report, sched):
    assert sched.config.option.maxfail == 1
    try:
        sched.mark_test_pending(crashitem)
    except NotImplementedError:
        pass
"""


def read(path) -> dict[str, dict[str, ET.Element]]:
    """By suite, the cases by name."""
    root = ET.parse(path).getroot()
    assert broken_rules(root) == []
    return {
        str(suite.get("name")): {str(case.get("name")): case for case in suite.iter("testcase")}
        for suite in root
    }


def properties(element: ET.Element) -> dict[str, str]:
    return {str(one.get("name")): str(one.get("value")) for one in element.findall("properties/property")}


def name(pool: str, size: str) -> str:
    return f"test_key[{pool}:tiny:10Gi:1:random-rw:{size}]"


def test_the_file_that_the_user_names_has_the_run_and_other_tests_and_outlives_the_session(run_pytest):
    how = ("--odf-pool=fast", "--odf-pool=slow", "--junitprefix=nightly", "-o", "junit_suite_name=others")
    first = run_pytest(
        "--odf", "--odf-matrix=sim.yaml", *how, "--junitxml=out/ci.xml", "-o", "junit_logging=system-out",
        "test_mine.py", test_mine__py=TESTS,
    )  # fmt: skip
    assert first.code == 1, first.out
    path = first.folder / "out" / "ci.xml"
    assert "report: out/ci.xml" in first.out
    assert path.read_bytes() == (first.run / "junit.xml").read_bytes()
    assert not list(first.run.glob(".junit*"))
    suites = read(path)
    assert list(suites) == ["fast", "slow", "others"]
    for pool in ("fast", "slow"):
        assert list(suites[pool]) == [name(pool, "4k"), name(pool, "64k")]
        passed, failed = suites[pool].values()
        assert properties(passed)["rack"] == pool
        assert "read_iops_per_s" in properties(passed)
        assert "said by the test" in str(passed.findtext("system-out"))
        assert (passed.get("classname"), passed.get("file")) == ("nightly.test_mine", "test_mine.py")
        assert 'assert odf_key.block_size != "64k"' in str(failed.findtext("failure"))
    assert list(suites["others"]) == ["test_free", "test_free_fails"]
    assert properties(suites["others"]["test_free"]) == {
        "shelf": "3",
        "odd #xD800#x00": "#xD800#x00",
    }
    assert suites["others"]["test_free_fails"].find("failure").get("type") == "AssertionError"
    assert all(properties(suite)["site"] == "north" for suite in ET.parse(path).getroot())

    remade = run_pytest("--odf-report", "last", "--junitxml=made/again.xml")
    assert remade.code == 0, remade.out
    again = read(first.folder / "made" / "again.xml")
    assert {pool: list(cases) for pool, cases in again.items()} == {
        pool: list(suites[pool]) for pool in ("fast", "slow")
    }
    assert properties(again["fast"][name("fast", "4k")])["rack"] == "fast"

    resumed = run_pytest("--odf-resume=last", "-k=no-such-test", "--junitprefix=nightly", "test_mine.py")
    assert f"generated xml file: {resumed.run / 'junit.xml'}" in resumed.out
    again = read(resumed.run / "junit.xml")
    assert list(again) == ["fast", "slow"]
    for pool in again:
        assert {one: len(case.findall("failure")) for one, case in again[pool].items()} == {
            name(pool, "4k"): 0,
            name(pool, "64k"): 1,
        }
        case = again[pool][name(pool, "64k")]
        assert properties(case)["rack"] == pool
        assert 'assert odf_key.block_size != "64k"' in str(case.findtext("failure"))


def test_on_workers_a_crash_and_tests_that_never_had_their_turn_are_cases_once(run_pytest):
    outcome = run_pytest(
        "--odf-parallel=2", "--odf-matrix=sim.yaml", "--maxfail=1", "--junitxml=ci.xml", "test_dies.py",
        test_dies__py=DYING, conftest__py=ASKS,
    )  # fmt: skip
    assert outcome.code != 0, outcome.out
    suites = read(outcome.folder / "ci.xml")
    assert {pool: list(cases) for pool, cases in suites.items()} == {
        pool: [name(pool, size) for size in ("4k", "64k")] for pool in ("fast", "slow", "third")
    }
    died = suites["slow"][name("slow", "4k")]
    assert "the worker died while it measured" in str(died.findtext("failure"))
    assert died.find("failure").get("type") == "worker_died"
    for cases in suites.values():
        for case in cases.values():
            if case.find("failure") is None and case.find("skipped") is None:
                assert properties(case)["where"] == "rack/7"
    records = {record["test"]: record["status"] for record in outcome.records()}
    for cases in suites.values():
        for one, case in cases.items():
            status = records.get(f"test_dies.py::{one}", "not_run")
            kinds = {"passed": None, "failed": "failure", "skipped": "skipped", "not_run": "skipped"}
            ends = [end.tag for end in case if end.tag in ("failure", "error", "skipped")]
            assert ends == ([kinds[status]] if kinds[status] else [])
