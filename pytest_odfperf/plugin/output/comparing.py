"""The end of a run that is compared with others: the comparison, the gate, and what CI sees of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_odfperf.errors import OdfError, StoreError, one_line
from pytest_odfperf.measure.compare.compared_figures import figures_of
from pytest_odfperf.measure.record import Record
from pytest_odfperf.plugin.output.pytest_reports import add_case
from pytest_odfperf.plugin.output.session_outputs import Outputs
from pytest_odfperf.report.comparison_text import ComparisonReport, GateReport, comparison_json, gate_by_pool
from pytest_odfperf.report.junit.junit_extra_cases import GATE_NODE
from pytest_odfperf.run.before.baselines import Baselines
from pytest_odfperf.run.controller.open_run import Run
from pytest_odfperf.run.reports.run_reading import COMPARISON_JSON

if TYPE_CHECKING:
    from pytest_odfperf.measure.compare.run_comparison import Comparison


class Comparing:
    """``silent`` is a plugin that is not told of the gate's test cases."""

    def __init__(
        self, config: pytest.Config, run: Run, outputs: Outputs, baselines: Baselines | None, silent: object
    ) -> None:
        self._config = config
        self._run = run
        self._outputs = outputs
        self._baselines = baselines
        self._silent = (silent,)

    def finish(self, *, run_whole: bool) -> bool:
        """Compare, and measure again what the gate asks for; whether the run passes the gate.

        ``run_whole``: every test of the run had its turn. If not, nothing is measured any more.
        """
        if self._baselines is None:
            return True
        try:
            records = self._outputs.records()
            report = self._compare(self._baselines, records)
        except StoreError as error:
            self._outputs.note(f"the run could not be compared: {error}")
            return False
        self._outputs.comparison = report
        if self._baselines.gate:
            report.gate = self._gate(report.comparison, self._baselines, records, run_whole=run_whole)
            self._tell_ci(report)
        try:
            self._run.run_dir.write_json(COMPARISON_JSON, comparison_json(report))
        except StoreError as error:
            self._outputs.note(str(error))
            return False
        # A gate that could not do its work has not been passed.
        return report.gate is None or not (report.gate.confirmed or report.gate.problem)

    def _compare(self, baselines: Baselines, records: Sequence[Record]) -> ComparisonReport:
        from pytest_odfperf.measure.compare.run_comparison import compare

        found = compare(
            figures_of(records),
            [figures_of(run.records) for run in baselines.runs],
            baselines.refused(records),
        )
        return ComparisonReport(
            comparison=found,
            run=self._run.plan.run_id,
            runs=tuple(run.run_id for run in baselines.runs),
            unlike=tuple(baselines.unlike),
            pools=tuple(dict.fromkeys(key.pool for key in self._run.plan.keys)),
        )

    def _gate(
        self, comparison: Comparison, baselines: Baselines, records: Sequence[Record], *, run_whole: bool
    ) -> GateReport:
        from pytest_odfperf.measure.compare.gate_rule import decide, not_gateable, plan_confirm
        from pytest_odfperf.run.confirm.confirm_stage import ConfirmStage

        plan = plan_confirm(comparison)
        gate = GateReport(not_gateable=not_gateable(comparison, plan))
        if not comparison.cells:
            gate.problem = "not gateable: no key is compared"
        if not plan.flagged:
            return gate
        if not run_whole or self._run.interrupt.stop.is_set():
            gate.problem = (
                f"not gateable: the run ended early, so {len(plan.flagged)} keys that look worse were not "
                "measured again"
            )
            return gate
        stage = ConfirmStage(self._run.plan, self._run.interrupt.stop, self._say)
        try:
            again = stage.measure(plan)
        except OdfError as error:
            gate.problem = f"not gateable: measuring again ended with: {error}"
            return gate
        baseline = [figures_of(run.records) for run in baselines.runs]
        gate.cells = decide(comparison, plan, figures_of(records), again, baseline)
        gate.not_gateable = {**gate.not_gateable, **{str(key): why for key, why in stage.failures.items()}}
        return gate

    def _say(self, line: str) -> None:
        terminal: Any = self._config.pluginmanager.getplugin("terminalreporter")
        if terminal is not None:
            terminal.ensure_newline()
            terminal.write_line(f"odfperf: {one_line(line)}")

    def _tell_ci(self, report: ComparisonReport) -> None:
        """A test case for each pool: failed by a confirmed regression, skipped where nothing is decided."""
        gate = report.gate
        assert gate is not None
        for pool, one in gate_by_pool(gate, report.pools).items():
            properties = [("pool", pool), ("gate", gate.word)]
            properties += [("not_confirmed", one.not_confirmed)] if one.not_confirmed else []
            add_case(
                self._config,
                GATE_NODE.format(pool),
                one.outcome,
                one_line(one.text),
                properties,
                self._silent,
            )
