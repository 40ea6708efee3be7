"""Simulated guests without SSH, API server or VMs: hundreds of measurements, judged as any other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lies.lie import Heard, Lie
from lies.real_fio import judge_guests
from lies.simulated_runs import PROFILES, SANDBOX
from pytest_odfperf.fio.job import Job, render
from pytest_odfperf.guest.answers import CommonTimes, GuestRun, split_logs
from pytest_odfperf.matrix.model import FioSettings, Profile
from pytest_odfperf.sandbox.config.parse_config import SandboxConfig, parse_config
from pytest_odfperf.sandbox.machines.base import Backend, DiskSpec, MachineSpec
from pytest_odfperf.sandbox.machines.shared_backend import Activity
from pytest_odfperf.sandbox.machines.simulated.simulated_guest import SimulatedGuest
from pytest_odfperf.sandbox.machines.user_data import GUEST_CONF, UserData

SERIAL = "odfperfdata"
#: As the whole runs have it.
SETTINGS = FioSettings(runtime_s=60, ramp_s=5, iodepth=8, numjobs=2, file_size_bytes=1 << 30)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One measurement: a StorageClass, a profile and the fio settings, by so many guests."""

    name: str
    storage_class: Mapping[str, Any] = field(default_factory=dict)
    profile: str = "reads"
    block_size: str = "4k"
    vms: int = 1
    settings: FioSettings = SETTINGS
    seed: int = 1


def case_of(lie: Lie) -> Case:
    return Case(name=lie.name, storage_class=lie.storage_class, profile=lie.profile, vms=lie.vms)


@cache
def _job(profile: str, settings: FioSettings, block_size: str) -> Job:
    template = Profile(name=profile, template=PROFILES[profile], block_sizes=(block_size,))
    return render(template, settings, block_size)


def tell(cases: Iterable[Case]) -> dict[str, Heard]:
    """What the rules make of each, by its name."""
    return {case.name: asyncio.run(_tell(case)) for case in cases}


async def _tell(case: Case) -> Heard:
    raw = {**SANDBOX, "speed": 1e6, "seed": case.seed, "storage_classes": {"sc": case.storage_class}}
    config = parse_config(raw)
    job = _job(case.profile, case.settings, case.block_size)
    guests = [_guest(config, number) for number in range(1, case.vms + 1)]
    runs = [await _run(guest, number, job) for number, guest in enumerate(guests, 1)]
    sc = next(sc for sc in config.storage_classes if sc.name == "sc")
    caps = {"iops": sc.iops, "bandwidth": sc.bandwidth_bytes_per_s}
    known = {name: float(cap) for name, cap in caps.items() if cap is not None}
    return judge_guests(case.name, runs, [guest.facts() for guest in guests], job, case.settings, known)


def _guest(config: SandboxConfig, number: int) -> SimulatedGuest:
    backend = Backend(name="sc", directory=Path("/nowhere"))
    disks = (
        DiskSpec(name="root", serial="root", size_bytes=8 << 30, boot=True, backend=backend, volume="root"),
        DiskSpec(name="data", serial=SERIAL, size_bytes=10 << 30, boot=False, backend=backend, volume="data"),
    )
    spec = MachineSpec(
        name=f"vm-{number}", namespace="lies", uid="u", vcpus=1, memory_bytes=1 << 30, user_data=b"",
        network_data=None, disks=disks, directory=Path("/nowhere"),
    )  # fmt: skip
    conf = f"DATA_DIR=/mnt/data\nDATA_SERIAL={SERIAL}\n".encode()
    user = UserData(authorized_keys={}, sudoers=frozenset(), host_key=None, files={GUEST_CONF: conf})
    return SimulatedGuest(spec, config, user, Activity())


async def _run(guest: SimulatedGuest, number: int, job: Job) -> GuestRun:
    fio = await guest.prepare("lie", 1e6, job.text.encode())
    told_ns = guest.clock_ns()
    guest.start(fio, told_ns)
    assert fio.task is not None
    await fio.task
    epoch_ns, epoch_clock_ns, last_epoch_ns, last_ns = fio.epochs_ns
    jump_s = (last_epoch_ns - epoch_ns - last_ns + epoch_clock_ns) / 1e9
    # All were told to begin at one instant of the clock that they have in common.
    late_ns = int(guest.faults.late_s * 1e9)
    began_ns = 1_790_000_000_000_000_000 + late_ns
    ended_ns = began_ns + fio.ended_clock_ns - fio.started_clock_ns
    return GuestRun(
        name=f"vm-{number}",
        exit_code=fio.exit_code,
        timed_out=fio.timed_out,
        started_clock_ns=fio.started_clock_ns,
        ended_clock_ns=fio.ended_clock_ns,
        epoch_ns=epoch_ns,
        epoch_clock_ns=epoch_clock_ns,
        clock_jump_s=jump_s if abs(jump_s) > 1 else 0.0,
        fio_json=fio.result,
        fio_log=fio.log,
        fio_logs=split_logs(fio.logs),
        logs_cut=False,
        told_clock_ns=told_ns,
        boot_id=guest.boot_id,
        witness=fio.witness,
        common=CommonTimes(
            started_epoch_ns=began_ns,
            ended_epoch_ns=ended_ns,
            answered_epoch_ns=ended_ns,
            clock_offset_ms=guest.faults.clock_off_s * 1000,
            clock_uncertainty_ms=0.5,
            late_ms=late_ns / 1e6,
        ),
    )


def clean_cases(classes: Mapping[str, Mapping[str, Any]], count: int) -> Sequence[Case]:
    """So many different ones: classes x profiles x depths x workers x block sizes x guests, in turn."""
    found = []
    names = list(classes)
    profiles = ("reads", "writes", "mix", "commits", "two", "rated")
    for number in range(count):
        settings = FioSettings(
            runtime_s=(60, 30, 20)[number % 3],
            ramp_s=5,
            iodepth=(1, 4, 16, 32)[number // 2 % 4],
            numjobs=(1, 2, 4)[number // 5 % 3],
            file_size_bytes=1 << 30,
        )
        profile = profiles[number // len(names) % len(profiles)]
        # A rate that a volume can not hold is no clean result.
        block_size = "4k" if profile == "rated" else ("4k", "64k", "1M")[number // 7 % 3]
        found.append(
            Case(
                name=f"clean-{number}",
                storage_class=classes[names[number % len(names)]],
                profile=profile,
                block_size=block_size,
                vms=(1, 3, 10)[number // 11 % 3],
                settings=settings,
                seed=number,
            )
        )
    return found
