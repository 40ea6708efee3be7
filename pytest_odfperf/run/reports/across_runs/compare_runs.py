"""Compares runs that are over, from their folders, and writes the page of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pytest_odfperf.errors import InputError, StoreError
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.compared_figures import figures_of
from pytest_odfperf.measure.compare.run_likeness import (
    RunDescription,
    describe,
    difference_text,
    software_differences,
)
from pytest_odfperf.report.comparison_text import ComparisonReport, comparison_json, comparison_lines
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.pictures.pools.baseline_changes import forest_plot
from pytest_odfperf.run.before.named_runs import find_runs, need_statistics, split_names
from pytest_odfperf.run.reports.across_runs.page_folder import href_to, page_folder, read_failed, write_page
from pytest_odfperf.run.reports.drawing_script import drawing_script
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

OPTION = "--odf-compare"


def compare_runs(base: str, now: str, results: Path, *, forced: bool) -> tuple[list[str], Path]:
    """Compare run ``now`` with ``base``, a run or several (``RUN,RUN``); the outcome's lines and the page.

    Writes comparison.html and comparison.json. Raises `InputError`, also for unlike runs unless that is
    ``forced``, and `StoreError`.
    """
    need_statistics(OPTION)
    run_dirs = find_runs([*split_names(base), now], results, OPTION)
    *first, last = [run_dir.run_id for run_dir in run_dirs]
    more = [f"and-{len(first) - 1}-more"] if len(first) > 1 else []
    folder = page_folder(results, "compare", first[0], *more, last)
    *baselines, current = told_apart([_read(run_dir, folder) for run_dir in run_dirs])
    *first, last = [content.runs[0].run_id for content in (*baselines, current)]
    *of_baselines, of_current = [
        _described(run_dir, content)
        for run_dir, content in zip(run_dirs, [*baselines, current], strict=True)
    ]  # fmt: skip
    _check_keys([*baselines, current])
    unlike = [
        f"run {name} is not like run {last} ({text})"
        for name, one in zip(first, of_baselines, strict=True)
        if (text := difference_text(of_current, one))
    ]
    refused = _refused(baselines, current)
    if forced:
        unlike += dict.fromkeys(refused.values())
        refused = {}
    elif unlike:
        raise InputError(
            f"{OPTION}: {unlike[0]}; --odf-force-compare compares them all the same, and marks it"
        )
    report = _compared(baselines, current, refused, unlike)
    from pytest_odfperf.report.run_page.compared.comparison_page import render_comparison

    content = comparison_json(report)
    forest = forest_plot([content], {})
    html = render_comparison(
        content, baselines, current, [forest] if forest is not None else [], drawing=drawing_script()
    )
    return comparison_lines(report), write_page(folder, "comparison", html, content)


def _compared(
    baselines: Sequence[RunContent], current: RunContent, refused: dict[Key, str], unlike: Sequence[str]
) -> ComparisonReport:
    from pytest_odfperf.measure.compare.run_comparison import compare

    found = compare(
        figures_of(current.records), [figures_of(content.records) for content in baselines], refused
    )
    return ComparisonReport(
        comparison=found,
        run=current.runs[0].run_id,
        runs=tuple(content.runs[0].run_id for content in baselines),
        unlike=tuple(unlike),
    )


def told_apart(contents: Sequence[RunContent]) -> list[RunContent]:
    """Runs of one id (of two results folders, or copied) are called as their folders, or by their paths."""
    runs = [content.runs[0] for content in contents]
    paths = [Path(run.path) for run in runs]
    for names in ([run.run_id for run in runs], [path.name for path in paths], list(map(str, paths))):
        if len({*names}) == len(names):
            break
    return [
        replace(content, runs=(replace(run, run_id=name),))
        for content, run, name in zip(contents, runs, names, strict=True)
    ]


def _read(run_dir: RunDir, folder: Path) -> RunContent:
    try:
        content = read_run_content(run_dir, href_to(run_dir, folder))
    except StoreError as error:
        raise read_failed(OPTION, run_dir, error) from error
    if not any(record.jobs and record.usable for record in content.records):
        raise InputError(f"{OPTION}: run {run_dir.run_id} has no valid result")
    return content


def _described(run_dir: RunDir, content: RunContent) -> RunDescription:
    try:
        return describe(content.runs[0].content, content.matrix)
    except ValueError as error:
        raise read_failed(OPTION, run_dir, error) from error


def _check_keys(contents: Sequence[RunContent]) -> None:
    *baselines, current = contents
    keys = {record.key for record in current.records if record.jobs and record.usable}
    for content in baselines:
        theirs = {record.key for record in content.records}
        if keys.isdisjoint(theirs):
            raise InputError(
                f"{OPTION}: runs {content.runs[0].run_id} and {current.runs[0].run_id} have no key in common "
                f"({min(map(str, theirs))} and {min(map(str, keys))} first)"
            )


def _refused(baselines: Sequence[RunContent], current: RunContent) -> dict[Key, str]:
    """Keys whose guests had another fio or kernel."""
    return {
        key: f"run {content.runs[0].run_id}: {text}"
        for content in baselines
        for key, text in software_differences(current.records, content.records).items()
    }
