"""Commands in a pod, through the API server's ``pods/exec``: a WebSocket for each command.

Its binary messages begin with the number of a channel: stdin, stdout, stderr, and one on which the end is
told as a Status (k8s.io/apimachinery ``pkg/util/remotecommand``, k8s.io/client-go ``tools/remotecommand``).
Version 5 of the subprotocol differs from 4 by a message that closes a channel, which is not needed here.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from pytest_odfperf.guest.api_websocket import ClusterAccess, TunnelError, open_websocket
from pytest_odfperf.guest.connection import (
    Channel,
    Connection,
    Gone,
    NotYetError,
    never_gone,
    not_opened,
    open_connection,
)
from pytest_odfperf.guest.tunnel import Tunnel
from pytest_odfperf.vm.pod_manifest import CONTAINER, command
from pytest_odfperf.vm.spec import RunningVm
from pytest_odfperf.waiting import Deadline, Stop

SUBPROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDIN, _STDOUT, _STDERR, _STATUS = range(4)
_LONGEST_STDERR = 64 << 10
_LONGEST_STATUS = 64 << 10
#: What ends well and says nothing: whether commands can be run at all.
_PROBE = ("sh", "-c", ":")


class PodChannel(Tunnel):
    """A command that runs in a pod, as a `Channel`."""

    def __init__(self, websocket: Any) -> None:
        self.closed = False
        self.eof_received = False
        self.exit_status = -1
        self.status_event = threading.Event()
        #: The words of a command that could not be run.
        self.problem = ""
        self._stderr = b""
        self._status = b""
        super().__init__(websocket)

    @classmethod
    def run(
        cls, cluster: ClusterAccess, namespace: str, pod: str, words: Sequence[str], *, timeout_s: float
    ) -> PodChannel:
        """Start a command. Raises `TunnelError` with the server's words."""
        query = [
            ("container", CONTAINER),
            *(("command", word) for word in words),
            *((stream, "true") for stream in ("stdin", "stdout", "stderr")),
        ]
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/exec"
        return cls(open_websocket(cluster, f"{path}?{urlencode(query)}", SUBPROTOCOLS, timeout_s=timeout_s))

    @property
    def ended(self) -> bool:
        """Whether the end of the command itself is known; else it was the connection that ended."""
        return self.status_event.is_set() and not self.problem

    def settimeout(self, timeout: float | None) -> None:
        self.local.settimeout(timeout)

    def send(self, data: bytes, /) -> int:
        return self.local.send(data)

    def recv(self, nbytes: int, /) -> bytes:
        try:
            piece = self.local.recv(nbytes)
        except TimeoutError:
            raise
        except OSError:
            self.closed = True
            raise
        self.eof_received = self.eof_received or not piece
        return piece

    def recv_stderr_ready(self) -> bool:
        return bool(self._stderr)

    def recv_stderr(self, nbytes: int, /) -> bytes:
        piece, self._stderr = self._stderr[:nbytes], self._stderr[nbytes:]
        return piece

    def close(self) -> None:
        self.closed = True
        super().close()

    def _run(self) -> None:
        try:
            super()._run()
        finally:
            self.eof_received = True

    def _send(self, piece: bytes) -> None:
        self._websocket.send_binary(bytes((_STDIN,)) + piece)

    def _take(self, piece: bytes) -> None:
        channel, content = piece[0], piece[1:]
        if channel == _STDOUT and content:
            self._far.sendall(content)
        elif channel == _STDERR:
            self._stderr = (self._stderr + content)[-_LONGEST_STDERR:]
        elif channel == _STATUS and len(self._status) < _LONGEST_STATUS:
            self._status += content
            self._read_status()

    def _read_status(self) -> None:
        """The end of the command, once the Status is whole."""
        try:
            status = json.loads(self._status)
        except ValueError:
            return
        code = _exit_code(status)
        if code is None:
            self.problem = str(status.get("message") if isinstance(status, dict) else status)[:600]
        else:
            self.exit_status = code
        self.status_event.set()
        # Nobody reads the rest of its stdin, and who waits for its stdout shall see the end.
        self._far.shutdown(socket.SHUT_WR)


def _exit_code(status: Any) -> int | None:
    """Of a Status on the channel of errors; None: the command did not run, or was ended by the connection."""
    if not isinstance(status, dict):
        return None
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") if isinstance(status.get("details"), dict) else None
    for cause in causes if isinstance(causes, list) else ():
        if isinstance(cause, dict) and cause.get("reason") == "ExitCode":
            text = str(cause.get("message"))
            return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
    return None


class PodConnection:
    """A pod in which commands can be run. Each has its own way through the API server."""

    def __init__(self, cluster: ClusterAccess, vm: RunningVm) -> None:
        self._cluster = cluster
        self._vm = vm
        self._last: PodChannel | None = None
        self._closed = False
        self._problem = ""

    @property
    def alive(self) -> bool:
        """Whether the last command ended by itself, if it did."""
        last = self._last
        if last is None or self._closed:
            return False
        last.status_event.wait(2.0)
        return last.ended

    @property
    def broke(self) -> str:
        last = self._last
        found = self._problem or (last and (last.problem or last.error)) or "the connection was closed"
        return str(found)

    def start(self, verb: str, timeout_s: float) -> Channel:
        """Start the guest's script with ``verb``; raises `OSError`."""
        self._end()
        if self._closed:
            raise OSError("the connection is closed")
        try:
            self._last = PodChannel.run(
                self._cluster, self._vm.namespace, self._vm.name, command(verb), timeout_s=timeout_s
            )
        except TunnelError as error:
            self._problem = str(error)
            raise OSError(str(error)) from error
        self._problem = ""
        return self._last

    def close(self) -> None:
        self._closed = True
        self._end()

    def _end(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            last.close()


def connect(
    cluster: ClusterAccess,
    vm: RunningVm,
    deadline: Deadline,
    stop: Stop,
    *,
    on_login: Callable[[], None] = lambda: None,
    gone: Gone = never_gone,
    patient: bool = False,
) -> Connection:
    """Find out that commands run in pod ``vm``, as `open_connection`, and raises the same."""
    attempt = partial(_try, cluster, vm, on_login)
    return open_connection(cluster, vm, attempt, "exec", deadline, stop, gone=gone, patient=patient)


def _try(
    cluster: ClusterAccess, vm: RunningVm, on_login: Callable[[], None], step_s: float, _: float
) -> Connection:
    try:
        probe = PodChannel.run(cluster, vm.namespace, vm.name, _PROBE, timeout_s=step_s)
    except TunnelError as error:
        raise not_opened(vm, error, "exec in the pod") from error
    try:
        told = probe.status_event.wait(step_s)
        said = probe.problem or probe.recv_stderr(600).decode("utf-8", "replace")
        if not told or probe.exit_status != 0:
            state = f"exit code {probe.exit_status}" if probe.ended else str(probe.error or "it said nothing")
            raise NotYetError(f"exec in the pod: {said or state}")
    finally:
        probe.close()
    on_login()
    return PodConnection(cluster, vm)
