"""Cells of CSV files."""

from __future__ import annotations

from functools import lru_cache

from pytest_odfperf.errors import one_line

#: A spreadsheet takes a cell that begins with one of these for a formula; the last four are what it makes of
#: wide letters of East Asian keyboards.
_FORMULA = ("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠")


@lru_cache(4096)
def cell_text(value: str) -> str:
    """A cell of one line that no spreadsheet takes for a formula, and no terminal for an order."""
    value = one_line(value)
    return f"'{value}" if value.startswith(_FORMULA) else value
