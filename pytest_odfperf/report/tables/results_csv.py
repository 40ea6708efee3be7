"""results.csv: a row for each test of a key and for each section in each guest (`row_parts`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_odfperf.json_reading import orjson_dumps
from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.report.tables.csv_cells import cell_text
from pytest_odfperf.report.tables.result_rows import COLUMNS, FIGURE_COLUMNS, Row, row_parts

#: What is quoted (RFC 4180); `cell_text` leaves no line ends.
_QUOTED = re.compile('[",]')
#: Numbers that orjson, or an earlier one, writes in another way: below 0.0001, and with an exponent.
_OTHERWISE = re.compile(rb"\.0000|\de")
_BLOCK = 1000
_EMPTY = tuple("," * (len(FIGURE_COLUMNS[direction]) - 1) for direction in DIRECTIONS)


def render_csv(records: Iterable[Record]) -> str:
    """The whole file. Numbers have all their digits; an empty cell was not measured."""
    blocks, lines = [], [",".join(COLUMNS)]
    last, key, test = None, "", ""
    for parts in row_parts(records, cell_text):
        # Most of a row is that of the row before it: by csv.writer the table took three times as long.
        if parts.test is not last:
            last, key, test = parts.test, _cells(parts.key), _cells(parts.test)
        figures = [
            empty if found is None else _numbers(found)
            for found, empty in zip(parts.figures, _EMPTY, strict=True)
        ]
        lines.append(",".join((key, _cells(parts.what), test, *figures)))
        if len(lines) >= _BLOCK:
            # Whole blocks lie in less memory than their lines do.
            blocks.append("\n".join(lines))
            lines.clear()
    return "\n".join([*blocks, *lines, ""])


def _numbers(values: Row) -> str:
    """As `_cells`, of numbers and flags: as JSON they are the same, and orjson is eight times as fast."""
    quick = orjson_dumps()
    if quick is None:
        return _cells(values)
    made = quick(values)
    if _OTHERWISE.search(made):
        return _cells(values)
    return made[1:-1].replace(b"null", b"").decode()


def _cells(values: Row) -> str:
    # Most cells are numbers.
    return ",".join([repr(one) if type(one) in (float, int) else _cell(one) for one in values])


def _cell(value: str | float | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f'"{value.replace(chr(34), chr(34) * 2)}"' if _QUOTED.search(value) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)
