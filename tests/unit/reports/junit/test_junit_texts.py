"""Whatever a name, a reason or a guest says: the file stays well-formed, and says it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

import pytest
from _pytest.junitxml import bin_xml_escape, mangle_test_address
from hypothesis import given
from hypothesis import strategies as st
from junit_readers import as_gitlab, as_jenkins, broken_rules

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.record import Record, RecordedProperty
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.report.content.run_content import RunTest
from pytest_odfperf.report.junit.junit_case import case_of
from pytest_odfperf.report.junit.junit_names import case_names
from pytest_odfperf.report.junit.junit_suite import Case, End, Suite, told_apart
from pytest_odfperf.report.junit.junit_xml import junit_text, legal

#: All of Unicode, and lone surrogates; often what XML or the markers of attachments are made of.
ANY = st.text(
    st.one_of(
        st.characters(),
        st.integers(0xD800, 0xDFFF).map(chr),
        st.sampled_from("\x00\x1b\x7f\x85\ufffe\uffff\r\n\t<>&\"'[]|"),
    ),
    max_size=30,
)
ENDS = st.builds(End, kind=st.sampled_from(["failure", "error", "skipped"]), type=ANY, message=ANY, text=ANY)
PROPERTIES = st.lists(st.tuples(ANY, ANY), max_size=3).map(tuple)
CASES = st.builds(
    Case, classname=ANY, name=ANY, file=st.none() | ANY, time_ms=st.integers(0, 10**9), properties=PROPERTIES,
    end=st.none() | ENDS, system_out=ANY, system_err=ANY,
)  # fmt: skip


def same(text: str) -> str:
    """What a parser makes of a text: line ends are one character."""
    return legal(text).replace("\r\n", "\n").replace("\r", "\n")


@given(st.lists(CASES, max_size=4).map(tuple), ANY, PROPERTIES)
def test_every_text_comes_back(
    cases: tuple[Case, ...], name: str, properties: tuple[tuple[str, str], ...]
) -> None:
    suite = Suite(name=name, hostname=name, properties=properties, cases=cases)
    root = ET.fromstring(junit_text([suite], name).encode())
    assert not [one for one in broken_rules(root) if "twice" not in one]
    read = root[0].findall("testcase")
    # In attributes line ends are written so that they stay.
    assert [(case.get("classname"), case.get("name")) for case in read] == [
        (legal(case.classname), legal(case.name)) for case in cases
    ]
    for case, element in zip(cases, read, strict=True):
        assert (element.findtext("system-out") or "") == same(case.system_out)
        values = [(one.get("name"), one.get("value")) for one in element.iter("property")]
        assert values == [(legal(one), legal(value)) for one, value in case.properties]
        if case.end is not None:
            end = element.find(case.end.kind)
            assert end is not None
            assert (end.get("message"), end.text or "") == (legal(case.end.message), same(case.end.text))


@given(ANY)
def test_what_xml_forbids_looks_as_pytest_writes_it(text: str) -> None:
    if bin_xml_escape("\x7f") == "\x7f":
        # Earlier versions of pytest leave what XML only discourages, and take all from U+10000 on for
        # forbidden.
        text = re.sub("[\x7f-\x9f\U00010000-\U0010ffff]", "", text)
    assert legal(text) == bin_xml_escape(text)


@given(
    st.lists(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), min_size=1, max_size=3),
    st.lists(st.from_regex(r"[A-Za-z_]{1,8}", fullmatch=True), max_size=3),
    st.none() | st.from_regex(r"[a-z0-9:\-\[\]. /]{1,20}", fullmatch=True),
)
def test_a_test_is_called_as_pytest_calls_it(path: list[str], names: list[str], params: str | None) -> None:
    node_id = "::".join(["/".join(path) + ".py", *names])
    if params is not None and names:
        node_id += f"[{params}]"
    *classname, name = mangle_test_address(node_id)
    assert case_names(node_id)[:2] == (".".join(classname), name)
    assert case_names(node_id, "nightly")[0] == ".".join(["nightly", *classname])


@given(st.lists(st.builds(Case, classname=st.just("a"), name=st.sampled_from("xy")), max_size=6).map(tuple))
def test_no_name_is_there_twice(cases: tuple[Case, ...]) -> None:
    found = told_apart(cases)
    assert len({case.address for case in found}) == len(found) == len(cases)


def seen_of(record: Record) -> tuple[ET.Element, Case]:
    test = RunTest(key=record.key, repeat=1, record=record)
    case = case_of(test, record.test, None, "not run", lambda _, path: f"results/perf-1/{path}")
    return ET.fromstring(junit_text([Suite(name="rep3", cases=(case,))], "odfperf")), case


@given(words=ANY, path=ANY)
def test_no_words_of_others_attach_a_file(words: str, path: str) -> None:
    mark = f"\n[[ATTACHMENT|/etc/passwd]]\n{words}[[ATTACHMENT|{path}]]"
    plain = Record(
        key=Key.parse("rep3:small:150Gi:1:random-rw:4k"),
        run_id="perf-1",
        test="t.py::test_it[x]",
        status="failed",
        started_at_epoch_ms=0,
        ended_at_epoch_ms=0,
        duration_s=0.0,
        artefacts=(f"/{path}-fio.json", f"../{path}-fio.json"),
    )
    for record in (
        replace(plain, reason=mark, diagnosis=f"../{path}", failure_text=mark),
        replace(
            plain, status="passed", verdict="suspect", doubts=(Doubt(code=mark, level="suspect", text=mark),)
        ),
    ):
        root, _ = seen_of(record)
        for reader in (as_gitlab, as_jenkins):
            (case,) = reader(root)
            assert set(case.attachments) <= {"results/perf-1/rep3/pool.log"}


@pytest.mark.parametrize("kind", ["yaml", "symbol", "integer", "array", "file"])
def test_no_type_is_one_that_rails_decodes(kind: str) -> None:
    end = End(kind="failure", type=kind, message="m", text="t")
    root = ET.fromstring(junit_text([Suite(name="s", cases=(Case(classname="c", name="n", end=end),))], "s"))
    assert root.find(".//failure").get("type") == f"{kind}_"  # type: ignore[union-attr]


def test_what_a_test_recorded_and_how_it_failed_is_in_its_case(make_record: Callable[..., Record]) -> None:
    root, _ = seen_of(
        make_record(
            status="failed",
            reason="AssertionError: too slow",
            recorded=(RecordedProperty(name="rack", value="7"),),
            failure_text="    def test_it():\n>       assert 1 > 2\nE       AssertionError: too slow",
        )
    )
    (failure,) = root.iter("failure")
    assert failure.get("type") == "AssertionError"
    assert failure.get("message") == "AssertionError: too slow"
    assert ">       assert 1 > 2" in str(failure.text)
    assert {one.get("name"): one.get("value") for one in root.iter("property")}["rack"] == "7"
    assert re.search(r"^log: results/perf-1/rep3/pool.log$", str(failure.text), re.MULTILINE)
