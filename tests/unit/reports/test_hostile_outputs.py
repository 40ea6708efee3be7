"""What hostile texts become in every file that is made of a run: text, in its place."""

from __future__ import annotations

import csv
import html.parser
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from report_runs.everything import make_everything
from report_runs.folder import write_pages
from report_runs.hostile import CLASS

#: What a spreadsheet takes for a formula, or cuts a cell at.
FORMULA = re.compile(r"[=+@\t\r]|-(?![\d.]+(?:[eE][+-]?\d+)?$)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_everything(tmp_path_factory.mktemp("hostile"))
    write_pages(made)
    return made


class Tags(html.parser.HTMLParser):
    """The elements of a page, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.values: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [(name, value or "") for name, value in attrs]


def test_no_cell_of_a_table_is_a_formula(folder: Path) -> None:
    tables = sorted(folder.glob("*.csv"))
    assert len(tables) >= 3
    for path in tables:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        assert {len(row) for row in rows} == {len(rows[0])}, path.name
        assert not [cell for row in rows for cell in row if FORMULA.match(cell)], path.name
    assert CLASS in (folder / "results.csv").read_text(encoding="utf-8")


def test_markdown_has_no_element_and_no_link_of_a_text(folder: Path) -> None:
    cmarkgfm = pytest.importorskip("cmarkgfm", reason="pip install cmarkgfm")
    text = (folder / "summary.md").read_text(encoding="utf-8")
    # As a service shows it that lets HTML through.
    found = Tags(cmarkgfm.github_flavored_markdown_to_html(text, cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE))
    assert not set(found.tags) & {"i", "script", "svg", "img", "style", "input"}
    assert not [value for _, value in found.values if "javascript:" in value or CLASS in value]


def test_xml_is_well_formed_and_has_no_element_of_a_text(folder: Path) -> None:
    known = {"testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped"}
    root = ET.parse(folder / "junit.xml").getroot()
    assert {one.tag for one in root.iter()} <= known | {"system-out", "system-err"}
    assert CLASS in ET.tostring(root, encoding="unicode")


def test_metrics_are_read_whole(folder: Path) -> None:
    parser = pytest.importorskip("prometheus_client.parser", reason="pip install prometheus-client")
    text = (folder / "metrics.prom").read_text(encoding="utf-8")
    families = list(parser.text_string_to_metric_families(text))
    assert len(families) > 5
    assert all(family.name.startswith("odfperf_") for family in families)
    names = {name for family in families for sample in family.samples for name in sample.labels}
    assert all(re.fullmatch("[a-z_]+", name) for name in names)
    assert "odfperf_marker" not in {family.name for family in families}


def test_the_page_has_no_element_and_no_link_of_a_text(folder: Path) -> None:
    found = Tags((folder / "report.html").read_text(encoding="utf-8"))
    assert not set(found.tags) & {"i", "img", "iframe", "object", "embed", "base"}
    assert not [
        one for one in found.values if one[0].startswith("on") or (one[0] == "class" and CLASS in one[1])
    ]
    links = [value for name, value in found.values if name in ("href", "src")]
    assert links
    assert not [link for link in links if re.match(r"\s*[a-z]+:", link) and not link.startswith("data:,")]


def test_nothing_turns_the_direction_of_what_stands_beside_it(folder: Path) -> None:
    page = re.sub("(?s)<script.*?</script>", "", (folder / "report.html").read_text(encoding="utf-8"))
    for text in (page, (folder / "summary.md").read_text(encoding="utf-8")):
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", text)
        assert "\ufffd" in text


def test_all_is_text_in_utf_8(folder: Path) -> None:
    for path in [*folder.glob("*.csv"), folder / "junit.xml", folder / "summary.md", folder / "metrics.prom"]:
        text = path.read_bytes().decode("utf-8")
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", text), path.name
