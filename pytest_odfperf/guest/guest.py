"""A guest: one SSH connection for the group's whole life, and the benchmark service behind it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pytest_odfperf.errors import DeadlineError, GuestError, InterruptedRunError, OdfError
from pytest_odfperf.guest.exchange import ConnectionLostError, Exchange
from pytest_odfperf.guest.ssh import SshConnection, connect
from pytest_odfperf.guest.tunnel import ClusterAccess
from pytest_odfperf.vm.cloudinit import GUEST_SCRIPT
from pytest_odfperf.vm.spec import RunningVm
from pytest_odfperf.waiting import Deadline, Stop

_SCRIPT = f"sudo -n {GUEST_SCRIPT}"
_TOKEN = re.compile(r"[A-Za-z0-9-]{1,128}", re.ASCII)
_FACTS_S = 60.0
#: A connection that was lost is opened again within this, or an outage of the API server, if there is time.
_RECONNECT_S = 60.0
#: After the fio deadline: the 15 s that fio has to heed SIGTERM, and the way of the results.
AFTER_DEADLINE_S = 60.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestRun:
    """One run of fio in one guest. Times are of the guest's clock."""

    name: str
    exit_code: int
    timed_out: bool
    started_epoch_ns: int
    ended_epoch_ns: int
    #: What fio wrote to ``--output``; empty if it wrote nothing.
    fio_json: bytes
    #: fio's stdout and stderr.
    fio_log: bytes
    #: When the guest said that its service started.
    announced_epoch_ns: int | None
    boot_id: str | None
    #: Connections that were lost and opened again meanwhile.
    reconnects: int


