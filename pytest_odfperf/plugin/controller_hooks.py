"""The hooks of the controller: it hands out the plan, follows the keys, and ends the run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_odfperf.errors import StoreError, one_line
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.record import Record
from pytest_odfperf.plugin.node_ids import NodeIds
from pytest_odfperf.plugin.output.comparing import Comparing
from pytest_odfperf.plugin.output.completion import Completion
from pytest_odfperf.plugin.output.display import Display
from pytest_odfperf.plugin.output.junit_file import JunitFile
from pytest_odfperf.plugin.output.pytest_reports import (
    HtmlPlugin,
    complete_report,
    link_to_report,
    written_reports,
)
from pytest_odfperf.plugin.output.renewing import Renewing
from pytest_odfperf.plugin.output.run_header import header_lines, page_context
from pytest_odfperf.plugin.output.session_outputs import Outputs, relative
from pytest_odfperf.plugin.output.undeleted import Undeleted
from pytest_odfperf.report.summary import per_pool_results
from pytest_odfperf.run.before.baselines import Baselines
from pytest_odfperf.run.before.prepare import Workers
from pytest_odfperf.run.controller.open_run import Run
from pytest_odfperf.run.controller.progress import progress_of
from pytest_odfperf.run.cyclic_garbage import keep
from pytest_odfperf.run.interrupt import Interrupt
from pytest_odfperf.run.worker.recorder import Recorder

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

    from pytest_odfperf.plugin.workers.scheduling import PoolScheduling


#: How a session ends in which every test ran.
_WHOLE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


class ControllerHooks:
    """One measuring session, seen from the process that the user started."""

    def __init__(
        self,
        config: pytest.Config,
        run: Run,
        workers: Workers,
        interrupt: Interrupt,
        baselines: Baselines | None = None,
    ) -> None:
        keep()
        self._config = config
        self._run = run
        self._workers = workers
        self._interrupt = interrupt
        self._node_ids = NodeIds(run.plan.definitions)
        self._count = int(getattr(config.option, "numprocesses", None) or 0)
        self._display: Display | None = None
        self._recorder = Recorder(run.plan, "controller")
        self._ended: set[str] = set()
        self._outputs = Outputs(run)
        self._ids: list[str] = []
        self._comparing = Comparing(config, run, self._outputs, baselines, self)
        self._completion = Completion(config, run, self._outputs, self)
        self._undeleted = Undeleted(config, run)
        self._renewing = Renewing(run, self._outputs)
        self._junit = JunitFile(config, run, self._outputs)
        context = page_context(run, workers, self._count, link_to_report(config, run.run_dir.path))
        self._html = HtmlPlugin(context, self._outputs.records)
        config.pluginmanager.register(self._html, "odfperf-html")

    def pytest_report_header(self) -> list[str]:
        return header_lines(self._run, self._workers, self._count)

    # -- workers

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        node.workerinput["odfperf"] = self._run.plan.to_json()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_auto_num_workers(self) -> int:
        return max(1, self._workers.count)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config) -> PoolScheduling:
        from pytest_odfperf.plugin.workers.scheduling import PoolScheduling

        return PoolScheduling(
            config,
            self._pool_of,
            self._run.plan.estimates_s,
            self._interrupt.stop.is_set,
            self._run.apart,
            self._run.clear,
            self._round_of,
        )

    def _pool_of(self, node_id: str) -> str | None:
        key = self._key_of(node_id)
        return key.pool if key else None

    def _round_of(self, node_id: str) -> int:
        return self._run.plan.round_of(self._node_ids.repeat_of(node_id))

    def _key_of(self, node_id: str) -> Key | None:
        return self._node_ids.key_of(node_id)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: Any) -> None:
        """Make the lost key visible: pytest-html shows no report whose phase is unknown."""
        complete = None if crashitem in self._ended else self._outputs.completed_now(crashitem)
        if complete is not None:
            self._replay_call(complete, report)
        if crashitem in self._ended:
            # Its record is complete; what was lost is the deletion of its group.
            report.when = "teardown"
            report.longrepr = f"the worker died after it measured {crashitem}; see its pool's log"
            return
        report.when = "call"
        report.longrepr = f"the worker died while it measured {crashitem}; see its pool's log"
        key = self._key_of(crashitem)
        if key is not None:
            now_s = time.time()
            record = self._recorder.of(
                key=key,
                node_id=crashitem,
                status="failed",
                reason=str(report.longrepr),
                reason_code="worker_died",
                measured=None,
                started_at_s=now_s,
                ended_at_s=now_s,
                repeat=(repeat := self._node_ids.repeat_of(crashitem)),
                block=repeat,
            )
            try:
                self._recorder.write(record)
            except StoreError as error:
                self._outputs.note(str(error))
            report.odf = record.to_json()
            report.user_properties = record.properties()
        report.odf_crashed = True

    def _replay_call(self, record: Record, crash: pytest.TestReport) -> None:
        for when in ("setup", "call"):
            report = complete_report(record, when, record.properties())
            report.node = crash.node  # type: ignore[attr-defined]
            self._config.hook.pytest_runtest_logreport(report=report)

    # -- progress

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._start_display(ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not self._count:
            self._start_display([item.nodeid for item in session.items])

    def _start_display(self, ids: list[str]) -> None:
        if self._display is None:
            self._ids = list(ids)
            shown = [(key, self._round_of(one)) for one in ids if (key := self._shown_key_of(one))]
            progress = progress_of(self._run, shown, self._count)
            self._display = Display(self._config, progress)
            self._display.start()
            self._renewing.start(shown, self._display)
            if self._display.is_live:
                # The table is drawn over all that does not come from itself.
                self._interrupt.say = self._display.write

    def _shown_key_of(self, node_id: str) -> Key | None:
        """The key of a node id, unless its pool can not run: that was said before."""
        key = self._key_of(node_id)
        return None if key is None or key.pool in self._run.plan.skipped_pools else key

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        key = self._shown_key_of(nodeid)
        if key is not None and self._display is not None:
            self._display.key_started(key, self._node_ids.repeat_of(nodeid), self._round_of(nodeid))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        result = yield
        if note := getattr(report, "odf_note", None):
            self._outputs.note(note)
        self._completion.saw(report)
        self._undeleted.saw(report)
        plain = getattr(report, "odf", None)
        if plain is not None and getattr(report, "odf_unwritten", False):
            self._outputs.take_unwritten(plain)
        if plain is not None and self._display is not None and report.nodeid not in self._ended:
            self._ended.add(report.nodeid)
            outcome = {"error": "failed"}.get(plain["status"], plain["status"])
            if (key := self._shown_key_of(report.nodeid)) is not None:
                self._display.key_ended(key, outcome, number := self._round_of(report.nodeid))
                self._renewing.key_ended(key, number)
        if getattr(report, "odf_crashed", False):
            # pytest-html and JUnit close a test only with its teardown, which a dead worker does not send.
            teardown = pytest.TestReport(
                nodeid=report.nodeid, location=report.location, keywords={}, outcome="passed",
                longrepr=None, when="teardown", user_properties=report.user_properties,
            )  # fmt: skip
            teardown.node = report.node  # type: ignore[attr-defined]
            self._config.hook.pytest_runtest_logreport(report=teardown)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        if self._display is not None and self._display.is_live and report.passed:
            return ("passed" if report.when == "call" else ""), "", ""
        return None

    # -- the end

    def pytest_keyboard_interrupt(self) -> None:
        self._interrupt.stop.set()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Reports are written inside; before them what they need, after them the cluster is left clean.

        The innermost wrapper: the terminal's own, around it, then tells what was cleaned.
        """
        if self._display is not None:
            self._display.close()
        self._renewing.close()
        all_done = self._completion.restore(self._recorder)
        if all_done and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            # A script that resumes until the exit code is 0 must come to its end.
            session.exitstatus = pytest.ExitCode.OK
        if self._completion.broken and session.exitstatus in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._completion.complete(self._ended)
        if self._undeleted.report():
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        if not self._outputs.judge() or self._outputs.broken_unseen:
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        if not self._comparing.finish(run_whole=session.exitstatus in _WHOLE):
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        result = None
        try:
            result = yield
        except (OSError, StoreError, UnicodeError) as error:
            # pytest's own, where its options say: junit.xml, the page of pytest-html.
            path = error.filename if isinstance(error, OSError) else None
            why = f"{path} can not be written: {error.strerror}" if path else f"pytest's reports: {error}"  # type: ignore[union-attr]
            self._outputs.note(why)
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        finally:
            # Workers are gone by now, so nothing that they still made escapes.
            self._run.end()
            if not self._outputs.write() or not self._junit.finish():
                session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        if self._run.is_incomplete:
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        return result

    def _not_run(self) -> Counter[str]:
        """By pool, the tests that never ended."""
        keys = [self._key_of(test) for test in self._ids if test not in self._ended]
        return Counter(key.pool for key in keys if key is not None)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        path = relative(self._run.run_dir.path)
        terminalreporter.section("odfperf", sep="-")
        if self._run.marking:
            terminalreporter.write_line(
                f"{self._run.marking}: no figure of this run comes from real storage", yellow=True, bold=True
            )
        if self._outputs.buffered:
            terminalreporter.write_line(f"BUFFERED: {self._outputs.buffered}", yellow=True, bold=True)
        for line in per_pool_results(
            self._outputs.counts, lambda pool: f"{path}/{pool}/pool.log", self._not_run()
        ):
            terminalreporter.write_line(line)
        for line in self._outputs.judgements():
            terminalreporter.write_line(one_line(line))
        for line in self._outputs.lines:
            terminalreporter.write_line(one_line(line))
        for report in written_reports(self._config, self._run.run_dir.path, self._junit.paths):
            terminalreporter.write_line(f"report: {relative(report)}")
        for line in self._run.outages:
            terminalreporter.write_line(f"odfperf: {line}")
