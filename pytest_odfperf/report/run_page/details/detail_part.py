"""A part of a test's details, in plain JSON types, as the page's script shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Cell = str | float | None
Plain = dict[str, Any]


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]], note: str = "") -> Plain | None:
    """A table; columns that are empty in all rows are left out, and without rows there is none."""
    found = [list(row) for row in rows]
    if not found:
        return None
    empty = [at for at, value in enumerate(found[0]) if value is None or value == ""]
    empty = [at for at in empty if all(row[at] is None or row[at] == "" for row in found)]
    if empty:
        filled = [at for at in range(len(heads)) if at not in empty]
        heads = [heads[at] for at in filled]
        found = [[row[at] for at in filled] for row in found]
    part: Plain = {
        "title": title,
        "heads": heads,
        "rows": found,
    }
    if note:
        part["note"] = note
    return part


def lines(title: str, texts: Iterable[str]) -> Plain | None:
    """A list; None without any."""
    found = list(texts)
    return {"title": title, "lines": found} if found else None


def exact(value: float | None) -> float | None:
    """Six significant digits."""
    return _digits(value, 6)


def near(value: float | None) -> float | None:
    """Four significant digits."""
    return _digits(value, 4)


def rough(value: float | None) -> float | None:
    """Three significant digits: enough for one of many VMs, of which there are many in a page."""
    return _digits(value, 3)


def _digits(value: float | None, count: int) -> float | None:
    if value is None:
        return None
    found = float(_FORMATS[count] % value)
    return int(found) if found.is_integer() and abs(found) < 1e15 else found


_FORMATS = {count: f"%.{count}g" for count in (3, 4, 6)}
