"""Which columns results.csv has."""

from __future__ import annotations

from typing import Literal, get_args

from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.tables.original_csv import render_original_csv
from pytest_odfperf.report.tables.results_csv import render_csv

CsvLayout = Literal["full", "original"]

#: The first is usual.
CSV_LAYOUTS: tuple[CsvLayout, ...] = get_args(CsvLayout)


def results_csv(content: RunContent) -> str:
    """results.csv with the columns that its run asks for; of several runs those of the last."""
    options = content.runs[-1].content.get("options") or {}
    render = render_original_csv if options.get("csv") == "original" else render_csv
    return render(content.records)
