"""One SSH connection to a guest, with its host key pinned; tried until the guest has booted."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_odfperf.errors import GuestError, OdfError
from pytest_odfperf.guest.ssh_keys import read_private, read_public
from pytest_odfperf.guest.tunnel import ClusterAccess, Tunnel, TunnelError
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.vm.spec import RunningVm
from pytest_odfperf.waiting import Deadline, Stop

if TYPE_CHECKING:
    from paramiko import Channel, SSHClient

SSH_PORT = 22
_KEEPALIVE_S = 15
#: paramiko wakes each connection's thread ten times a second to look at the time. Logged in, all that it
#: looks for is a keepalive that is due; an end of the connection wakes it at once.
_LOOK_S = 2.0
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


class SshConnection:
    """An open connection. Made by `connect`."""

    def __init__(self, tunnel: Tunnel, client: SSHClient) -> None:
        self._tunnel = tunnel
        self._client = client

    @property
    def alive(self) -> bool:
        """Whether the connection is up; takes two seconds if it is."""
        transport = self._client.get_transport()
        if transport is None:
            return False
        # Its thread ends the channels a moment before it calls itself ended; on a busy machine a long one.
        transport.join(2.0)
        return transport.is_active()

    @property
    def broke(self) -> str:
        """Why the connection ended, as far as it is known."""
        return str(self._tunnel.error or "the connection was closed")

    def exec(self, command: str, timeout_s: float) -> Channel:
        """Start ``command``; raises `OSError` or paramiko's SSHException if the connection is gone."""
        from paramiko import SSHException

        transport = self._client.get_transport()
        if transport is None:
            raise SSHException(self.broke)
        channel = transport.open_session(timeout=timeout_s)
        channel.settimeout(timeout_s)
        channel.exec_command(command)
        return channel

    def close(self) -> None:
        """End the connection, its threads and its tunnel."""
        # Cut first: paramiko's thread ends at once when its socket does.
        self._tunnel.cut()
        with contextlib.suppress(Exception):
            self._client.close()
        self._tunnel.close()


def connect(
    cluster: ClusterAccess,
    vm: RunningVm,
    private_key: Hidden,
    deadline: Deadline,
    stop: Stop,
    *,
    on_login: Callable[[], None] = lambda: None,
    gone: Gone = never_gone,
    patient: bool = False,
) -> SshConnection:
    """Log in to ``vm``; repeated while it boots, or (``patient``) while it is busy with fio.

    Raises `GuestError` with the last state after the deadline, and at once if waiting is of no use: the
    host key is not the one that was injected, the API server forbids the tunnel, or ``gone`` says why the
    VM will never answer.
    """
    trouble = cluster.outages.met()
    attempt = 0
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
                connection = _try(cluster, vm, private_key, step_s, banner_s, on_login)
            except _NotYetError as error:
                state = str(error)
                if error.refused:
                    refused_s = refused_s or began_s
                    if time.monotonic() - refused_s > cluster.outage_s:
                        back = False
                        raise _refusal(vm, error) from error
                if error.outage is not None:
                    trouble.failed(error.outage, began_s)
                else:
                    trouble.ended(back=True)
                    # An API server in trouble can not tell, and would only keep this waiting.
                    if time.monotonic() - asked_s > _ASK_GONE_S:
                        asked_s = time.monotonic()
                        if why := gone(vm.name):
                            raise GuestError(vm.name, f"{why}; SSH said: {state}", "gone") from error
            else:
                trouble.ended(back=True)
                if stop.is_set():  # nobody waits for it any more
                    connection.close()
                    stop.check()
                return connection
            if deadline.left_s() <= (pause_s := _PAUSE_S[min(attempt, len(_PAUSE_S) - 1)]):
                back = False
                raise GuestError(
                    vm.name,
                    f"SSH did not answer within {deadline.seconds:.0f} s; last state: {state}; "
                    "next: look at the guest's console, or raise timeouts.ssh",
                    "ssh",
                )
            stop.sleep(pause_s)
            attempt += 1
    finally:
        trouble.ended(back=back)


