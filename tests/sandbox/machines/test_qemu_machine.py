"""Real QEMU machines: they take the plugin's user data, keep to their limits, and leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pytest_odfperf.redaction import Hidden
from pytest_odfperf.sandbox.image.build import cache_dir
from pytest_odfperf.sandbox.machines.base import (
    GUEST_SHUTDOWN,
    STOPPED,
    Backend,
    DiskSpec,
    MachineSpec,
    VolumeInUseError,
)
from pytest_odfperf.sandbox.machines.qemu.qemu_machine import QemuMachine, prepare
from pytest_odfperf.sandbox.machines.volume_copies import grow_volume
from pytest_odfperf.sandbox.machines.volumes import create_volume, delete_volume
from pytest_odfperf.vm.cloudinit import user_data

pytestmark = pytest.mark.qemu

GIB = 1 << 30
SSH_DEADLINE_S = 180.0
JOB = """[global]
ioengine=libaio
direct=1
bs=4k
iodepth=4
size=64M
filename=fio-testfile
time_based
ramp_time=2
runtime=8
[read]
rw=randread
[write]
stonewall
rw=randwrite
"""


def key_pair() -> tuple[str, str]:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), public.decode()


class Guest:
    """A machine, its keys and its way in."""

    def __init__(self, spec: MachineSpec, machine: QemuMachine, key: str, host_key: str) -> None:
        self.spec = spec
        self.machine = machine
        self.key = key
        self.host_key = host_key

    def connect(self) -> paramiko.SSHClient:
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)
        host, port = self.machine.ports[22]
        kind, blob = self.host_key.split()[:2]
        deadline = time.monotonic() + SSH_DEADLINE_S
        while True:
            client = paramiko.SSHClient()
            pinned = paramiko.hostkeys.HostKeyEntry.from_line(f"[{host}]:{port} {kind} {blob}")
            assert pinned is not None
            assert pinned.key is not None
            client.get_host_keys().add(f"[{host}]:{port}", kind, pinned.key)
            try:
                client.connect(
                    host,
                    port,
                    username="cloud-user",
                    pkey=paramiko.Ed25519Key.from_private_key(io.StringIO(self.key)),
                    timeout=5,
                    banner_timeout=5,
                    allow_agent=False,
                    look_for_keys=False,
                )
                return client
            except (OSError, EOFError, paramiko.SSHException) as error:
                client.close()
                if time.monotonic() > deadline:
                    log = self.machine.console_log
                    raise AssertionError(f"no SSH: {error}\n{log and log.read_text()[-2000:]}") from error
                time.sleep(0.3)


def spec_in(directory: Path, data: bytes, iops: int | None) -> MachineSpec:
    root = Backend(name="root", directory=directory / "root", format="qcow2")
    pool = Backend(name="pool", directory=directory / "pool", iops=iops)
    own = directory / "machine"
    own.mkdir(parents=True)
    return MachineSpec(
        name="vm-1",
        namespace="odfperf",
        uid="0b0f7f0e-5d6c-4c1e-8a3a-4b7f3f5b2a11",
        vcpus=1,
        memory_bytes=GIB,
        user_data=data,
        network_data=None,
        directory=own,
        disks=(
            DiskSpec(name="root", serial=None, size_bytes=4 * GIB, boot=True, backend=root, volume="r"),
            DiskSpec(name="data", serial="odfperfdata", size_bytes=GIB, boot=False, backend=pool, volume="d"),
        ),
    )


@contextlib.asynccontextmanager
async def running(directory: Path, iops: int | None = None) -> AsyncIterator[Guest]:
    settings = await prepare("minimal", cache_dir(), print)
    key, public = key_pair()
    host_key, host_public = key_pair()
    data = user_data(
        user="cloud-user",
        client_key_public=public,
        host_key_private=Hidden(host_key),
        host_key_public=host_public,
        job=JOB,
        layout_bytes=64 << 20,
    )
    spec = spec_in(directory, data.reveal().encode(), iops)
    for disk in spec.disks:
        await create_volume(disk.backend, disk.volume, disk.size_bytes, settings.image if disk.boot else None)
    machine = QemuMachine(spec, settings)
    try:
        await machine.start()
        yield Guest(spec, machine, key, host_public)
    finally:
        await machine.stop(0)
        for disk in spec.disks:
            await delete_volume(disk.backend, disk.volume)
            assert not disk.path.exists()


def state_of(pid: int) -> str:
    """The kernel's letter for a process; "" if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def run_job(client: paramiko.SSHClient, token: str) -> dict[str, float]:
    """Operations per second of each job, by the guest protocol."""
    stdin, stdout, _ = client.exec_command("sudo -n /usr/local/sbin/odfperf-guest run")
    stdin.write(f"job {token} 120 0\n")
    stdin.flush()
    assert stdout.readline().startswith(f"ready {token} ")
    stdin.write(f"go {token} 0\n")  # an instant that is over: at once
    stdin.flush()
    stdin.channel.shutdown_write()
    answer = stdout.read().decode()
    document, _ = json.JSONDecoder().raw_decode(answer[answer.index("{") :])
    return {job["jobname"]: job[job["jobname"]]["iops"] for job in document["jobs"]}


