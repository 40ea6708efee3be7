"""RBD images, by the program ``rbd``."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import re
import signal

from pytest_odfperf.sandbox.ceph.ceph import CephError, ImageWanted
from pytest_odfperf.sandbox.ceph.real.ceph_conf import ADMIN, ClusterFiles
from pytest_odfperf.sandbox.ceph.real.daemon import daemon_environment
from pytest_odfperf.sandbox.death import die_with_parent

_DEADLINE_S = 60.0
_PREPARE_DEADLINE_S = 15.0
#: An operation on a pool that takes no more writes waits for ever by itself.
_OSD_TIMEOUT_S = 20
_LIST_TIMEOUT_S = 5
#: What librbd writes before its words: ``2026-11-30T12:00:00.000+0000 7f0a -1 librbd::image: 0x55: ``.
_LOG_HEAD = re.compile(r"^\d{4}-\d\d-\d\dT\S+ \S+ +-?\d+ ")


class Images:
    def __init__(self, program: str, files: ClusterFiles) -> None:
        self._program = program
        self._files = files
        #: Ids of images that were deleted and that clones need, by pool and name.
        self._trashed: dict[tuple[str, str], str] = {}

    async def prepare(self, pool: str) -> None:
        """What Rook's operator does with each pool. Raises `CephError` if its PGs do not become active."""
        await self._rbd("pool", "init", "--force", pool, deadline_s=_PREPARE_DEADLINE_S)

    async def names(self, pool: str) -> tuple[str, ...]:
        listed = await self._rbd("ls", "--pool", pool, "--format", "json", osd_timeout_s=_LIST_TIMEOUT_S)
        return tuple(json.loads(listed))

    def trashed(self, pool: str) -> tuple[str, ...]:
        """Those that were deleted, and are still there since clones of them are."""
        return tuple(name for where, name in self._trashed if where == pool)

    async def create(self, wanted: ImageWanted) -> None:
        await self._rbd("create", *_new(wanted), "--size", f"{wanted.size_bytes}B", _spec(wanted), there=True)
        await self._set(wanted)

    async def resize(self, pool: str, name: str, size_bytes: int) -> None:
        info = json.loads(await self._rbd("info", f"{pool}/{name}", "--format", "json"))
        if info["size"] < size_bytes:
            await self._rbd("resize", "--no-progress", "--size", f"{size_bytes}B", f"{pool}/{name}")

    async def clone(self, source_pool: str, source: str, wanted: ImageWanted) -> None:
        snapshot = f"{source_pool}/{source}@{wanted.name}"
        if wanted.name not in await self.names(wanted.pool):
            await self._rbd("snap", "create", "--no-progress", snapshot, there=True)
            await self._rbd("clone", *_new(wanted), snapshot, _spec(wanted), there=True)
        # The clone keeps what it needs of it.
        await self._rbd("snap", "rm", "--no-progress", snapshot, gone=True)
        await self.resize(wanted.pool, wanted.name, wanted.size_bytes)
        await self._set(wanted)

    async def delete(self, pool: str, name: str) -> None:
        await self._rbd("snap", "purge", "--no-progress", f"{pool}/{name}", gone=True)
        try:
            await self._rbd("rm", "--no-progress", f"{pool}/{name}", gone=True)
        except CephError as error:
            if error.code != "ENOTEMPTY":
                raise
            info = json.loads(await self._rbd("info", f"{pool}/{name}", "--format", "json"))
            # As ceph-csi deletes all images. Who empties the trash there is a module of the manager, which
            # Debian 13's does not load.
            await self._rbd("trash", "mv", f"{pool}/{name}")
            self._trashed[pool, name] = info["id"]
            return
        await self._empty_trash()

    async def _empty_trash(self) -> None:
        """What a clone needed may itself be a clone, so one that goes may let others go."""
        while self._trashed:
            before = len(self._trashed)
            for place, number in list(self._trashed.items()):
                try:
                    await self._rbd("trash", "rm", "--no-progress", f"{place[0]}/{number}", gone=True)
                except CephError as error:
                    if error.code not in ("ENOTEMPTY", "EBUSY"):
                        raise
                else:
                    self._trashed.pop(place, None)
            if len(self._trashed) == before:
                return

    async def _set(self, wanted: ImageWanted) -> None:
        for name, value in wanted.settings.items():
            await self._rbd("config", "image", "set", _spec(wanted), name, value)

    async def _rbd(
        self,
        *arguments: str,
        there: bool = False,
        gone: bool = False,
        deadline_s: float = _DEADLINE_S,
        osd_timeout_s: int = _OSD_TIMEOUT_S,
    ) -> str:
        """``there``, ``gone``: it is no error that something is there already, or is not."""
        command = [self._program, "-c", str(self._files.conf), "--name", ADMIN]
        command += [f"--rados-osd-op-timeout={osd_timeout_s}", *arguments]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=daemon_environment(),
            preexec_fn=die_with_parent(),
            process_group=0,
        )
        doing = f"rbd {' '.join(arguments)}"
        try:
            out, err = await asyncio.wait_for(process.communicate(), deadline_s)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()
            if isinstance(error, TimeoutError):
                raise CephError(doing, f"no answer in {deadline_s:.0f} s", "ETIMEDOUT") from error
            raise
        code = process.returncode or 0
        if not code or (there and code == errno.EEXIST) or (gone and code == errno.ENOENT):
            return out.decode(errors="replace")
        raise CephError(doing, said(err.decode(errors="replace")), errno.errorcode.get(code, str(code)))


def said(text: str) -> str:
    """The program's own words: without the time and thread of librbd's log lines."""
    lines = [_LOG_HEAD.sub("", line).strip() for line in text.strip().splitlines()]
    return "; ".join(line.removeprefix("rbd: ") for line in lines[-3:] if line) or "no word"


def _spec(wanted: ImageWanted) -> str:
    return f"{wanted.pool}/{wanted.name}"


def _new(wanted: ImageWanted) -> list[str]:
    arguments = []
    if wanted.data_pool:
        arguments += ["--data-pool", wanted.data_pool]
    if wanted.features:
        arguments += [part for feature in wanted.features for part in ("--image-feature", feature)]
    return arguments
