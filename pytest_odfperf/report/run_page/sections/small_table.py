"""Small tables and lists that are in the page as they are: sorted, copied and filtered there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.run_page.page_template import render_markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A cell that leads to a file of the run. ``href`` is made by `detail_files.href`."""

    href: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opens:
    """A cell that opens a test's details, by its index in `RunContent.tests`."""

    test: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state with its sign; ``slug`` ends its class."""

    slug: str
    text: str


TableCell = str | int | float | Link | Opens | State | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallTable:
    """``tests``: of each row those that it is about; a filter that leaves out all of them leaves it out."""

    heading: str
    heads: Sequence[str]
    rows: Sequence[Sequence[TableCell]]
    note: str = ""
    #: What is said of rows that are not here, and the filter of the table of keys that shows their tests.
    more: str = ""
    filter: str = ""
    #: Whether only the heading is seen at first, with the number of all rows.
    folded: bool = False
    every: int = 0
    tests: Sequence[Sequence[int]] | None = None
    #: Columns of numbers, which are aligned.
    numbers: Sequence[int] = ()


def tables_markup(tables: Sequence[SmallTable]) -> Markup:
    """The tables under their headings."""
    return render_markup("small_tables.html.j2", tables=tables)


class Places:
    """The index of a record in `RunContent.tests`."""

    def __init__(self, content: RunContent) -> None:
        self._of: Mapping[int, int] = {
            id(test.record): at for at, test in enumerate(content.tests) if test.record is not None
        }

    def of(self, record: object) -> int:
        return self._of[id(record)]
