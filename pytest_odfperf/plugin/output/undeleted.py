"""VM groups that could not be deleted are in every report and the exit code, whatever became of their tests.

The error belongs to the end of the group's last test. A plugin that runs a failed test again can swallow it
there: the second attempt passes.
"""

from __future__ import annotations

import pytest

from pytest_odfperf.errors import one_line
from pytest_odfperf.matrix.keys import SHIPPED_NODE
from pytest_odfperf.plugin.output.pytest_reports import phase_report
from pytest_odfperf.run.controller.open_run import Run
from pytest_odfperf.run.undeleted_journal import read_undeleted


class Undeleted:
    """Follows which of them were reported as errors."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._config = config
        self._run = run
        #: Those of earlier sessions of this run.
        self._before = len(read_undeleted(run.run_dir.path))
        self._red: list[str] = []

    def saw(self, report: pytest.TestReport) -> None:
        """Note what a failed report says."""
        if report.failed:
            self._red.append(one_line(str(report.longrepr)))

    def report(self) -> bool:
        """Report those that nobody sees yet, each as a test of its own; whether there was one at all."""
        found = read_undeleted(self._run.run_dir.path)[self._before :]
        told = [one for one in found if any(one_line(one[1]) in red for red in self._red)]
        for group, error in dict.fromkeys(one for one in found if one not in told):
            test = f"{SHIPPED_NODE}::deletion of VM group {group}"
            for when, outcome in (("setup", "passed"), ("call", "failed"), ("teardown", "passed")):
                report = phase_report(test, when, outcome, error)
                self._config.hook.pytest_runtest_logreport(report=report)
        return bool(found)
