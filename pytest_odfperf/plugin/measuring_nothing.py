"""Requests that measure nothing: cleanups, reports, looks at the cluster and at what a run would do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_odfperf.errors import one_line
from pytest_odfperf.plugin.command_line.request import Request
from pytest_odfperf.plugin.output.session_outputs import relative
from pytest_odfperf.run.before.earlier_results import Earlier
from pytest_odfperf.run.before.selection import Selection
from pytest_odfperf.run.interrupt import Interrupt
from pytest_odfperf.waiting import Stop


def clean_up(request: Request, interrupt: Interrupt) -> int:
    from pytest_odfperf.run.cleanup.remove_pools import remove_pools
    from pytest_odfperf.run.cleanup.remove_runs import ORPHANS
    from pytest_odfperf.run.cleanup.remove_runs import clean_up as remove_runs

    code = 0
    if request.cleanup:
        code = remove_runs(
            request.cleanup,
            results=Path(request.results),
            matrix=request.matrix,
            cluster=request.cluster,
            only_show=request.dry_run,
            stop=interrupt.stop,
            say=tell,
        )
    if request.cleanup_pools:
        removed = remove_pools(
            matrix=request.matrix,
            pools=request.pools,
            cluster=request.cluster,
            whoever=ORPHANS in request.cleanup,
            only_show=request.dry_run,
            stop=interrupt.stop,
            say=tell,
        )
        code = max(code, removed)
    return code


def over_runs(request: Request) -> int:
    """The page of two runs that are compared, or of many over time."""
    results = Path(request.results)
    if request.compare is not None:
        from pytest_odfperf.run.reports.across_runs.compare_runs import compare_runs

        lines, page = compare_runs(*request.compare, results, forced=request.force_compare)
    else:
        from pytest_odfperf.run.reports.across_runs.trend_runs import trend_runs

        lines, page = trend_runs(request.trend, results, request.sentinels)
    for line in lines:
        _say(one_line(line))
    _say(f"report: {relative(page)}")
    return 0


def remake(config: pytest.Config, request: Request) -> int:
    from pytest_odfperf.plugin.output.junit_file import written_to
    from pytest_odfperf.run.reports.remake import remake as make_again

    return make_again(
        request.report,
        Path(request.results),
        lambda line: _say(f"odfperf: {line}"),
        request.csv,
        written_to(config),
    )


def tell(line: str) -> None:
    _say(f"odfperf: {one_line(line)}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def show_checks(selection: Selection, stop: Stop) -> int:
    from pytest_odfperf.preflight.check import failures, text
    from pytest_odfperf.run.before.cluster_questions import preflight

    checks = preflight(selection, stop)
    _say(text(checks))
    return 1 if failures(checks) else 0


def discover(request: Request, selection: Selection, stop: Stop) -> int:
    from pytest_odfperf.run.before.discovery import discover as propose

    text, notes = propose(selection, request.matrix, stop)
    for note in notes:
        sys.stderr.write(f"odfperf: {one_line(note)}\n")
    sys.stdout.write(text)
    sys.stdout.flush()
    return 0 if text else 1


def show_plan(config: pytest.Config, selection: Selection, stop: Stop) -> None:
    from pytest_odfperf.run.before.dry_run import dry_run_text

    text = dry_run_text(selection, read_earlier(config, selection), stop)
    sys.stdout.write(text + "\n")


def read_earlier(config: pytest.Config, selection: Selection) -> Earlier:
    from pytest_odfperf.run.before.earlier_results import read_earlier as read

    return read(
        selection.resumed, checkpoint_dir(config, selection.resumed.path if selection.resumed else None)
    )


def checkpoint_dir(config: pytest.Config, run_path: Path | None) -> Path | None:
    """The folder of the checkpoint: in pytest's cache, or beside the results with ``-p no:cacheprovider``."""
    if config.pluginmanager.hasplugin("cacheprovider"):
        # ``config.cache`` is not there yet; MeasuringHooks makes the folder with it.
        cache = os.path.expandvars(Path(config.getini("cache_dir")).expanduser())
        return config.rootpath / cache / "d" / "odfperf"
    return run_path / ".checkpoint" if run_path is not None else None
