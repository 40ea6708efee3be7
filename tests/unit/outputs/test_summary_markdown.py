"""summary.md as GitHub's own parser reads it: tables stay tables, and texts stay texts."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace

import cmarkgfm
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from report_runs.everything import make_everything
from report_runs.hostile import TEXTS

from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.report.content.run_content import RunContent, RunTest
from pytest_odfperf.report.markdown.markdown_text import code, table_head, table_row
from pytest_odfperf.report.markdown.run_problems import problems_of
from pytest_odfperf.report.markdown.summary_markdown import LARGEST_BYTES, summary_markdown
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

MakeRecord = Callable[..., Record]
#: All that our own lines may become.
OURS = {"h3", "h4", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td"}


def read(text: str) -> str:
    return cmarkgfm.github_flavored_markdown_to_html(text, cmarkgfm.Options.CMARK_OPT_UNSAFE)


def elements(page: str) -> set[str]:
    return set(re.findall(r"<([a-z0-9]+)", page))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> RunContent:
    folder = make_everything(tmp_path_factory.mktemp("run"))
    return read_run_content(RunDir(folder.parent, folder.name))


def with_tests(content: RunContent, records: list[Record]) -> RunContent:
    return replace(
        content, tests=tuple(RunTest(key=one.key, repeat=one.repeat, record=one) for one in records)
    )


@given(st.text(max_size=60) | st.text("\\|`@#<>[]!*_ \na", max_size=20))
@example("a\\|b")
@example("\\\\|")
@example("``` a `")
@example("\\")
def test_any_text_is_one_cell_in_which_nothing_is_more_than_text(text: str) -> None:
    page = read("\n".join([*table_head(["a", "b"]), table_row([code(text), code("next")])]))
    assert elements(page) == {"table", "thead", "tbody", "tr", "th", "td"} | ({"code"})
    cells = re.findall(r"<td>(.*?)</td>", page, re.DOTALL)
    assert len(cells) == 2
    assert cells[1] == "<code>next</code>"
    if not text.split():
        assert cells[0] == "(empty)"
        return
    shown = html.unescape(cells[0].removeprefix("<code>").removesuffix("</code>"))
    as_read = "".join(one if one.isprintable() else "\ufffd" for one in " ".join(text.split()))
    assert shown == as_read.replace("\\|", "\\│")


def test_a_run_in_which_all_goes_wrong_is_all_ours(everything: RunContent) -> None:
    text = summary_markdown(everything)
    page = read(text)
    assert elements(page) == {*OURS, "a"}
    assert re.findall(r"<a [^>]*>", page) == ['<a href="report.html">']
    # A mention of a person or an issue is one outside of code only.
    outside = re.sub(r"<code>.*?</code>", "", page, flags=re.DOTALL)
    assert not re.search("@|#|http|SUM|marker", outside)
    counts = everything.counts
    (row,) = re.findall(r"<tbody>\n<tr>\n(.*?)</tr>", page, re.DOTALL)[:1]
    assert [int(cell) for cell in re.findall(r">(\d+)<", row)] == list(counts.values())
    merged = summary_markdown(replace(everything, runs=everything.runs * 2))
    assert ("`results.jsonl`" in text, "`results.jsonl`" in merged) == (True, False)


@pytest.mark.parametrize("text", TEXTS)
def test_a_hostile_reason_is_shown_with_its_next_step(
    everything: RunContent, make_record: MakeRecord, text: str
) -> None:
    failed = make_record(status="failed", verdict=None, reason=f"{text}; next: look {text}", reason_code=text)
    summary = summary_markdown(with_tests(everything, [failed]))
    assert elements(read(summary)) <= {*OURS, "a"}
    assert "look" in summary.splitlines()[-3]


def test_problems_are_told_once_for_all_tests_of_a_reason(
    everything: RunContent, make_record: MakeRecord
) -> None:
    doubts = (Doubt(code="page_cache", level="invalid", text="direct=0"),)
    failed = {"status": "failed", "reason": "gone; next: look", "reason_code": "no_room"}
    records = [
        make_record("a:s:1Gi:8:p:4k", status="failed", reason="late", reason_code="timeout"),
        make_record("a:s:1Gi:1:p:4k", **failed),
        make_record("b:s:1Gi:1:p:4k", **failed),
        make_record("a:s:1Gi:2:p:4k", verdict="invalid", doubts=doubts * 2),
        make_record("a:s:1Gi:4:p:4k"),
    ]
    first, rare, second = problems_of(with_tests(everything, records))
    assert (rare.code, rare.tests, rare.next_step) == ("timeout", 1, "")
    assert (first.state, first.code, first.tests, list(first.pools)) == ("failed", "no_room", 2, ["a", "b"])
    assert (first.reason, first.next_step) == ("gone", "look")
    assert (second.code, second.tests, second.reason) == ("page_cache", 1, "direct=0")
    assert second.next_step.startswith("see what changed the job")


def test_a_summary_of_any_run_fits_a_comment_and_says_what_is_left_out(
    everything: RunContent, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "漢" * 500
    keys = [f"{'p' * 50}{number}:s:1Gi:1:p:4k" for number in range(200)]
    records = [make_record(key, status="failed", reason=f"{long}{key}") for key in keys]
    content = with_tests(everything, records)
    text = summary_markdown(content)
    assert 15_000 < len(text.encode()) <= LARGEST_BYTES
    assert "\nand 150 more rows, in the report.\n" in text
    monkeypatch.setattr("pytest_odfperf.report.markdown.summary_markdown.LARGEST_BYTES", 9000)
    short = summary_markdown(content)
    assert len(short.encode()) <= 9000
    assert len(re.findall(r"\nand \d+ more rows, in the report\.\n", short)) == 2
    for one in (text, short):
        assert one.endswith("`junit.xml`.\n")
        assert elements(read(one)) <= {*OURS, "a"}


def test_a_run_that_goes_on_says_so(everything: RunContent, make_record: MakeRecord) -> None:
    run = everything.runs[0]
    going = replace(run, content={name: value for name, value in run.content.items() if name != "ended_at"})
    content = replace(with_tests(everything, [make_record()]), runs=(going,))
    assert "has not ended: it goes on, or was killed. 1 of 1 tests are done." in summary_markdown(content)
