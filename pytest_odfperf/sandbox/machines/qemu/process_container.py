"""Containers of real processes: this machine's own sh and fio, in namespaces, on the volume's file.

The container has a root of its own: this machine's programs, read-only, and nothing else of it. Its disk is
a loop device on the volume's file, with direct I/O, raw or with ext4. When the sandbox ends, however it does,
the kernel ends the container's processes, unmounts, and lets go of the device.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.death import die_with_parent
from pytest_odfperf.sandbox.machines.base import ContainerSpec, Ended, Say

_PROGRAMS = ("unshare", "nsenter", "losetup", "mount", "mkfs.ext4", "blkid", "chroot", "fio")
_PIECE = 32 * 1024
_START_S = 60.0
_KILL_S = 10.0
#: Arguments: the folder of its root and files, the volume's file, where the disk is in it, raw or mounted;
#: then the command.
_SCRIPT = r"""
set -eu
exec 3>&1 1>&2
root=$1/root file=$2 path=$3 sort=$4
shift 4
mount --make-rprivate /
mount -t tmpfs -o size=64m root "$root"
for one in bin sbin lib lib32 lib64 libx32 usr; do
    [ -e "/$one" ] || continue
    if [ -L "/$one" ]; then cp -P "/$one" "$root/$one"; continue; fi
    mkdir "$root/$one"
    mount --rbind "/$one" "$root/$one"
    mount -o remount,bind,ro "$root/$one"
done
mkdir -p "$root/etc" "$root/tmp" "$root/run/odfperf" "$root/proc" "$root/sys" "$root/dev"
[ ! -e /etc/ld.so.cache ] || cp /etc/ld.so.cache "$root/etc/"
[ ! -d /etc/alternatives ] || cp -a /etc/alternatives "$root/etc/"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
for one in null zero full random urandom; do
    : >"$root/dev/$one"
    mount --bind "/dev/$one" "$root/dev/$one"
done
cp -a "${root%/root}/files/." "$root/"
device=$(losetup --find --show --direct-io=on "$file")
if [ "$sort" = raw ]; then
    mkdir -p "$root${path%/*}"
    : >"$root$path"
    mount --bind "$device" "$root$path"
    # As long as it is open it stays, and no longer.
    exec 9<>"$device"
else
    mkdir -p "$root$path"
    kind=$(blkid -p -s TYPE -o value "$device") || :
    { [ -n "$kind" ] || mkfs.ext4 -q -F "$device"; } && mount -o noatime "$device" "$root$path" ||
        { losetup --detach "$device" && exit 1; }
fi
losetup --detach "$device"
printf 'ready\n' >&3
exec 3>&-
exec chroot "$root" "$@"
"""


def check_can_run(spec: ContainerSpec) -> None:
    """Raises `OdfError` that says why ``spec`` can not be had on this machine."""
    backend, why = spec.disk.backend, None
    if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
        why = f"this machine lacks {missing[0]}"
    elif os.geteuid() != 0:
        why = "namespaces and loop devices need root"
    elif backend.ceph is not None:
        why = "an RBD image without a VM needs the kernel's rbd, which no sandbox asks for"
    elif backend.format != "raw":
        why = f"its volumes are {backend.format}, and only raw ones are files that a loop device takes"
    elif backend.iops is not None or backend.bandwidth_bytes_per_s is not None:
        why = "the limits of its volumes are QEMU's, which a pod goes without"
    if why is not None:
        raise OdfError(f"StorageClass {backend.name} can not be measured in a pod of this sandbox: {why}")


class ProcessContainer:
    """A `Container`. Start it on a thread that lives as long as it: its processes die with that thread."""

    def __init__(self, spec: ContainerSpec) -> None:
        check_can_run(spec)
        self._spec = spec
        self._process: asyncio.subprocess.Process | None = None
        self._ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._watching: asyncio.Task[None] | None = None
        #: Of its own process, outside of its namespace.
        self._pid = 0
        self.cut = asyncio.Event()
        self.log: Path | None = spec.directory / "process.log"

    async def start(self) -> None:
        spec = self._spec
        (spec.directory / "root").mkdir()
        for path, content in spec.files.items():
            file = spec.directory / "files" / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        reading, writing = os.pipe()
        arguments = [
            str(spec.directory), str(spec.disk.path), spec.disk_path, "raw" if spec.raw else "mounted",
        ]  # fmt: skip
        try:
            with (spec.directory / "process.log").open("wb") as output:
                self._process = await asyncio.create_subprocess_exec(
                    "unshare", "--mount", "--pid", "--fork", "--kill-child", "--",
                    "sh", "-c", _SCRIPT, "container", *arguments, *spec.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=writing,
                    stderr=output,
                    preexec_fn=die_with_parent(),
                    process_group=0,
                )  # fmt: skip
        finally:
            os.close(writing)
        self._watching = asyncio.create_task(self._watch(self._process), name=f"container {spec.name}")
        try:
            async with asyncio.timeout(_START_S):
                said = await asyncio.to_thread(os.read, reading, 16)
        except TimeoutError:
            said = b""
        finally:
            os.close(reading)
        if said != b"ready\n":
            await self.stop(0)
            raise OdfError(f"its processes did not start: {self._said() or 'no word of why'}")
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._pid = int(children[0])

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        if not self._ended.done():
            self._ended.set_result(Ended(code if code >= 0 else 128 - code, message=self._said()))
        self.cut.set()

    def _said(self) -> str:
        try:
            lines = (self._spec.directory / "process.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return "; ".join(lines[-3:])

    async def stop(self, grace_s: float) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        if grace_s > 0 and self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)
            await asyncio.wait([self._ended], timeout=grace_s)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await asyncio.wait_for(asyncio.shield(self._ended), _KILL_S)

    async def wait(self) -> Ended:
        return await asyncio.shield(self._ended)

    async def exec(self, command: Sequence[str], stdin: asyncio.StreamReader, say: Say) -> int:
        if self._ended.done():
            raise OdfError("the container has ended")
        process = await asyncio.create_subprocess_exec(
            "nsenter", "--target", str(self._pid), "--mount", "--pid", "--root", "--wd", "--", *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=die_with_parent(),
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        feeding = asyncio.create_task(_feed(stdin, process.stdin))
        try:
            await asyncio.gather(_take(process.stdout, 1, say), _take(process.stderr, 2, say))
            return await process.wait()
        finally:
            feeding.cancel()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _feed(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await source.read(_PIECE):
            sink.write(piece)
            await sink.drain()
        sink.close()


async def _take(source: asyncio.StreamReader, stream: int, say: Say) -> None:
    while piece := await source.read(_PIECE):
        say(stream, piece)
