"""The bytes went to the disk under test, by the counters of the guest's kernel.

A disk counts sectors, whatever sizes they were merged or split to; fio counts bytes. With direct I/O each of
fio's bytes is one of the disk's, so that a disk that did less did not do it: a cache, a memory or unwritten
extents answered. It may have done more: fio leaves its ramps and what is in flight out of its count, a file
system writes its log, and fio lays out files of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_odfperf.fio.answers.fio_result import FioResult
from pytest_odfperf.fio.job import Direction, Job, Section
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.measure.verdicts.doubt import Doubt, Level
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence
from pytest_odfperf.measure.witness import DiskWork, Witness

#: What may be missing: block sizes of a mix are known by their mean only.
MISSING = 0.02
#: How many times as fast as in the measured time a ramp may have been, and how many times as slow.
RAMP = 2.0
#: What a file system does beside (metadata, its log), at least, and of what fio did.
BESIDE_BYTES, BESIDE = 16 << 20, 0.01
#: A commit's record in the log of a file system: XFS fills up to 32 KiB where the disk says that it likes
#: large I/Os, as RBD does, and to a sector elsewhere.
SYNC_BYTES = 36 << 10
#: What other disks may do: the guest's own system has one.
OTHERS_BYTES, OTHERS = 64 << 20, 0.05
#: CPU time that the host did not give, of the time of all CPUs, idle ones included: what latencies are then,
#: the storage did not decide. KubeVirt gives ten vCPUs a CPU, so a little is usual.
MOST_STOLEN = 0.2


def witnessed(evidence: Evidence) -> Iterator[Doubt]:
    """What each guest's witness says: ``bytes_missing``, ``foreign_io``, ``disk_changed`` and the like."""
    for guest in evidence.guests:
        if guest.witness_problem is not None:
            text = f"guest {guest.name}: what it saw of its disks is not known: {guest.witness_problem}"
            yield Doubt(code="no_witness", level="suspect", text=text)
        if (seen := guest.witness) is not None:
            yield from _identity(guest.name, seen, evidence.job)
            yield from _work(guest, seen, evidence.job, evidence.settings)
            yield from _memory(guest.name, seen)


def fio_bytes(result: FioResult, direction: Direction) -> float:
    """All that fio counted in one direction."""
    parts = [part for job in result.jobs if (part := getattr(job, direction)) is not None]
    # The mean size of an I/O is what both rates have in common.
    moved = (part.total_ios * part.bw_bytes_per_s / part.iops_per_s for part in parts if part.iops_per_s)
    return float(sum(moved))


def most_bytes(job: Job, settings: FioSettings, result: FioResult, direction: Direction) -> float:
    """The most that the disk may have done in one direction if nobody else used it."""
    ramps = 1 + RAMP * settings.ramp_s / settings.runtime_s
    most = (1 + BESIDE) * ramps * fio_bytes(result, direction) + BESIDE_BYTES
    most += sum(_in_flight_bytes(section, direction) for section in job.sections)
    if direction == "write":
        syncs = sum(one.sync.total_ios for one in result.jobs if one.sync is not None)
        for section, one in zip(job.sections, result.jobs, strict=True):
            if section.options.get("sync", "0") not in ("0", "none") and one.write is not None:
                syncs += one.write.total_ios
        most += ramps * syncs * SYNC_BYTES + (1 + BESIDE) * job.own_files_bytes
    return most


def _in_flight_bytes(section: Section, direction: Direction) -> int:
    """At both ends of each measured time there are I/Os that fio does not count."""
    if direction not in section.directions:
        return 0
    return 2 * section.numjobs * section.iodepth * section.block_bytes.get(direction, (0, 0))[1]


def _identity(name: str, seen: Witness, job: Job) -> Iterator[Doubt]:
    changed = []
    if seen.before != seen.after:
        first, last = (
            f"{one.number} {one.sectors} sectors {one.serial}" for one in (seen.before, seen.after)
        )
        changed.append(f"{seen.disk} was {first} before fio and is {last} after it")
    if seen.mount_before != seen.mount_after:
        changed.append(f"mounted was {seen.mount_before} before fio, and {seen.mount_after} after it")
    number = seen.mount_after.split(" ")[0]
    if not changed and not job.device_bytes and number != seen.after.number:
        changed.append(f"the test files are on {seen.mount_after}, not on {seen.disk} ({seen.after.number})")
    if changed:
        yield Doubt(code="disk_changed", level="invalid", text=f"guest {name}: {'; '.join(changed)}")


