"""The lines of one log of completions (``write_hist_log``), read fast: a guest run has hundreds of them.

A line is ``time in ms, direction, block size, count, count, ...``; the counts are by latency, in columns of
``2**log_hist_coarseness`` buckets of fio's histogram.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
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
    lines: dict[int, list[Line]] = {_READ: [], _WRITE: []}
    ends = {_READ: 0, _WRITE: 0}
    for number, row in enumerate(_rows(text), 1):
        time_ms, direction = row[0], row[1]
        # Trims and syncs may be there too; nobody asks for them.
        if (end_ms := ends.get(direction)) is not None:
            if time_ms < end_ms:
                raise ValueError(f"line {number} goes back in time ({end_ms} to {time_ms} ms)")
            ends[direction] = time_ms
            columns = row[3:]
            lines[direction].append(Line(time_ms, sum(columns), columns))
    return {"read": tuple(lines[_READ]), "write": tuple(lines[_WRITE])}


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
