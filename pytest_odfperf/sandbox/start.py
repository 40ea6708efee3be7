"""Starts a sandbox as a process of its own, and ends it.

The process ends with its parent, however that ends: it holds the reading end of a pipe whose other end is
here.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pytest_odfperf.errors import ClusterError, DeadlineError, InputError
from pytest_odfperf.waiting import SLICE_S, Deadline, Stop

#: What every result of simulated machines is marked with.
SIMULATED = "SIMULATED"

#: Machines are asked to stop, then killed, then their disks are deleted.
CLOSE_S = 30.0
_TAIL_LINES = 12
_READY = "ready "
#: The exit code for what the user can put right; the last line of the log says what.
_BAD_INPUT = 4


@dataclass(slots=True, kw_only=True)
class Sandbox:
    """A running sandbox."""

    kubeconfig: Path
    #: None for real machines.
    marking: str | None
    _process: subprocess.Popen[str] = field(repr=False)
    _parent_fd: int = field(repr=False)
    _log: IO[bytes] = field(repr=False)
    _state_dir: Path = field(repr=False)
    _closed: bool = field(default=False, repr=False)

    def kubeconfig_of(self, user: str) -> Path:
        """The kubeconfig of one of the configuration's ``users``."""
        return self.kubeconfig.with_name(f"{self.kubeconfig.name}-{user}")

    def is_running(self) -> bool:
        return self._process.poll() is None

    def log_tail(self) -> str:
        """The last lines of the process's log."""
        return _tail(self._log)

    def close(self) -> None:
        """End the process and verify it: machines and files are gone. `ClusterError` with its log if not."""
        if self._closed:
            return
        self._closed = True
        died = self._process.poll()
        problem = _end(self._process, self._parent_fd)
        if problem is None and died is not None and died != 0:
            problem = f"the sandbox had died with exit code {died}"
        elif problem is None and self._process.returncode != 0:
            problem = f"the sandbox ended with exit code {self._process.returncode}"
        tail = _tail(self._log)
        self._log.close()
        shutil.rmtree(self._state_dir, ignore_errors=True)
        if problem is not None:
            raise ClusterError(f"{problem}; its log ends with:\n{tail}")


def start(config: Mapping[str, Any], *, state_dir: Path, stop: Stop, deadline_s: float) -> Sandbox:
    """Run a sandbox with the ``sandbox:`` mapping ``config``; ``state_dir`` is removed with it.

    Returns when it is usable. Raises `InputError` for a wrong configuration or a missing extra,
    `ClusterError` with the end of its log when it fails, `DeadlineError` when it takes too long,
    `InterruptedRunError` at once when the run is told to stop.
    """
    stop.check()
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    config_file = state_dir / "config.json"
    config_file.touch(mode=0o600)
    config_file.write_text(json.dumps(config, default=_plain), encoding="utf-8")
    child_fd, parent_fd = os.pipe()
    log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the sandbox
    command = [sys.executable, "-m", "pytest_odfperf.sandbox"]
    command += ["--config", str(config_file), "--state", str(state_dir), "--parent-fd", str(child_fd)]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=(child_fd,),
            # Ctrl+C is for the run, which still needs the sandbox to clean up.
            start_new_session=True,
            text=True,
        )
    except OSError as error:
        os.close(parent_fd)
        log.close()
        raise ClusterError(f"the sandbox can not be started: {error}") from error
    finally:
        os.close(child_fd)
    try:
        kubeconfig = _wait_ready(process, log, stop, Deadline("the sandbox to be ready", deadline_s))
    except BaseException:
        _end(process, parent_fd)
        log.close()
        shutil.rmtree(state_dir, ignore_errors=True)
        raise
    return Sandbox(
        kubeconfig=kubeconfig,
        marking=SIMULATED if config.get("machine") == "simulated" else None,
        _process=process,
        _parent_fd=parent_fd,
        _log=log,
        _state_dir=state_dir,
    )


def _plain(value: object) -> object:
    """Mappings that are no dict, as read-only ones are."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{value!r} can not be part of a sandbox's configuration")


def _wait_ready(process: subprocess.Popen[str], log: IO[bytes], stop: Stop, deadline: Deadline) -> Path:
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read_lines, args=(process, lines), name="sandbox output", daemon=True)
    reader.start()
    while True:
        stop.check()
        try:
            line = lines.get(timeout=min(SLICE_S, max(deadline.left_s(), 0.001)))
        except queue.Empty:
            if deadline.passed():
                raise DeadlineError(deadline.awaited, deadline.seconds, _tail(log) or "no output") from None
            continue
        if line is None:
            process.wait()
            tail = _tail(log)
            if process.returncode == _BAD_INPUT:
                raise InputError(tail.splitlines()[-1] if tail else "the sandbox refused its configuration")
            raise ClusterError(f"the sandbox did not start (exit code {process.returncode}): {tail}")
        if line.startswith(_READY):
            return Path(line.removeprefix(_READY).rstrip("\n"))


def _read_lines(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    """To the end, so that the process never waits for a full pipe."""
    if process.stdout is not None:
        for line in process.stdout:
            lines.put(line)
    lines.put(None)


def _end(process: subprocess.Popen[str], parent_fd: int) -> str | None:
    """Close the pipe, which ends the process; None, or what went wrong."""
    os.close(parent_fd)
    try:
        process.wait(CLOSE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return f"the sandbox did not end within {CLOSE_S:.0f} s and was killed"
    finally:
        if process.stdout is not None:
            process.stdout.close()
    return None


def _tail(log: IO[bytes]) -> str:
    size = os.fstat(log.fileno()).st_size
    text = os.pread(log.fileno(), 16_384, max(0, size - 16_384)).decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
