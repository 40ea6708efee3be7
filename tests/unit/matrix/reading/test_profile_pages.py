"""docs/fio-options.md and docs/profiles.md say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_odfperf.fio.job import VARIABLES, render
from pytest_odfperf.fio.job_file.options_table import SORTS, VERDICTS, engines, options
from pytest_odfperf.matrix.model import FioSettings, Profile

DOCS = Path(__file__).parents[4] / "docs"


def rows(page: str, cells: int) -> list[list[str]]:
    """Rows of the page's tables that have so many cells, without heads."""
    found = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line[:3] == "| `"
    ]
    return [row for row in found if len(row) == cells]


def quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def test_the_page_of_options_is_the_table_of_the_code() -> None:
    page = (DOCS / "fio-options.md").read_text()
    known = list({option.name: option for option in options().values()}.values())
    assert rows(page, 4) == [
        [quoted((one.name, *one.aliases)), one.verdict, quoted(one.values), one.why] for one in known
    ]
    found = list({engine.name: engine for engine in engines().values()}.values())
    shown = [row for row in rows(page, 3) if row[1] in SORTS]
    assert shown == [[quoted((one.name, *one.aliases)), one.sort, one.why] for one in found]
    assert {one.verdict for one in known} == set(VERDICTS)
    assert all(one.why for one in known)


def test_no_name_has_two_rows() -> None:
    page = (DOCS / "fio-options.md").read_text()
    for cells in (3, 4):
        names = [name for row in rows(page, cells) for name in re.findall("`(.*?)`", row[0])]
        assert len(set(names)) == len(names) > 50


def test_the_template_of_the_page_is_a_profile() -> None:
    page = (DOCS / "profiles.md").read_text()
    (text,) = re.findall(r"^```ini profile\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    job = render(Profile(name="x", template=text, block_sizes=("native",)), FioSettings(), "native")
    assert job.phases == (("fill",), ("log", "reader"))
    for variable in VARIABLES:
        assert f"${{{variable}}}" in page
