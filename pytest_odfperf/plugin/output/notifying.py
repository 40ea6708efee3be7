"""Tells people of a run where they are, by the services that they named."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from pytest_odfperf.errors import InputError, OdfError, one_line
from pytest_odfperf.measure.record import Record
from pytest_odfperf.plugin.command_line.options import given_lines
from pytest_odfperf.plugin.node_ids import NodeIds
from pytest_odfperf.report.content.result_state import WORDS, state_of
from pytest_odfperf.report.notification_text import (
    Message,
    NotifiedRun,
    end_message,
    failure_message,
    start_message,
    unopened_message,
)
from pytest_odfperf.run.controller.open_run import Run
from pytest_odfperf.run.notify.notifier import Notifier
from pytest_odfperf.run.notify.receivers import Receivers, read_receivers
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.schedule.estimate import makespan_s
from pytest_odfperf.schedule.plan_text import time_text

if TYPE_CHECKING:
    from pytest_odfperf.report.content.run_content import RunContent

OPTION, INI, VARIABLE = "--odf-notify", "odf_notify", "ODFPERF_NOTIFY"


def take_receivers(config: pytest.Config, stack: ExitStack) -> Receivers | None:
    """The receivers of the command line, else of the environment, else of the ini file. Raises `InputError`.

    For as long as ``stack`` lasts the URLs stand neither in the options, which go to workers and into
    tracebacks, nor in the environment, which every child gets.
    """
    given = config.option.odf_notify
    variable = os.environ.pop(VARIABLE, None)
    if variable is not None:
        stack.callback(os.environ.__setitem__, VARIABLE, variable)
    if given:
        if "" in given:
            raise InputError(f"{OPTION} is empty")
        config.option.odf_notify = ["<hidden>"]
        return read_receivers(given, OPTION)
    if variable is not None:
        return read_receivers(variable.splitlines(), VARIABLE)
    return read_receivers(given_lines(config, INI), INI)


def tell_unopened(receivers: Receivers | None, matrix: str, error: OdfError) -> None:
    """Tell that a run could not be opened."""
    if receivers is not None:
        notifier = Notifier(receivers)
        notifier.send(unopened_message(matrix=matrix, reason=str(error)))
        notifier.close()


class NotifyingPlugin:
    """One session of a run. Registered before the controller's hooks, so that its end comes after theirs."""

    def __init__(self, run: Run, receivers: Receivers, workers: int) -> None:
        self._run = run
        self._notifier = Notifier(receivers)
        self._workers = max(1, workers)
        self._node_ids = NodeIds(run.plan.definitions)
        self._started = self._failed = False
        self._lines: list[str] = []
        self._about = NotifiedRun(
            run_id=run.plan.run_id,
            marking=run.marking,
            matrix=run.selection.matrix.name,
            cluster=run.facts.server,
            folder=str(run.run_dir.path.absolute()),
            link=ci_page(os.environ),
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._start(ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.items:
            self._start([item.nodeid for item in session.items])

    def _start(self, ids: Sequence[str]) -> None:
        if self._started:
            return
        self._started = True
        keys = [key for key in map(self._node_ids.key_of, ids) if key is not None]
        pools = list(dict.fromkeys(key.pool for key in keys))
        estimates = {pool: self._run.plan.estimates_s.get(pool, 0.0) for pool in pools}
        seconds = makespan_s(estimates, self._workers, self._run.apart)
        self._notifier.send(
            start_message(self._about, keys=len(keys), pools=pools, estimate=time_text(seconds))
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self._failed or not report.failed or self._node_ids.key_of(report.nodeid) is None:
            return
        self._failed = True
        self._notifier.send(failure_message(self._about, test=report.nodeid, reason=_reason(report)))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        try:
            return (yield)
        finally:
            self._notifier.send(self._end(session))
            self._lines = self._notifier.close()

    def _end(self, session: pytest.Session) -> Message:
        content: RunContent | None = None
        problems: list[str] = []
        try:
            content = read_run_content(self._run.run_dir)
        except OdfError as error:
            problems.append(str(error))
        ending = self._run.ending
        if ending is not None and ending.left:
            problems.append(f"Not deleted: {', '.join(ending.left)}")
        code = self._run.interrupt.exit_code
        return end_message(
            self._about,
            counts=content.counts if content is not None else {},
            exit_code=int(session.exitstatus) if code is None else code,
            cause=self._run.interrupt.cause,
            gate=_gate(content),
            problems=problems,
        )

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for line in self._lines:
            terminalreporter.write_line(one_line(f"odfperf: warning: {line}"), yellow=True)


def _reason(report: pytest.TestReport) -> str:
    plain: Mapping[str, Any] | None = getattr(report, "odf", None)
    if plain is None or report.when == "teardown":
        said = report.longreprtext.strip().splitlines()
        return said[-1] if said else "failed"
    try:
        word = WORDS[state_of(Record.from_json(plain))]
    except ValueError:
        word = "failed"
    return f"{word}: {plain.get('reason') or report.longreprtext}"


def _gate(content: RunContent | None) -> str | None:
    comparison = content.runs[0].comparison if content is not None else None
    gate = comparison.get("gate") if comparison is not None else None
    return str(gate.get("outcome")) if isinstance(gate, Mapping) else None


def ci_page(environment: Mapping[str, str]) -> str | None:
    """The page of the job in which this runs: of GitLab, Jenkins or GitHub."""
    for name in ("CI_JOB_URL", "BUILD_URL"):
        if environment.get(name, "").startswith(("http://", "https://")):
            return environment[name]
    parts = [environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else None
