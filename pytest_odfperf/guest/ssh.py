"""One SSH connection to a guest, with its host key pinned; tried until the guest has booted."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_odfperf.errors import GuestError
from pytest_odfperf.guest.connection import (
    Connection,
    Gone,
    NotYetError,
    never_gone,
    not_opened,
    open_connection,
)
from pytest_odfperf.guest.ssh_keys import read_private, read_public
from pytest_odfperf.guest.tunnel import ClusterAccess, Tunnel, TunnelError
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.vm.cloudinit import GUEST_SCRIPT
from pytest_odfperf.vm.spec import RunningVm
from pytest_odfperf.waiting import Deadline, Stop

if TYPE_CHECKING:
    from paramiko import Channel, SSHClient

SSH_PORT = 22
_SCRIPT = f"sudo -n {GUEST_SCRIPT}"
_KEEPALIVE_S = 15
#: paramiko wakes each connection's thread ten times a second to look at the time. Logged in, all that it
#: looks for is a keepalive that is due; an end of the connection wakes it at once.
_LOOK_S = 2.0


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

    def start(self, verb: str, timeout_s: float) -> Channel:
        """Start the guest's script with ``verb``; raises as `exec`."""
        return self.exec(f"{_SCRIPT} {verb}", timeout_s)

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
) -> Connection:
    """Log in to ``vm``, as `open_connection`. Raises the same, and if the host key is another."""
    attempt = partial(_try, cluster, vm, private_key, on_login)
    return open_connection(cluster, vm, attempt, "SSH", deadline, stop, gone=gone, patient=patient)


def _try(
    cluster: ClusterAccess,
    vm: RunningVm,
    private_key: Hidden,
    on_login: Callable[[], None],
    step_s: float,
    banner_s: float,
) -> SshConnection:
    try:
        tunnel = Tunnel.open(cluster, vm.namespace, vm.name, SSH_PORT, timeout_s=step_s)
    except TunnelError as error:
        raise not_opened(vm, error, f"tunnel to port {SSH_PORT}") from error
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
        raise NotYetError(
            f"sshd answers but refuses user {vm.user!r}: cloud-init has not ended, or failed ({error})"
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        client.close()
        broke = f" ({tunnel.error})" if tunnel.error else ""
        raise NotYetError(f"SSH handshake: {error}{broke}") from error
    if (connected := client.get_transport()) is not None:
        connected.set_keepalive(_KEEPALIVE_S)
        tunnel.local.settimeout(_LOOK_S)
    return client
