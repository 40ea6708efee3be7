"""A TCP connection to a port of a guest, through the API server.

KubeVirt's ``portforward`` subresource is a WebSocket (subprotocol ``plain.kubevirt.io``) whose binary frames
are the bytes of the connection; borders of frames mean nothing. The server sends a PING every second and
cuts a client that does not answer for a minute, so somebody must always read.

SSH gets a real socket, one end of a socket pair, with all that sockets can do. One thread owns the
WebSocket and does all its reads and writes: paramiko's timeouts would otherwise end a write in the middle of
a frame, and a TLS connection must not be read and written by two threads at once.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from typing import Any
from urllib.parse import quote

from pytest_odfperf.guest.api_websocket import ClusterAccess, TunnelError, open_websocket

__all__ = ["ClusterAccess", "Tunnel", "TunnelError"]

SUBPROTOCOL = "plain.kubevirt.io"
_CHUNK = 32 * 1024
#: An idle connection is asked for a sign of life after this, and given up after the second.
_PING_AFTER_S = 15.0
_DEAD_AFTER_S = 60.0
#: A write, or the rest of a frame that has begun, takes no longer than this.
_FRAME_S = 60.0


class Tunnel:
    """An open tunnel. ``local`` is the socket to speak through; ``error`` says why the tunnel broke."""

    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket
        self.local, self._far = socket.socketpair()
        self.error: Exception | None = None
        websocket.settimeout(_FRAME_S)
        self._far.settimeout(_FRAME_S)
        self._thread = threading.Thread(target=self._run, name="tunnel", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls, cluster: ClusterAccess, namespace: str, vm: str, port: int, *, timeout_s: float = 10.0
    ) -> Tunnel:
        """Connect to ``port`` of a running VM. Raises `TunnelError` with the server's words."""
        path = (
            f"/apis/subresources.kubevirt.io/v1/namespaces/{quote(namespace, safe='')}"
            f"/virtualmachineinstances/{quote(vm, safe='')}/portforward/{port}/tcp"
        )
        return cls(open_websocket(cluster, path, [SUBPROTOCOL], timeout_s=timeout_s))

    def cut(self) -> None:
        """End the connection; whoever reads from `local` sees its end."""
        with contextlib.suppress(OSError):
            self.local.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the tunnel and its thread."""
        self.cut()
        self.local.close()
        self._thread.join(5.0)

    def _run(self) -> None:
        selector = selectors.DefaultSelector()
        try:
            selector.register(self._websocket.sock, selectors.EVENT_READ)
            selector.register(self._far, selectors.EVENT_READ)
            self._pump(selector)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever speaks through the socket must know
            self.error = error
        finally:
            selector.close()
            self._far.close()
            with contextlib.suppress(Exception):
                self._websocket.shutdown()

    def _pump(self, selector: selectors.BaseSelector) -> None:
        heard_s = time.monotonic()
        while True:
            pending = self._pending()
            ready = {key.fileobj for key, _ in selector.select(0 if pending else _PING_AFTER_S)}
            if self._far in ready and not self._outward():
                return
            if pending or self._websocket.sock in ready:
                heard_s = time.monotonic()
                if not self._inward():
                    return
            elif not ready:
                if time.monotonic() - heard_s > _DEAD_AFTER_S:
                    raise TunnelError(f"nothing came from the API server for {_DEAD_AFTER_S:.0f} s")
                self._websocket.ping()

    def _pending(self) -> int:
        # Bytes that TLS has decrypted already; the selector does not see them.
        pending = getattr(self._websocket.sock, "pending", None)
        return int(pending()) if pending else 0

    def _outward(self) -> bool:
        piece = self._far.recv(_CHUNK)
        if piece:
            self._send(piece)
        else:
            self._websocket.send_close()
        return bool(piece)

    def _send(self, piece: bytes) -> None:
        self._websocket.send_binary(piece)

    def _inward(self) -> bool:
        from websocket import ABNF

        opcode, piece = self._websocket.recv_data(control_frame=True)  # answers PINGs
        if opcode == ABNF.OPCODE_CLOSE:
            return False
        if opcode in (ABNF.OPCODE_BINARY, ABNF.OPCODE_TEXT) and piece:
            self._take(piece)
        return True

    def _take(self, piece: bytes) -> None:
        self._far.sendall(piece)
