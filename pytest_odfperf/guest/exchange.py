"""Lines and files over a channel to the guest: the guest script's protocol, read piece by piece."""

from __future__ import annotations

from pytest_odfperf.errors import GuestError, OdfError
from pytest_odfperf.guest.connection import Channel
from pytest_odfperf.waiting import SLICE_S, Deadline, Stop

_LONGEST_LINE = 4096
_LARGEST_FILE = 64 << 20
_LARGEST_TEXT = 4 << 20
_STATUS_S = 2.0


class ConnectionLostError(OdfError):
    """The connection ended in the middle; the guest itself may be well."""


class Exchange:
    """Reads what a command of the guest says; every read has a deadline and looks at the stop."""

    def __init__(self, guest: str, channel: Channel, stop: Stop) -> None:
        self._guest = guest
        self._channel = channel
        self._stop = stop
        self._buffer = b""
        channel.settimeout(SLICE_S)

    @property
    def open(self) -> bool:
        """Whether the guest can still be told something, as far as it is known."""
        return not (self._channel.closed or self._channel.eof_received)

    def send(self, data: bytes) -> None:
        """Send all of ``data``; `ConnectionLostError` if the connection ends."""
        view = memoryview(data)
        while view:
            self._stop.check()
            try:
                view = view[self._channel.send(bytes(view[: 1 << 15])) :]
            except TimeoutError:
                continue
            except _broken() as error:
                raise ConnectionLostError(str(error) or "the channel is closed") from error

    def line(self, deadline: Deadline, state: str) -> str:
        """The next line without its end."""
        while (end := self._buffer.find(b"\n", 0, _LONGEST_LINE)) < 0:
            if len(self._buffer) >= _LONGEST_LINE:
                raise GuestError(self._guest, f"not an answer of the guest script: {self._buffer[:80]!r}")
            self._more(deadline, state)
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.decode("utf-8", "replace").rstrip("\r")

    def file(self, size: int, deadline: Deadline, state: str) -> bytes:
        """The next ``size`` bytes."""
        if not 0 <= size <= _LARGEST_FILE:
            raise GuestError(
                self._guest, f"announces a file of {size} bytes; at most {_LARGEST_FILE} are taken"
            )
        pieces, missing = [], size
        while True:
            piece, self._buffer = self._buffer[:missing], self._buffer[missing:]
            pieces.append(piece)
            missing -= len(piece)
            if not missing:
                return b"".join(pieces)
            self._more(deadline, state)

    def rest(self, deadline: Deadline, state: str) -> bytes:
        """All until the command ends its output."""
        try:
            while True:
                if len(self._buffer) > _LARGEST_TEXT:
                    raise GuestError(self._guest, f"says more than {_LARGEST_TEXT} bytes, and goes on")
                self._more(deadline, state)
        except _EndError:
            text, self._buffer = self._buffer, b""
            return text

    def ended_with(self) -> str:
        """What the command said on stderr, for an error."""
        if self._channel.recv_stderr_ready():
            return self._channel.recv_stderr(2000).decode("utf-8", "replace").strip()
        return ""

    def _more(self, deadline: Deadline, state: str) -> None:
        while True:
            self._stop.check()
            deadline.check(state)
            try:
                piece = self._channel.recv(1 << 16)
            except TimeoutError:
                continue
            except _broken() as error:
                raise ConnectionLostError(str(error) or "the channel is closed") from error
            if not piece:
                # sshd sends the exit status before or just after the end of the output.
                self._channel.status_event.wait(_STATUS_S)
                if (code := self._channel.exit_status) != -1:
                    raise _EndError(self.ended_with() or f"exit code {code}")
                raise ConnectionLostError("the connection ended")
            self._buffer += piece
            return


class _EndError(ConnectionLostError):
    """The command ended its output."""


def _broken() -> tuple[type[Exception], ...]:
    """What paramiko raises when a connection ends under a call: an EOFError if its socket takes no more."""
    from paramiko import SSHException

    return OSError, EOFError, SSHException
