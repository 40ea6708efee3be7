"""The report of a run as its reader uses it: sort, filter, search, open, send a link, print."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from opened_page import Opened

Open = Callable[..., Opened]

#: What the keyboard is on: whether it can be seen, and as what it is read.
FOCUSED = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
    const texts = [one.innerText, one.getAttribute("aria-label"), one.labels?.[0]?.innerText, one.title];
    return {
        tag: one.tagName, text: (texts.find(Boolean) ?? "").trim(), wide: box.width > 0 && box.height > 0,
        outline: style.outlineStyle !== "none" || style.boxShadow !== "none",
    };
}"""
#: What can be pressed and is of no use on paper.
TOOLS = """() => [...document.querySelectorAll("button, select, input")]
    .filter((one) => one.offsetParent && !one.closest(".counts, th")).map((one) => one.outerHTML)"""

DRAWN = "() => [...document.querySelectorAll('.drawing')].every((one) => one.querySelector('svg'))"


def number(text: str) -> float:
    return float(re.sub(r"[≥, ]|±.*", "", text))


def test_numbers_sort_as_numbers(open_page: Open) -> None:
    opened = open_page("small")
    given = opened.rows()
    for name, heading in (("read_iops", "Read IOPS"), ("write_p99", "Write p99 ms")):
        opened.sort(name)
        values = [row[heading] for row in opened.rows()]
        numbers = [number(text) for text in values if text not in ("", "n/a")]
        assert numbers == sorted(numbers, reverse=True)
        assert len(numbers) > 20
        assert not any(text not in ("", "n/a") for text in values[len(numbers) :])
        shown = [number(text) for text in opened.column(name) if text.strip() not in ("", "n/a")]
        assert shown == sorted(shown, reverse=True)
        opened.sort(name)
        assert [number(row[heading]) for row in opened.rows()[: len(numbers)]] == sorted(numbers)
        opened.sort(name)
    assert opened.rows() == given
    head = opened.page.locator('#keys-grid th[data-column="read_iops"]')
    opened.sort("read_iops")
    assert head.get_attribute("aria-sort") == "descending"


def test_text_with_numbers_sorts_by_size(open_page: Open) -> None:
    opened = open_page("small", "#sort=bs&f_repeat=*")
    sizes = list(dict.fromkeys(row["Block size"] for row in opened.rows() if row["Block size"] != "native"))
    assert sizes == ["4k", "64k", "1M"]


def test_counts_filter_what_follows(open_page: Open) -> None:
    opened = open_page("everything", "#f_repeat=*")
    for button in opened.page.locator(".counts button").all():
        button.click()
        state, count = button.get_attribute("data-state"), int(button.locator(".number").inner_text())
        word = button.locator(".state").inner_text()
        assert button.get_attribute("aria-pressed") == "true"
        assert opened.said.startswith(f"{count} of "), (state, opened.said)
        # A row over the repeats of a key tells of all of them.
        assert all(word.strip() in row["State"] for row in opened.rows() if row["Repeat"] != "all")
        button.click()
    assert "#" not in opened.page.url or "state=" not in opened.page.url


def test_search_is_over_keys_codes_and_reasons(open_page: Open) -> None:
    opened = open_page("everything", "#f_repeat=*")
    for text, heading in (
        ("cephfs-rep3 db-oltp", "Profile"),
        ("worker died", "Reason or note"),
        ("noisy", "Doubts"),
    ):
        opened.search(text)
        rows = opened.rows()
        assert rows, text
        assert all(text.split()[-1] in row[heading] for row in rows), (text, rows[0])
    opened.search("there is nothing like this")
    assert opened.rows() == []
    opened.search("")
    assert "q=" not in opened.page.url


def test_a_link_shows_what_its_sender_saw(open_page: Open) -> None:
    opened = open_page("small", "#f_repeat=*")
    opened.filter("passed")
    opened.search("random-rw rep3")
    opened.sort("read_iops")
    opened.open_row(3)
    panel = opened.page.locator("#details").inner_text()
    name = opened.page.locator("#details h2").inner_text()
    other = open_page("small", "#" + opened.page.url.partition("#")[2])
    other.page.locator("#details h2").wait_for()
    assert other.page.locator("#details h2").inner_text() == name
    assert other.page.locator("#details").inner_text() == panel
    assert other.said == opened.said
    assert other.rows() == opened.rows()
    assert other.page.locator("#keys-search").input_value() == "random-rw rep3"
    # And the way back.
    opened.page.go_back()
    opened.page.locator("#details h2").wait_for(state="hidden")


def test_keyboard_alone_is_enough(open_page: Open) -> None:
    opened = open_page("small")
    keyboard = opened.page.keyboard
    opened.page.locator("#keys-grid tr[data-place='0']").focus()
    keyboard.press("ArrowDown")
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    opened.page.locator("#details h2").wait_for()
    assert opened.page.evaluate("document.activeElement.tagName") == "H2"
    keyboard.press("Escape")
    opened.page.locator("#details h2").wait_for(state="hidden")
    assert opened.page.evaluate("document.activeElement.dataset.place") == "2"
    keyboard.press("End")
    assert opened.page.evaluate("document.activeElement.dataset.place") == str(len(opened.rows()) - 1)
    # Each stop is seen and has a name.
    named = set()
    for first, stops in (("a.skip", 20), (".picture select", 5), ("#keys-search", 30)):
        opened.page.locator(first).first.focus()
        for _ in range(stops):
            found = opened.page.evaluate(FOCUSED)
            if found["tag"] == "BODY":
                break
            assert found["wide"], found
            assert found["text"], found
            assert found["outline"], found
            named.add(found["text"].split("\n")[0])
            keyboard.press("Tab")
    assert {"Search", "Reset", "Copy as TSV", "Save SVG"} <= named


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_themes_follow_the_system_and_the_reader(open_page: Open, scheme: str) -> None:
    opened = open_page("small", color_scheme=scheme)

    def lightness() -> float:
        colour = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        if colour == "rgba(0, 0, 0, 0)":
            colour = opened.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour)[:3])) / 765

    assert (lightness() > 0.5) == (scheme == "light")
    other = "dark" if scheme == "light" else "light"
    button = opened.page.locator("#theme")
    for _ in range(3):
        if other in button.inner_text():
            break
        button.click()
    assert (lightness() > 0.5) == (other == "light")
    assert f"theme={other}" in opened.page.url


@pytest.mark.parametrize("run", ["small", "everything"])
@pytest.mark.parametrize("width", [360, 768, 1920])
def test_no_width_scrolls_the_page_sideways(open_page: Open, run: str, width: int) -> None:
    opened = open_page(run, width=width)
    opened.page.locator("#keys-grid tr[data-place='0']").wait_for()
    for name in opened.pictures():
        opened.draw(name)
    opened.open_row(0)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


def test_print_has_all_rows_and_no_tools(open_page: Open, tmp_path: Path) -> None:
    opened = open_page("small", "#f_repeat=*")
    rows = len(opened.rows())
    opened.page.emulate_media(media="print")
    opened.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert opened.page.locator("#keys-grid tr[data-place]").count() == rows
    assert opened.page.evaluate(TOOLS) == []
    # Also pictures that never came into view.
    opened.page.wait_for_function(DRAWN)
    printed = opened.page.pdf(path=tmp_path / "report.pdf", format="A4", landscape=True)
    assert len(printed) > 10_000


def test_without_scripts_the_page_says_so(open_page: Open) -> None:
    opened = open_page("small", java_script_enabled=False)
    assert "needs JavaScript" in opened.page.locator("noscript").first.inner_text()
    assert opened.page.locator(".verdict").is_visible()
