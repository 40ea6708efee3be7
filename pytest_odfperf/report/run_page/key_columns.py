"""The columns of the table of keys: what they are called, how they sort and filter, and what is in them.

Rows are sent column by column: texts as numbers into a list of those that there are, figures with six digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Sort = Literal["text", "number"]

#: What is shown of a figure.
Mark = Literal["n/a", "≥"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyColumn:
    """``heading`` has the unit. ``choose``: rows can be filtered by its values. ``more``: shown on demand."""

    name: str
    heading: str
    sort: Sort = "text"
    choose: bool = False
    more: bool = False
    #: Whether its numbers count something, and are shown with all their digits.
    whole: bool = False
    #: Width in pixels.
    width: int = 90
    #: What the heading means, for who does not know it.
    meaning: str = ""


def _latencies(direction: str) -> tuple[KeyColumn, ...]:
    """The latencies of a direction; those that few people ask for are shown on demand."""
    rows = (
        ("mean", "mean", True, 84), ("p50", "p50", True, 84), ("p95", "p95", True, 84),
        ("p99", "p99", False, 104), ("p999", "p99.9", False, 88), ("max", "max", True, 84),
        ("worst", "p99 of worst VM", True, 110),
        ("middle", "p99 of middle VM", True, 110),
    )  # fmt: skip
    return tuple(
        KeyColumn(
            name=f"{direction}_{name}",
            heading=f"{direction.capitalize()} {heading} ms",
            sort="number",
            more=more,
            width=width,
        )
        for name, heading, more, width in rows
    )


COLUMNS: tuple[KeyColumn, ...] = (
    KeyColumn(name="state", heading="State", width=124, meaning="What the test came to"),
    KeyColumn(name="pool", heading="Pool", choose=True, width=120),
    KeyColumn(name="size", heading="VM size", choose=True, width=90),
    KeyColumn(name="pvc", heading="PVC", choose=True, width=78),
    KeyColumn(name="vms", heading="VMs", sort="number", whole=True, choose=True, width=58),
    KeyColumn(name="profile", heading="Profile", choose=True, width=140),
    KeyColumn(name="bs", heading="Block size", choose=True, width=70),
    KeyColumn(name="repeat", heading="Repeat", choose=True, width=86),
    KeyColumn(
        name="section", heading="Section", choose=True, width=120, meaning="Unlike sections have a line each"
    ),
    KeyColumn(name="read_iops", heading="Read IOPS", sort="number", width=110),
    KeyColumn(name="read_bw", heading="Read MiB/s", sort="number", width=84),
    *_latencies("read"),
    KeyColumn(name="write_iops", heading="Write IOPS", sort="number", width=110),
    KeyColumn(name="write_bw", heading="Write MiB/s", sort="number", width=84),
    *_latencies("write"),
    KeyColumn(name="sync_iops", heading="Syncs/s", sort="number", width=94),
    *_latencies("sync"),
    KeyColumn(
        name="fairness", heading="Fairness", sort="number", more=True, meaning="Jain's index over the VMs"
    ),
    KeyColumn(
        name="cv", heading="CV %", sort="number", more=True, width=70, meaning="Of repeats, the greatest"
    ),
    KeyColumn(name="verdict", heading="Verdict", choose=True, width=90),
    KeyColumn(
        name="doubts", heading="Doubts", choose=True, width=190, meaning="Codes of the rules that object"
    ),
    KeyColumn(
        name="limits", heading="Limits", choose=True, width=120, meaning="The worst outcome of its limits"
    ),
    KeyColumn(name="marking", heading="Marking", choose=True, more=True, width=110),
    KeyColumn(
        name="minutes", heading="Minutes", sort="number", more=True, width=76, meaning="How long it took"
    ),
    KeyColumn(name="began", heading="Began (UTC)", more=True, width=150),
    KeyColumn(name="reason", heading="Reason or note", width=360),
)


@dataclass(slots=True)
class KeyTable:
    """Rows as they are collected. A row is a mapping from a column's name to its text or figure.

    Columns that are empty in all rows are left out.
    """

    of: Sequence[KeyColumn] = COLUMNS
    texts: dict[str, list[str]] = field(init=False)
    numbers: dict[str, list[float | None]] = field(init=False)
    marks: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    spreads: dict[str, dict[int, tuple[float, float]]] = field(default_factory=dict)
    #: Of each row: its test's index, and the states by which it is found, a bit each.
    tests: list[int] = field(default_factory=list)
    states: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.texts = {column.name: [] for column in self.of if column.sort == "text"}
        self.numbers = {column.name: [] for column in self.of if column.sort == "number"}

    def add(
        self,
        test: int,
        states: int,
        texts: Mapping[str, str],
        numbers: Mapping[str, float | None],
        marks: Mapping[str, Mark] | None = None,
        spreads: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        """Append a row."""
        row = len(self.tests)
        self.tests.append(test)
        self.states.append(states)
        for name, column in self.texts.items():
            column.append(texts.get(name, ""))
        for name, own in self.numbers.items():
            value = numbers.get(name)
            own.append(None if value is None else _rounded(value))
        for name, mark in (marks or {}).items():
            self.marks.setdefault(name, {}).setdefault(mark, []).append(row)
        for name, spread in (spreads or {}).items():
            self.spreads.setdefault(name, {})[row] = spread

    def to_plain(self, sort_keys: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
        """For the page; columns that are empty in all rows are not there."""
        columns = []
        for column in self.of:
            content = (
                self._text(column.name, sort_keys.get(column.name))
                if column.name in self.texts
                else self._number(column.name)
            )
            if content is not None:
                columns.append({**_head(column), **content})
        return {"columns": columns, "tests": _steps(self.tests), "states": self.states}

    def _text(self, name: str, sort_key: Callable[[str], Any] | None) -> dict[str, Any] | None:
        place: dict[str, int] = {}
        values = [place.setdefault(text, len(place)) for text in self.texts[name]]
        if not any(place):
            return None
        texts = list(place)
        order = sorted(texts, key=sort_key) if sort_key else sorted(texts)
        rank = {text: number for number, text in enumerate(order)}
        return {"texts": texts, "rank": [rank[text] for text in texts], "values": values}

    def _number(self, name: str) -> dict[str, Any] | None:
        values, marks = self.numbers[name], self.marks.get(name, {})
        if not marks and all(value is None for value in values):
            return None
        found: dict[str, Any] = {"values": values}
        if marks:
            found["marks"] = marks
        if name in self.spreads:
            spreads = self.spreads[name]
            found["spread"] = [
                list(spreads),
                *([_rounded(one[at]) for one in spreads.values()] for at in (0, 1)),
            ]
        return found


def _head(column: KeyColumn) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": column.name, "heading": column.heading, "sort": column.sort, "width": column.width,
    }  # fmt: skip
    for flag in ("choose", "more", "whole", "meaning"):
        if getattr(column, flag):
            found[flag] = getattr(column, flag)
    return found


def _rounded(value: float) -> float:
    found = float(f"{value:.6g}")
    return int(found) if found.is_integer() else found


def _steps(values: Sequence[int]) -> list[int]:
    """Each as its distance from the one before: mostly the same number, which compresses well."""
    return [value - before for before, value in zip([0, *values], values, strict=False)]