def _work(guest: GuestEvidence, seen: Witness, job: Job, settings: FioSettings) -> Iterator[Doubt]:
    work, about = seen.work, f"guest {guest.name}"
    if work is None:
        text = f"{about}: the counters of {seen.disk} began anew or are missing: it may be another disk"
        yield Doubt(code="disk_changed", level="invalid", text=text)
        return
    done: dict[Direction, int] = {"read": work.read_bytes, "write": work.written_bytes}
    if not job.buffered:
        yield from _missing(about, seen, done, job, settings, guest.result)
        yield from _foreign(about, seen.disk, done, job, settings, guest.result)
    total = fio_bytes(guest.result, "read") + fio_bytes(guest.result, "write")
    busy = max(seen.others, key=_moved, default=None)
    if busy is not None and _moved(busy) > max(OTHERS_BYTES, OTHERS * total):
        yield Doubt(
            code="other_disk_busy",
            level="suspect",
            text=f"{about}: disk {busy.name} moved {_mib(_moved(busy))} while fio ran (limit "
            f"{OTHERS_BYTES >> 20} MiB, or {OTHERS:.0%} of fio's {_mib(total)})",
            figures={"other_disk_bytes": _moved(busy), "fio_bytes": total},
        )


def least_bytes(job: Job, settings: FioSettings, result: FioResult, direction: Direction) -> float:
    """The least that the disk did in one direction if each of fio's I/Os reached it, its ramps' too."""
    ramps = 1 + settings.ramp_s / settings.runtime_s / RAMP
    in_flight = sum(_in_flight_bytes(section, direction) for section in job.sections)
    return (1 - MISSING) * ramps * fio_bytes(result, direction) - in_flight


def _missing(
    about: str, seen: Witness, done: dict[Direction, int], job: Job, settings: FioSettings, result: FioResult
) -> Iterator[Doubt]:
    for direction, did in done.items():
        wanted = fio_bytes(result, direction)
        least = least_bytes(job, settings, result, direction)
        if did >= max(least, (1 - MISSING) * wanted):
            continue
        level: Level = "invalid" if did < (1 - MISSING) * wanted else "suspect"
        text = f"{about}: fio counts {_mib(wanted)} of {direction}s"
        if level == "suspect":
            text += (
                f" beside its ramp, at least {_mib(least)} with it unless that was {RAMP:.0f} times as slow"
            )
        text += f", its disk {seen.disk} did {_mib(did)} (limit {MISSING:.0%} less)"
        figures = {"fio_bytes": wanted, "least_bytes": round(least), "disk_bytes": did}
        did_it = [one for one in seen.others if _of(one, direction) >= (wanted - did) / 2]
        if did_it and level == "invalid":
            text += f"; {did_it[0].name} did {_mib(_of(did_it[0], direction))}"
            yield Doubt(code="other_disk_worked", level=level, text=text, figures=figures)
        else:
            text += "; a cache, a memory or unwritten extents answered"
            yield Doubt(code="bytes_missing", level=level, text=text, figures=figures)


def _foreign(
    about: str, disk: str, done: dict[Direction, int], job: Job, settings: FioSettings, result: FioResult
) -> Iterator[Doubt]:
    own = fio_bytes(result, "read") + fio_bytes(result, "write")
    for direction, did in done.items():
        most = most_bytes(job, settings, result, direction)
        if did <= most:
            continue
        foreign = did - most
        level: Level = "invalid" if foreign > own else "suspect"
        yield Doubt(
            code="foreign_io",
            level=level,
            text=f"{about}: {disk} did {_mib(did)} of {direction}s, and fio with its ramp at "
            f"most {_mib(most)}: somebody else used it, or the ramp was more than {RAMP:.0f} times as fast "
            f"(invalid if that is more than fio's own {_mib(own)})",
            figures={"disk_bytes": did, "most_bytes": round(most), "fio_bytes": own},
        )


def _memory(name: str, seen: Witness) -> Iterator[Doubt]:
    if seen.swapped_pages:
        yield Doubt(
            code="swapped",
            level="suspect",
            text=f"guest {name}: it swapped {seen.swapped_pages} pages while fio ran (limit 0)",
            figures={"swapped_pages": seen.swapped_pages},
        )


def _of(work: DiskWork, direction: str) -> int:
    return work.read_bytes if direction == "read" else work.written_bytes


def _moved(work: DiskWork) -> int:
    return work.read_bytes + work.written_bytes


def _mib(count: float) -> str:
    return f"{count / (1 << 20):.4g} MiB"


def stolen_cpu(evidence: Evidence) -> Iterator[Doubt]:
    """``cpu_stolen``, by ``/proc/stat`` of each guest (proc(5): steal)."""
    for guest in evidence.guests:
        stolen = guest.witness.steal_part if guest.witness else None
        if stolen is not None and stolen > MOST_STOLEN:
            yield Doubt(
                code="cpu_stolen",
                level="suspect",
                text=f"guest {guest.name}: its host did not give it {stolen:.0%} of its CPUs' time "
                f"(limit {MOST_STOLEN:.0%})",
                figures={"steal_part": stolen},
            )
