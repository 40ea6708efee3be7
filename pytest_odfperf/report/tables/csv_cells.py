"""Cells of CSV files."""

from __future__ import annotations

from functools import lru_cache

#: A spreadsheet takes a cell that begins with one of these for a formula; the last four are what it makes of
#: wide letters of East Asian keyboards.
_FORMULA = ("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠")

#: No table has two lines for one row, whatever a reader takes for a line's end.
_LINE_ENDS = dict.fromkeys(map(ord, "\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"), " ")


@lru_cache(4096)
def cell_text(value: str) -> str:
    """A cell of one line that no spreadsheet takes for a formula."""
    value = value.translate(_LINE_ENDS) if not value.isprintable() else value
    return f"'{value}" if value.startswith(_FORMULA) else value
