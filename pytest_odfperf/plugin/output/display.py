"""Progress that moves while fio runs for minutes: a live table on a terminal, heartbeat lines elsewhere."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.run.controller.progress import Progress
from pytest_odfperf.schedule.plan_text import count_text, time_text

if TYPE_CHECKING:
    from rich.table import Table

#: Seconds between heartbeat lines: seldom enough for a day's log, often enough for CI's idle limits.
HEARTBEAT_S = 30.0


class Display:
    """Shows ``progress``, of which several threads tell and ask."""

    def __init__(self, config: pytest.Config, progress: Progress) -> None:
        self._progress = progress
        self._terminal: Any = config.pluginmanager.getplugin("terminalreporter")
        self._lock = threading.Lock()
        self._live: Any = None
        self._captured: tuple[Any, TextIO] | None = None
        self._ended = threading.Event()
        self._heartbeat_s = float(os.environ.get("ODFPERF_HEARTBEAT_S", HEARTBEAT_S))
        self.is_live = (
            self._terminal is not None
            and self._terminal.isatty
            and config.get_verbosity() == 0
            and os.environ.get("TERM") not in (None, "dumb")
            and not config.option.usepdb
            and config.option.capture != "no"
        )

    def start(self) -> None:
        if self._terminal is None:
            return
        self._write_past_capture()
        if self.is_live:
            from rich.console import Console
            from rich.live import Live

            # The name of a test's file would stand before the first line above the table.
            self._terminal.showfspath = False
            console = Console(file=self._terminal._tw._file, force_terminal=True)
            self._live = Live(
                get_renderable=self._table,
                console=console,
                refresh_per_second=2,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        else:
            threading.Thread(target=self._beat, name="odfperf-heartbeat", daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        if self._live is not None:
            self._live.stop()
            self._live = None
        with self._lock:
            captured, self._captured = self._captured, None
            if captured is not None:
                self._terminal._tw._file, own = captured
                own.close()

    def _write_past_capture(self) -> None:
        """Give the terminal a file of its own.

        Without workers the tests run in this process, and while one runs pytest's capture has turned file
        descriptor 1 away from the terminal: what moves meanwhile would come out with the test's own output.
        """
        writer = self._terminal._tw
        with contextlib.suppress(AttributeError, OSError, ValueError):
            writer._file.flush()
            # Of the end of collection, when nothing is captured.
            encoding, errors = writer._file.encoding, writer._file.errors
            own = os.fdopen(os.dup(writer._file.fileno()), "w", 1, encoding, errors)
            self._captured, writer._file = (writer._file, own), own

    def key_started(self, key: Key, repeat: int, number: int = 1) -> None:
        """``number`` is the round."""
        with self._lock:
            first = self._progress.key_started(key, time.monotonic(), repeat, number)
            total = range(self._progress.part(key, number).total)
        if first:
            what = " ".join(filter(None, ("started", self._progress.part_text(number))))
            self.write(f"odfperf: pool {key.pool} {what}, {count_text(total, self._progress.noun)}")

    def key_ended(self, key: Key, outcome: str, number: int = 1) -> None:
        with self._lock:
            last = self._progress.key_ended(key, outcome, time.monotonic(), number)
            part = self._progress.part(key, number)
            took = time_text((part.ended_s or 0) - (part.started_s or part.ended_s or 0))
            counts = ", ".join(f"{part.outcomes[name]} {name}" for name in ("passed", "failed", "skipped"))
        if last:
            what = " ".join(filter(None, ("ended", self._progress.part_text(number))))
            self.write(f"odfperf: pool {key.pool} {what} after {took}: {counts}")

    def snapshot(self) -> dict[str, Any]:
        """How far the run is now, for its reports: see `RunProgress`."""
        now_s = time.monotonic()
        with self._lock:
            pools = self._progress.pools.values()
            running = [(pool.running, now_s - pool.running_since_s) for pool in pools if pool.running]
            left_s = self._progress.left_s(now_s)
        return {"left_s": left_s, "running": [{"key": key, "for_s": for_s} for key, for_s in running]}

    def write(self, line: str) -> None:
        """A whole line, above the live table if there is one."""
        if self._terminal is None or self._terminal.verbosity < -1:
            return
        live = self._live
        if live is not None:
            # Not under the lock: the thread that draws the table holds rich's and asks for ours.
            live.console.print(line, markup=False, highlight=False)
            return
        with self._lock:
            self._terminal.ensure_newline()
            if self._terminal._tw.width_of_current_line:
                self._terminal.write_line("")  # after xdist's dots, of which it knows no line
            self._terminal.write_line(line)

    def _beat(self) -> None:
        while not self._ended.wait(self._heartbeat_s):
            with self._lock:
                line = self._progress.heartbeat(time.monotonic())
            self.write(line)

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        now_s = time.monotonic()
        with self._lock:
            left = time_text(self._progress.left_s(now_s))
            title = f"{self._progress.done}/{self._progress.total} {self._progress.noun}s, ETA {left}"
            table = Table(title=title, title_justify="left", box=None, pad_edge=False)
            for column in ("pool", "done", "failed", "running", "for"):
                table.add_column(column, justify="left" if column in ("pool", "running") else "right")
            for name, pool in self._progress.pools.items():
                state = (
                    pool.running.partition(":")[2] if pool.running else "ended" if pool.ended else "waiting"
                )
                since = f"{now_s - pool.running_since_s:.0f} s" if pool.running else ""
                table.add_row(
                    Text(name), f"{pool.done}/{pool.total}", str(pool.count("failed")), Text(state), since
                )
        return table
