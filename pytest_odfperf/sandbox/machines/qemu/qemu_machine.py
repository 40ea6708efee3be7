"""Real machines: QEMU processes that boot the guest image with the user data of their VM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import weakref
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from pytest_odfperf.errors import InputError, OdfError
from pytest_odfperf.sandbox.config.parse_config import SandboxConfig
from pytest_odfperf.sandbox.death import die_with_parent
from pytest_odfperf.sandbox.image.build import GuestImage, Log, cache_dir, guest_image
from pytest_odfperf.sandbox.image.tools import tool
from pytest_odfperf.sandbox.machines import volume_copies, volumes
from pytest_odfperf.sandbox.machines.base import (
    GUEST_SHUTDOWN,
    SSH_PORT,
    STOPPED,
    Backend,
    Container,
    ContainerSpec,
    Machine,
    MachineSpec,
    Origin,
)
from pytest_odfperf.sandbox.machines.qemu.kvm_probe import choose_accelerator
from pytest_odfperf.sandbox.machines.qemu.process_container import ProcessContainer
from pytest_odfperf.sandbox.machines.qemu.qemu_command import Accelerator, QemuSettings, command, disk_node
from pytest_odfperf.sandbox.machines.qemu.qmp import Qmp
from pytest_odfperf.sandbox.machines.qemu.seed import write_seed

log = logging.getLogger("odfperf.sandbox")

_QEMU = "qemu-system-x86_64"
_START_DEADLINE_S = 30.0
_KILL_DEADLINE_S = 10.0
_QUIT_DEADLINE_S = 3.0
_FORWARD = re.compile(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+(\d+)")


class QemuMachine:
    """A `Machine`. Start it on a thread that lives as long as it: QEMU dies with that thread."""

    def __init__(self, spec: MachineSpec, settings: QemuSettings) -> None:
        self._spec = spec
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._qmp = Qmp()
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._watching: asyncio.Task[None] | None = None
        self._stopping = False
        self._ports: dict[int, tuple[str, int]] = {}
        self._log = spec.directory / "qemu.log"

    @property
    def ports(self) -> Mapping[int, tuple[str, int]]:
        return self._ports

    @property
    def console_log(self) -> Path | None:
        return self._spec.directory / "console.log"

    @property
    def migrating(self) -> None:
        return None

    @property
    def process_log(self) -> Path | None:
        return self._log

    @property
    def pid(self) -> int | None:
        """Of the QEMU process, while it runs."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def start(self) -> None:
        spec = self._spec
        for disk in spec.disks:
            if not disk.is_image and not disk.path.exists():
                raise OdfError(f"machine {spec.name}: disk {disk.name} has no file {disk.path}")
        seed = write_seed(spec, one_stage=self._settings.image.kernel is not None)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        arguments = command(spec, self._settings, seed, spec.directory / "console.log", theirs.fileno())
        try:
            with theirs, self._log.open("wb") as output:
                self._process = await asyncio.create_subprocess_exec(
                    *arguments,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(theirs.fileno(),),
                    preexec_fn=die_with_parent(),
                    # Ctrl+C in the terminal is for the one who runs the sandbox.
                    process_group=0,
                )
        except OSError as error:
            ours.close()
            raise OdfError(f"machine {spec.name}: QEMU can not be started: {error}") from error
        self._watching = asyncio.create_task(self._watch(self._process), name=f"qemu {spec.name}")
        try:
            await self._qmp.connect(ours, _START_DEADLINE_S)
            self._ports = await self._forwards()
        except BaseException as error:
            await self.stop(0)
            if isinstance(error, OdfError):
                said = self._said() or str(error)
                raise OdfError(f"machine {spec.name}: QEMU did not start: {said}") from error
            raise

    async def _forwards(self) -> dict[int, tuple[str, int]]:
        """The kernel chose the port when QEMU bound it, so nobody else can have taken it."""
        text = await self._qmp.execute("human-monitor-command", {"command-line": "info usernet"})
        ports = {int(guest): ("127.0.0.1", int(host)) for host, guest in _FORWARD.findall(text)}
        if SSH_PORT not in ports:
            raise OdfError(f"no forwarded port {SSH_PORT} in: {text!r}")
        return ports

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        await self._qmp.drain(1.0)
        self._qmp.close()
        if not self._ended.done():
            self._ended.set_result(self._reason(code))

    def _reason(self, code: int) -> str:
        if self._stopping:
            return STOPPED
        shutdown = next((e["data"] for e in reversed(self._qmp.events) if e["event"] == "SHUTDOWN"), None)
        cause = (shutdown or {}).get("reason")
        if cause == "guest-shutdown":
            return GUEST_SHUTDOWN
        if cause == "guest-reset":
            return f"the guest restarted or its kernel panicked (see {self.console_log})"
        if cause:
            return f"QEMU ended: {cause}"
        how = f"was killed by signal {-code}" if code < 0 else f"exited with {code}"
        said = self._said()
        return f"QEMU {how}" + (f": {said}" if said else "")

    def _said(self) -> str:
        """The last lines that QEMU itself wrote."""
        try:
            lines = self._log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return "; ".join(lines[-3:])

    async def stop(self, grace_s: float) -> None:
        process = self._process
        if process is None:
            if not self._ended.done():
                self._ended.set_result(STOPPED)
            return
        running = process.returncode is None
        if running and not self._ended.done():
            # The built image has nothing that heeds the power button, and nothing to save.
            if grace_s > 0 and self._settings.image.kernel is None:
                with contextlib.suppress(OdfError):
                    await self._qmp.execute("system_powerdown", deadline_s=min(grace_s, 5.0))
                    await asyncio.wait([self._ended], timeout=grace_s)
            self._stopping = True
            if any(disk.is_image for disk in self._spec.disks):
                # Killed, it would keep its images from being deleted for half a minute: Ceph waits for it.
                with contextlib.suppress(OdfError):
                    await self._qmp.execute("quit", deadline_s=_QUIT_DEADLINE_S)
                    await asyncio.wait([self._ended], timeout=_QUIT_DEADLINE_S)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await asyncio.wait_for(asyncio.shield(self._ended), _KILL_DEADLINE_S)

    async def wait(self) -> str:
        return await asyncio.shield(self._ended)

    def uses(self, volume: str) -> bool:
        """Whether it runs, and has that volume open."""
        return self.pid is not None and any(disk.volume == volume for disk in self._spec.disks)

    async def grow_disk(self, volume: str, size_bytes: int) -> None:
        for number, disk in enumerate(self._spec.disks):
            if disk.volume == volume:
                asked = {"node-name": disk_node(disk, number), "size": size_bytes}
                await self._qmp.execute("block_resize", asked)

    @contextlib.asynccontextmanager
    async def halted(self) -> AsyncIterator[None]:
        """Inside, its CPUs stand still, and all that it wrote is in its files."""
        await self._qmp.execute("stop")
        try:
            yield
        finally:
            with contextlib.suppress(OdfError):
                await self._qmp.execute("cont")


