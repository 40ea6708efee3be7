"""Progress that moves while fio runs for minutes: a live table on a terminal, heartbeat lines elsewhere."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.run.controller.progress import Progress
from pytest_odfperf.schedule.plan_text import count_text, time_text

if TYPE_CHECKING:
    from rich.table import Table

#: Seconds between heartbeat lines: seldom enough for a day's log, often enough for CI's idle limits.
HEARTBEAT_S = 30.0


class Display:
    """Shows ``progress``; everything that it writes goes through one lock."""

    def __init__(self, config: pytest.Config, progress: Progress) -> None:
        self._progress = progress
        self._terminal: Any = config.pluginmanager.getplugin("terminalreporter")
        self._lock = threading.RLock()
        self._live: Any = None
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

    def key_started(self, key: Key) -> None:
        with self._lock:
            if self._progress.key_started(key, time.monotonic()):
                total = self._progress.pools[key.pool].total
                self.write(f"odfperf: pool {key.pool} started, {count_text(range(total), 'key')}")

    def key_ended(self, key: Key, outcome: str) -> None:
        with self._lock:
            if self._progress.key_ended(key, outcome, time.monotonic()):
                pool = self._progress.pools[key.pool]
                took = time_text((pool.ended_s or 0) - (pool.started_s or pool.ended_s or 0))
                counts = ", ".join(
                    f"{pool.outcomes[name]} {name}" for name in ("passed", "failed", "skipped")
                )
                self.write(f"odfperf: pool {key.pool} ended after {took}: {counts}")

    def write(self, line: str) -> None:
        """A whole line, above the live table if there is one."""
        if self._terminal is None or self._terminal.verbosity < -1:
            return
        with self._lock:
            if self._live is not None:
                self._live.console.print(line, markup=False, highlight=False)
            else:
                self._terminal.ensure_newline()
                if self._terminal._tw.width_of_current_line:
                    self._terminal.write_line("")  # after xdist's dots, of which it knows no line
                self._terminal.write_line(line)

    def _beat(self) -> None:
        while not self._ended.wait(self._heartbeat_s):
            with self._lock:
                self.write(self._progress.heartbeat(time.monotonic()))

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        now_s = time.monotonic()
        with self._lock:
            left = time_text(self._progress.left_s(now_s))
            title = f"{self._progress.done}/{self._progress.total} keys, ETA {left}"
            table = Table(title=title, title_justify="left", box=None, pad_edge=False)
            for column in ("pool", "done", "failed", "running", "for"):
                table.add_column(column, justify="left" if column in ("pool", "running") else "right")
            for name, pool in self._progress.pools.items():
                state = (
                    pool.running.partition(":")[2] if pool.running else "ended" if pool.ended_s else "waiting"
                )
                since = f"{now_s - pool.running_since_s:.0f} s" if pool.running else ""
                table.add_row(
                    Text(name), f"{pool.done}/{pool.total}", str(pool.outcomes["failed"]), Text(state), since
                )
        return table
