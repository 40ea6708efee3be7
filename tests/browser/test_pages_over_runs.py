"""The comparison and the trend page: the same page and code as the report, with what was planted in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from opened_page import Opened

Open = Callable[..., Opened]
Several = Callable[[str], Path]


@pytest.mark.parametrize(("page", "worse"), [("compared", "rep2"), ("trend", "rep3")])
def test_what_became_worse_is_found_sorted_and_sent(
    open_page: Open, several: Several, page: str, worse: str
) -> None:
    opened = open_page(several(page))
    for name in opened.pictures():
        opened.draw(name)
    opened.filter("worse")
    rows = opened.rows()
    assert len(rows) > 20
    # One of hundreds of steady figures may look worse by chance.
    assert sum(row["Pool"] == worse for row in rows) > 0.95 * len(rows)
    opened.sort("ratio")
    shown = [float(text.replace(",", "")) for text in opened.column("ratio")]
    assert shown == sorted(shown, reverse=True)
    other = open_page(several(page), "#" + opened.page.url.partition("#")[2])
    other.page.locator("#keys-grid tr[data-place='0']").wait_for()
    assert other.rows() == opened.rows()
    assert len(other.rows()) == len(rows)


@pytest.mark.parametrize("page", ["compared", "trend"])
def test_narrow_pages_do_not_scroll_sideways(open_page: Open, several: Several, page: str) -> None:
    opened = open_page(several(page), width=360)
    for name in opened.pictures():
        opened.draw(name)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360