async def prepare(image: str, cache: Path, log: Log, accelerator: Accelerator | None = None) -> QemuSettings:
    """Tools, guest image and accelerator; `OdfError` if one is missing. ``log``: what takes long, and why."""
    qemu = tool(_QEMU)
    tool("qemu-img")
    made = await guest_image(image, cache, log)
    return QemuSettings(
        accelerator=accelerator or await choose_accelerator(qemu, made, cache, log), image=made, qemu=qemu
    )


class QemuMachines:
    """The `Machines` of ``machine: qemu``. The first volume waits for the guest image."""

    #: What they measure is measured.
    marking: str | None = None

    def __init__(self, config: SandboxConfig, directory: Path) -> None:  # noqa: ARG002 - they share nothing
        self._image = config.image
        self._accelerator = _accelerator(config.qemu)
        tool(_QEMU)
        tool("qemu-img")
        self._preparing: asyncio.Task[QemuSettings] | None = None
        self._made: weakref.WeakSet[QemuMachine] = weakref.WeakSet()

    async def prepare(self) -> QemuSettings:
        """Build the image and probe KVM, once for all who ask; tried again after a failure."""
        task = self._preparing
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            work = prepare(self._image, cache_dir(), log.warning, self._accelerator)
            task = self._preparing = asyncio.create_task(work, name="prepare QEMU")
        return await asyncio.shield(task)

    def machine(self, spec: MachineSpec) -> Machine:
        task = self._preparing
        if task is None or not task.done():
            raise OdfError(f"machine {spec.name}: no root disk was cloned from the guest image")
        machine = QemuMachine(spec, task.result())
        self._made.add(machine)
        return machine

    def container(self, spec: ContainerSpec) -> Container:
        return ProcessContainer(spec)

    async def create_volume(self, backend: Backend, volume: str, size_bytes: int, *, clone: bool) -> None:
        image: GuestImage | None = (await self.prepare()).image if clone else None
        await volumes.create_volume(backend, volume, size_bytes, image)

    async def copy_volume(self, source: Origin, backend: Backend, volume: str, size_bytes: int) -> None:
        async with contextlib.AsyncExitStack() as stack:
            # A clone in Ceph is of one moment by itself.
            for machine in [m for m in self._made if m.uses(source.volume) and not source.is_image]:
                await stack.enter_async_context(machine.halted())
            await volume_copies.copy_volume(source, backend, volume, size_bytes)

    async def grow_volume(self, backend: Backend, volume: str, size_bytes: int) -> None:
        await volume_copies.grow_volume(backend, volume, size_bytes)

    async def delete_volume(self, backend: Backend, volume: str) -> None:
        await volumes.delete_volume(backend, volume)


def _accelerator(qemu: Mapping[str, object]) -> Accelerator | None:
    place = "sandbox.qemu"
    if unknown := [name for name in qemu if name != "accelerator"]:
        raise InputError(f"unknown name {unknown[0]!r} (known: accelerator)", place=place)
    wanted = qemu.get("accelerator", "auto")
    if wanted == "kvm":
        return "kvm"
    if wanted == "tcg":
        return "tcg"
    if wanted != "auto":
        raise InputError(f"{wanted!r} is not one of auto, kvm, tcg", place=f"{place}.accelerator")
    return None
