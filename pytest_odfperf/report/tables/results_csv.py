"""results.csv: a row for each test of a key and for each section in each guest (`result_rows`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.tables.csv_cells import cell_text
from pytest_odfperf.report.tables.result_rows import COLUMNS, result_rows


def render_csv(records: Iterable[Record]) -> str:
    """The whole file. Numbers have all their digits; an empty cell was not measured."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(row for _, row in result_rows(records, cell_text, _flag))
    return text.getvalue()


def _flag(value: bool) -> str:
    return "true" if value else "false"