def _refusal(vm: RunningVm, error: Exception) -> GuestError:
    return GuestError(
        vm.name,
        f"the API server refuses the tunnel: {error}; next: log in again, or give the account the "
        "verb get on virtualmachineinstances/portforward of subresources.kubevirt.io",
        "forbidden",
    )


class _NotYetError(OdfError):
    """This attempt failed; the next one may not. ``outage``: it is the API server that is in trouble."""

    def __init__(self, state: str, outage: str | None = None, *, refused: bool = False) -> None:
        self.outage = outage
        #: The token has ended, or is not the new one yet.
        self.refused = refused
        super().__init__(state)


def _try(
    cluster: ClusterAccess,
    vm: RunningVm,
    private_key: Hidden,
    step_s: float,
    banner_s: float,
    on_login: Callable[[], None],
) -> SshConnection:
    try:
        tunnel = Tunnel.open(cluster, vm.namespace, vm.name, SSH_PORT, timeout_s=step_s)
    except TunnelError as error:
        if error.distrusted:
            raise GuestError(
                vm.name, f"the tunnel can not be opened: {error}; it is not tried again", "forbidden"
            ) from error
        if error.status == 403:
            raise _refusal(vm, error) from error
        if error.status == 404:
            raise GuestError(vm.name, f"its instance is gone: {error}", "gone") from error
        state = f"tunnel to port {SSH_PORT}: {error}"
        raise _NotYetError(state, error.outage, refused=error.status == 401) from error
    try:
        connection = SshConnection(tunnel, _log_in(tunnel, vm, private_key, step_s, banner_s))
    except BaseException:
        tunnel.close()
        raise
    on_login()
    return connection


def _log_channel() -> str:
    """paramiko's own log: attempts that fail while a guest boots are no errors, and the others are raised."""
    name = "pytest_odfperf.ssh"
    logger = logging.getLogger(name)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    return name


def _log_in(tunnel: Tunnel, vm: RunningVm, private_key: Hidden, step_s: float, banner_s: float) -> SSHClient:
    import paramiko

    def transport(*arguments: Any, **more: Any) -> paramiko.Transport:
        made = paramiko.Transport(*arguments, **more)
        made.handshake_timeout = step_s
        # First those that authenticate by themselves: paramiko compares other MACs byte by byte in Python.
        options = made.get_security_options()
        options.ciphers = sorted(options.ciphers, key=lambda cipher: "-gcm@" not in cipher)
        return made

    client = paramiko.SSHClient()
    client.set_log_channel(_log_channel())
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.get_host_keys().add(vm.name, "ssh-ed25519", read_public(vm.host_key_public))
    options: dict[str, Any] = {
        "username": vm.user,
        "pkey": read_private(private_key),
        "sock": tunnel.local,
        "allow_agent": False,
        "look_for_keys": False,
        "timeout": banner_s + step_s,
        "banner_timeout": banner_s,
        "auth_timeout": step_s,
        "transport_factory": transport,
    }
    try:
        client.connect(vm.name, **options)
    except paramiko.BadHostKeyException as error:
        client.close()
        raise GuestError(
            vm.name,
            f"the host key is not the one that was injected (it answers with {error.key.get_name()} "
            f"{error.key.fingerprint}): this is not our guest, or its cloud-init did not run; refused",
            "host_key",
        ) from error
    except paramiko.AuthenticationException as error:
        client.close()
        raise _NotYetError(
            f"sshd answers but refuses user {vm.user!r}: cloud-init has not ended, or failed ({error})"
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        client.close()
        broke = f" ({tunnel.error})" if tunnel.error else ""
        raise _NotYetError(f"SSH handshake: {error}{broke}") from error
    if (connected := client.get_transport()) is not None:
        connected.set_keepalive(_KEEPALIVE_S)
        tunnel.local.settimeout(_LOOK_S)
    return client
