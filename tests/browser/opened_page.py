"""A page of ours in a browser: what it shows, and what it must never do."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from report_runs.hostile import CLASS, VARIABLE

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Milliseconds; the machine may have other work.
PATIENCE_MS = 15_000


class Opened:
    """One page, in a context of its own: nothing is shared with others but the file."""

    def __init__(
        self, browser: Any, path: Path, fragment: str = "", *, width: int = 1280, **context: Any
    ) -> None:
        self._troubles: list[str] = []
        self._context = browser.new_context(
            viewport={"width": width, "height": 900}, accept_downloads=True, **context
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self.page = self._context.new_page()
        self.page.on("console", lambda said: self._troubles.append(f"console {said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self._troubles.append(f"error: {error}"))
        self.page.on("request", self._requested)
        self.page.on("dialog", lambda dialog: self._troubles.append(f"dialog: {dialog.message}"))
        self.url = path.resolve().as_uri()
        self.page.goto(self.url + fragment)

    def _requested(self, request: Any) -> None:
        # The file itself, and what the page made itself.
        if not request.url.startswith(("data:", "blob:")) and request.url.partition("#")[0] != self.url:
            self._troubles.append(f"request: {request.url[:200]}")

    def close(self) -> list[str]:
        """What it should not have done."""
        marks = self.page.evaluate(
            f"""() => [window.{VARIABLE} ? "a script of a text ran" : "",
            ...[...document.querySelectorAll("{CLASS}, .{CLASS}, iframe, object, embed")].map(
                (node) => `an element of a text: ${{node.outerHTML}}`)].filter(Boolean)"""
        )
        self._context.close()
        return list(dict.fromkeys(self._troubles + marks))

    # -- the table of keys

    @property
    def said(self) -> str:
        """How many tests are shown."""
        return self.page.locator("#keys-shown").inner_text()

    def column(self, name: str) -> list[str]:
        """The texts of a column, of the rows in the document."""
        found: list[str] = self.page.evaluate(
            """(name) => {
            const heads = [...document.querySelectorAll("#keys-grid thead th")];
            const at = heads.findIndex((one) => one.dataset.column === name);
            const rows = document.querySelectorAll("#keys-grid tbody tr[data-place]");
            return [...rows].map((row) => row.cells[at].innerText); }""",
            name,
        )
        return found

    def rows(self) -> list[dict[str, str]]:
        """All rows of the table as it is filtered and sorted, as they are saved, by the columns' headings."""
        with self.page.expect_download() as waited:
            self.page.evaluate("document.getElementById('keys-save').click()")
        with Path(waited.value.path()).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def sort(self, name: str) -> None:
        self.page.locator(f'#keys-grid th[data-column="{name}"] button').click()

    def filter(self, state: str) -> None:
        self.page.locator(f'.counts button[data-state="{state}"]').click()

    def search(self, text: str) -> None:
        self.page.locator("#keys-search").fill(text)
        self.page.wait_for_function(
            "(text) => (new URLSearchParams(location.hash.slice(1)).get('q') ?? '') === text", arg=text
        )

    def open_row(self, place: int = 0) -> None:
        self.page.locator(f'#keys-grid tr[data-place="{place}"]').click()
        self.page.locator("#details h2").wait_for()

    # -- pictures

    def pictures(self) -> list[str]:
        return self.page.evaluate(
            "[...document.querySelectorAll('figure.picture')].map((one) => one.dataset.picture)"
        )

    def draw(self, name: str) -> Any:
        """The picture, once it is drawn."""
        figure = self.page.locator(f'figure[data-picture="{name}"]')
        figure.scroll_into_view_if_needed()
        figure.locator(".drawing svg").first.wait_for()
        return figure
