"""The outputs that are made of a run's content: a row for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.junit.junit_suites import render_junit
from pytest_odfperf.report.markdown.summary_markdown import summary_markdown
from pytest_odfperf.report.metrics.run_metrics import render_metrics
from pytest_odfperf.report.parquet.results_parquet import results_parquet
from pytest_odfperf.report.summary import count
from pytest_odfperf.report.tables.capacity_table import depths_csv, steps_csv
from pytest_odfperf.report.tables.csv_layout import results_csv
from pytest_odfperf.report.tables.keys_csv import render_keys_csv
from pytest_odfperf.report.tables.ranking_table import ranking_csv, ranking_json, ranking_of
from pytest_odfperf.run.reports.ci_places import ci_places
from pytest_odfperf.run.reports.html_report import report_html

When = Literal["running", "end"]

#: One file; several, by their paths below the run's folder; or None where there is nothing to say: then a
#: file that is there is removed.
Made = str | bytes | Mapping[str, str | bytes] | None

JUNIT = "junit.xml"
REPORT_HTML = "report.html"
POOL_SUMMARY = ".pool-summary"


@dataclass(frozen=True, slots=True)
class Output:
    """``make`` is pure. It imports what is heavy itself, and raises `OdfError` if that is not installed."""

    #: The file below the run's folder, or what several are called together.
    name: str
    make: Callable[[RunContent], Made]
    #: Whether it is renewed while the run goes on, too.
    while_running: bool = True


def _keys_csv(content: RunContent) -> Made:
    return render_keys_csv(content.records, content.repeats)


def _ranking_csv(content: RunContent) -> Made:
    ranking = content.once(ranking_of)
    return ranking_csv(ranking) if ranking.there else None


def _ranking_json(content: RunContent) -> Made:
    ranking = content.once(ranking_of)
    return json.dumps(ranking_json(ranking), indent=1, ensure_ascii=False) + "\n" if ranking.there else None


def _capacity(content: RunContent) -> Made:
    asked = any(record.capacity is not None for record in content.records)
    return steps_csv(content.records) if asked else None


def _depths(content: RunContent) -> Made:
    return depths_csv(content.sweeps) if content.sweeps else None


def _junit(content: RunContent) -> Made:
    return render_junit(content, ci_places(content))


def _pool_summaries(content: RunContent) -> Made:
    # Also of a pool that was never begun: what an earlier session counted is not true of it.
    counts = count(content.records, content.pools)
    return {f"{pool}/{POOL_SUMMARY}": one.line for pool, one in counts.items()}


#: In the order in which they are written.
OUTPUTS: tuple[Output, ...] = (
    Output(JUNIT, _junit),
    Output(REPORT_HTML, report_html),
    Output("results.csv", results_csv),
    Output("results-keys.csv", _keys_csv),
    Output("ranking.csv", _ranking_csv, while_running=False),
    Output("ranking.json", _ranking_json, while_running=False),
    Output("capacity.csv", _capacity),
    Output("depth-sweep.csv", _depths),
    Output("metrics.prom", render_metrics),
    Output("summary.md", summary_markdown),
    Output("results.parquet", results_parquet, while_running=False),
    Output(POOL_SUMMARY, _pool_summaries),
)
