"""What a simulated guest's kernel counts while fio runs, as the guest's script tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_odfperf.sandbox.config.guest_faults import Faults
from pytest_odfperf.sandbox.machines.base import DiskSpec
from pytest_odfperf.sandbox.machines.simulated.simulated_job import SimulatedJob

MOST_DISKS = 20
_SECTOR_BYTES = 512
#: What the disks did since the boot; a page cache and a log of the system, in sectors.
_READ_BEFORE, _WRITTEN_BEFORE = 250_000, 90_000
#: What the root disk writes meanwhile, in sectors.
_ROOT_WRITES = 96
_CPU_BEFORE = (2_000, 0, 1_500, 40_000, 300, 0, 50, 0)


def disk_name(number: int) -> str:
    """Of the disk at this place of the machine."""
    return f"vd{chr(ord('a') + number)}"


def witness_text(
    disks: Sequence[DiskSpec],
    data: DiskSpec,
    data_dir: str | None,
    document: Mapping[str, Any],
    job: SimulatedJob,
    faults: Faults,
) -> bytes:
    """The text for a run whose answer is ``document``; ``data_dir`` is None where nothing is mounted."""
    read, written = _total(document, job, "io_bytes")
    reads, writes = _total(document, job, "total_ios")
    seen = 1 - faults.unseen_part
    work = {disk_name(number): (0, 0) for number in range(len(disks))}
    name = disk_name(next(number for number, disk in enumerate(disks) if disk is data))
    others = [disk for disk in work if disk != name] or ["sda"]
    work[others[0]] = (0, _ROOT_WRITES * _SECTOR_BYTES)
    work[others[0] if faults.wrong_disk else name] = (int(read * seen), int(written * seen))
    before, after = _counters(dict.fromkeys(work, (0, 0))), _counters(work)
    foreign = int((read + written) * faults.foreign_part)
    after[name] = _one(work[name][0], work[name][1] + foreign)
    if not faults.wrong_disk:
        foreign_ios = (reads + writes) * faults.foreign_part
        after[name] = _one(
            work[name][0], work[name][1] + foreign, (int(reads * seen), int(writes * seen + foreign_ios))
        )
    sectors = data.size_bytes // _SECTOR_BYTES
    return "\n".join(
        [
            "before",
            *_look(name, "254:16", sectors, data.serial, data_dir, before, 0, _CPU_BEFORE),
            f"start {before[name]}",
            f"end {after[name]}",
            "after",
            *_look(
                name,
                "254:64" if faults.disk_changes else "254:16",
                sectors,
                data.serial,
                data_dir,
                after,
                faults.swap_pages,
                _cpu_after(faults.steal_part),
                mounted="254:0" if faults.mount_changes else "254:16",
            ),
            "",
        ]
    ).encode()


def _total(document: Mapping[str, Any], job: SimulatedJob, what: str) -> tuple[float, float]:
    """All bytes or I/Os of reads and writes, fio's ramps included, which its answer leaves out."""
    read = written = 0.0
    for entry, section in zip(document["jobs"], job.sections, strict=True):
        whole = 1 + section.ramp_s / section.runtime_s
        read += entry["read"][what] * whole
        written += entry["write"][what] * whole
    return read, written


def _counters(work: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    return {name: _one(*done) for name, done in work.items()}


def _one(read_bytes: int, written_bytes: int, requests: tuple[int, int] | None = None) -> str:
    """``requests`` None: each is of 4 KiB."""
    read, written = read_bytes // _SECTOR_BYTES, written_bytes // _SECTOR_BYTES
    reads, writes = requests or (read // 8, written // 8)
    reads, writes = reads + _READ_BEFORE // 8, writes + _WRITTEN_BEFORE // 8
    read, written = read + _READ_BEFORE, written + _WRITTEN_BEFORE
    return f"{reads} 0 {read} 900 {writes} 0 {written} 800 0 700 1700 0 0 0 0 12 3"


def _look(
    name: str,
    number: str,
    sectors: int,
    serial: str | None,
    data_dir: str | None,
    counters: Mapping[str, str],
    swapped: int,
    cpu: Sequence[int],
    mounted: str = "254:16",
) -> list[str]:
    mount = f"{mounted} rw,noatime shared:1 - xfs /dev/{name} rw,attr2" if data_dir else "none"
    return [
        f"disk {name} {number} {sectors} {serial or ''}",
        f"mount {mount}",
        f"/proc/stat:cpu  {' '.join(map(str, cpu))} 0 0",
        "/proc/vmstat:pgpgin 512000",
        "/proc/vmstat:pgpgout 96000",
        f"/proc/vmstat:pswpin {swapped // 2}",
        f"/proc/vmstat:pswpout {swapped - swapped // 2}",
        *(f"/sys/class/block/{disk}/stat: {line}" for disk, line in counters.items()),
    ]


def _cpu_after(steal_part: float) -> list[int]:
    spent = 10_000
    steal = int(spent * steal_part)
    used = (spent - steal) // 10
    steps = (used, 0, used, spent - steal - 2 * used, 0, 0, 0, steal)
    return [before + step for before, step in zip(_CPU_BEFORE, steps, strict=True)]
