"""Which columns results.csv has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, get_args

from pytest_odfperf.report.content.run_content import RunContent, RunFacts
from pytest_odfperf.report.tables.original_csv import render_original_csv
from pytest_odfperf.report.tables.results_csv import render_csv

CsvLayout = Literal["full", "original"]

#: The first is usual.
CSV_LAYOUTS: tuple[CsvLayout, ...] = get_args(CsvLayout)


def results_csv(content: RunContent) -> str:
    """results.csv with the columns that its run asks for; of several runs those of the last."""
    original = _options(content.runs[-1]).get("csv") == "original"
    render = render_original_csv if original else render_csv
    return render(content.records)


def with_layout(content: RunContent, layout: CsvLayout) -> RunContent:
    """``content``, as if its runs asked for ``layout``."""
    return replace(
        content,
        runs=tuple(
            replace(run, content={**run.content, "options": {**_options(run), "csv": layout}})
            for run in content.runs
        ),
    )


def _options(run: RunFacts) -> Mapping[str, Any]:
    found = run.content.get("options")
    return found if isinstance(found, Mapping) else {}