@pytest.mark.alone
def test_a_limit_is_measured_a_disk_grows_and_a_guest_that_powers_itself_off_is_no_failure(
    tmp_path: Path,
) -> None:
    # Little enough for an emulated guest on a busy machine.
    iops = 200
    wanted = {"read": pytest.approx(iops, rel=0.03), "write": pytest.approx(iops, rel=0.03)}

    def measured(guest: Guest) -> dict[str, float]:
        with guest.connect() as client:
            # Even that may be too much once.
            for attempt in ("t-1", "t-2", "t-3"):
                found = run_job(client, attempt)
                assert max(found.values()) < 1.03 * iops
                if found == wanted:
                    break
            return found

    def shut_down(guest: Guest) -> tuple[int, str]:
        with guest.connect() as client:
            size = client.exec_command("lsblk --bytes --nodeps --noheadings -o SIZE /dev/vd?")[1].read()
            name = client.exec_command("hostname")[1].read().decode().strip()
            # Ends when the connection is gone; a connection closed sooner would end the command.
            with contextlib.suppress(TimeoutError):
                client.exec_command("sudo -n systemctl poweroff --force --force", timeout=20)[1].read()
            return int(size), name

    async def measure() -> tuple[dict[str, float], int, str, str]:
        async with running(tmp_path, iops) as guest:
            found = await asyncio.to_thread(measured, guest)
            root, data = guest.spec.disks
            await grow_volume(data.backend, data.volume, 2 * GIB)
            await guest.machine.grow_disk(data.volume, 2 * GIB)
            with pytest.raises(VolumeInUseError):
                await grow_volume(root.backend, root.volume, 8 * GIB)
            size, name = await asyncio.to_thread(shut_down, guest)
            return found, size, name, await asyncio.wait_for(guest.machine.wait(), 60)

    assert asyncio.run(measure()) == (wanted, 2 * GIB, "vm-1", GUEST_SHUTDOWN)


def test_a_stopped_machine_leaves_no_process(tmp_path: Path) -> None:
    async def stop() -> tuple[str, str]:
        async with running(tmp_path) as guest:
            pid = guest.machine.pid
            assert pid is not None
            before = state_of(pid)
            await guest.machine.stop(0)
            await guest.machine.stop(0)
            assert await guest.machine.wait() == STOPPED
            return before, state_of(pid)

    before, after = asyncio.run(stop())
    assert before in ("S", "R", "D")
    assert after == ""


def test_a_killed_machine_says_by_what_it_was_killed(tmp_path: Path) -> None:
    async def kill() -> str:
        async with running(tmp_path) as guest:
            assert guest.machine.pid is not None
            os.kill(guest.machine.pid, signal.SIGKILL)
            return await asyncio.wait_for(guest.machine.wait(), 20)

    assert asyncio.run(kill()) == "QEMU was killed by signal 9"


ORPHAN = """
import asyncio, importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("qemu_tests", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
async def main():
    async with tests.running(Path(sys.argv[2])) as guest:
        print("pid", guest.machine.pid, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


def test_no_machine_outlives_a_sandbox_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN, __file__, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        late = threading.Timer(300, parent.kill)
        late.start()
        try:
            assert parent.stdout is not None
            line = next((text for text in parent.stdout if text.startswith("pid ")), "")
            pid = int(line.split()[1])
            assert state_of(pid) in ("S", "R", "D")
        finally:
            late.cancel()
            parent.kill()
            parent.wait()
    # A zombie is gone for us: whoever adopted it may be slow to reap it.
    deadline = time.monotonic() + 20
    while state_of(pid) not in ("", "Z") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert state_of(pid) in ("", "Z")
