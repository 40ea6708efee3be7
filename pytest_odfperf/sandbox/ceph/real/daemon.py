"""One daemon of Ceph as a child process: started, ended, stopped for a while, started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.death import die_with_parent

#: Variables that would lead a daemon to another cluster.
_FOREIGN = ("CEPH_ARGS", "CEPH_CONF", "CEPH_KEYRING")
_CRASH = "*** Caught signal"


def daemon_environment() -> dict[str, str]:
    return {**{n: v for n, v in os.environ.items() if n not in _FOREIGN}, "LC_ALL": "C"}


def _of_pod(name: str, node: str) -> dict[str, str]:
    """As Rook tells it the daemons of its pods. From 17 on the node is their host only if there is a pod."""
    return {"NODE_NAME": node, "POD_NAME": f"rook-ceph-{name.replace('.', '-')}"}


class Daemon:
    """Start it on a thread that lives as long as it: it dies with that thread."""

    def __init__(
        self, name: str, command: list[str], output: Path, node: str | None = None, **environment: str
    ) -> None:
        """``output``: what it says before its log is open; ``node``: where it tells Ceph that it runs."""
        self.name = name
        self._command = command
        self._output = output
        self._environment = daemon_environment() | environment | (_of_pod(name, node) if node else {})
        self._process: asyncio.subprocess.Process | None = None
        self._hung = False

    @property
    def pid(self) -> int | None:
        """While it runs."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    @property
    def state(self) -> str:
        return "not running" if self.pid is None else "hangs" if self._hung else "runs"

    async def start(self) -> None:
        """Nothing happens if it runs. Raises `OdfError`."""
        if self.pid is not None:
            return
        try:
            with self._output.open("ab") as output:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=self._environment,
                    preexec_fn=die_with_parent(),
                    process_group=0,
                )
        except OSError as error:
            raise OdfError(f"{self.name} can not be started: {error}") from error
        self._hung = False

    def check(self) -> None:
        """Raises `OdfError` with its last words if it has ended by itself."""
        process = self._process
        if process is not None and process.returncode is not None:
            raise OdfError(f"{self.name} ended (exit code {process.returncode}): {self._said()}")

    def _said(self) -> str:
        try:
            return last_words(self._output.read_text(errors="replace"))
        except OSError:
            return ""

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def hang(self) -> None:
        """It neither answers nor dies, until `go_on`."""
        self._signal(signal.SIGSTOP)
        self._hung = self.pid is not None

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)
        self._hung = False

    def _signal(self, number: int) -> None:
        if (pid := self.pid) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    async def stop(self, grace_s: float) -> None:
        """Ask it to end, kill it after ``grace_s``; one that hangs is killed at once."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if not self._hung:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), grace_s)
        self.kill()
        await process.wait()

    async def ended(self) -> None:
        if self._process is not None:
            await self._process.wait()


def last_words(output: str) -> str:
    """The last lines of a daemon's output; of one that crashed those before its stack, which say why."""
    before, crashed, _ = output.partition(_CRASH)
    lines = (before if before.strip() and crashed else output).splitlines()
    return "; ".join([line.strip() for line in lines if line.strip()][-3:])
