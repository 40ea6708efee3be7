"""What a signal does to a session: in its controller, and in a worker."""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_odfperf.plugin.signals.signal_handlers import Signals
from pytest_odfperf.run.interrupt import Interrupt

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

    from pytest_odfperf.run.controller.open_run import Run

#: Tells a worker to end after the key that it measures.
FINISH = signal.SIGUSR1
#: In the output of a worker: the signal that ended it.
SIGNAL = "odfperf_signal"
#: In the output of a worker: the exit code, if given, and the words with which a test ended the session.
EXIT = "odfperf_exit"
#: A worker whose controller is gone has so long to end by itself.
ORPHAN_S = 10.0


class Interrupted(KeyboardInterrupt):
    """A signal, where the main thread is.

    A class of its own: Python remembers a bare KeyboardInterrupt that leaves an ``exec`` of text (imports
    make dataclasses with one), even if it is caught, and kills itself by SIGINT at its end, whatever the
    exit code is (``_Py_UnhandledKeyboardInterrupt``).
    """


def interruption(config: pytest.Config, words: str | None, code: int | None = None) -> BaseException:
    """What ends a session at once. pytest would open the debugger at a KeyboardInterrupt."""
    if getattr(config.option, "usepdb", False):
        return pytest.exit.Exception(words or "interrupted", code)
    return Interrupted(words)


@contextmanager
def controller_signals(config: pytest.Config, interrupt: Interrupt) -> Generator[Signals]:
    """The first signal stops the run and deletes what it made, the second ends this process."""

    def first(signum: int) -> None:
        if interrupt.begin(signum):
            what = "the objects of this run are being deleted" if interrupt.deleted else "stopping"
            interrupt.say(f"odfperf: {interrupt.name}: {what}; a second signal ends pytest at once")

    signals = Signals(
        note=interrupt.note,
        first=first,
        again=interrupt.leave,
        interruption=lambda signum: interruption(config, interrupt.lost or interrupt.name, 128 + signum),
    )
    with signals:
        interrupt.wake = signals.wake
        yield signals


@contextmanager
def worker_signals(interrupt: Interrupt, abandon: Callable[[], None]) -> Generator[Signals]:
    """The first signal ends the worker's session; later ones are ignored, so that its teardown is whole.

    Later ones come for certain: a terminal signals the whole group and the controller each worker, and
    execnet sends SIGINT to its own process after 5 s. A worker whose controller is gone deletes its pool.
    """

    begun, abandoned = threading.Event(), threading.Event()

    def orphaned() -> None:
        interrupt.stop.set()
        abandon()
        abandoned.set()
        # A thread: the budget holds whatever the main thread does.
        time.sleep(ORPHAN_S)
        os._exit(1)

    def in_thread() -> None:
        begun.set()
        threading.Thread(target=orphaned, name="odfperf-orphan", daemon=True).start()

    def leave() -> None:
        # The deletes are not cut off, and Python's own end, under threads that still call, aborts at times.
        if begun.is_set():
            abandoned.wait(ORPHAN_S)
            os._exit(1)

    # So early that it runs after all others, which remove temporary files.
    atexit.register(leave)
    signals = Signals(
        note=interrupt.note,
        first=interrupt.begin,
        again=lambda _: None,
        interruption=lambda _: Interrupted(interrupt.name),
        orphaned=in_thread,
    )
    with signals:
        yield signals


class WorkerSignals:
    """Tells the controller of a signal that this worker got, and of a test that ended the session."""

    def __init__(self, config: pytest.Config, signals: Signals, interrupt: Interrupt) -> None:
        self._config = config
        self._signals = signals
        self._interrupt = interrupt
        self._session: pytest.Session | None = None
        signal.signal(FINISH, self._finish_key)

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session

    def _finish_key(self, *_: object) -> None:
        # xdist's worker looks at it after each test.
        if self._session is not None:
            self._session.shouldstop = "another worker came to the end of --maxfail"

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        code = getattr(excinfo.value, "returncode", None)
        self._config.workeroutput[EXIT] = [code, excinfo.exconly()]  # type: ignore[attr-defined]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        self._signals.hold()
        self._config.workeroutput[SIGNAL] = self._interrupt.signum  # type: ignore[attr-defined]


class ControllerSignals:
    """Follows the workers' processes, and decides how the session ends."""

    def __init__(self, config: pytest.Config, signals: Signals, interrupt: Interrupt) -> None:
        self._config = config
        self._signals = signals
        self._interrupt = interrupt
        self._finishing = False

    def pytest_runtest_logfinish(self) -> None:
        """After the last failure that is allowed, no worker begins another key of its pool.

        xdist lets each go on until its queue is empty: a pool's keys can take hours.
        """
        xdist: Any = self._config.pluginmanager.getplugin("dsession")
        if xdist is not None and xdist.shouldstop and not self._finishing:
            self._finishing = True
            self._interrupt.stop_workers(FINISH)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if self._interrupt.exit_code is not None:
            # pytest parses the source of each frame, which takes a second and keeps all threads waiting.
            excinfo.traceback = excinfo.traceback[-1:]

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        # xdist has asked for it before, and tells it nowhere else.
        self._interrupt.add_worker(node.gateway.id, int(node.gateway._rinfo().pid))

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_testnodedown(self, node: WorkerController) -> None:
        self._interrupt.remove_worker(node.gateway.id)
        output: dict[str, Any] = getattr(node, "workeroutput", None) or {}
        # xdist would start another worker first, or stumble over the tests that are left.
        if output.get(SIGNAL) is not None:
            self._interrupt.begin(int(output[SIGNAL]))
            self._signals.wake(int(output[SIGNAL]))
        elif output.get(EXIT) is not None and not self._interrupt.stop.is_set():
            self._interrupt.stop.set()
            code, words = output[EXIT]
            raise KeyboardInterrupt(words) if code is None else pytest.exit.Exception(words, code)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        self._signals.hold()
        # Left by -x, an internal error, ...: xdist would let them go on for 5 s, and then kill them.
        self._interrupt.stop_workers()
        try:
            return (yield)
        finally:
            if (code := self._interrupt.exit_code) is not None:
                session.exitstatus = code


def last_words(config: pytest.Config, opened: Iterable[Run]) -> None:
    """The last lines of the terminal: below all that pytest says itself."""
    terminal: Any = config.pluginmanager.getplugin("terminalreporter")
    for run in opened if terminal is not None else ():
        for line in run.last_lines:
            terminal.write_line(line)
