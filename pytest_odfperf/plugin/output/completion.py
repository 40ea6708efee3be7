"""Makes the reports of a session whole: what was done earlier, and what was cut off, is not left out."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from pytest_odfperf.errors import StoreError
from pytest_odfperf.measure.limits.limit_outcome import BROKEN
from pytest_odfperf.measure.record import Record
from pytest_odfperf.plugin.output.pytest_reports import close_report, replay
from pytest_odfperf.plugin.output.session_outputs import Outputs
from pytest_odfperf.run.controller.decide_again import decide_again
from pytest_odfperf.run.controller.open_run import Run
from pytest_odfperf.run.worker.recorder import Recorder


class Completion:
    """Follows what was reported of each test. ``silent`` is a plugin that is told of no replay."""

    def __init__(self, config: pytest.Config, run: Run, outputs: Outputs, silent: object) -> None:
        self._config = config
        self._run = run
        self._outputs = outputs
        self._silent = (silent,)
        self._phases: dict[str, set[str]] = {}
        #: Tests with an outcome: by their call, or by what came before or after it.
        self._decided: set[str] = set()
        self._workers: dict[str, object] = {}
        #: Whether a limit is broken in what was measured earlier.
        self.broken = False

    def saw(self, report: pytest.TestReport) -> None:
        """Note that ``report`` went to all who write reports."""
        self._phases.setdefault(report.nodeid, set()).add(report.when or "")
        if report.when == "call" or not report.passed:
            self._decided.add(report.nodeid)
        self._workers[report.nodeid] = getattr(report, "node", None)

    def restore(self, recorder: Recorder) -> bool:
        """Add what earlier sessions of this run came to; whether all of its keys and repeats were complete.

        Their limits are today's: what changed by that goes to ``recorder``.
        """
        plan = self._run.plan
        complete, other = [], []
        for test, record in self._run.earlier.items():
            if plan.definitions.get(str(record.key)) == plan.done.get(test, ""):
                complete.append(record)
            elif (
                record.status != "passed" and test not in self._phases and str(record.key) in plan.definitions
            ):
                other.append(record)
        complete = self._decided_today(complete, recorder)
        self.broken = any(record.reason_code == BROKEN for record in complete)
        self._replay(complete, ("resumed", "completed earlier in this run"))
        self._replay(other, ("resumed", "not run again in this session"))
        wanted = {(key, repeat) for key in plan.selected for repeat in range(1, plan.repeats + 1)}
        return wanted <= {(str(record.key), record.repeat) for record in complete}

    def _decided_today(self, complete: list[Record], recorder: Recorder) -> list[Record]:
        try:
            found = decide_again(self._run.plan, complete, self._outputs.records(), recorder.write)
        except StoreError as error:
            self._outputs.note(str(error))
            return complete
        self._run.earlier.update({record.test: record for record in found})
        return found

    def complete(self, ended: Collection[str]) -> None:
        """Add what was measured but not reported, and what was begun but not measured (not in ``ended``)."""
        earlier = self._run.earlier
        try:
            records = self._outputs.records()
        except StoreError as error:
            self._outputs.note(str(error))
            return
        unseen = [
            record
            for record in records
            if record.test not in self._decided and record != earlier.get(record.test)
        ]
        self._replay(unseen, ("ended", "measured before its report could be sent"))
        replayed = {record.test for record in unseen}
        why = f"not measured: the run was ended by {self._run.interrupt.cause or 'another failure'}"
        for test, phases in self._phases.items():
            if "teardown" not in phases and test not in replayed:
                reason = None if test in ended else why
                close_report(self._config, test, self._silent, reason, self._workers[test])

    def _replay(self, records: list[Record], why: tuple[str, str]) -> None:
        replay(self._config, records, self._silent, why, self._workers)
