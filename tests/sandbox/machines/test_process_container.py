"""Real processes as a pod's container: the guest's script and fio on a volume's file, and nothing is left."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import re
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.errors import OdfError
from pytest_odfperf.sandbox.machines.base import Backend, ContainerSpec, DiskSpec
from pytest_odfperf.sandbox.machines.qemu import process_container
from pytest_odfperf.sandbox.machines.qemu.process_container import ProcessContainer
from pytest_odfperf.vm.cloudinit import guest_conf, resource
from pytest_odfperf.vm.pod_manifest import DEVICE, SCRIPT, command

SIZE = 64 << 20
JOB = """[global]
rw=randwrite
bs=4k
direct=1
size=8M
runtime=1
time_based=1
[x]
"""


def why_not() -> str | None:
    if os.geteuid() != 0 or shutil.which("fio") is None:
        return "needs root and fio"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "sh", "-c", "mount -t tmpfs t /mnt && losetup --find"],
        capture_output=True,
        check=False,
    )
    return None if tried.returncode == 0 else f"no namespaces or loop devices here: {tried.stderr!r}"


pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def in_loop(test: Any) -> Any:
    @functools.wraps(test)
    def run(*arguments: Any, **more: Any) -> None:
        asyncio.run(test(*arguments, **more))

    return run


def a_spec(folder: Path, *, raw: bool) -> ContainerSpec:
    backend = Backend(name="fast", directory=folder / "volumes")
    backend.directory.mkdir()
    with backend.path("pvc-1").open("wb") as file:
        file.truncate(SIZE)
    where = f"filename={DEVICE}" if raw else "directory=/mnt/data\nfilename=fio-testfile"
    files = {
        "/etc/odfperf/guest.conf": guest_conf(8 << 20, "block" if raw else "file", SERVICES="pod"),
        "/etc/odfperf/job.fio": JOB.replace("rw=", f"{where}\nrw="),
        SCRIPT: resource("odfperf-guest"),
    }
    directory = folder / "container"
    directory.mkdir()
    return ContainerSpec(
        name="a-1",
        namespace="perf",
        uid="u",
        vcpus=1,
        memory_bytes=1 << 30,
        command=command("serve"),
        files={path: text.encode() for path, text in files.items()},
        disk=DiskSpec(
            name="data", serial="odfperfdata", size_bytes=SIZE, boot=False, backend=backend, volume="pvc-1"
        ),
        disk_path=DEVICE if raw else "/mnt/data",
        raw=raw,
        directory=directory,
    )


class Call:
    """One call of the script in a container."""

    def __init__(self, container: ProcessContainer, verb: str) -> None:
        self.stdin = asyncio.StreamReader()
        self.said = bytearray()
        self.task = asyncio.create_task(container.exec(command(verb), self.stdin, self._say))

    def _say(self, stream: int, data: bytes) -> None:
        if stream == 1:
            self.said += data

    async def until(self, word: bytes) -> bytes:
        async with asyncio.timeout(60):
            while word not in self.said:
                assert not self.task.done(), bytes(self.said[:600])
                await asyncio.sleep(0.02)
        return bytes(self.said)


def loops(spec: ContainerSpec) -> str:
    found = subprocess.run(["losetup", "-j", str(spec.disk.path)], capture_output=True, text=True, check=True)
    return found.stdout


async def gone(spec: ContainerSpec) -> None:
    async with asyncio.timeout(20):
        while loops(spec):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("raw", [False, True], ids=["file", "block"])
@in_loop
async def test_fio_runs_on_the_volume_and_outlives_its_connection(tmp_path: Path, *, raw: bool) -> None:
    spec = a_spec(tmp_path, raw=raw)
    container = ProcessContainer(spec)
    await container.start()
    try:
        facts = Call(container, "facts")
        assert await facts.task == 0
        told: dict[str, Any] = json.loads(facts.said)
        assert told["fio_version"].startswith("fio-3.")
        assert told["mount"].startswith("/dev/loop")
        # Of this machine nothing but its programs is there.
        home = await container.exec(("ls", "/root", "/home"), asyncio.StreamReader(), lambda *_: None)
        assert home != 0
        first = Call(container, "run")
        first.stdin.feed_data(b"job t-1 60 0\n")
        await first.until(b"ready t-1 ")
        first.stdin.feed_data(b"go t-1 0\n")
        await first.until(b"started t-1 ")
        # The connection is lost.
        first.task.cancel()
        again = Call(container, "attach t-1")
        assert await asyncio.wait_for(again.task, 60) == 0
        answer = bytes(again.said)
        assert answer.startswith(b"ended t-1 0 0 ")
        assert told["boot_id"].encode() in answer.splitlines()[0]
        result = json.loads(answer[answer.index(b"\n{") :].split(b"file fio.log")[0])
        written = result["jobs"][0]["write"]["io_bytes"]
        assert written > 0
        found = re.search(rb"\nstart ([0-9 ]+)\nend ([0-9 ]+)\nafter\n", answer)
        assert found
        start, end = ([int(word) for word in line.split()] for line in found.groups())
        # By the kernel's own counters of the volume's device (sectors written).
        assert (end[6] - start[6]) * 512 >= written
    finally:
        await container.stop(5)
    assert (await container.wait()).exit_code == 0
    await gone(spec)


@in_loop
async def test_nothing_stays_of_a_container_that_is_killed(tmp_path: Path) -> None:
    spec = a_spec(tmp_path, raw=False)
    container = ProcessContainer(spec)
    await container.start()
    assert loops(spec)
    assert container._process is not None
    os.kill(container._process.pid, signal.SIGKILL)
    assert (await container.wait()).exit_code == 137
    await gone(spec)
    with pytest.raises(OdfError, match="has ended"):
        await container.exec(("sh", "-c", ":"), asyncio.StreamReader(), lambda *_: None)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"iops": 100}, "the limits of its volumes are QEMU's"),
        ({"bandwidth_bytes_per_s": 100}, "the limits of its volumes are QEMU's"),
        ({"format": "qcow2"}, "its volumes are qcow2"),
        ({"ceph": object()}, "needs the kernel's rbd"),
    ],
)
@in_loop
async def test_what_it_can_not_measure_is_one_line(tmp_path: Path, change: Any, why: str) -> None:
    spec = a_spec(tmp_path, raw=False)
    backend = replace(spec.disk.backend, **change)
    with pytest.raises(OdfError, match=why) as caught:
        ProcessContainer(replace(spec, disk=replace(spec.disk, backend=backend)))
    assert "StorageClass fast can not be measured in a pod of this sandbox" in str(caught.value)
    assert "\n" not in str(caught.value)


@in_loop
async def test_a_volume_that_can_not_be_mounted_is_named_and_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_container, "_START_S", 20.0)
    spec = a_spec(tmp_path, raw=False)
    spec.disk.path.write_bytes(b"x" * 4096)
    with pytest.raises(OdfError, match=r"its processes did not start: .+"):
        await ProcessContainer(spec).start()
    await gone(spec)
