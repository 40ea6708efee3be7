"""junit.xml against the records that it is made of, key by key, and read back by junitparser."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import junitparser.xunit2
import pytest
from junit_readers import broken_rules
from report_runs.folder import make_run
from report_runs.plan import large_plan

from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.content.run_progress import RunProgress
from pytest_odfperf.report.junit.junit_names import node_ids
from pytest_odfperf.report.junit.junit_suites import render_junit
from pytest_odfperf.report.junit.junit_xml import legal
from pytest_odfperf.run.reports.run_reading import read_run_content, run_content
from pytest_odfperf.store.run_dir import RunDir

#: By the status of a record; None: it was not run.
ENDS = {"passed": None, "failed": "failure", "error": "error", "skipped": "skipped", None: "skipped"}


def read(content: RunContent) -> ET.Element:
    root = ET.fromstring(render_junit(content))
    assert broken_rules(root) == []
    return root


def end_of(case: ET.Element) -> str | None:
    return next((child.tag for child in case if child.tag in ENDS.values()), None)


def cases_of(suite: ET.Element) -> list[ET.Element]:
    """Its cases that are tests."""
    others = ("gate[", "deletion of VM group ")
    return [case for case in suite.findall("testcase") if not str(case.get("name")).startswith(others)]


@pytest.fixture(scope="module")
def everything_text(everything: RunContent) -> str:
    return render_junit(everything, lambda record, path: f"results/{record.run_id}/{path}")


@pytest.fixture(scope="module")
def everything_root(everything_text: str) -> ET.Element:
    return ET.fromstring(everything_text)


def test_each_test_of_a_run_is_one_case_of_its_pool(
    everything: RunContent, everything_root: ET.Element
) -> None:
    assert broken_rules(everything_root) == []
    suites = {suite.get("name"): suite for suite in everything_root}
    assert list(suites) == list(everything.pools)
    by_pool = {str(pool): cases_of(suite) for pool, suite in suites.items()}
    for test, node_id in node_ids(everything):
        case = by_pool[test.key.pool].pop(0)
        record = test.record
        name = legal(node_id.partition("[")[0].rpartition("::")[2])
        assert str(case.get("name")).startswith(f"{name}[")
        assert str(test.key) in str(case.get("name"))
        assert end_of(case) == ENDS[record.status if record else None]
        if record is None:
            assert str(case.findtext("skipped")).startswith("not run: ")
            continue
        assert float(str(case.get("time"))) == pytest.approx(record.duration_s, abs=0.001)
        properties = [(one.get("name"), one.get("value")) for one in case.iter("property")]
        assert properties[: len(record.properties())] == [
            (legal(one), legal(value)) for one, value in record.properties()
        ]
    assert not any(by_pool.values())


def test_junitparser_reads_back_counts_times_and_properties(
    everything: RunContent, everything_text: str
) -> None:
    found = junitparser.JUnitXml.fromroot(ET.fromstring(everything_text.encode()))
    root = ET.fromstring(everything_text)
    assert [suite.name for suite in found] == list(everything.pools)
    assert (found.tests, found.failures, found.errors) == tuple(
        int(str(root.get(name))) for name in ("tests", "failures", "errors")
    )
    for suite, element in zip(found, root, strict=True):
        said = suite.tests, suite.failures, suite.errors, suite.skipped, suite.time
        # It recounts from the cases.
        suite.update_statistics()
        assert said == (suite.tests, suite.failures, suite.errors, suite.skipped, pytest.approx(suite.time))
        values = {one.name: one.value for one in suite.properties()}
        assert values["pool"] == suite.name
        assert {"run_id", "cluster", "storage_class", "marking", "version.pytest-odfperf"} <= set(values)
        states = Counter(test.state for test in everything.tests if test.key.pool == suite.name)
        assert {state: int(values[f"tests.{state}"]) for state in states} == states
        cases = [junitparser.xunit2.TestCase.fromelem(case) for case in element.findall("testcase")]
        records = [test.record for test in everything.tests if test.key.pool == suite.name]
        for case, record in zip(cases, records, strict=False):
            if record is not None:
                verdicts = [
                    one.value for one in case.child(junitparser.Properties) or [] if one.name == "verdict"
                ]
                assert verdicts == ([record.verdict] if record.verdict else [])


@pytest.mark.parametrize(("ends", "why"), [("interrupted", "SIG"), ("running", "has not come to its end")])
def test_what_was_not_run_is_skipped_and_says_why(tmp_path: Path, ends: str, why: str) -> None:
    folder = make_run(tmp_path, large_plan(30, 1, variety=1, raw=False, repeats=2), ends=ends, share=0.3)
    root = read(read_run_content(RunDir(folder.parent, folder.name)))
    cases = list(root.iter("testcase"))
    assert len(cases) == 60
    skipped = [case for case in cases if case.find("skipped") is not None]
    assert len(skipped) == 42
    assert all(why in str(case.findtext("skipped")) for case in skipped)
    assert {case.find("skipped").get("type") for case in skipped} == {"not_run"}  # type: ignore[union-attr]
    names = [str(case.get("name")) for case in cases]
    assert len({name.partition("[")[0] for name in names}) == 1
    # What they will be called when they are run.
    whole = make_run(tmp_path, large_plan(30, 1, variety=1, raw=False, repeats=2, run_id="made-2"))
    again = read(read_run_content(RunDir(whole.parent, whole.name)))
    assert sorted(names) == sorted(str(case.get("name")) for case in again.iter("testcase"))


def test_while_a_run_goes_on_its_file_says_so(make_run: Callable[..., RunDir]) -> None:
    run_dir = make_run(ended=False, pools=["rep3"])
    progress = RunProgress(read_at=datetime(2026, 11, 30, 8, 30, tzinfo=UTC), alive=True)
    root = read(run_content(run_dir, run_dir.read_run(), progress=progress))
    texts = {str(case.findtext("skipped")) for case in root.iter("testcase")}
    assert texts == {"not run: the run goes on, at 2026-11-30 08:30:00 UTC"}


def test_a_run_without_a_record_has_all_its_tests_too(make_run: Callable[..., RunDir]) -> None:
    root = read(read_run_content(make_run(ended=False)))
    assert [suite.get("name") for suite in root] == ["rep3", "never-begun"]
    assert {case.get("name") for case in root.iter("testcase")} == {
        f"test_storage[{pool}:small:150Gi:1:random-rw:{size}]"
        for pool in ("rep3", "never-begun")
        for size in ("4k", "64k")
    }
    assert root[0].get("hostname") == "api.test"
    assert str(root[0].get("timestamp")).startswith("2026-11-30T08:00:00")


@pytest.mark.parametrize(
    ("node_id", "repeat", "expected"),
    [
        ("t.py::test_it[rep3:small:150Gi:1:random-rw:4k]", 1, "test_it[rep3:small:150Gi:1:random-rw:64k]"),
        (
            "t.py::test_it[a-rep3:small:150Gi:1:random-rw:4k-b]",
            1,
            "test_it[a-rep3:small:150Gi:1:random-rw:64k-b]",
        ),
        # Of pytest-repeat.
        (
            "t.py::test_it[rep3:small:150Gi:1:random-rw:4k-2-3]",
            2,
            "test_it[rep3:small:150Gi:1:random-rw:64k-2-3]",
        ),
        ("t.py::test_it", 1, "test_it[rep3:small:150Gi:1:random-rw:64k]"),
    ],
)
def test_a_test_that_was_not_run_is_called_as_others_of_its_function(
    make_run: Callable[..., RunDir],
    make_record: Callable[..., Record],
    node_id: str,
    repeat: int,
    expected: str,
) -> None:
    content = read_run_content(make_run([make_record(test=node_id, repeat=repeat)], pools=["rep3"]))
    names = [str(case.get("name")) for case in read(content).iter("testcase")]
    assert names[0] == node_id.partition("::")[2]
    assert expected in names


def test_the_gate_of_a_pool_and_vms_that_stayed_are_cases_of_the_last_session(
    make_run: Callable[..., RunDir], make_record: Callable[..., Record]
) -> None:
    run_dir = make_run([make_record()])
    gate = {
        "outcome": "FAILED",
        "pools": {
            "rep3": {"outcome": "failed", "text": "confirmed: rep3: 0.8", "not_confirmed": "other"},
            "never-begun": {"outcome": "skipped", "text": "not gateable: why", "not_confirmed": ""},
        },
    }
    run_dir.write_json("comparison.json", {"gate": gate})
    began_ms = 1796025600_000  # 2026-11-30T08:00 UTC
    entries: list[dict[str, Any]] = [
        {"group": "rep3:small:150Gi:1", "error": "is not gone", "epoch_ms": began_ms + 5000},
        {"group": "rep3:small:150Gi:1", "error": "of an earlier session", "epoch_ms": began_ms - 5000},
    ]
    (run_dir.path / "undeleted.jsonl").write_text("".join(json.dumps(one) + "\n" for one in entries))
    root = read(read_run_content(run_dir))
    cases = {str(case.get("name")): case for case in root.iter("testcase")}
    assert str(cases["gate[rep3]"].findtext("failure")) == "confirmed: rep3: 0.8"
    assert cases["gate[never-begun]"].find("skipped") is not None
    assert cases["deletion of VM group rep3:small:150Gi:1"].findtext("failure") == "is not gone"
    assert cases["gate[rep3]"].get("classname") == "odfperf"
