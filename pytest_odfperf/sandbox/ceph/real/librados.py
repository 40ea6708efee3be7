"""librados by ctypes: commands to the monitors in a millisecond, where the program ``ceph`` takes half a
second of CPU time from what is measured."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from pytest_odfperf.sandbox.ceph.ceph import CephError
from pytest_odfperf.sandbox.ceph.real.ceph_conf import ADMIN, ClusterFiles

T = TypeVar("T")
_LIBRARY = "librados.so.2"


def _library() -> ctypes.CDLL:
    try:
        return ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise CephError(f"{_LIBRARY} can not be loaded", str(error)) from error


class Rados:
    """One connection. A command that gets no answer fails after ``rados_mon_op_timeout``."""

    def __init__(self, files: ClusterFiles) -> None:
        self._files = files
        self._library = _library()
        self._cluster = ctypes.c_void_p()
        # Commands block their thread.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="rados")
        self._connected = False

    async def connect(self) -> None:
        """Raises `CephError` if no monitor answers."""
        await self._in_thread(self._connect)
        self._connected = True

    def _connect(self) -> None:
        create = self._library.rados_create2(ctypes.byref(self._cluster), b"ceph", ADMIN.encode(), 0)
        _check("a client of Ceph can not be made", create)
        conf = str(self._files.conf).encode()
        _check("ceph.conf can not be read", self._library.rados_conf_read_file(self._cluster, conf))
        _check("no monitor answers", self._library.rados_connect(self._cluster))

    async def mon(self, prefix: str, data: bytes = b"", /, **arguments: Any) -> bytes:
        """The answer to a command; `CephError` with the monitor's words."""
        return await self._in_thread(self._command, self._library.rados_mon_command, prefix, data, arguments)

    async def mgr(self, prefix: str, data: bytes = b"", /, **arguments: Any) -> bytes:
        """As `mon`, for commands that the manager answers."""
        return await self._in_thread(self._command, self._library.rados_mgr_command, prefix, data, arguments)

    async def mon_json(self, prefix: str, **arguments: Any) -> Any:
        return json.loads(await self.mon(prefix, format="json", **arguments))

    def _command(self, call: Any, prefix: str, data: bytes, arguments: Mapping[str, Any]) -> bytes:
        text = json.dumps({"prefix": prefix, **arguments}).encode()
        command = (ctypes.c_char_p * 1)(text)
        out, out_length = ctypes.c_void_p(), ctypes.c_size_t()
        said, said_length = ctypes.c_void_p(), ctypes.c_size_t()
        code = call(
            self._cluster,
            command,
            ctypes.c_size_t(1),
            data,
            ctypes.c_size_t(len(data)),
            ctypes.byref(out),
            ctypes.byref(out_length),
            ctypes.byref(said),
            ctypes.byref(said_length),
        )
        answer, words = self._take(out, out_length), self._take(said, said_length)
        _check(f"ceph {prefix}", code, words.decode(errors="replace"))
        return answer

    def _take(self, buffer: ctypes.c_void_p, length: ctypes.c_size_t) -> bytes:
        if not buffer:
            return b""
        taken = ctypes.string_at(buffer, length.value)
        self._library.rados_buffer_free(buffer)
        return taken

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def close(self) -> None:
        if self._connected:
            self._connected = False
            await self._in_thread(self._library.rados_shutdown, self._cluster)
        self._threads.shutdown(wait=False, cancel_futures=True)


def _check(doing: str, code: int, said: str = "") -> None:
    """Ceph's errors are negative numbers of errno."""
    if code >= 0:
        return
    name = errno.errorcode.get(-code, str(-code))
    raise CephError(doing, f"Error {name}: {said}" if said else f"Error {name}", name)
