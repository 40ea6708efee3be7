"""The page of a run, as text: each test is in it, hostile texts stay text, and it is one file."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from gzip import decompress
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from report_runs.everything import make_everything
from report_runs.page_details import one_by_one

import pytest_odfperf.report.run_page
from pytest_odfperf.report.content.result_state import STATES, WORDS
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.pictures.all_pictures import pictures_of
from pytest_odfperf.report.run_page.page_json import packed_json, script_json
from pytest_odfperf.report.run_page.page_shell import SCRIPTS, STYLES
from pytest_odfperf.report.run_page.run_report import render
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "a\u2028b\u2029c",
    "\ud800 alone",
    "nul \x00 and \x1b[31m",
    "\u202eabc\u202c",
    "]]>&amp;&lt;'\"`${1}",
)


class Page(HTMLParser):
    """A page's elements, its data unpacked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: dict[str, Any] = {}
        self.chunks: list[Any] = []
        self._open: dict[str, str | None] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = dict(attrs) if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is None or not (kind := self._open.get("type")) or self._open.get("id") == "drawing":
            return
        content = json.loads(decompress(b64decode(data)) if "gzip" in kind else data)
        if self._open.get("class") == "chunk":
            self.chunks += one_by_one(content)
        else:
            self.data[str(self._open["id"])] = content

    def column(self, name: str) -> list[Any]:
        """The values of a column, row by row."""
        (found,) = [one for one in self.data["keys-data"]["columns"] if one["name"] == name]
        return [found["texts"][value] for value in found["values"]] if "texts" in found else found["values"]

    @property
    def tests(self) -> list[int]:
        """The test of each row."""
        steps, at = self.data["keys-data"]["tests"], 0
        return [at := at + step for step in steps]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> RunContent:
    folder = make_everything(tmp_path_factory.mktemp("results"))
    return read_run_content(RunDir(folder.parent, folder.name))


@pytest.fixture(scope="module")
def html(content: RunContent) -> str:
    return render(content, pictures_of(content))


@pytest.mark.parametrize("text", HOSTILE)
def test_json_in_a_script_can_not_end_it(text: str) -> None:
    made = str(script_json({"text": text}))
    assert not re.search("[<>&\u2028\u2029]", made)
    made.encode("utf-8")
    assert json.loads(made) == {"text": text}
    assert json.loads(decompress(b64decode(packed_json(text)))) == text


def test_each_test_has_a_row_and_details_that_are_its_own(content: RunContent, html: str) -> None:
    page = Page(html)
    assert page.data["tests-data"]["states"] == [STATES.index(test.state) for test in content.tests]
    rows = list(zip(page.tests, page.column("state"), page.column("repeat"), strict=True))
    single = {test: state for test, state, repeat in rows if repeat != "all"}
    assert single == {at: WORDS[test.state] for at, test in enumerate(content.tests)}
    pools, block_sizes = page.column("pool"), page.column("bs")
    for row, test in enumerate(page.tests):
        key = content.tests[test].key
        assert (pools[row], block_sizes[row]) == (key.pool, key.block_size)
    assert len(page.chunks) == len(content.tests)
    for test, found in zip(content.tests, page.chunks, strict=True):
        told = json.dumps(found)
        if test.record is None:
            assert found["parts"] == []
        elif test.record.reason:
            assert json.dumps(test.record.reason)[1:-1] in told
        for code in test.record.codes if test.record else ():
            assert code in told


def test_figures_of_rows_are_those_of_the_records(content: RunContent, html: str) -> None:
    page = Page(html)
    columns = zip(
        page.tests, page.column("repeat"), page.column("section"), page.column("read_iops"), strict=True
    )
    seen = 0
    for test, repeat, section, iops in columns:
        record = content.tests[test].record
        if repeat == "all" or record is None:
            continue
        part = next((job for job in record.jobs if job.name == section), record)
        expected = part.read.iops_per_s if record.usable and part.read is not None else None
        assert iops == (None if expected is None else pytest.approx(expected, rel=1e-5))
        seen += expected is not None
    assert seen > 20


def test_an_invalid_result_has_no_figures_anywhere(content: RunContent) -> None:
    (at, test) = next((at, one) for at, one in enumerate(content.tests) if one.state == "passed")
    assert test.record is not None
    assert test.record.read is not None
    marked = replace(test.record, verdict="invalid", read=replace(test.record.read, iops_per_s=7.654321e8))
    changed = replace(
        content, tests=(*content.tests[:at], replace(test, record=marked), *content.tests[at + 1 :])
    )
    page = Page(render(changed, pictures_of(changed)))
    assert "7654321" not in repr((page.data, page.chunks)).replace(".", "")
    titles = [part["title"] for part in page.chunks[at]["parts"]]
    assert not {"Figures of all VMs", "Figures of each VM", "Latencies", "Course in time"} & set(titles)


def test_hostile_texts_stay_text(content: RunContent, html: str) -> None:
    """The run is full of them. Nothing of them is an element, an address or a handler."""
    page = Page(html)
    ours = {"html", "head", "meta", "title", "link", "style", "body", "noscript", "script"}
    assert not {tag for tag, _ in page.tags} & {
        "i",
        "img",
        "svg",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
    }
    for tag, attrs in page.tags:
        assert not any(name.startswith("on") for name in attrs), (tag, attrs)
        if tag not in ours and (href := attrs.get("href")):
            assert not re.match(r"\s*([a-z][a-z0-9+.-]*:|//)", href, re.IGNORECASE), href
    html.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", html)
    texts = [repr(record.reason) for record in content.records]
    assert any("odf-marker" in text for text in texts)


def test_a_long_reason_is_cut_in_rows_and_whole_in_details(content: RunContent) -> None:
    (at, test) = next((at, one) for at, one in enumerate(content.tests) if one.state == "failed")
    assert test.record is not None
    long = replace(test.record, reason="x" * 1_000_000)
    changed = replace(
        content, tests=(*content.tests[:at], replace(test, record=long), *content.tests[at + 1 :])
    )
    page = Page(render(changed))
    assert max(map(len, page.column("reason"))) <= 160
    assert page.chunks[at]["parts"][0]["text"] == long.reason


def test_the_same_content_gives_the_same_bytes_and_loads_nothing(content: RunContent, html: str) -> None:
    assert render(content, pictures_of(content)) == html
    for tag, attrs in Page(html).tags:
        assert "src" not in attrs
        assert tag != "link" or attrs["href"] == "data:,"
    for name in (*SCRIPTS, *STYLES):
        assert not re.search(
            r"https?://(?!www\.w3\.org/2000/svg)|@import|fetch\(|innerHTML|eval\(", _asset(name)
        ), name


def test_without_the_extra_there_are_tables_and_a_line_that_names_it(content: RunContent, html: str) -> None:
    assert (
        "pip install &#39;pytest-odfperf[report]&#39;" in html
        or "pip install 'pytest-odfperf[report]'" in html
    )
    with_it = render(content, pictures_of(content), drawing="window.vegaEmbed = null;")
    assert "pytest-odfperf[report]" not in with_it


def test_all_files_of_the_page_are_in_it_and_short() -> None:
    assets = Path(str(resources.files(pytest_odfperf.report.run_page) / "assets"))
    files = {str(file.relative_to(assets)): file for file in assets.rglob("*.*")}
    assert {name for name in files if name.endswith((".js", ".css"))} == {*SCRIPTS, *STYLES}
    for name, file in files.items():
        assert len(file.read_text("utf-8").splitlines()) <= 300, name


def _asset(name: str) -> str:
    return (resources.files(pytest_odfperf.report.run_page) / "assets" / name).read_text("utf-8")
