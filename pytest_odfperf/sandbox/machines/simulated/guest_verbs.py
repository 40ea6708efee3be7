"""The verbs of the guest script as a simulated guest answers them, whatever the client speaks through."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, Protocol

from pytest_odfperf.sandbox.machines.simulated.fio_run import FioRun, ProtocolError
from pytest_odfperf.sandbox.machines.simulated.simulated_guest import SimulatedGuest

_JOB_LINE = re.compile(rb"job ([A-Za-z0-9-]{1,128}) ([0-9]{1,9}) ([0-9]{1,8})\n", re.ASCII)
_GO_LINE = re.compile(rb"go ([A-Za-z0-9-]{1,128}) ([0-9]{1,18})\n", re.ASCII)
_COUNT_LINE = re.compile(rb"jobs ([0-9]{1,4})\n", re.ASCII)
_LARGEST_JOB = 1 << 20


class Stdout(Protocol):
    """Where the script's words go; what is written is on its way at once."""

    def write(self, data: bytes, /) -> Any: ...

    async def drain(self) -> None: ...

    def is_closing(self) -> bool: ...


class GuestVerbs:
    """One call of the script. ``stdin`` reads lines and bytes, as asyncio's StreamReader does."""

    def __init__(self, guest: SimulatedGuest, stdin: Any, stdout: Stdout) -> None:
        self._guest = guest
        self._stdin = stdin
        self._stdout = stdout

    async def call(self, verb: list[str]) -> int:
        """Answer a verb with its words; the exit code of the script."""
        try:
            return await self.answer(verb)
        except ProtocolError as error:
            self._stdout.write(f"error {error.code} {error.text}\n".encode())
            return 1

    async def answer(self, verb: list[str]) -> int:
        match verb:
            case ["facts"]:
                self._stdout.write(json.dumps(self._guest.facts()).encode() + b"\n")
            case ["run"]:
                await self._run()
            case ["check"]:
                await self._check()
            case ["attach", token]:
                await self._report(self._guest.find(token))
            case _:
                raise ProtocolError("bad_request", "known: facts, check, run, attach TOKEN")
        return 0

    async def _check(self) -> None:
        if not (match := _COUNT_LINE.fullmatch(await self._stdin.readline())):
            raise ProtocolError("bad_request", "expected: jobs COUNT")
        jobs = []
        for _ in range(int(match[1])):
            size = await self._stdin.readline()
            if not size.strip().isdigit() or int(size) > _LARGEST_JOB:
                raise ProtocolError("bad_request", "expected: NBYTES")
            jobs.append(await self._stdin.readexactly(int(size)))
        for code, said in await self._guest.check(jobs):
            self._stdout.write(f"checked {code} {len(said)}\n".encode() + said)
        self._stdout.write(b"end check\n")

    async def _run(self) -> None:
        while line := await self._stdin.readline():
            await self._job(line, self._guest.clock_ns())

    async def _job(self, line: bytes, received_clock_ns: int) -> None:
        match = _JOB_LINE.fullmatch(line)
        if not match or int(match[3]) > _LARGEST_JOB:
            raise ProtocolError("bad_request", "expected: job TOKEN DEADLINE_S NBYTES")
        job = await self._stdin.readexactly(int(match[3]))
        run = await self._guest.prepare(match[1].decode(), float(match[2]), job)
        clock = f"{received_clock_ns} {self._guest.clock_ns()}"
        self._stdout.write(f"ready {run.token} {self._guest.boot_id} {clock}\n".encode())
        while (line := await self._stdin.readline()) == b"clock\n":
            self._stdout.write(f"clock {self._guest.clock_ns()}\n".encode())
        told_clock_ns = self._guest.clock_ns()
        go = _GO_LINE.fullmatch(line)
        if not go or go[1].decode() != run.token:
            raise ProtocolError("bad_request", "expected: go TOKEN INSTANT_NS")
        self._guest.start(run, int(go[2]))
        self._stdout.write(f"started {run.token} {told_clock_ns}\n".encode())
        await self._report(run)

    async def _report(self, run: FioRun) -> None:
        """Step 4 of the protocol: waits for the end, then sends the files."""
        if run.task:
            # The run outlives the connection that waits for it.
            await asyncio.wait([run.task])
        if not run.ended_clock_ns:
            raise ProtocolError("unknown_job", f"run {run.token} was stopped")
        if (garbage := self._guest.faults.garbage) != "none":
            await _babble(self._stdout, garbage, run.token)
            return
        epoch_ns, epoch_clock_ns, last_epoch_ns, last_clock_ns = run.epochs_ns
        times = (
            epoch_ns,
            epoch_clock_ns,
            run.started_clock_ns,
            run.ended_clock_ns,
            last_epoch_ns,
            last_clock_ns,
        )
        ended = " ".join(map(str, (run.exit_code, int(run.timed_out), *times, self._guest.boot_id)))
        self._stdout.write(f"ended {run.token} {ended}\n".encode())
        for name, content in (
            ("fio.json", run.result),
            ("fio.log", run.log),
            ("fio-logs", run.logs),
            ("witness", run.witness),
        ):
            self._stdout.write(f"file {name} {len(content)}\n".encode() + content)
        self._stdout.write(f"end {run.token}\n".encode())
        await self._stdout.drain()


async def _babble(stdout: Stdout, garbage: str, token: str) -> None:
    """What no guest script says."""
    match garbage:
        case "text":
            stdout.write(b"Last login: Tue\r\n\x1b[31m\xff\xfe\x00 segmentation fault\n")
        case "token":
            stdout.write(b"ended another 0 0 1 2 3 4 5 6 00000000-0000\n")
        case "size":
            stdout.write(f"ended {token} 0 0 1 2 3 4 5 6 00000000-0000\nfile fio.json -5\n".encode())
        case "line":
            stdout.write(b"x" * (1 << 20))
        case "endless":
            while not stdout.is_closing():
                stdout.write(b"spam " * 200 + b"\n")
                await stdout.drain()
                # Where nobody holds it up it would not let go of the event loop.
                await asyncio.sleep(0.001)
