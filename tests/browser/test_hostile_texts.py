"""Hostile texts of files, clusters and guests stay texts: in page, pictures, and what is saved of them."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from opened_page import Opened
from report_runs.hostile import CLASS, VARIABLE

Open = Callable[..., Opened]

#: What a text could have made: an element, or a script that ran.
MARKS = f"[window.{VARIABLE} ?? null, document.querySelectorAll('.{CLASS}, iframe, img').length]"


#: Opens the key of each row, by the keyboard; the names of those that were opened, and what they made.
OPEN_EACH = f"""async (count) => {{
    const named = [], made = [];
    const press = (key) => document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", {{ key, bubbles: true, cancelable: true }}));
    for (let place = 0; place < count; place += 1) {{
        press("Enter");
        const key = decodeURIComponent(location.hash);
        for (let tries = 0; tries < 500; tries += 1) {{
            const head = document.querySelector("#details:not([hidden]) h2");
            if (head && key.includes(`key=${{head.textContent}}`)) break;
            await new Promise((done) => setTimeout(done, 4));
        }}
        named.push(document.querySelector("#details h2").textContent);
        const [ran, elements] = {MARKS};
        if (ran || elements) made.push(document.querySelector("#details").outerHTML);
        press("Escape");
        press("ArrowDown");
        press("ArrowDown"); // repeats and sections of a key lie beside each other
    }}
    return [named, made];
}}"""


def test_each_key_is_opened_and_nothing_happens(open_page: Open) -> None:
    opened = open_page("everything", "#f_repeat=*")
    for name in opened.pictures():
        opened.draw(name)
    count = len(opened.rows())
    opened.page.locator("#keys-grid tr[data-place='0']").focus()
    named, made = opened.page.evaluate(OPEN_EACH, count // 2)
    assert made == []
    assert len(set(named)) > 50
    assert f'&lt;i class="{CLASS}"&gt;' in opened.page.content()


def test_what_is_saved_is_harmless(open_page: Open) -> None:
    opened = open_page("everything", "#f_repeat=*&cols=state,pool,reason,marking,doubts")
    with opened.page.expect_download() as waited:
        opened.page.evaluate("document.getElementById('keys-save').click()")
    with Path(waited.value.path()).open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any(CLASS in cell for cell in cells)
    assert not [
        cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r")) or cell.startswith("-1+")
    ]
    for name in opened.pictures():
        figure = opened.draw(name)
        with opened.page.expect_download() as waited:
            figure.get_by_role("button", name="Save SVG").click()
        root = ET.parse(waited.value.path()).getroot()
        tags = {one.tag.rpartition("}")[2] for one in root.iter()}
        assert not tags & {"script", "foreignObject", "image", "i", "img"}
        assert not [one for one in root.iter() if any(at.lower().startswith("on") for at in one.attrib)]


LINKS = ("#key=<i class=odf-marker>", "#q=<img src=x>&sort=<i>", "#pic_pools=-1&cols=%00", "#state=%E0%A4%A")


@pytest.mark.parametrize("fragment", LINKS)
def test_a_link_can_say_anything(open_page: Open, fragment: str) -> None:
    opened = open_page("small", fragment)
    opened.page.locator("#keys-shown").wait_for()
    assert opened.page.evaluate(MARKS) == [None, 0]
    assert "tests" in opened.said
