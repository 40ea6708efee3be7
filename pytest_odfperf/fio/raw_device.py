"""``target: block``: a job that was written for files, on the raw data disk.

Each file of the job becomes a region of the disk: the shared test file its beginning, other named files and
the workers' own files what follows. Workers with files of their own have regions of their own, which fio
finds by ``offset_increment``; so no two workers that had different files touch one byte at one time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pytest_odfperf.fio.job import SHARED_FILE, Job, Section, rewritten
from pytest_odfperf.fio.job_file.fio_numbers import size_bytes
from pytest_odfperf.fio.job_file.profile_faults import Faults
from pytest_odfperf.matrix.vm_patch import DATA_SERIAL

#: The data disk in the guest.
DEVICE = f"/dev/disk/by-id/virtio-{DATA_SERIAL}"

#: Regions begin at multiples of it.
_STEP = 1 << 20

#: Options that only say how files are made, found and removed.
_OF_FILES = (
    "filename", "overwrite", "fallocate", "unlink", "unlink_each_loop", "allow_file_create", "create_on_open",
    "create_serialize", "create_fsync", "file_service_type", "nrfiles", "openfiles", "unique_filename",
)  # fmt: skip
#: Options that place or count files themselves: the value that changes nothing, and why others are refused.
_REFUSED: Mapping[str, tuple[str | None, str]] = {
    "nrfiles": ("1", "a worker has one region of the disk, not several files"),
    "openfiles": ("1", "a worker has one region of the disk, not several files"),
    "filename_format": (None, "there are no files to name"),
    "offset_align": (None, "it would move the regions of the disk"),
}


def on_device(job: Job, *, file_size_bytes: int, source: str) -> Job:
    """``job`` with each of its files as a region of the data disk; ``device_bytes`` is what they need.

    ``file_size_bytes`` is the size of the shared test file. Raises `InputError` with all that has no meaning
    on a disk.
    """
    _check(job, source)
    starts, end = {SHARED_FILE: 0}, file_size_bytes if job.shared_file else 0
    for name in dict.fromkeys(section.filename for section in job.sections):
        if name is not None and name not in starts:
            starts[name], end = end, end + _rounded(_largest(job, name))
    # Phases follow each other, so their workers' own regions can use the same room.
    own = end
    placed: dict[str, Section] = {}
    for phase in job.phases:
        at = own
        for section in (section for section in job.sections if section.name in phase):
            if section.filename is not None:
                placed[section.name] = _on_device(section, starts[section.filename], 0)
                continue
            step = _rounded(section.file_bytes)
            placed[section.name] = _on_device(section, at, step)
            at += section.numjobs * step
        end = max(end, at)
    sections = [placed[section.name] for section in job.sections]
    said = "On the raw disk: each file of the profile is a region of it."
    return replace(rewritten(job, sections, said, source), device_bytes=_rounded(end))


def _rounded(size_bytes: int) -> int:
    return -(-size_bytes // _STEP) * _STEP


def _largest(job: Job, name: str) -> int:
    return max(section.file_bytes for section in job.sections if section.filename == name)


def _on_device(section: Section, start: int, step: int) -> Section:
    """``section`` in a region from ``start``; each worker's begins ``step`` behind that of the one before.

    The job's own offsets are inside of the regions, as they were inside of the files.
    """
    kept = {name: value for name, value in section.options.items() if name not in _OF_FILES}
    offset = start + (size_bytes(kept.pop("offset", "0")) or 0)
    increment = step + (size_bytes(kept.pop("offset_increment", "0")) or 0)
    where = {"filename": DEVICE, "offset": str(offset), "offset_increment": str(increment)}
    return replace(section, filename=DEVICE, options={**kept, **where})


def _check(job: Job, source: str) -> None:
    faults = Faults()
    for section in job.sections:
        for option, (usual, why) in _REFUSED.items():
            if section.options.get(option, usual) != usual:
                faults.add(f"job {section.name}: {option} can not be used with target: block: {why}", source)
    faults.raise_any()
