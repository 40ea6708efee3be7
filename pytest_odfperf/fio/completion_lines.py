"""The lines of one log of completions (``write_hist_log``), read fast: a guest run has hundreds of them.

A line is ``time in ms, direction, block size, count, count, ...``; the counts are by latency, in columns of
``2**log_hist_coarseness`` buckets of fio's histogram.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise, repeat, starmap
from typing import NamedTuple

#: All that fio writes; so that a JSON parser, which is the fastest there is, can be trusted with it.
_PLAIN = re.compile(r"[0-9, \n]*", re.ASCII)
_LINE = re.compile(r"{0}(?:, *{0}){{3,}} *".format("(?:0|[1-9][0-9]{0,18})"), re.ASCII)
_READ, _WRITE = 0, 1


class Line(NamedTuple):
    """One worker's completions in one direction, from its line before to this one."""

    end_ms: int
    ios: int
    #: The same by column of latencies; empty if nobody asks.
    columns: Sequence[int] = ()


def read_lines(text: str) -> dict[str, tuple[Line, ...]]:
    """The lines of reads and of writes, in the order of time. `ValueError` for what fio does not write."""
    rows = _rows(text)
    # Trims and syncs may be there too; nobody asks for them.
    return {"read": _of_direction(rows, _READ), "write": _of_direction(rows, _WRITE)}


def _of_direction(rows: list[list[int]], direction: int) -> tuple[Line, ...]:
    own = [row for row in rows if row[1] == direction]
    ends = [row[0] for row in own]
    if ends != sorted(ends):
        before, after = next((a, b) for a, b in pairwise(own) if b[0] < a[0])
        number = next(number for number, row in enumerate(rows, 1) if row is after)
        raise ValueError(f"line {number} goes back in time ({before[0]} to {after[0]} ms)")
    columns = [row[3:] for row in own]
    # Not by its own constructor, which is no C.
    made = zip(repeat(Line), zip(ends, map(sum, columns), columns, strict=True), strict=False)
    return tuple(starmap(tuple.__new__, made))


def _rows(text: str) -> list[list[int]]:
    stripped = text.strip()
    if not stripped:
        return []
    try:
        if not _PLAIN.fullmatch(stripped):
            raise ValueError
        rows: list[list[int]] = json.loads("[[" + stripped.replace("\n", "],[") + "]]")
        if min(map(len, rows)) < 4:
            raise ValueError
    except ValueError:
        for number, line in enumerate(stripped.split("\n"), 1):
            if not _LINE.fullmatch(line):
                raise ValueError(f"line {number} is {line!r:.60}") from None
        raise
    return rows
