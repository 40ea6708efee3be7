"""pytest-html: where it is written; and what stands for each key there and in pytest's own JUnit XML."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.html_page.html import RunContext, summary_block
from pytest_odfperf.report.html_page.html_row import header_cells, row_cells
from pytest_odfperf.run.reports.output_table import REPORT_HTML


def link_to_report(config: pytest.Config, run_path: Path) -> str | None:
    """Where the run's report is from pytest-html's, if that is written (``--html``); a relative path."""
    page = _html_path(config)
    return os.path.relpath(run_path.absolute() / REPORT_HTML, page.parent) if page is not None else None


def _html_path(config: pytest.Config) -> Path | None:
    given = getattr(config.option, "htmlpath", None)
    return Path(os.path.expandvars(Path(given).expanduser())).absolute() if given else None


def written_reports(config: pytest.Config, run_path: Path, others: Iterable[Path]) -> list[Path]:
    """Reports for people that are there: the run's own, pytest-html's, ``others``."""
    pages = [run_path / REPORT_HTML, _html_path(config)]
    there = [page for page in pages if page is not None and page.is_file()]
    return [*there, *(path for path in others if path.exists())]


def replay(
    config: pytest.Config,
    records: Iterable[Record],
    silent: Iterable[object],
    why: tuple[str, str],
    workers: Mapping[str, object],
) -> None:
    """Put tests into this session's reports, but not into its terminal or counts.

    ``why``: the property that says how they come to be there. ``workers``: the worker of each test that has
    begun in this session; JUnit takes another worker's report for another test.
    """
    logreport = _logreport(config, silent)
    for record in records:
        properties: list[tuple[str, object]] = [*record.properties(), why]
        outcome = record.status if record.status in ("passed", "skipped") else "failed"
        for when, duration in (("setup", 0.0), ("call", record.duration_s), ("teardown", 0.0)):
            report = phase_report(record.test, when, outcome if when == "call" else "passed", record.reason)
            _from(report, workers.get(record.test))
            report.duration, report.user_properties = duration, properties
            report.start = record.started_at_epoch_ms / 1000
            report.stop = record.ended_at_epoch_ms / 1000
            report.odf = record.to_json()  # type: ignore[attr-defined]
            logreport(report=report)


def close_report(
    config: pytest.Config, test: str, silent: Iterable[object], why: str | None, worker: object
) -> None:
    """End the reports of a test that has begun; ``why`` it has no outcome, or None if it has one.

    JUnit would show it without a name, pytest-html not at all.
    """
    logreport = _logreport(config, silent)
    if why is not None:
        logreport(report=_from(phase_report(test, "call", "skipped", why), worker))
    logreport(report=_from(phase_report(test, "teardown", "passed", None), worker))


def add_case(
    config: pytest.Config,
    test: str,
    outcome: str,
    reason: str,
    properties: Iterable[tuple[str, object]],
    silent: Iterable[object],
) -> None:
    """Put a test case that is no test of anybody into the reports."""
    logreport = _logreport(config, silent)
    for when in ("setup", "call", "teardown"):
        report = phase_report(test, when, outcome if when == "call" else "passed", reason)
        report.user_properties = list(properties)
        logreport(report=report)


def _from(report: pytest.TestReport, worker: object) -> pytest.TestReport:
    if worker is not None:
        report.node = worker  # type: ignore[attr-defined]
    return report


def phase_report(test: str, when: str, outcome: str, reason: str | None) -> pytest.TestReport:
    path, _, name = test.partition("::")
    longrepr: Any = None
    if outcome != "passed":
        longrepr = (path, 0, reason or "") if outcome == "skipped" else reason
    return pytest.TestReport(
        nodeid=test,
        location=(path, None, name),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type]
        longrepr=longrepr,
        when=when,  # type: ignore[arg-type]
    )


def _logreport(config: pytest.Config, silent: Iterable[object]) -> Any:
    """The hook of all who write reports, and of nobody who shows or counts."""
    quiet = [
        plugin
        for name in ("terminalreporter", "lfplugin", "stepwiseplugin", "nfplugin", "dsession", "session")
        if (plugin := config.pluginmanager.getplugin(name)) is not None
    ]
    quiet += [plugin for plugin in silent if plugin is not None]
    return config.pluginmanager.subset_hook_caller("pytest_runtest_logreport", remove_plugins=quiet)


def complete_report(
    record: Record, when: Literal["setup", "call", "teardown"], properties: list[tuple[str, str]]
) -> pytest.TestReport:
    """The report of one phase of a complete test, from its record."""
    failed = when == "call" and record.status == "failed"
    report = pytest.TestReport(
        nodeid=record.test,
        location=(record.test.partition("::")[0], None, record.test.partition("::")[2]),
        keywords={},
        outcome="failed" if failed else "passed",
        longrepr=record.reason if failed else None,
        when=when,
        duration=record.duration_s if when == "call" else 0.0,
        user_properties=list(properties),
        start=record.started_at_epoch_ms / 1000,
        stop=record.ended_at_epoch_ms / 1000,
    )
    report.odf = record.to_json()  # type: ignore[attr-defined]
    return report


class HtmlPlugin:
    """pytest-html's hooks."""

    def __init__(self, context: RunContext, records: Any) -> None:
        self._context = context
        self._records = records

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        report.title = f"Storage of virtual machines: {self._context.run_id}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        prefix.append(summary_block(self._records(), self._context))

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        cells[1:2] = header_cells()

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        plain = getattr(report, "odf", None)
        record = Record.from_json(plain) if plain else None
        cells[1:2] = row_cells(record.key if record else None, record)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: Any, data: list[str]) -> None:
        if report.passed:
            del data[:]