class Guest:
    """A guest that is logged in. Made by `connect`; used by one thread at a time."""

    def __init__(self, cluster: ClusterAccess, vm: RunningVm, client_key: str, stop: Stop) -> None:
        self.vm = vm
        self.name = vm.name
        #: Logins so far; 1 unless a connection was lost.
        self.handshakes = 0
        #: What the guest said of itself: kernel, fio version, boot id, CPUs, disks, marking.
        self.facts: dict[str, Any] = {}
        self._cluster = cluster
        self._client_key = client_key
        self._stop = stop
        self._ssh: SshConnection | None = None
        self._exchange: Exchange | None = None
        self._token: str | None = None
        self._announced_ns: int | None = None
        self._closed = False

    @classmethod
    def connect(
        cls, cluster: ClusterAccess, vm: RunningVm, client_key: str, *, ssh_s: float, stop: Stop
    ) -> Guest:
        """Log in to ``vm`` as soon as it answers, with ``client_key`` (PEM), and ask it what it is.

        Raises `GuestError`, also after ``ssh_s``.
        """
        guest = cls(cluster, vm, client_key, stop)
        try:
            guest._open(Deadline(f"SSH of guest {vm.name}", ssh_s))
            guest.facts = guest._ask_facts()
        except BaseException:
            guest.close()
            raise
        return guest

    def _ask_facts(self) -> dict[str, Any]:
        deadline = Deadline(f"the facts of guest {self.name}", _FACTS_S)

        def ask() -> dict[str, Any]:
            exchange = self._start("facts", deadline)
            text = exchange.rest(deadline, "no facts yet")
            try:
                facts = json.loads(text)
            except ValueError as error:
                said = (exchange.ended_with() or text.decode("utf-8", "replace"))[:300]
                raise GuestError(self.name, f"its facts are not JSON: {said!r}") from error
            if not isinstance(facts, dict):
                raise GuestError(self.name, "its facts are not a JSON object")
            return facts

        return self._with_one_reconnect(ask, deadline)

    def prepare(self, job: bytes, token: str, *, deadline_s: float, prepare_s: float) -> None:
        """Hand over a job (empty: the one that is baked in) and wait until the guest could start it.

        ``deadline_s`` is what fio gets; ``prepare_s`` how long the guest may take, its layout included.
        """
        if not _TOKEN.fullmatch(token):
            raise ValueError(f"token {token!r}: letters, digits and '-' only")
        request = f"job {token} {math.ceil(deadline_s)} {len(job)}\n".encode() + job
        deadline = Deadline(f"guest {self.name} to be ready for its job", prepare_s)
        self._token = None

        def ask() -> None:
            self._exchange = self._start("run", deadline)
            self._exchange.send(request)
            self._expect("ready", token, deadline, "waiting for the layout of the test file")

        self._with_one_reconnect(ask, deadline)
        self._token = token

    def go(self) -> None:
        """Start the job that was prepared; returns when the word is sent."""
        if self._exchange is None or self._token is None:
            raise GuestError(self.name, "was not prepared")
        self._announced_ns = None
        try:
            self._exchange.send(b"go\n")
        except ConnectionLostError as error:
            raise GuestError(self.name, f"the connection was lost before the start: {error}") from error

    def finish(self, *, deadline_s: float) -> GuestRun:
        """Wait for the job that was started, and take its results.

        A connection that is lost meanwhile is opened again, and the guest asked for the same job.
        """
        deadline = Deadline(f"the results of guest {self.name}", deadline_s + AFTER_DEADLINE_S)
        before = self.handshakes
        exchange = self._exchange
        while True:
            try:
                if exchange is None:
                    exchange = self._start(f"attach {self._token}", deadline)
                return self._results(exchange, deadline, before)
            except ConnectionLostError as error:
                self._reopen(error, deadline)
                exchange = None
            except DeadlineError as error:
                raise GuestError(self.name, str(error)) from error
            finally:
                self._exchange = None

    def close(self) -> None:
        """End the connection. The guest goes on with whatever it does."""
        self._closed = True
        if self._ssh is not None:
            self._ssh.close()

    def _results(self, exchange: Exchange, deadline: Deadline, handshakes: int) -> GuestRun:
        token = str(self._token)
        line = exchange.line(deadline, "fio runs")
        if line.startswith("started "):
            self._announced_ns = int(self._fields(line, "started", token, 1)[0])
            line = exchange.line(deadline, "fio runs")
        code, timed_out, started, ended = (int(f) for f in self._fields(line, "ended", token, 4))
        files: dict[str, bytes] = {}
        while (line := exchange.line(deadline, "the results are on their way")).startswith("file "):
            name, size = self._fields(line, "file", None, 2)
            files[name] = exchange.file(int(size), deadline, f"{name} is on its way")
        self._fields(line, "end", token, 0)
        return GuestRun(
            name=self.name,
            exit_code=code,
            timed_out=bool(timed_out),
            started_epoch_ns=started,
            ended_epoch_ns=ended,
            fio_json=files.get("fio.json", b""),
            fio_log=files.get("fio.log", b""),
            announced_epoch_ns=self._announced_ns,
            boot_id=self.facts.get("boot_id"),
            reconnects=self.handshakes - handshakes,
        )

    def _expect(self, word: str, token: str, deadline: Deadline, state: str) -> None:
        if self._exchange is None:
            raise GuestError(self.name, "was asked nothing")
        self._fields(self._exchange.line(deadline, state), word, token, 0)

    def _fields(self, line: str, word: str, token: str | None, count: int) -> list[str]:
        """The fields of an answer after ``word`` and ``token``; `GuestError` if it is another answer."""
        fields = line.split(" ")
        lead = [word] if token is None else [word, token]
        found = fields[len(lead) :]
        numbers = found[1:] if word == "file" else found
        if fields[: len(lead)] == lead and len(found) == count and all(_is_integer(n) for n in numbers):
            return found
        if fields[0] == "error" and len(fields) > 1:
            raise GuestError(self.name, f"{fields[1]}: {' '.join(fields[2:])}")
        raise GuestError(self.name, f"answered {line[:200]!r} where {' '.join(lead)!r} was due")

    def _start(self, verb: str, deadline: Deadline) -> Exchange:
        from paramiko import SSHException

        if self._ssh is None:
            raise ConnectionLostError("there is no connection")
        try:
            channel = self._ssh.exec(f"{_SCRIPT} {verb}", max(1.0, deadline.left_s()))
        except (SSHException, OSError, EOFError) as error:
            raise ConnectionLostError(f"{error} ({self._ssh.broke})") from error
        return Exchange(self.name, channel, self._stop)

    def _with_one_reconnect(self, ask: Callable[[], T], deadline: Deadline) -> T:
        try:
            try:
                return ask()
            except ConnectionLostError as error:
                self._reopen(error, deadline)
                return ask()
        except ConnectionLostError as error:
            raise GuestError(self.name, f"does not do what it is asked: {error}") from error
        except DeadlineError as error:
            raise GuestError(self.name, str(error)) from error

    def _reopen(self, cause: OdfError, deadline: Deadline) -> None:
        if self._closed:
            raise InterruptedRunError("the connection was closed by us") from cause
        alive = self._ssh is not None and self._ssh.alive
        if alive:
            # The connection is well, so it is the command that ended: the next one would end the same way.
            raise GuestError(self.name, f"the guest script ended in the middle: {cause}") from cause
        left_s = deadline.left_s()
        if left_s <= 0:
            raise GuestError(self.name, f"the connection was lost ({cause}), and the time is over") from cause
        if self._ssh is not None:
            self._ssh.close()
        self._open(
            Deadline(
                f"SSH of guest {self.name} again", min(left_s, max(_RECONNECT_S, self._cluster.outage_s))
            )
        )

    def _open(self, deadline: Deadline) -> None:
        self._ssh = connect(self._cluster, self.vm, self._client_key, deadline, self._stop, self._count_login)

    def _count_login(self) -> None:
        self.handshakes += 1


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,20}", text, re.ASCII) is not None
