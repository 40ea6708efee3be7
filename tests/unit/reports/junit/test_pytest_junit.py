"""What pytest wrote itself goes into our suites or beside them: nothing is lost, nothing is there twice."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junit_readers import broken_rules

from pytest_odfperf.report.junit.junit_suite import Case, End, Suite
from pytest_odfperf.report.junit.junit_xml import junit_text
from pytest_odfperf.report.junit.pytest_junit import joined, read_pytest_junit

KEYS = {f"{pool}:s:1Gi:1:rw:4k": pool for pool in ("fast", "slow")}


def case(name: str, kind: str | None = None, **more: object) -> Case:
    end = None if kind is None else End(kind=kind, type=kind, message=f"{kind} m", text=f"{kind} of {name}")  # type: ignore[arg-type]
    return Case(classname="t", name=name, end=end, **more)  # type: ignore[arg-type]


def ours(*cases: Case) -> list[Suite]:
    return [Suite(name="fast", cases=cases), Suite(name="slow", cases=(case("test_it[slow:s:1Gi:1:rw:4k]"),))]


def theirs(*cases: Case, **more: object) -> list[Suite]:
    return [Suite(name="pytest", cases=cases, **more)]  # type: ignore[arg-type]


def names(suites: tuple[Suite, ...]) -> dict[str, list[str]]:
    return {suite.name: [one.name for one in suite.cases] for suite in suites}


def test_other_tests_have_a_suite_of_their_own_and_tests_of_keys_their_pools() -> None:
    own = case("test_it[fast:s:1Gi:1:rw:4k]")
    found = joined(
        ours(own),
        theirs(case("test_free"), own, case("test_two[a-fast:s:1Gi:1:rw:4k-b]", "skipped")),
        KEYS,
    )
    assert names(found) == {
        "fast": ["test_it[fast:s:1Gi:1:rw:4k]", "test_two[a-fast:s:1Gi:1:rw:4k-b]"],
        "slow": ["test_it[slow:s:1Gi:1:rw:4k]"],
        "pytest": ["test_free"],
    }
    assert names(joined(ours(own), theirs(own), KEYS)).keys() == {"fast", "slow"}


def test_a_case_gets_what_the_record_does_not_know() -> None:
    mine = case(
        "test_it[fast:s:1Gi:1:rw:4k]", properties=(("pool", "fast"), ("a\x01", "1")), system_out="ours"
    )
    more = case(
        "test_it[fast:s:1Gi:1:rw:4k]", "error", properties=(("pool", "other"), ("a#x01", "1"), ("rack", "7")),
        system_out="printed", system_err="complained",
    )  # fmt: skip
    (found, *_) = joined(ours(mine), theirs(more, properties=(("ARCH", "x"), ("ARCH", "x"))), KEYS)
    (one,) = found.cases
    assert one.properties == (("pool", "fast"), ("a\x01", "1"), ("rack", "7"))
    assert (one.system_out, one.system_err) == ("ours\nprinted", "complained")
    assert one.end == more.end
    assert found.properties == (("ARCH", "x"),)


@pytest.mark.parametrize(
    ("mine", "more", "kind", "words"),
    [
        ("failure", ["failure", "error"], "failure", ["failure of", "error of"]),
        ("failure", [None], "failure", ["failure of"]),
        (None, ["failure"], "failure", ["failure of"]),
        # Another plugin's word for what passed and has a record.
        (None, ["skipped"], None, []),
        ("skipped", ["skipped"], "skipped", ["skipped of"]),
        (None, ["error"], "error", ["error of"]),
    ],
)
def test_ends_are_put_together(
    mine: str | None, more: list[str | None], kind: str | None, words: list[str]
) -> None:
    name = "test_it[fast:s:1Gi:1:rw:4k]"
    (found, *_) = joined(ours(case(name, mine)), theirs(*(case(name, one) for one in more)), KEYS)
    (one,) = found.cases
    assert (one.end.kind if one.end else None) == kind
    assert all(word in (one.end.text if one.end else "") for word in words)


@pytest.mark.parametrize("ends", [(None, "failure"), (None, "skipped"), ("failure", "error"), (None, None)])
def test_a_name_counts_once_also_for_tests_of_nobody(ends: tuple[str | None, ...]) -> None:
    """pytest-rerunfailures leaves a case without an end for each attempt before the last."""
    *_, found = joined(ours(), theirs(*(case("test_free", kind, time_ms=2) for kind in ends)), KEYS)
    (one,) = found.cases
    kinds = [kind for kind in ends if kind is not None]
    assert (one.end.kind if one.end else None) == (kinds[0] if kinds else None)
    assert all(f"{kind} of test_free" in str(one.end and one.end.text) for kind in kinds)
    assert one.time_ms == 4


def test_an_error_that_has_a_case_of_its_own_is_told_there_only() -> None:
    name = "test_it[fast:s:1Gi:1:rw:4k]"
    (found, *_) = joined(ours(case(name)), theirs(case(name, "error")), KEYS, known=["", f"error of {name}"])
    assert found.cases[0].end is None


def test_what_was_not_run_gets_what_pytest_says_of_it() -> None:
    name = "test_it[fast:s:1Gi:1:rw:4k]"
    waiting = Case(
        classname="t", name=name, end=End(kind="skipped", type="not_run", message="", text="not run")
    )
    (found, *_) = joined(ours(waiting), theirs(case(name, "skipped")), KEYS)
    assert found.cases[0].end == case(name, "skipped").end


@given(st.lists(st.sampled_from(["test_a", "test_b", *(f"test_it[{key}]" for key in KEYS)]), max_size=8))
def test_no_case_is_lost_or_there_twice(written: list[str]) -> None:
    mine = ours(case("test_it[fast:s:1Gi:1:rw:4k]"))
    root = ET.fromstring(junit_text(joined(mine, theirs(*map(case, written)), KEYS), "all"))
    found = [str(one.get("name")) for one in root.iter("testcase")]
    assert {*written, *(one.name for suite in mine for one in suite.cases)} == set(found)
    assert broken_rules(root) == []


def test_pytests_file_is_read_also_where_it_is_not_well_formed() -> None:
    text = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="mine">
        <testcase classname="t" name="test_x" time="0.25" file="t.py" line="3">
        <properties><property name="a\x01" value="b" /></properties>
        <failure message="AssertionError: no">text\n\nt.py:4: AssertionError</failure>
        <system-out>one</system-out><system-out>two</system-out></testcase>
        <testcase classname="t" name="test_y" time="1">
        <failure message="assert 1 == 2">&gt; assert\n\nt.py:9: KeyError</failure></testcase>
        </testsuite></testsuites>"""
    (suite,) = read_pytest_junit(text.encode())
    first, second = suite.cases
    assert (suite.name, first.time_ms, first.file, first.line) == ("mine", 250, "t.py", "3")
    assert first.properties == (("a#x01", "b"),)
    assert first.end == End(
        kind="failure",
        type="AssertionError",
        message="AssertionError: no",
        text="text\n\nt.py:4: AssertionError",
    )
    assert second.end is not None
    assert second.end.type == "KeyError"
    # GitLab can not read a case with two.
    assert first.system_out == "one\ntwo"
    with pytest.raises(ValueError, match="no element found"):
        read_pytest_junit(b"")
