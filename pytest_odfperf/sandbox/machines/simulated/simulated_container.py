"""Simulated containers: no process, and the guest's script answers as it would in a pod."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.ceph.client_io import ClientIo
from pytest_odfperf.sandbox.config.parse_config import SandboxConfig
from pytest_odfperf.sandbox.machines.base import ContainerSpec, Ended, MachineSpec, Say
from pytest_odfperf.sandbox.machines.shared_backend import Activity
from pytest_odfperf.sandbox.machines.simulated.guest_verbs import GuestVerbs
from pytest_odfperf.sandbox.machines.simulated.simulated_guest import SimulatedGuest
from pytest_odfperf.sandbox.machines.user_data import UserData

_KILLED, _TERMINATED, _NOT_FOUND = 137, 143, 127


class SimulatedContainer:
    """A `Container` of the event loop it was started in."""

    def __init__(
        self, spec: ContainerSpec, config: SandboxConfig, activity: Activity, client_io: ClientIo | None
    ) -> None:
        user = UserData(authorized_keys={}, sudoers=frozenset(), host_key=None, files=spec.files)
        machine = MachineSpec(
            name=spec.name,
            namespace=spec.namespace,
            uid=spec.uid,
            vcpus=spec.vcpus,
            memory_bytes=spec.memory_bytes,
            user_data=b"",
            network_data=None,
            disks=(spec.disk,),
            directory=spec.directory,
        )
        self._script = spec.command[1]
        self._guest = SimulatedGuest(machine, config, user, activity, client_io, in_pod=True)
        self._guest.on_cut = self._lose_all
        self._guest.on_crash = self._crash
        self._ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self.cut = asyncio.Event()
        self.log: Path | None = spec.directory / "fio.log"

    async def start(self) -> None:
        if self.log is not None:
            self.log.touch()
        self._guest.boot()

    def _lose_all(self) -> None:
        self.cut.set()
        self.cut = asyncio.Event()

    def _crash(self) -> None:
        self._end(Ended(_KILLED, "Error", "simulated crash (fault)"))
        self._lose_all()
        asyncio.get_running_loop().call_soon(self._guest.shutdown)

    def _end(self, how: Ended) -> None:
        if not self._ended.done():
            self._ended.set_result(how)

    async def stop(self, grace_s: float) -> None:  # noqa: ARG002 - it ends at once
        self._guest.shutdown()
        self._end(Ended(_TERMINATED))
        self._lose_all()

    async def wait(self) -> Ended:
        return await asyncio.shield(self._ended)

    async def exec(self, command: Sequence[str], stdin: asyncio.StreamReader, say: Say) -> int:
        if self._ended.done():
            raise OdfError("the container has ended")
        faults = self._guest.faults
        await asyncio.sleep(faults.ssh_silent_s)
        words = list(command)
        if words[:2] == ["sh", "-c"]:
            # All that is asked of a shell here is whether there is one.
            return 0
        if words[:1] != ["sh"] or words[1:2] != [self._script] or faults.no_guest:
            say(2, f"sh: 0: cannot open {' '.join(words[1:2])}: No such file\n".encode())
            return _NOT_FOUND
        with contextlib.suppress(asyncio.IncompleteReadError):
            return await GuestVerbs(self._guest, stdin, _Stdout(say)).call(words[2:])
        return 1


class _Stdout:
    """What is said goes out at once; who sends it keeps the order."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def write(self, data: bytes) -> None:
        self._say(1, data)

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def is_closing(self) -> bool:
        # Whoever sends it ends this command when the client is gone.
        return False
