"""What the process that the user started opens before pytest's own main, and closes after it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_odfperf.errors import InputError, OdfError
from pytest_odfperf.plugin.collect import choose_tests
from pytest_odfperf.plugin.command_line.request import Request, read_request
from pytest_odfperf.plugin.measuring_nothing import (
    checkpoint_dir,
    clean_up,
    discover,
    over_runs,
    read_earlier,
    remake,
    show_checks,
    show_plan,
    tell,
)
from pytest_odfperf.plugin.output.notifying import NotifyingPlugin, take_receivers, tell_unopened
from pytest_odfperf.plugin.output.traceback_redaction import RedactingPlugin
from pytest_odfperf.plugin.repeats import check_counts, check_retries
from pytest_odfperf.plugin.session_state import EXIT_CODE, PLAN
from pytest_odfperf.plugin.workers.distribution import distribute, runs_in_process
from pytest_odfperf.plugin.workers.worker_session import register_collection, register_measuring
from pytest_odfperf.run.before.baselines import Baselines, read_baselines
from pytest_odfperf.run.before.local_fio import ask_local_fio
from pytest_odfperf.run.before.prepare import choose_workers, make_plan
from pytest_odfperf.run.before.selection import Selection, read_selection
from pytest_odfperf.run.before.setup.make_pools import make_pools
from pytest_odfperf.run.interrupt import Interrupt
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.plugin.signals.signal_handlers import Signals
    from pytest_odfperf.run.controller.open_run import Run
    from pytest_odfperf.run.notify.receivers import Receivers

#: Options of pytest that print something and end: nothing is measured, so nothing is opened.
_ONLY_SHOW = ("help", "version", "showfixtures", "show_fixtures_per_test", "markers", "cacheshow")


@contextmanager
def open_controller(config: pytest.Config) -> Generator[None]:
    """The process that the user started. Every `OdfError` from here is one line and exit code 4."""
    if any(getattr(config.option, name, None) for name in _ONLY_SHOW):
        yield
        return
    config.pluginmanager.register(RedactingPlugin(), "odfperf-redacting")
    try:
        with ExitStack() as stack:
            try:
                _open(config, read_request(config), stack)
            except (OdfError, KeyboardInterrupt) as error:
                stack.close()
                if EXIT_CODE in config.stash:
                    sys.stdout.write("odfperf: interrupted; nothing was measured\n")
                elif isinstance(error, InputError):
                    # A line each.
                    raise pytest.UsageError(*map(str, error.faults)) from error
                elif isinstance(error, OdfError):
                    raise pytest.UsageError(str(error)) from error
                else:
                    raise
            yield
    except OdfError as error:
        # What was opened could not be closed as it should.
        raise pytest.UsageError(str(error)) from error


def _open(config: pytest.Config, request: Request, stack: ExitStack) -> None:
    if request.cleanup or request.cleanup_pools:
        interrupt, _ = stack.enter_context(_interruptible(config))
        config.stash[EXIT_CODE] = clean_up(request, interrupt)
        return
    if request.compare is not None or request.trend or request.report:
        try:
            config.stash[EXIT_CODE] = remake(config, request) if request.report else over_runs(request)
        except KeyboardInterrupt:
            config.stash[EXIT_CODE] = pytest.ExitCode.INTERRUPTED
            raise
        return
    selection = read_selection(request)
    if request.discover:
        interrupt, _ = stack.enter_context(_interruptible(config))
        config.stash[EXIT_CODE] = discover(request, selection, interrupt.stop)
        return
    receivers = None if config.option.collectonly else take_receivers(config, stack)
    for warning in ask_local_fio(selection.matrix, selection.jobs):
        sys.stderr.write(f"odfperf: warning: {warning}\n")
    check_counts(config, selection.repeats)
    baselines = read_baselines(
        request.baseline,
        Path(request.results),
        selection,
        gate=request.gate,
        forced=request.force_compare,
    )
    if baselines is not None:
        selection = replace(selection, comparing=baselines.to_json())
    if request.setup:
        interrupt, _ = stack.enter_context(_interruptible(config))
        config.stash[EXIT_CODE] = make_pools(selection, interrupt.stop, tell, only_show=request.dry_run)
    elif request.preflight:
        interrupt, _ = stack.enter_context(_interruptible(config))
        config.stash[EXIT_CODE] = show_checks(selection, interrupt.stop)
    elif config.option.collectonly:
        distribute(config, selection, None)
        choose_tests(config, selection.matrix)
        earlier = read_earlier(config, selection)
        register_collection(
            config, make_plan(selection, None, run_id="", run_dir=None, checkpoint_dir=None, earlier=earlier)
        )
    elif request.dry_run:
        interrupt, _ = stack.enter_context(_interruptible(config))
        show_plan(config, selection, interrupt.stop)
        config.stash[EXIT_CODE] = 0
    else:
        interrupt, signals = stack.enter_context(_interruptible(config))
        try:
            _open_run(config, request, selection, baselines, receivers, stack, interrupt, signals)
        except OdfError as error:
            if interrupt.exit_code is None:
                tell_unopened(receivers, selection.matrix.name, error)
            raise


@contextmanager
def _interruptible(config: pytest.Config) -> Generator[tuple[Interrupt, Signals]]:
    """A signal that comes inside decides the exit code, however the inside ends."""
    from pytest_odfperf.plugin.signals.session_signals import controller_signals

    interrupt = Interrupt(Stop())
    with controller_signals(config, interrupt) as signals:
        try:
            yield interrupt, signals
        finally:
            signals.hold()
            if interrupt.exit_code is not None:
                config.stash[EXIT_CODE] = interrupt.exit_code


def _open_run(
    config: pytest.Config,
    request: Request,
    selection: Selection,
    baselines: Baselines | None,
    receivers: Receivers | None,
    stack: ExitStack,
    interrupt: Interrupt,
    signals: Signals,
) -> None:
    from pytest_odfperf.plugin.controller_hooks import ControllerHooks
    from pytest_odfperf.plugin.signals.session_signals import ControllerSignals, last_words
    from pytest_odfperf.run.controller.open_run import open_run

    check_retries(config)
    in_process = runs_in_process(config, selection)
    opened: list[Run] = []
    # After the run is closed.
    stack.callback(last_words, config, opened)
    run = stack.enter_context(
        open_run(
            selection,
            run_id=request.run_id,
            results=Path(request.results),
            checkpoint_dir=lambda path: checkpoint_dir(config, path),
            interrupt=interrupt,
            reap=request.reap,
            check=lambda facts: baselines.check(selection, facts) if baselines is not None else None,
            cleanup_options=f" --odf-matrix {shlex.quote(request.matrix)}" if request.matrix else "",
            say=tell,
        )
    )
    opened.append(run)
    # Called before the run is closed, however the session ended.
    stack.callback(signals.hold)
    workers = choose_workers(selection, run.facts)
    distribute(config, selection, workers)
    choose_tests(config, selection.matrix)
    if receivers is not None:
        notifying = NotifyingPlugin(run, receivers, config.option.numprocesses or 1)
        config.pluginmanager.register(notifying, "odfperf-notifying")
    config.pluginmanager.register(
        ControllerHooks(config, run, workers, interrupt, baselines), "odfperf-controller"
    )
    config.pluginmanager.register(ControllerSignals(config, signals, interrupt), "odfperf-interrupts")
    if in_process or not config.option.numprocesses:
        register_measuring(config, run.plan, interrupt.stop)
    else:
        config.stash[PLAN] = run.plan
