"""The way into a guest, whatever it is: tried until the guest answers, and what it is then good for."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import Protocol

from pytest_odfperf.errors import GuestError, OdfError
from pytest_odfperf.guest.api_websocket import ClusterAccess, TunnelError
from pytest_odfperf.vm.spec import RunningVm
from pytest_odfperf.waiting import Deadline, Stop

#: The least that one attempt gives the tunnel, the key exchange, the login, each; and the banner. While a
#: guest boots something may accept connections before sshd is there and never answer them, so the banner
#: gets less then.
_STEP_S = 15.0
_BOOT_BANNER_S = 5.0
#: A guest that is slow, or busy with fio, needs longer than that: each attempt gets at least this share of
#: the time that went by. Attempts that are given up and begun anew would only keep it from ever answering.
_PATIENCE = 0.25
_PAUSE_S = (0.1, 0.2, 0.3, 0.5)
_ASK_GONE_S = 2.0

#: Why a VM is not there any more, None while it is.
Gone = Callable[[str], str | None]


def never_gone(name: str) -> str | None:  # noqa: ARG001 - a `Gone`
    """For those who can not know."""
    return None


class Channel(Protocol):
    """A command of the guest that runs: its stdin, stdout and stderr. What paramiko's channels can do."""

    @property
    def closed(self) -> bool: ...

    @property
    def eof_received(self) -> int: ...

    @property
    def exit_status(self) -> int:
        """-1: not told."""
        ...

    @property
    def status_event(self) -> Event:
        """Set when the exit status is told."""
        ...

    def settimeout(self, timeout: float | None) -> None: ...

    def send(self, data: bytes, /) -> int: ...

    def recv(self, nbytes: int, /) -> bytes:
        """Nothing: the command ended its output."""
        ...

    def recv_stderr_ready(self) -> bool: ...

    def recv_stderr(self, nbytes: int, /) -> bytes: ...

    def close(self) -> None: ...


class Connection(Protocol):
    """A way into a guest that is open."""

    @property
    def alive(self) -> bool:
        """Whether it is up; takes some time if it is."""
        ...

    @property
    def broke(self) -> str:
        """Why it ended, as far as it is known."""
        ...

    def start(self, verb: str, timeout_s: float) -> Channel:
        """Start the guest's script with ``verb``; raises `OSError` and the like if the connection is gone."""
        ...

    def close(self) -> None: ...


#: Opens a connection: seconds for each step, and for the guest to say something at all. Raises `NotYetError`
#: if it may go well the next time, else `GuestError`.
Attempt = Callable[[float, float], Connection]


class NotYetError(OdfError):
    """This attempt failed; the next one may not. ``outage``: it is the API server that is in trouble."""

    def __init__(self, state: str, outage: str | None = None, *, refused: bool = False) -> None:
        self.outage = outage
        #: The token has ended, or is not the new one yet.
        self.refused = refused
        super().__init__(state)


def open_connection(
    cluster: ClusterAccess,
    vm: RunningVm,
    attempt: Attempt,
    what: str,
    deadline: Deadline,
    stop: Stop,
    *,
    gone: Gone = never_gone,
    patient: bool = False,
) -> Connection:
    """Open a connection to ``vm`` by ``attempt``; repeated while it boots, or (``patient``) is busy with fio.

    ``what`` the attempt speaks to, for messages. Raises `GuestError` with the last state after the deadline,
    and at once if waiting is of no use: what answers is not the guest, the API server forbids it, or
    ``gone`` says why the VM will never answer.
    """
    trouble = cluster.outages.met()
    attempts = 0
    refused_s: float | None = None
    back: bool | None = None
    asked_s = time.monotonic()
    try:
        while True:
            stop.check()
            began_s = time.monotonic()
            left_s = max(1.0, deadline.left_s())
            share_s = _PATIENCE * (deadline.seconds - deadline.left_s())
            step_s = min(max(_STEP_S, share_s), left_s)
            banner_s = step_s if patient else min(max(_BOOT_BANNER_S, share_s), left_s)
            try:
                connection = attempt(step_s, banner_s)
            except NotYetError as error:
                state = str(error)
                if error.refused:
                    refused_s = refused_s or began_s
                    if time.monotonic() - refused_s > cluster.outage_s:
                        back = False
                        raise refusal(vm, error) from error
                if error.outage is not None:
                    trouble.failed(error.outage, began_s)
                else:
                    trouble.ended(back=True)
                    # An API server in trouble can not tell, and would only keep this waiting.
                    if time.monotonic() - asked_s > _ASK_GONE_S:
                        asked_s = time.monotonic()
                        if why := gone(vm.name):
                            raise GuestError(vm.name, f"{why}; {what} said: {state}", "gone") from error
            else:
                trouble.ended(back=True)
                if stop.is_set():  # nobody waits for it any more
                    connection.close()
                    stop.check()
                return connection
            if deadline.left_s() <= (pause_s := _PAUSE_S[min(attempts, len(_PAUSE_S) - 1)]):
                back = False
                raise GuestError(
                    vm.name,
                    f"{what} did not answer within {deadline.seconds:.0f} s; last state: {state}; "
                    "next: look at the guest's console, or raise timeouts.ssh",
                    "ssh",
                )
            stop.sleep(pause_s)
            attempts += 1
    finally:
        trouble.ended(back=back)


_VERBS = {
    "vm": "get on virtualmachineinstances/portforward of subresources.kubevirt.io",
    "pod": "get and create on pods/exec",
}


def refusal(vm: RunningVm, error: Exception) -> GuestError:
    """The API server forbids the way to ``vm``."""
    return GuestError(
        vm.name,
        f"the API server refuses the tunnel: {error}; next: log in again, or give the account the "
        f"verb {_VERBS[vm.machine]}",
        "forbidden",
    )


def not_opened(vm: RunningVm, error: TunnelError, what: str) -> Exception:
    """What an attempt raises whose WebSocket could not be opened."""
    if error.distrusted:
        return GuestError(
            vm.name, f"the tunnel can not be opened: {error}; it is not tried again", "forbidden"
        )
    if error.status == 403:
        return refusal(vm, error)
    if error.status == 404:
        return GuestError(vm.name, f"its instance is gone: {error}", "gone")
    return NotYetError(f"{what}: {error}", error.outage, refused=error.status == 401)
