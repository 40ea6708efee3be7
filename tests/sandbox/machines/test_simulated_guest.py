"""A simulated machine over its own SSH server, without an API server around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml

from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.job import Job, render
from pytest_odfperf.matrix.model import FioSettings, Profile
from pytest_odfperf.sandbox.config.parse_config import parse_config
from pytest_odfperf.sandbox.machines.base import Backend, DiskSpec, Machine, MachineSpec
from pytest_odfperf.sandbox.machines.simulated import simulated_guest
from pytest_odfperf.sandbox.machines.simulated.simulated_machine import SimulatedMachines

SCRIPT = "/usr/local/sbin/odfperf-guest"
CLIENT = asyncssh.generate_private_key("ssh-ed25519")
HOST = asyncssh.generate_private_key("ssh-ed25519")
SETTINGS = FioSettings(runtime_s=10, ramp_s=1, iodepth=8, numjobs=2, file_size_bytes=1 << 30)
TEMPLATE = """[global]
rw=randread
bs=${BLOCK_SIZE}
iodepth=${IODEPTH}
numjobs=${NUMJOBS}
size=${FILE_SIZE}
runtime=${RUNTIME}
ramp_time=${RAMP_TIME}
time_based=1
group_reporting=1
lat_percentiles=1
ioengine=libaio
direct=1
[read]
stonewall
[write]
stonewall
rw=randwrite
"""


def job(block_size: str = "4k") -> Job:
    return render(Profile(name="p", template=TEMPLATE, block_sizes=(block_size,)), SETTINGS, block_size)


def user_data(**changes: Any) -> bytes:
    document = {
        "users": [
            {
                "name": "cloud-user",
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": [CLIENT.export_public_key().decode().strip()],
            }
        ],
        "ssh_keys": {
            "ed25519_private": HOST.export_private_key().decode(),
            "ed25519_public": HOST.export_public_key().decode(),
        },
        "write_files": [
            {"path": "/etc/odfperf/guest.conf", "content": "DATA_DIR=/mnt/data\nDATA_SERIAL=odfperfdata\n"},
            {"path": "/etc/odfperf/job.fio", "content": job().text},
            {"path": SCRIPT, "content": "#!/bin/sh\n"},
        ],
    }
    return b"#cloud-config\n" + yaml.safe_dump({**document, **changes}).encode()


class Bench:
    """Machines of one configuration."""

    def __init__(self, config: dict[str, Any], directory: Path) -> None:
        usual = {"machine": "simulated", "speed": 100, "boot_s": 0, "storage_classes": {"sc": {}}}
        self.machines = SimulatedMachines(parse_config(usual | config))
        self._directory = directory
        self._started: list[Machine] = []

    async def machine(self, name: str = "vm-0", *, data: bytes | None = None) -> Machine:
        backend = Backend(name="sc", directory=self._directory)
        await self.machines.create_volume(backend, f"pv-{name}", 1 << 30, clone=False)
        disk = DiskSpec(
            name="data",
            serial="odfperfdata",
            size_bytes=1 << 30,
            boot=False,
            backend=backend,
            volume=f"pv-{name}",
        )
        machine = self.machines.machine(
            MachineSpec(
                name=name,
                namespace="default",
                uid="u",
                vcpus=2,
                memory_bytes=1 << 30,
                user_data=user_data() if data is None else data,
                network_data=None,
                disks=(disk,),
                directory=self._directory,
            )
        )
        await machine.start()
        self._started.append(machine)
        return machine

    async def close(self) -> None:
        for machine in self._started:
            await machine.stop(0)


async def connect(
    machine: Machine, user: str = "cloud-user", key: asyncssh.SSHKey = CLIENT
) -> asyncssh.SSHClientConnection:
    """Refused connections are tried again: the guest boots."""
    host, port = machine.ports[22]
    for _ in range(200):
        try:
            return await asyncssh.connect(
                host,
                port,
                username=user,
                client_keys=[key],
                agent_path=None,
                config=None,
                known_hosts=([HOST.convert_to_public()], [], []),
            )
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
    raise AssertionError("refused for 2 s")


async def answer(process: asyncssh.SSHClientProcess[bytes]) -> dict[str, Any]:
    """Steps 3 (its answer) and 4 of the protocol."""
    got: dict[str, Any] = {"lines": []}
    while line := (await process.stdout.readline()).decode().strip():
        got["lines"].append(line)
        words = line.split()
        if words[0] == "file":
            got[words[1]] = await process.stdout.readexactly(int(words[2]))
        elif words[0] in ("end", "error"):
            break
    return got


async def run(
    connection: asyncssh.SSHClientConnection,
    text: str = "",
    token: str = "t1",
    deadline_s: int = 600,
    together: asyncio.Barrier | None = None,
) -> dict[str, Any]:
    process = await connection.create_process(f"sudo -n {SCRIPT} run", encoding=None)
    with suppress(BrokenPipeError):
        process.stdin.write(f"job {token} {deadline_s} {len(text)}\n".encode() + text.encode())
    ready = (await process.stdout.readline()).decode()
    if not ready.startswith(f"ready {token} "):
        return {"lines": [ready.strip()]}
    if together is not None:
        await together.wait()
    process.stdin.write(f"go {token} 0\n".encode())
    return await answer(process)


@pytest.fixture
def drive(tmp_path: Path) -> Callable[..., Any]:
    """Runs a coroutine function with a `Bench`."""

    @asynccontextmanager
    async def bench(config: dict[str, Any]) -> AsyncIterator[Bench]:
        made = Bench(config, tmp_path)
        try:
            yield made
        finally:
            await made.close()

    def go(act: Callable[[Bench], Awaitable[Any]], **config: Any) -> Any:
        async def main() -> Any:
            async with bench(config) as made:
                return await asyncio.wait_for(act(made), 30)

        return asyncio.run(main())

    return go


def one_class(**settings: Any) -> dict[str, Any]:
    return {"sc": settings}


async def one_run(bench: Bench, **how: Any) -> dict[str, Any]:
    return await run(await connect(await bench.machine()), **how)


def test_facts_are_marked_simulated(drive: Any) -> None:
    async def act(bench: Bench) -> Any:
        connection = await connect(await bench.machine())
        done = await connection.run(f"sudo -n {SCRIPT} facts")
        return json.loads(str(done.stdout))

    facts = drive(act)
    assert facts["marking"] == "SIMULATED"
    assert facts["mount"] == "/dev/vda"
    assert facts["lsblk"]["blockdevices"][0]["serial"] == "odfperfdata"


def test_the_answer_of_a_run_is_a_valid_fio_result(drive: Any) -> None:
    got = drive(one_run)
    assert [line.split()[0] for line in got["lines"]] == ["started", "ended", *["file"] * 4, "end"]
    assert got["lines"][1].split()[2:4] == ["0", "0"]
    result = parse(got["fio.json"].decode(), job(), SETTINGS)
    assert [j.name for j in result.jobs] == ["read", "write"]
    read = result.jobs[0].read
    assert read is not None
    # Little's law: what is outstanding is IOPS x latency.
    assert read.iops_per_s * read.lat_mean_ns / 1e9 == pytest.approx(16, rel=0.02)


def test_a_job_that_is_sent_replaces_the_one_that_is_baked_in(drive: Any) -> None:
    got = drive(lambda bench: one_run(bench, text=job("64k").text))
    assert json.loads(got["fio.json"])["global options"]["bs"] == "64k"


def test_limits_of_the_volume_hold_for_reads_and_for_writes(drive: Any) -> None:
    got = drive(one_run, storage_classes=one_class(backend={"iops": 500}))
    result = parse(got["fio.json"].decode(), job(), SETTINGS)
    figures = [d.iops_per_s for j in result.jobs for d in (j.read, j.write) if d]
    assert figures == pytest.approx([500, 500], rel=0.05)


def test_the_same_guest_gives_the_same_figures_again_and_another_seed_others(drive: Any) -> None:
    def figures(**config: Any) -> Any:
        return json.loads(drive(one_run, **config)["fio.json"])["jobs"]

    assert figures() == figures()
    assert figures() != figures(seed=2)


def test_each_repeat_in_a_guest_has_noise_of_its_own_and_the_same_again(drive: Any) -> None:
    async def act(bench: Bench) -> list[Any]:
        connection = await connect(await bench.machine())
        answers = [await run(connection, token=f"t{number}") for number in range(3)]
        return [json.loads(answer["fio.json"])["jobs"] for answer in answers]

    first = drive(act)
    assert first[0] != first[1] != first[2] != first[0]
    assert drive(act) == first


def test_volumes_that_are_busy_together_share_their_backend(drive: Any) -> None:
    async def act(bench: Bench) -> list[float]:
        connections = [await connect(await bench.machine(f"vm-{i}")) for i in range(4)]
        together = asyncio.Barrier(4)
        answers = await asyncio.gather(*(run(one, together=together) for one in connections))
        results = [parse(a["fio.json"].decode(), job(), SETTINGS) for a in answers]
        return [r.jobs[0].read.iops_per_s for r in results if r.jobs[0].read]

    got = drive(
        act,
        speed=20,
        backends={"ceph": {"iops": 8000}},
        storage_classes=one_class(model={"backend": "ceph"}),
    )
    assert got == pytest.approx([2000] * 4, rel=0.05)


def test_an_answer_that_is_made_while_fio_runs_is_the_same(drive: Any, monkeypatch: Any) -> None:
    async def act(bench: Bench) -> Any:
        connection = await connect(await bench.machine())
        return [await run(connection, token=f"t{number}") for number in range(2)]

    quick = drive(act)
    monkeypatch.setattr(simulated_guest, "_LONG_S", 0.0)
    slow = drive(act)
    for name in ("fio-logs", "witness"):
        assert [answer[name] for answer in slow] == [answer[name] for answer in quick]
    made = [[json.loads(answer["fio.json"])["jobs"] for answer in answers] for answers in (quick, slow)]
    assert made[0] == made[1]
    assert made[0][0] != made[0][1]


def test_a_neighbour_of_the_first_quarter_takes_nothing_from_the_whole(drive: Any, monkeypatch: Any) -> None:
    # At half time, when the answer is made, it was there for most of the time; at the end it was not.
    monkeypatch.setattr(simulated_guest, "_LONG_S", 0.0)

    async def act(bench: Bench) -> float:
        one, other = [await connect(await bench.machine(f"vm-{i}")) for i in range(2)]
        together = asyncio.Barrier(2)
        short = run(other, deadline_s=7, together=together)
        got, _ = await asyncio.gather(run(one, together=together), short)
        read = parse(got["fio.json"].decode(), job(), SETTINGS).jobs[0].read
        assert read is not None
        return read.iops_per_s

    got = drive(
        act,
        speed=8,
        backends={"ceph": {"iops": 8000}},
        storage_classes=one_class(model={"backend": "ceph"}),
    )
    assert got == pytest.approx(8000, rel=0.05)


def test_a_lost_connection_leaves_the_run_going_and_attach_gets_its_answer(drive: Any) -> None:
    async def act(bench: Bench) -> Any:
        machine = await bench.machine()
        with pytest.raises((asyncssh.ConnectionLost, ConnectionResetError)):
            await run(await connect(machine), token="lost")
        connection = await connect(machine)
        process = await connection.create_process(f"sudo -n {SCRIPT} attach lost", encoding=None)
        return await answer(process)

    got = drive(act, storage_classes=one_class(faults={"cut": True}))
    assert parse(got["fio.json"].decode(), job(), SETTINGS)


def test_attach_to_a_run_that_was_never_started_is_an_error(drive: Any) -> None:
    async def act(bench: Bench) -> Any:
        connection = await connect(await bench.machine())
        return await connection.run(f"sudo -n {SCRIPT} attach nothing")

    done = drive(act)
    assert str(done.stdout).startswith("error unknown_job ")
    assert done.exit_status == 1


@pytest.mark.parametrize(
    ("faults", "line"),
    [
        ({"no_disk": True}, "error not_mounted"),
        ({"no_fio": True}, "error fio_missing"),
        ({"no_guest": True}, ""),
    ],
)
def test_a_guest_that_can_not_run_says_why(drive: Any, faults: dict[str, Any], line: str) -> None:
    got = drive(one_run, storage_classes=one_class(faults=faults))
    assert " ".join(got["lines"][0].split()[:2]) == line


def test_a_failing_fio_reports_its_exit_code_and_log(drive: Any) -> None:
    got = drive(one_run, storage_classes=one_class(faults={"fio_exit": 1}))
    assert got["lines"][1].split()[2] == "1"
    assert b"Input/output error" in got["fio.log"]
    assert json.loads(got["fio.json"])["jobs"][0]["error"] == 5


def test_truncated_and_empty_answers_are_no_json(drive: Any) -> None:
    truncated = drive(one_run, storage_classes=one_class(faults={"output": "truncated"}))
    assert truncated["fio.json"].startswith(b"{")
    with pytest.raises(ValueError):
        json.loads(truncated["fio.json"])
    assert drive(one_run, storage_classes=one_class(faults={"output": "empty"}))["fio.json"] == b""


def test_a_job_beyond_its_deadline_is_timed_out(drive: Any) -> None:
    got = drive(lambda bench: one_run(bench, deadline_s=30), storage_classes=one_class(faults={"slow": 50}))
    assert got["lines"][1].split()[2:4] == ["124", "1"]
    assert got["fio.json"] == b""


def test_faults_can_be_limited_to_guests_and_block_sizes(drive: Any) -> None:
    async def codes(bench: Bench) -> list[str]:
        runs = [("vm-0", "4k"), ("vm-1", "4k"), ("vm-1", "64k")]
        got = []
        for i, (name, size) in enumerate(runs):
            connection = await connect(await bench.machine(name))
            got.append((await run(connection, text=job(size).text, token=f"t{i}"))["lines"][1].split()[2])
        return got

    faults = {"fio_exit": 3, "guests": [1], "block_sizes": ["4k"]}
    assert drive(codes, storage_classes=one_class(faults=faults)) == ["0", "3", "0"]


def test_a_crash_ends_the_machine_with_a_reason(drive: Any) -> None:
    async def act(bench: Bench) -> str:
        machine = await bench.machine()
        running = asyncio.create_task(run(await connect(machine)))
        reason = await machine.wait()
        running.cancel()
        return reason

    assert "crash" in drive(act, storage_classes=one_class(faults={"crash": True}))


def test_only_the_named_user_with_its_key_gets_in(drive: Any) -> None:
    async def refused(bench: Bench, **who: Any) -> None:
        with pytest.raises(asyncssh.PermissionDenied):
            await connect(await bench.machine(), **who)

    drive(lambda bench: refused(bench, user="root"))
    drive(lambda bench: refused(bench, key=asyncssh.generate_private_key("ssh-ed25519")))


def test_a_machine_that_never_boots_refuses_connections(drive: Any) -> None:
    async def act(bench: Bench) -> None:
        host, port = (await bench.machine()).ports[22]
        await asyncio.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, port)

    drive(act, storage_classes=one_class(faults={"no_ssh": True}))


def test_a_stopped_machine_refuses_connections(drive: Any) -> None:
    async def act(bench: Bench) -> None:
        machine = await bench.machine()
        await connect(machine)
        await machine.stop(0)
        assert await machine.wait() == "stopped"
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*machine.ports[22])

    drive(act)


def test_user_data_that_is_no_cloud_config_lets_nobody_in(drive: Any) -> None:
    async def act(bench: Bench) -> None:
        machine = await bench.machine(data=b"#!/bin/sh\n" + user_data())
        # It makes its own host key, too.
        with pytest.raises((asyncssh.HostKeyNotVerifiable, asyncssh.PermissionDenied)):
            await connect(machine)

    drive(act)


def test_a_reboot_forgets_the_job_and_has_another_boot_id(drive: Any) -> None:
    async def facts(machine: Machine) -> Any:
        done = await (await connect(machine)).run(f"sudo -n {SCRIPT} facts")
        return json.loads(str(done.stdout))

    async def act(bench: Bench) -> Any:
        machine = await bench.machine()
        before = await facts(machine)
        with pytest.raises((asyncssh.ConnectionLost, ConnectionResetError)):
            await run(await connect(machine), token="lost")
        after = await facts(machine)
        connection = await connect(machine)
        attached = await connection.run(f"sudo -n {SCRIPT} attach lost")
        return before["boot_id"], after["boot_id"], str(attached.stdout)

    before, after, attached = drive(act, storage_classes=one_class(faults={"reboot_s": 0.1}))
    assert before != after
    assert attached.startswith("error unknown_job")
