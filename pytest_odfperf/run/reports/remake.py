"""``--odf-report``: all reports of a run made again from its folder, or of several runs as one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from pytest_odfperf.errors import InputError, StoreError, one_line
from pytest_odfperf.report.content.merged_content import merged
from pytest_odfperf.report.tables.csv_layout import CsvLayout, with_layout
from pytest_odfperf.run.before.named_runs import find_runs, split_names
from pytest_odfperf.run.reports.output_table import JUNIT, REPORT_HTML
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.run.reports.write_reports import write_reports
from pytest_odfperf.store.durable import told
from pytest_odfperf.store.run_dir import ReportFolder, RunDir

OPTION = "--odf-report"
#: Of the names of so many runs a folder's name is made; of more, of the first and a hash of all.
_NAMED = 3


def remake(
    names: Sequence[str],
    results: Path,
    say: Callable[[str], None],
    csv: CsvLayout | None = None,
    junit: Path | None = None,
) -> int:
    """Make the reports of the runs that ``names`` mean; the exit code, 1 if one could not be written.

    ``csv`` are the columns of results.csv; None: those that the run was asked for. ``junit``: where JUnit XML
    is wanted, too (``--junitxml``).
    One run's are written into its folder, those of several into a folder beside the first of them.
    Raises `InputError`, before anything is written.
    """
    runs = find_runs([name for text in names for name in split_names(text)], results, OPTION)
    folder: ReportFolder = runs[0] if len(runs) == 1 else _merged_folder(runs)
    try:
        contents = [read_run_content(run, _href(run, folder)) for run in runs]
    except StoreError as error:
        raise InputError(f"{OPTION}: {error}") from error
    ids = [one.runs[0].run_id for one in contents]
    for place, run_id in enumerate(ids):
        if (first := ids.index(run_id)) != place:
            both = f"{runs[first].path} and {runs[place].path}"
            raise InputError(f"{OPTION}: {both} are both of a run {run_id}")
    try:
        content = merged(contents)
    except InputError as error:
        raise InputError(f"{OPTION}: {error}") from error
    if csv is not None:
        content = with_layout(content, csv)
    if not isinstance(folder, RunDir):
        try:
            folder.path.mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"{OPTION}: {folder.path} can not be made: {error.strerror}") from error
    problems = write_reports(folder, content)
    if junit is not None:
        try:
            _copy(folder.path / JUNIT, junit)
        except StoreError as error:
            problems.append(str(error))
    for problem in [*content.problems, *problems]:
        say(one_line(problem))
    say(f"{content.counts_text} of {', '.join(ids)}")
    if (folder.path / REPORT_HTML).is_file():
        say(f"report: {_shown(folder.path / REPORT_HTML)}")
    return 1 if problems else 0


def _copy(made: Path, to: Path) -> None:
    """Raises `StoreError`."""
    with told("can not be written", to):
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(made.read_bytes())


def _merged_folder(runs: Sequence[RunDir]) -> ReportFolder:
    """The folder of the merged reports; its name can not be that of a run."""
    ids = [run.run_id for run in runs]
    name = "+".join(ids)
    if len(ids) > _NAMED:
        digest = hashlib.sha256("+".join(sorted(ids)).encode()).hexdigest()[:8]
        name = f"{ids[0]}+{len(ids) - 1}-more-{digest}"
    return ReportFolder(runs[0].path.absolute().parent / f"merged-{name}")


def _href(run: RunDir, folder: ReportFolder) -> str:
    return "" if run is folder else os.path.relpath(run.path.absolute(), folder.path.absolute()) + "/"


def _shown(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
