"""What a worker of xdist opens before pytest's own main; no more is imported than it needs for that."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from pytest_odfperf.plugin.collect import CollectPlugin, choose_tests
from pytest_odfperf.plugin.output.traceback_redaction import RedactingPlugin
from pytest_odfperf.plugin.session_state import MEASURE, PLAN
from pytest_odfperf.run.interrupt import Interrupt
from pytest_odfperf.run.plan import Plan
from pytest_odfperf.waiting import Stop


@contextmanager
def open_worker(config: pytest.Config) -> Generator[None]:
    """An xdist worker: it has its plan from the controller and derives nothing itself."""
    from pytest_odfperf.plugin.signals.session_signals import WorkerSignals, worker_signals

    config.pluginmanager.register(RedactingPlugin(), "odfperf-redacting")
    # A replacement worker must not clear the checkpoint in the middle of the run.
    config.option.cacheclear = False
    plan = Plan.from_json(config.workerinput["odfperf"])  # type: ignore[attr-defined]
    choose_tests(config, plan.matrix)
    interrupt = Interrupt(Stop())
    with worker_signals(interrupt, lambda: config.stash[MEASURE].abandon()) as signals:
        register_measuring(config, plan, interrupt.stop)
        config.pluginmanager.register(WorkerSignals(config, signals, interrupt), "odfperf-interrupts")
        yield


def register_measuring(config: pytest.Config, plan: Plan, stop: Stop) -> None:
    """The hooks of a process that measures."""
    from pytest_odfperf.plugin.measuring_hooks import MeasuringHooks

    register_collection(config, plan)
    measure = MeasuringHooks(config, plan, stop)
    config.stash[MEASURE] = measure
    config.pluginmanager.register(measure, "odfperf-measure")


def register_collection(config: pytest.Config, plan: Plan) -> None:
    """The hooks that make the plan's keys tests."""
    config.stash[PLAN] = plan
    config.pluginmanager.register(CollectPlugin(plan), "odfperf-collect")
