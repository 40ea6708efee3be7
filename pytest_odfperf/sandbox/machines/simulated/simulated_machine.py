"""Simulated machines: no guest, no disks, an SSH server that answers as the guest script would."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.ceph.client_io import ClientIo
from pytest_odfperf.sandbox.config.parse_config import SandboxConfig
from pytest_odfperf.sandbox.machines.base import (
    SSH_PORT,
    STOPPED,
    Backend,
    Container,
    ContainerSpec,
    Machine,
    MachineSpec,
    Origin,
)
from pytest_odfperf.sandbox.machines.shared_backend import Activity
from pytest_odfperf.sandbox.machines.simulated.simulated_container import SimulatedContainer
from pytest_odfperf.sandbox.machines.simulated.simulated_fio import MARKING
from pytest_odfperf.sandbox.machines.simulated.simulated_guest import SimulatedGuest
from pytest_odfperf.sandbox.machines.simulated.simulated_ssh import GuestSsh
from pytest_odfperf.sandbox.machines.user_data import read_user_data
from pytest_odfperf.sandbox.machines.volumes import clone_image, create_image, delete_image

_CLOUD_INIT = (
    "cloud-init[812]: Cloud-init v. 24.4 running 'modules:config'. Up 9.4 seconds.",
    "cloud-init[812]: Cloud-init v. 24.4 finished. Datasource DataSourceNoCloud. Up 10.0 seconds",
)
_CLOUD_INIT_FAILED = (
    "cloud-init[812]: 2026-01-01 00:00:00,000 - util.py[WARNING]: Running module users_groups "
    "(<module 'cloudinit.config.cc_users_groups'>) failed",
    "[FAILED] Failed to start cloud-config.service - Cloud-init: Config Stage.",
)


class SimulatedMachine:
    """A `Machine` of the event loop it was started in."""

    def __init__(
        self, spec: MachineSpec, config: SandboxConfig, activity: Activity, client_io: ClientIo | None = None
    ) -> None:
        user = read_user_data(spec.user_data)
        classes = {sc.name: sc.troubles for sc in config.storage_classes}
        self._cloud_init_fails = any(
            classes[disk.backend.name].cloud_init_fails for disk in spec.disks if disk.backend.name in classes
        )
        if self._cloud_init_fails:
            user = replace(user, authorized_keys={})
        self._boot_s = config.boot_s
        self._name = spec.name
        self._listener = _socket()
        self._user = user
        self._guest = SimulatedGuest(spec, config, user, activity, client_io)
        self._auth_log = spec.directory / "auth.log"
        self._ssh = GuestSsh(self._guest, user, self._listener, self._auth_log)
        self._guest.on_cut = self._cut
        self._guest.on_crash = self._crash
        self._guest.on_reboot = self._reboot
        self._booting: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ports: Mapping[int, tuple[str, int]] = {}
        self.process_log: Path | None = None
        self.console_log: Path | None = spec.directory / "console.log"
        self.migrating: asyncio.Event | None = asyncio.Event() if self._guest.faults.migrate else None
        if self.migrating is not None:
            self._guest.on_migrate = self.migrating.set

    async def start(self) -> None:
        # Bound and not listening: the port is known, and connections are refused until the guest is up.
        self._listener.bind(("127.0.0.1", 0))
        self.ports = {SSH_PORT: ("127.0.0.1", self._listener.getsockname()[1])}
        self._booting = asyncio.create_task(self._boot(self._boot_s), name=f"boot {self._name}")

    async def _boot(self, boot_s: float) -> None:
        self._say("[    0.000000] Linux version 6.12.0-simulated")
        await asyncio.sleep(boot_s + self._guest.faults.ssh_refused_s)
        for line in _CLOUD_INIT_FAILED if self._cloud_init_fails else _CLOUD_INIT:
            self._say(line)
        self._guest.boot()
        if self._guest.faults.no_ssh:
            return
        try:
            await self._ssh.open()
        except Exception as error:  # noqa: BLE001 - a bad host key in user data ends this guest only
            self._end(f"sshd did not start: {error}")

    def _say(self, line: str) -> None:
        if self.console_log is not None:
            with self.console_log.open("a", encoding="utf-8") as console:
                console.write(f"{line}\n")

    def _cut(self) -> None:
        self._ssh.cut()

    def _reboot(self) -> None:
        self._booting = asyncio.create_task(self._boot_again(), name=f"reboot {self._name}")

    async def _boot_again(self) -> None:
        # First, so that nobody is told anything of it.
        self._ssh.cut()
        self._guest.reboot()
        await self._ssh.close()
        self._listener = _socket()
        try:
            self._listener.bind(self.ports[SSH_PORT])
        except OSError as error:
            self._end(f"did not boot again: {error}")
            return
        self._ssh = GuestSsh(self._guest, self._user, self._listener, self._auth_log)
        await self._boot(self._guest.faults.reboot_s or 0.0)

    def _crash(self) -> None:
        # First, so that nobody is told anything of it.
        self._ssh.cut()
        self._say("[   42.000000] Kernel panic - not syncing: simulated crash (fault)")
        self._booting = asyncio.create_task(self._die(), name=f"crash {self._name}")

    async def _die(self) -> None:
        self._guest.shutdown()
        await self._ssh.close()
        self._end("simulated crash (fault)")

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    async def stop(self, grace_s: float) -> None:  # noqa: ARG002 - a simulated guest shuts down at once
        if self._booting:
            self._booting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._booting
        self._guest.shutdown()
        await self._ssh.close()
        self._end(STOPPED)

    async def wait(self) -> str:
        return await asyncio.shield(self._ended)

    async def grow_disk(self, volume: str, size_bytes: int) -> None:
        self._guest.grow_disk(volume, size_bytes)


def _socket() -> socket.socket:
    made = socket.socket()
    # Connections of an earlier boot may still hold the port.
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made


class SimulatedMachines:
    """The `Machines` of ``machine: simulated``. Volumes are names, or images of a Ceph, no files."""

    marking: str | None = MARKING

    def __init__(self, config: SandboxConfig, client_io: ClientIo | None = None) -> None:
        self._config = config
        self._client_io = client_io
        self._activity = Activity()
        self._volumes: set[str] = set()
        #: Those of them that are images of a Ceph.
        self._images: set[str] = set()

    async def prepare(self) -> None:
        """Nothing is needed."""

    def machine(self, spec: MachineSpec) -> Machine:
        missing = [disk.volume for disk in spec.disks if disk.volume not in self._volumes]
        if missing:
            raise OdfError(f"machine {spec.name}: no volume {missing[0]}")
        return SimulatedMachine(spec, self._config, self._activity, self._client_io)

    def container(self, spec: ContainerSpec) -> Container:
        if spec.disk.volume not in self._volumes:
            raise OdfError(f"container {spec.name}: no volume {spec.disk.volume}")
        return SimulatedContainer(spec, self._config, self._activity, self._client_io)

    async def create_volume(self, backend: Backend, volume: str, size_bytes: int, *, clone: bool) -> None:
        if not clone and backend.ceph is not None:
            await create_image(backend, volume, size_bytes)
            self._images.add(volume)
        self._volumes.add(volume)

    async def copy_volume(self, source: Origin, backend: Backend, volume: str, size_bytes: int) -> None:
        if source.volume not in self._volumes:
            raise OdfError(f"volume {volume} can not be made: there is no {source.volume}")
        if backend.ceph is not None and (source.volume in self._images or source.backend.ceph is None):
            if source.volume in self._images:
                await clone_image(source, backend, volume, size_bytes)
            else:
                await create_image(backend, volume, size_bytes)
            self._images.add(volume)
        self._volumes.add(volume)

    async def grow_volume(self, backend: Backend, volume: str, size_bytes: int) -> None:
        if volume in self._images:
            assert backend.ceph is not None
            assert backend.pool is not None
            await backend.ceph.resize_image(backend.pool, backend.image(volume), size_bytes)

    async def delete_volume(self, backend: Backend, volume: str) -> None:
        if volume in self._images:
            await delete_image(backend, volume)
            self._images.discard(volume)
        self._volumes.discard(volume)
