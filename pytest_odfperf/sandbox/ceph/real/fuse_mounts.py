"""File systems mounted by ceph-fuse, each where only its own process sees it.

The mount is in a mount namespace of that process, and is reached by way of ``/proc/<pid>/root``: when the
process ends, however it does, nothing of the mount is left.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.ceph.ceph import CephError
from pytest_odfperf.sandbox.ceph.real.ceph_conf import ADMIN, ClusterFiles
from pytest_odfperf.sandbox.ceph.real.daemon import Daemon
from pytest_odfperf.sandbox.image.tools import tool_path

_DEVICE = Path("/dev/fuse")
_MOUNT_DEADLINE_S = 30.0
_ANSWER_DEADLINE_S = 10.0
_STEP_S = 0.1
_STOP_S = 5.0


class FuseMounts:
    def __init__(self, files: ClusterFiles) -> None:
        self._files = files
        self._clients: dict[str, Daemon] = {}
        self._mounting = asyncio.Lock()

    async def folder(self, filesystem: str) -> Path:
        """Its root. Raises `CephError`: it can not be mounted here, or does not answer."""
        doing = f"ceph-fuse {filesystem}"
        if problem := _problem():
            raise CephError(doing, problem)
        async with self._mounting:
            client = self._clients.get(filesystem)
            if client is None or client.pid is None:
                client = self._clients[filesystem] = await self._mount(filesystem, doing)
        root = self._root(client)
        try:
            # Nothing ends a call to a file system whose servers are gone.
            async with asyncio.timeout(_ANSWER_DEADLINE_S):
                await asyncio.to_thread(os.listdir, root)
        except (TimeoutError, OSError) as error:
            raise CephError(doing, f"it does not answer: {error or 'timeout'}") from error
        return root

    def _root(self, client: Daemon) -> Path:
        return Path(f"/proc/{client.pid}/root{self._point(client.name)}")

    def _point(self, name: str) -> Path:
        return self._files.directory.absolute() / "mnt" / name

    async def _mount(self, filesystem: str, doing: str) -> Daemon:
        name = f"fuse.{filesystem}"
        point = self._point(name)
        point.mkdir(parents=True, exist_ok=True, mode=0o700)
        command = ["unshare", "--mount", "--propagation", "private", "--", "ceph-fuse", "-f"]
        command += ["--name", ADMIN, "-c", str(self._files.conf), "-k", str(self._files.keyring)]
        # As QEMU has it of images: without a cache of its own.
        command += [f"--client_fs={filesystem}", "--client_oc=false", str(point)]
        client = Daemon(name, command, self._files.directory / "log" / f"{name}.out")
        try:
            await client.start()
            async with asyncio.timeout(_MOUNT_DEADLINE_S):
                while not await asyncio.to_thread(self._is_mounted, client):
                    client.check()
                    await asyncio.sleep(_STEP_S)
        except (OdfError, TimeoutError) as error:
            await client.stop(0)
            raise CephError(doing, str(error) or f"no mount in {_MOUNT_DEADLINE_S:.0f} s") from error
        except BaseException:
            await client.stop(0)
            raise
        return client

    def _is_mounted(self, client: Daemon) -> bool:
        """Told by the kernel, without a call to the file system."""
        try:
            mounts = Path(f"/proc/{client.pid}/mountinfo").read_text(encoding="utf-8")
        except OSError:
            return False
        return any(line.split()[4] == str(self._point(client.name)) for line in mounts.splitlines())

    async def forget(self, filesystem: str) -> None:
        """Before it is deleted."""
        if (client := self._clients.pop(filesystem, None)) is not None:
            await client.stop(_STOP_S)

    async def close(self) -> None:
        await asyncio.gather(*(client.stop(_STOP_S) for client in self._clients.values()))


def _problem() -> str | None:
    if tool_path("ceph-fuse") is None:
        return "no CephFS volumes without the Debian package ceph-fuse: tools/install-system-packages --ceph"
    if os.geteuid() != 0 or tool_path("unshare") is None or not os.access(_DEVICE, os.R_OK | os.W_OK):
        return f"CephFS volumes need root, unshare and {_DEVICE}, since they are mounted with ceph-fuse"
    return None
