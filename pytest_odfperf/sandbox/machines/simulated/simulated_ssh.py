"""The SSH server of a simulated guest: guest protocol v1 over exec, behind the guest's own host key."""

from __future__ import annotations

import asyncio
import shlex
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh

from pytest_odfperf.sandbox.machines.simulated.guest_verbs import GuestVerbs
from pytest_odfperf.sandbox.machines.simulated.simulated_guest import SimulatedGuest
from pytest_odfperf.sandbox.machines.user_data import GUEST_SCRIPT, UserData


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
        return await GuestVerbs(self._guest, process.stdin, process.stdout).call(verb)
