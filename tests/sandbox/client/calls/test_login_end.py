"""A login plugin that nobody waits for any more: it ends, and so does all that it started."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.cluster.client.login import LoginError, log_in
from pytest_odfperf.errors import InterruptedRunError
from pytest_odfperf.waiting import Stop


class Plugin:
    """A script that waits for a program of its own, as those do that are wrapped."""

    def __init__(self, folder: Path) -> None:
        self._began = folder / "began"
        self._script = folder / "plugin"
        # A number of seconds that nobody else sleeps for tells which process it is.
        self._seconds = f"1000.{uuid.uuid4().int}"
        self._script.write_text(f"#!/bin/sh\nsleep {self._seconds} &\necho >{self._began}\nwait\n")
        self._script.chmod(0o755)

    def run(self) -> None:
        subprocess.run([self._script], check=False)

    def runs(self) -> bool:
        return self._began.exists()

    def check_gone(self) -> None:
        _await(lambda: not self._left())

    def _left(self) -> list[str]:
        """What is left of it."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().decode()
                if self._seconds in words or str(self._script) in words:
                    found.append(words)
        return found


def _await(look: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 30
    while not look():
        assert time.monotonic() < end_s
        time.sleep(0.02)


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return Plugin(tmp_path)


def test_a_plugin_that_does_not_end_is_killed_with_what_it_started(plugin: Plugin) -> None:
    with pytest.raises(LoginError, match="did not end within 1 s"):
        log_in(plugin.run, 1, Stop())
    plugin.check_gone()


def test_a_stop_ends_it(plugin: Plugin) -> None:
    stop = Stop()
    threading.Thread(target=lambda: (_await(plugin.runs), stop.set())).start()
    with pytest.raises(InterruptedRunError):
        log_in(plugin.run, 60, stop)
    plugin.check_gone()


def test_a_signal_while_its_thread_begins_ends_it(plugin: Plugin, monkeypatch: Any) -> None:
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        if thread.name == "odfperf-login":
            _await(plugin.runs)
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        log_in(plugin.run, 60, Stop())
    plugin.check_gone()


def test_a_signal_while_it_is_waited_for_ends_it(plugin: Plugin) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    def send() -> None:
        _await(plugin.runs)
        time.sleep(0.3)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR2)

    before = signal.signal(signal.SIGUSR2, interrupted)
    try:
        threading.Thread(target=send).start()
        with pytest.raises(KeyboardInterrupt):
            log_in(plugin.run, 60, Stop())
    finally:
        signal.signal(signal.SIGUSR2, before)
    plugin.check_gone()


def test_a_plugin_that_is_started_after_the_end_of_the_wait_ends_too(plugin: Plugin) -> None:
    def work() -> None:
        time.sleep(0.2)
        plugin.run()

    with pytest.raises(LoginError):
        log_in(work, 0.1, Stop())
    plugin.check_gone()
