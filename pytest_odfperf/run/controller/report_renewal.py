"""Renews the reports while the run goes on, in a process that gives way to all others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from pytest_odfperf.run.child_environment import child_environment

#: At least so often. The variable is for tests.
RENEW_S = 300.0
PERIOD = "ODFPERF_RENEW_S"
#: The first one waits so long, and the next one so many times the CPU time of the one before: a fiftieth of a
#: CPU at most, unless that is more than the period.
_FIRST_S = 30.0
_SHARE = 50
#: For a process that gets its turn only when nobody else wants to.
_DEADLINE_S = 900.0
_LOOK_S = 0.2


class ReportRenewal:
    """One process at a time. ``progress`` is asked when one starts, ``say`` is told why one failed.

    ``at_once``: what is there is not true any more, of a run that is gone on with.
    """

    def __init__(
        self,
        run_path: Path,
        progress: Callable[[], Mapping[str, Any]],
        say: Callable[[str], None],
        *,
        at_once: bool = False,
    ) -> None:
        self._run_path = run_path
        self._progress = progress
        self._say = say
        self._period_s = float(os.environ.get(PERIOD, RENEW_S))
        self._first_s = 0.0 if at_once else min(_FIRST_S, self._period_s)
        self._asked = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="odfperf-reports", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self) -> None:
        """Renew them soon: there is something new. What is asked for meanwhile is done at once with it."""
        self._asked.set()

    def close(self) -> None:
        """End at once; a process that writes is killed, and leaves each file whole, old or new."""
        self._closed.set()
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        # The process ends with the thread that began it (``prctl(2)``), so it is this one's.
        wait_s = self._first_s
        if not wait_s:
            self._asked.set()
        while not self._closed.wait(wait_s):
            self._asked.wait(max(0.0, self._period_s - wait_s))
            if self._closed.is_set():
                return
            self._asked.clear()
            try:
                cpu_s = self._renew()
            except OSError as error:
                # Perhaps there is room for a process another time.
                self._tell(str(error))
                cpu_s = 0.0
            wait_s = min(self._period_s, max(1.0, _SHARE * cpu_s))

    def _renew(self) -> float:
        """Seconds of CPU that it took."""
        command = [sys.executable, "-P", "-m", "pytest_odfperf.run.reports"]
        command += [str(self._run_path), str(os.getpid())]
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                start_new_session=True,
                env=child_environment(),
            )
            assert process.stdin is not None
            try:
                with process.stdin as pipe:
                    pipe.write(json.dumps(self._progress()).encode())
            except BrokenPipeError:
                pass
            return self._await(process, said)

    def _await(self, process: subprocess.Popen[bytes], said: IO[bytes]) -> float:
        end, why = time.monotonic() + _DEADLINE_S, ""
        while True:
            # Not by `process`: only this tells the time that it took.
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end or self._closed.wait(_LOOK_S):
                why = f"not done within {_DEADLINE_S:.0f} s"
                process.kill()
                _, status, usage = os.wait4(process.pid, 0)
                self._remove_unfinished(process.pid)
                break
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode and not self._closed.is_set():
            said.seek(0)
            lines = said.read(100_000).decode(errors="replace").strip().splitlines()
            self._tell(why or (lines[-1] if lines else f"it ended with {process.returncode}"))
        return usage.ru_utime + usage.ru_stime

    def _tell(self, why: str) -> None:
        self._say(f"the reports could not be renewed while the run went on: {why}")

    def _remove_unfinished(self, pid: int) -> None:
        """Files that were not whole yet: see `replace_file`."""
        for folder in ("", "*/"):
            for path in self._run_path.glob(f"{folder}.*.{pid}.new"):
                path.unlink(missing_ok=True)
