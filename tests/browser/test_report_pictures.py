"""Pictures in the page: drawn as SVG, named, with the same data in their tables, saved as SVG and PNG."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from opened_page import Opened

from pytest_odfperf.report.pictures.all_pictures import pictures_of
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

Open = Callable[..., Opened]

FEWER = """([name, before]) => {
    const figure = document.querySelector(`figure[data-picture="${name}"]`);
    return figure.querySelectorAll("table.data tbody tr").length < before;
}"""
TABLE = """(one) => [...one.querySelectorAll("table.data tbody tr")]
    .map((row) => [...row.cells].map((cell) => cell.textContent))"""


def test_each_picture_is_drawn_and_named(open_page: Open) -> None:
    opened = open_page("small")
    names = opened.pictures()
    assert len(names) >= 2
    for name in names:
        svg = opened.draw(name).locator(".drawing svg").first
        assert svg.get_attribute("role") == "img"
        assert svg.get_attribute("aria-label")
        assert svg.evaluate("(one) => one.querySelectorAll('path, rect, line, text').length") > 10


def test_the_table_of_a_picture_has_its_rows(open_page: Open, runs: Callable[[str], Path]) -> None:
    folder = runs("small")
    pictures = pictures_of(read_run_content(RunDir(folder.parent, folder.name)))
    opened = open_page("small")
    assert sorted(opened.pictures()) == sorted(picture.name for picture in pictures)
    for picture in pictures:
        figure = opened.draw(picture.name)
        figure.locator("details summary").click()
        # The table is made when the browser tells that it is open, which is later.
        figure.locator("table.data tbody tr").first.wait_for()
        shown = [[as_shown(text) for text in row] for row in figure.evaluate(TABLE)]
        first = picture.slices[0]
        kept = [at for at, column in enumerate(first.columns) if column.field != "test"]
        told = [[as_shown(row[at]) for at in kept] for row in first.rows[:1000]]
        assert shown == told, picture.name


def as_shown(value: object) -> object:
    """A cell as it is compared: what is a number by its value, however it is written."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return float(str(value))
    except ValueError:
        return str(value)


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_pictures_are_saved(open_page: Open, kind: str) -> None:
    opened = open_page("small", color_scheme="dark")
    name = opened.pictures()[0]
    figure = opened.draw(name)
    with opened.page.expect_download() as waited:
        figure.get_by_role("button", name=f"Save {kind.upper()}").click()
    content = Path(waited.value.path()).read_bytes()
    assert waited.value.suggested_filename == f"{name}.{kind}"
    if kind == "png":
        assert content.startswith(b"\x89PNG")
        assert len(content) > 5_000
    else:
        root = ET.fromstring(content)
        assert root.tag.endswith("svg")
        assert len(list(root.iter())) > 20


def test_pictures_follow_the_filter(open_page: Open) -> None:
    opened = open_page("small")
    name = "pools"
    figure = opened.draw(name)
    figure.locator("details summary").click()
    rows = figure.locator("table.data tbody tr")
    rows.first.wait_for()
    before = rows.count()
    opened.search("cephfs-rep3")
    opened.page.wait_for_function(FEWER, arg=[name, before])
    assert all("cephfs-rep3" in text for text in rows.all_inner_texts())
