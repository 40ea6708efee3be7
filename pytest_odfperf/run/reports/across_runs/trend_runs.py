"""The page over many runs of one matrix: made from their folders."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from pytest_odfperf.errors import InputError, OdfError
from pytest_odfperf.matrix.pattern import Pattern
from pytest_odfperf.report.content.trend_content import TrendContent, TrendRun
from pytest_odfperf.run.before.named_runs import find_run, need_statistics
from pytest_odfperf.run.cyclic_garbage import not_searched
from pytest_odfperf.run.reports.across_runs.page_folder import href_to, page_folder, write_page
from pytest_odfperf.run.reports.across_runs.trend_reading import ReadRun, alike, read_run
from pytest_odfperf.run.reports.drawing_script import drawing_script
from pytest_odfperf.store.run_dir import LATEST, RUN_JSON, RunDir

OPTION, SENTINEL = "--odf-trend", "--odf-sentinel"
LEAST_RUNS = 3
_GLOB = frozenset("*?[")


def trend_runs(names: Sequence[str], results: Path, sentinels: Sequence[str]) -> tuple[list[str], Path]:
    """Write trend.html and trend.json of the runs that ``names`` mean; lines for the terminal, and the page.

    ``names``: ids, folders, globs over the ids in ``results``, ``last``, or ``all``: those with the matrix of
    the newest. Raises `InputError`, `StoreError`.
    """
    need_statistics(OPTION)
    with not_searched():
        return _trend_runs(names, results, sentinels)


def _trend_runs(names: Sequence[str], results: Path, sentinels: Sequence[str]) -> tuple[list[str], Path]:
    patterns = tuple(Pattern.parse(text, option=SENTINEL) for text in sentinels)
    runs, left_out = _read(_found(names, results), every="all" in names)
    if len(runs) < LEAST_RUNS:
        said = f"; left out: {'; '.join(left_out[:3])}" if left_out else ""
        raise InputError(f"{OPTION} needs {LEAST_RUNS} runs with valid results, there are {len(runs)}{said}")
    _check_keys(runs)
    folder = page_folder(results, "trend", str(_matrix(runs[-1])))
    content = _content(runs, folder, patterns, left_out)
    for pattern in patterns:
        if not any(pattern.matches(course.cell.key) for course in content.courses):
            raise InputError(f"{SENTINEL} {str(pattern)!r} matches no key of these runs")
    from pytest_odfperf.report.run_page.trend.trend_page import render_trend
    from pytest_odfperf.report.trend_text import trend_json, trend_lines

    return trend_lines(content), write_page(
        folder, "trend", render_trend(content, drawing=drawing_script()), trend_json(content)
    )


def _found(names: Sequence[str], results: Path) -> list[RunDir]:
    found: dict[Path, RunDir] = {}
    for name in names:
        if name == "all" or ("/" not in name and _GLOB.intersection(name)):
            own = _matching("*" if name == "all" else name, results)
            if not own:
                raise InputError(f"{OPTION} {name!r:.80}: no run in {results} matches")
        else:
            own = [find_run(name, results, OPTION)]
        found |= {run_dir.path.resolve(): run_dir for run_dir in own}
    return list(found.values())


def _matching(glob: str, results: Path) -> list[RunDir]:
    found = []
    for path in sorted(results.glob(f"*/{RUN_JSON}")):
        name = path.parent.name
        if name != LATEST and fnmatch.fnmatchcase(name, glob):
            try:
                found.append(RunDir.open(results, name))
            except InputError:
                continue
    return found


def _read(run_dirs: Sequence[RunDir], *, every: bool) -> tuple[list[ReadRun], list[str]]:
    """Those with figures in the order of their start; why others are left out."""
    runs: list[ReadRun] = []
    left_out: list[str] = []
    for run_dir in run_dirs:
        try:
            run = read_run(run_dir)
        except OdfError as error:
            left_out.append(f"run {run_dir.run_id}: {error}")
            continue
        if run.figures.values:
            runs.append(run)
        else:
            left_out.append(f"run {run_dir.run_id} has no valid result")
    runs.sort(key=lambda run: (run.started_at, run.run_dir.run_id))
    runs = list(_without_copies(runs, left_out))
    if every and runs:
        newest = _matrix(runs[-1])
        other = [run for run in runs if _matrix(run) != newest]
        left_out += [f"run {run.run_dir.run_id} is of matrix {_matrix(run)}, not {newest}" for run in other]
        runs = [run for run in runs if run not in other]
    return runs, left_out


def _without_copies(runs: Sequence[ReadRun], left_out: list[str]) -> Iterator[ReadRun]:
    """A folder that was copied is no second run: it would make a course of one measurement."""
    known: dict[tuple[str, str], ReadRun] = {}
    for run in runs:
        first = known.setdefault((str(run.content.get("run_id")), run.started_at), run)
        if first is run:
            yield run
        else:
            left_out.append(f"{run.run_dir.path} is the same run as {first.run_dir.path}")


def _matrix(run: ReadRun) -> str:
    matrix = run.content.get("matrix")
    return str(matrix.get("name") or "unnamed") if isinstance(matrix, dict) else "unnamed"


def _check_keys(runs: Sequence[ReadRun]) -> None:
    for run in runs:
        if not any(run.figures.keys & other.figures.keys for other in runs if other is not run):
            raise InputError(f"{OPTION}: run {run.run_dir.run_id} has no key in common with the others")


def _content(
    runs: Sequence[ReadRun], folder: Path, sentinels: tuple[Pattern, ...], left_out: Sequence[str]
) -> TrendContent:
    from pytest_odfperf.measure.trend.courses import courses_of

    numbers = alike(runs)
    courses, pools = courses_of([run.figures for run in runs], numbers)
    unlike = [0] * len(runs)
    for own in numbers.values():
        there = [(run, number) for run, number in enumerate(own) if number >= 0]
        for (_, before), (run, number) in pairwise(there):
            unlike[run] += number != before
    return TrendContent(
        runs=tuple(
            _trend_run(run, folder, runs[at - 1] if at else None, unlike[at]) for at, run in enumerate(runs)
        ),
        courses=tuple(courses),
        pools=tuple(pools),
        sentinels=sentinels,
        left_out=tuple(left_out),
    )


def _trend_run(run: ReadRun, folder: Path, before: ReadRun | None, unlike: int) -> TrendRun:
    return TrendRun(
        run_id=run.run_dir.run_id,
        href=href_to(run.run_dir, folder),
        started_at=run.started_at,
        matrix=_matrix(run),
        marking=_text(run.content.get("marking")),
        ended_by=_text(run.content.get("ended_by")),
        counts=run.counts,
        versions=run.versions,
        marks=tuple(_marks(run, before, unlike)) if before is not None else (),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _marks(run: ReadRun, before: ReadRun, unlike: int) -> list[str]:
    """What is other than in the run before; what one of both does not know is not."""
    found = [
        f"{name} {before.versions[name]} → {value}"
        for name, value in run.versions.items()
        if before.versions.get(name, value) != value
    ]
    found += [
        f"{name}: {before.facts[name]} → {value}"
        for name, value in run.facts.items()
        if before.facts[name] != value
    ]
    if unlike:
        found.append(f"{unlike} {'key is' if unlike == 1 else 'keys are'} measured otherwise")
    return found
