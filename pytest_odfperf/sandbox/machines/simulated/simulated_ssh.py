"""The SSH server of a simulated guest: guest protocol v1 over exec, behind the guest's own host key."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh

from pytest_odfperf.sandbox.machines.simulated.fio_run import FioRun, ProtocolError
from pytest_odfperf.sandbox.machines.simulated.simulated_guest import SimulatedGuest
from pytest_odfperf.sandbox.machines.user_data import GUEST_SCRIPT, UserData

_JOB_LINE = re.compile(rb"job ([A-Za-z0-9-]{1,128}) ([0-9]{1,9}) ([0-9]{1,8})\n", re.ASCII)
_GO_LINE = re.compile(rb"go ([A-Za-z0-9-]{1,128}) ([0-9]{1,18})\n", re.ASCII)
_COUNT_LINE = re.compile(rb"jobs ([0-9]{1,4})\n", re.ASCII)
_LARGEST_JOB = 1 << 20


def _server_class(
    user: UserData,
    connections: set[asyncssh.SSHServerConnection],
    note: Callable[[str], None],
) -> type[asyncssh.SSHServer]:
    class Server(asyncssh.SSHServer):
        """Lets in who cloud-init would have let in."""

        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            self._connection = conn
            connections.add(conn)

        def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
            connections.discard(self._connection)

        def begin_auth(self, username: str) -> bool:  # noqa: ARG002
            return True

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            wanted = key.export_public_key().split()[:2]
            lines = user.authorized_keys.get(username, ())
            known = any(line.encode().split()[:2] == wanted for line in lines)
            note(f"{username} publickey {key.get_fingerprint()} {'accepted' if known else 'refused'}")
            return known

    return Server


class GuestSsh:
    """Listens on ``listener``, which is bound but does not listen before `open`: connections are refused."""

    def __init__(
        self, guest: SimulatedGuest, user: UserData, listener: socket.socket, auth_log: Path
    ) -> None:
        """Who tries to log in, and with which key, goes to ``auth_log``."""
        self._guest = guest
        self._user = user
        self._listener = listener
        self._auth_log = auth_log
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._serving: asyncio.Task[None] | None = None
        self._greeting: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen from now on."""
        key = (
            asyncssh.import_private_key(self._user.host_key)
            if self._user.host_key and not self._guest.faults.other_host_key
            else asyncssh.generate_private_key("ssh-ed25519")
        )
        self._options: dict[str, Any] = {
            "server_factory": _server_class(self._user, self._connections, self._note),
            "server_host_keys": [key],
            "process_factory": self._process,
            "encoding": None,
            "compression_algs": None,
            "login_timeout": 60,
        }
        self._listener.setblocking(False)
        self._listener.listen(100)
        self._serving = asyncio.create_task(self._serve(), name="sshd")

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._listener)
            task = asyncio.create_task(self._greet(connection))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    async def _greet(self, connection: socket.socket) -> None:
        try:
            await asyncio.sleep(self._guest.faults.ssh_silent_s)
            await asyncssh.run_server(connection, **self._options)
        except (OSError, asyncssh.Error):
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    def _note(self, line: str) -> None:
        with self._auth_log.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def cut(self) -> None:
        """Drop all connections, as a lost network does."""
        for connection in list(self._connections):
            connection.abort()

    async def close(self) -> None:
        tasks = [*self._greeting, *([self._serving] if self._serving else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.cut()
        self._listener.close()

    async def _process(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        try:
            process.exit(await self._command(process))
        except (asyncssh.Error, ConnectionError, asyncio.IncompleteReadError):
            process.close()

    async def _command(self, process: asyncssh.SSHServerProcess[bytes]) -> int:
        try:
            words = shlex.split(process.command or "")
        except ValueError:
            words = []
        if words[:2] != ["sudo", "-n"]:
            process.stderr.write(b"the simulated guest only has sudo -n " + GUEST_SCRIPT.encode() + b"\n")
            return 127
        if process.get_extra_info("username") not in self._user.sudoers:
            process.stderr.write(b"sudo: a password is required\n")
            return 1
        command, verb = " ".join(words[2:3]), words[3:]
        if command != GUEST_SCRIPT or GUEST_SCRIPT not in self._user.files or self._guest.faults.no_guest:
            process.stderr.write(f"sudo: {command}: command not found\n".encode())
            return 1
        try:
            return await self._verb(process, verb)
        except ProtocolError as error:
            process.stdout.write(f"error {error.code} {error.text}\n".encode())
            return 1

    async def _verb(self, process: asyncssh.SSHServerProcess[bytes], verb: list[str]) -> int:
        match verb:
            case ["facts"]:
                process.stdout.write(json.dumps(self._guest.facts()).encode() + b"\n")
            case ["run"]:
                await self._run(process)
            case ["check"]:
                await self._check(process)
            case ["attach", token]:
                await self._report(process, self._guest.find(token))
            case _:
                raise ProtocolError("bad_request", "known: facts, check, run, attach TOKEN")
        return 0

    async def _check(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        stdin: Any = process.stdin
        if not (match := _COUNT_LINE.fullmatch(await stdin.readline())):
            raise ProtocolError("bad_request", "expected: jobs COUNT")
        jobs = []
        for _ in range(int(match[1])):
            size = await stdin.readline()
            if not size.strip().isdigit() or int(size) > _LARGEST_JOB:
                raise ProtocolError("bad_request", "expected: NBYTES")
            jobs.append(await stdin.readexactly(int(size)))
        for code, said in await self._guest.check(jobs):
            process.stdout.write(f"checked {code} {len(said)}\n".encode() + said)
        process.stdout.write(b"end check\n")

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        stdin: Any = process.stdin
        while line := await stdin.readline():
            await self._job(process, line, self._guest.clock_ns())

    async def _job(
        self, process: asyncssh.SSHServerProcess[bytes], line: bytes, received_clock_ns: int
    ) -> None:
        stdin: Any = process.stdin
        match = _JOB_LINE.fullmatch(line)
        if not match or int(match[3]) > _LARGEST_JOB:
            raise ProtocolError("bad_request", "expected: job TOKEN DEADLINE_S NBYTES")
        job = await stdin.readexactly(int(match[3]))
        run = await self._guest.prepare(match[1].decode(), float(match[2]), job)
        clock = f"{received_clock_ns} {self._guest.clock_ns()}"
        process.stdout.write(f"ready {run.token} {self._guest.boot_id} {clock}\n".encode())
        while (line := await stdin.readline()) == b"clock\n":
            process.stdout.write(f"clock {self._guest.clock_ns()}\n".encode())
        told_clock_ns = self._guest.clock_ns()
        go = _GO_LINE.fullmatch(line)
        if not go or go[1].decode() != run.token:
            raise ProtocolError("bad_request", "expected: go TOKEN INSTANT_NS")
        self._guest.start(run, int(go[2]))
        process.stdout.write(f"started {run.token} {told_clock_ns}\n".encode())
        await self._report(process, run)

    async def _report(self, process: asyncssh.SSHServerProcess[bytes], run: FioRun) -> None:
        """Step 4 of the protocol: waits for the end, then sends the files."""
        if run.task:
            # The run outlives the connection that waits for it.
            await asyncio.wait([run.task])
        if not run.ended_clock_ns:
            raise ProtocolError("unknown_job", f"run {run.token} was stopped")
        if (garbage := self._guest.faults.garbage) != "none":
            await _babble(process, garbage, run.token)
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
        process.stdout.write(f"ended {run.token} {ended}\n".encode())
        for name, content in (
            ("fio.json", run.result),
            ("fio.log", run.log),
            ("fio-logs", run.logs),
            ("witness", run.witness),
        ):
            process.stdout.write(f"file {name} {len(content)}\n".encode() + content)
        process.stdout.write(f"end {run.token}\n".encode())
        await process.stdout.drain()


async def _babble(process: asyncssh.SSHServerProcess[bytes], garbage: str, token: str) -> None:
    """What no guest script says."""
    match garbage:
        case "text":
            process.stdout.write(b"Last login: Tue\r\n\x1b[31m\xff\xfe\x00 segmentation fault\n")
        case "token":
            process.stdout.write(b"ended another 0 0 1 2 3 4 5 6 00000000-0000\n")
        case "size":
            process.stdout.write(f"ended {token} 0 0 1 2 3 4 5 6 00000000-0000\nfile fio.json -5\n".encode())
        case "line":
            process.stdout.write(b"x" * (1 << 20))
        case "endless":
            while not process.stdout.is_closing():
                process.stdout.write(b"spam " * 200 + b"\n")
                await process.stdout.drain()
                # Where nobody holds it up it would not let go of the event loop.
                await asyncio.sleep(0.001)
