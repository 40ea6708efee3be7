"""A guest: one connection for the group's whole life, and the benchmark service behind it."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from pytest_odfperf.errors import DeadlineError, GuestError, InterruptedRunError, OdfError
from pytest_odfperf.guest import pod_exec, ssh
from pytest_odfperf.guest.answers import GuestRun, Ready, read_checked, read_ready, read_result
from pytest_odfperf.guest.api_websocket import ClusterAccess
from pytest_odfperf.guest.common_times import Told, ask_clock, place
from pytest_odfperf.guest.connection import Connection, Gone, never_gone
from pytest_odfperf.guest.exchange import ConnectionLostError, Exchange
from pytest_odfperf.guest.guest_clock import GuestClock
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.vm.spec import RunningVm
from pytest_odfperf.waiting import Deadline, Stop

__all__ = ["AFTER_DEADLINE_S", "Guest", "GuestRun"]

_TOKEN = re.compile(r"[A-Za-z0-9-]{1,128}", re.ASCII)
_FACTS_S = 60.0
#: After the fio deadline: the 15 s that fio has to heed SIGTERM, and the way of the results.
AFTER_DEADLINE_S = 60.0

#: Of a kernel's clock that everybody may read; in a VM the script is root, and reads a better one.
_STEP_NS = {"vm": 0, "pod": 10_000_000}

T = TypeVar("T")


class Guest:
    """A guest that is logged in. Made by `connect`; used by one thread at a time."""

    def __init__(
        self,
        cluster: ClusterAccess,
        vm: RunningVm,
        client_key: Hidden,
        ssh_s: float,
        stop: Stop,
        gone: Gone = never_gone,
    ) -> None:
        self.vm = vm
        self.name = vm.name
        #: Logins so far; 1 unless a connection was lost.
        self.handshakes = 0
        #: What the guest said of itself: kernel, fio version, boot id, CPUs, disks, marking.
        self.facts: dict[str, Any] = {}
        self._cluster = cluster
        self._client_key = client_key
        self._ssh_s = ssh_s
        self._stop = stop
        self._gone = gone
        self._connection: Connection | None = None
        #: Its steady clock against ours.
        self.clock = GuestClock(step_ns=_STEP_NS[vm.machine])
        #: The command that takes one job after the other; not there while somebody waits for a result.
        self._exchange: Exchange | None = None
        self._token: str | None = None
        self._request = b""
        self._prepared = False
        self._told: Told | None = None
        self._closed = False

    @classmethod
    def connect(
        cls,
        cluster: ClusterAccess,
        vm: RunningVm,
        client_key: Hidden,
        *,
        ssh_s: float,
        stop: Stop,
        gone: Gone = never_gone,
    ) -> Guest:
        """Log in to ``vm`` as soon as it answers, with ``client_key`` (PEM), and ask it what it is.

        A connection that is lost later gets ``ssh_s`` too. ``gone`` is asked now and then whether waiting
        is of any use. Raises `GuestError`.
        """
        guest = cls(cluster, vm, client_key, ssh_s, stop, gone)
        try:
            guest._open(Deadline(f"SSH of guest {vm.name}", ssh_s), patient=False)
            guest.facts = guest._ask_facts()
        except BaseException:
            guest.close()
            raise
        return guest

    @property
    def boot_id(self) -> str | None:
        """Of the boot that this guest was met in."""
        return self.facts.get("boot_id")

    def _ask_facts(self) -> dict[str, Any]:
        deadline = Deadline(f"the facts of guest {self.name}", _FACTS_S)

        def ask() -> dict[str, Any]:
            exchange = self._start("facts", deadline)
            text = exchange.rest(deadline, "no facts yet")
            try:
                facts = json.loads(text)
            except (ValueError, RecursionError) as error:
                said = (exchange.ended_with() or text.decode("utf-8", "replace"))[:300]
                raise GuestError(self.name, f"its facts are not JSON: {said!r}") from error
            if not isinstance(facts, dict):
                raise GuestError(self.name, "its facts are not a JSON object")
            return facts

        return self._with_one_reconnect(ask, deadline)

    def check(self, jobs: Sequence[bytes], *, check_s: float) -> list[tuple[int, str]]:
        """Ask the guest's fio whether it takes ``jobs``: how ``fio --parse-only`` ends, and its words.

        ``check_s`` is how long the guest may take; one that still installs fio takes its time.
        """
        deadline = Deadline(f"guest {self.name} to check its jobs", check_s)
        request = f"jobs {len(jobs)}\n".encode() + b"".join(b"%d\n%s" % (len(job), job) for job in jobs)

        def ask() -> list[tuple[int, str]]:
            exchange = self._start("check", deadline)
            exchange.send(request)
            return read_checked(self.name, exchange, len(jobs), deadline)

        return self._with_one_reconnect(ask, deadline)

    def prepare(self, job: bytes, token: str, *, deadline_s: float, prepare_s: float) -> None:
        """Hand over a job (empty: the one that is baked in) and wait until the guest could start it.

        ``deadline_s`` is what fio gets; ``prepare_s`` how long the guest may take, its layout included.
        """
        if not _TOKEN.fullmatch(token):
            raise ValueError(f"token {token!r}: letters, digits and '-' only")
        self._token = token
        self._request = f"job {token} {math.ceil(deadline_s)} {len(job)}\n".encode() + job
        self.prepare_again(prepare_s=prepare_s)

    def prepare_again(self, *, prepare_s: float) -> None:
        """The last `prepare` once more, on a connection that was lost since."""
        deadline = Deadline(f"guest {self.name} to be ready for its job", prepare_s)
        self._prepared = False

        def ask() -> tuple[Exchange, Ready]:
            exchange, self._exchange = self._exchange, None
            if exchange is None or not exchange.open:
                exchange = self._start("run", deadline)
            sent_ns = time.monotonic_ns()
            exchange.send(self._request)
            ready = read_ready(self.name, exchange, str(self._token), deadline)
            self.clock.exchanged(
                sent_ns, ready.received_clock_ns, ready.answered_clock_ns, time.monotonic_ns()
            )
            ask_clock(self.name, self.clock, exchange, deadline)
            return exchange, ready

        self._exchange, ready = self._with_one_reconnect(ask, deadline)
        self._check_boot(ready.boot_id, "before its job")
        self._prepared = True

    @property
    def ready(self) -> bool:
        """Whether the connection on which the guest waits for the word is up."""
        return self._prepared and self._exchange is not None and self._exchange.open

    def go(self, start_ns: int = 0) -> None:
        """Have the job that was prepared begin at ``start_ns`` of our monotonic clock; 0: at once.

        Returns when the word is sent. A guest that has it too late begins at once, and says so.
        """
        if self._exchange is None or not self._prepared:
            raise GuestError(self.name, "was not prepared", "not_started")
        at_ns = max(0, start_ns + self.clock.offset_ns) if start_ns else 0
        now_ns = time.monotonic_ns()
        self._told = Told(start_clock_ns=at_ns, told_ns=now_ns, epoch_ours_ns=time.time_ns() - now_ns)
        try:
            self._exchange.send(f"go {self._token} {at_ns}\n".encode())
        except ConnectionLostError as error:
            raise GuestError(
                self.name, f"the connection was lost before the start: {error}", "not_started"
            ) from error

    def finish(self, *, deadline_s: float) -> GuestRun:
        """Wait for the job that was started, and take its results.

        A connection that is lost meanwhile is opened again, and the guest asked for the same job. Results
        of another boot than the one that the guest was met in are refused.
        """
        deadline = Deadline(f"the results of guest {self.name}", deadline_s + AFTER_DEADLINE_S)
        before = self.handshakes
        exchange, self._exchange = self._exchange, None
        self._prepared = False
        takes_jobs = exchange
        while True:
            try:
                if exchange is None:
                    exchange = self._start(f"attach {self._token}", deadline)
                run = read_result(self.name, exchange, str(self._token), deadline)
                self._check_boot(run.boot_id, "while fio ran")
            except ConnectionLostError as error:
                self._reopen(error, deadline)
                exchange = None
            except DeadlineError as error:
                raise GuestError(self.name, str(error), "silent") from error
            except GuestError as error:
                if error.reason in ("not_started", "service_failed") and self.handshakes > before:
                    # After a reboot nothing is left of the job.
                    self._check_boot(str(self._ask_facts().get("boot_id")), "while fio ran")
                raise
            else:
                if exchange is takes_jobs:
                    self._exchange = exchange
                common = (
                    None if self._told is None else place(run, self.clock, self._told, time.monotonic_ns())
                )
                return dataclasses.replace(run, reconnects=self.handshakes - before, common=common)

    def _check_boot(self, boot_id: str, when: str) -> None:
        if boot_id == self.boot_id:
            return
        if why := self._gone(self.name):
            # Another instance under its name: KubeVirt made it after the first one ended.
            raise GuestError(self.name, f"{why}, {when}", "gone")
        raise GuestError(
            self.name, f"it rebooted {when} (boot id {self.boot_id} became {boot_id})", "rebooted"
        )

    def close(self) -> None:
        """End the connection. The guest goes on with whatever it does."""
        self._closed = True
        if self._connection is not None:
            self._connection.close()

    def _start(self, verb: str, deadline: Deadline) -> Exchange:
        from paramiko import SSHException

        if self._connection is None:
            raise ConnectionLostError("there is no connection")
        try:
            channel = self._connection.start(verb, max(1.0, deadline.left_s()))
        except (SSHException, OSError, EOFError) as error:
            raise ConnectionLostError(f"{error} ({self._connection.broke})") from error
        return Exchange(self.name, channel, self._stop)

    def _with_one_reconnect(self, ask: Callable[[], T], deadline: Deadline) -> T:
        try:
            try:
                return ask()
            except ConnectionLostError as error:
                self._reopen(error, deadline)
                return ask()
        except ConnectionLostError as error:
            raise GuestError(self.name, f"does not do what it is asked: {error}", "connection") from error
        except DeadlineError as error:
            raise GuestError(self.name, str(error), "silent") from error

    def _reopen(self, cause: OdfError, deadline: Deadline) -> None:
        if self._closed:
            raise InterruptedRunError("the connection was closed by us") from cause
        alive = self._connection is not None and self._connection.alive
        if alive:
            # The connection is well, so it is the command that ended: the next one would end the same way.
            raise GuestError(self.name, f"the guest script ended in the middle: {cause}") from cause
        left_s = deadline.left_s()
        if left_s <= 0:
            raise GuestError(
                self.name, f"the connection was lost ({cause}), and the time is over", "connection"
            ) from cause
        if self._connection is not None:
            self._connection.close()
        again_s = min(left_s, max(self._ssh_s, self._cluster.outage_s))
        try:
            self._open(Deadline(f"SSH of guest {self.name} again", again_s), patient=True)
        except GuestError as error:
            if error.reason != "ssh":
                raise
            problem = f"the connection was lost ({cause}) and could not be opened again: {error.problem}"
            raise GuestError(self.name, problem, "connection") from error

    def _open(self, deadline: Deadline, *, patient: bool) -> None:
        connect = (
            partial(ssh.connect, self._cluster, self.vm, self._client_key)
            if self.vm.machine == "vm"
            else partial(pod_exec.connect, self._cluster, self.vm)
        )
        self._connection = connect(
            deadline, self._stop, on_login=self._count_login, gone=self._gone, patient=patient
        )

    def _count_login(self) -> None:
        self.handshakes += 1
