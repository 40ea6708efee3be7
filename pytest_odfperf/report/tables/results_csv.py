"""results.csv: a row for each test of a key and for each section in each guest (`row_parts`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.report.tables.csv_cells import cell_text
from pytest_odfperf.report.tables.result_rows import COLUMNS, WIDTHS, Row, row_parts

#: What is quoted (RFC 4180); `cell_text` leaves no line ends.
_QUOTED = re.compile('[",]')
_EMPTY = tuple("," * (WIDTHS[direction] - 1) for direction in DIRECTIONS)


def render_csv(records: Iterable[Record]) -> str:
    """The whole file. Numbers have all their digits; an empty cell was not measured."""
    lines = [",".join(COLUMNS)]
    last, key, test = None, "", ""
    for parts in row_parts(records, cell_text):
        # Most of a row is that of the row before it: by csv.writer the table took three times as long.
        if parts.test is not last:
            last, key, test = parts.test, _cells(parts.key), _cells(parts.test)
        figures = [
            empty if found is None else _cells(found)
            for found, empty in zip(parts.figures, _EMPTY, strict=True)
        ]
        lines.append(",".join((key, _cells(parts.what), test, *figures)))
    return "\n".join(lines) + "\n"


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
