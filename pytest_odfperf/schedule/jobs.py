"""The jobs of a run: each different one rendered once, and checked against the disks that it runs on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.job import Job, render
from pytest_odfperf.fio.job_file.profile_faults import Faults
from pytest_odfperf.fio.rate_cap import with_rate
from pytest_odfperf.fio.raw_device import on_device
from pytest_odfperf.matrix.keys import GroupKey, Key
from pytest_odfperf.matrix.model import Matrix, Target
from pytest_odfperf.matrix.reading.load import FILE_SYSTEM_SHARE
from pytest_odfperf.quantity import format_bytes


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of a run by profile, block size and target, and the target of each pool."""

    cells: Mapping[tuple[str, str, Target], Job]
    targets: Mapping[str, Target]

    def __len__(self) -> int:
        return len(self.cells)


def render_jobs(matrix: Matrix, keys: Iterable[Key]) -> Jobs:
    """The job of each profile, block size and target that ``keys`` have.

    Raises `InputError` with all faults of all these profiles, each with its line.
    """
    keys = tuple(keys)
    targets = {pool: matrix.target_of(pool) for pool in dict.fromkeys(key.pool for key in keys)}
    cells: dict[tuple[str, str, Target], Job] = {}
    faults = Faults()
    for cell in dict.fromkeys((key.profile, key.block_size, targets[key.pool]) for key in keys):
        try:
            cells[cell] = _job(matrix, *cell)
        except InputError as error:
            faults.extend(error)
    faults.raise_any()
    jobs = Jobs(cells, targets)
    _check_variants(matrix, jobs)
    return jobs


def _job(matrix: Matrix, profile: str, block_size: str, target: Target) -> Job:
    settings = matrix.fio_of(profile)
    job = render(matrix.profile(profile), settings, block_size)
    if settings.rate_iops is not None:
        source = matrix.profile(profile).source
        job = with_rate(job, settings.rate_iops, source=source, depth=settings.open_loop_depth)
    if target == "file":
        return job
    return on_device(job, file_size_bytes=settings.file_size_bytes, source=matrix.profile(profile).source)


def _check_variants(matrix: Matrix, jobs: Jobs) -> None:
    """Raise `InputError` for two variants of a profile that would measure the same under two names."""
    seen: dict[tuple[str, str, Target, str], str] = {}
    for (name, block_size, target), job in jobs.cells.items():
        base = matrix.profile(name).base
        if base is None:
            continue
        effect = repr([(section.name, sorted(section.options.items())) for section in job.sections])
        other = seen.setdefault((base, block_size, target, effect), name)
        if other != name:
            raise InputError(
                f"{other} and {name} are the same job: each section sets these numbers itself; give the "
                "profile one number, or let its sections use the variables",
                place=matrix.profile(name).source,
            )


def job_of(jobs: Jobs, key: Key) -> Job:
    return jobs.cells[key.profile, key.block_size, jobs.targets[key.pool]]


def groups_of(keys: Iterable[Key]) -> dict[GroupKey, list[Key]]:
    """The keys by their VM group, both in the order given."""
    groups: dict[GroupKey, list[Key]] = {}
    for key in keys:
        groups.setdefault(key.group, []).append(key)
    return groups


def layout_bytes(matrix: Matrix, jobs: Jobs, keys: Iterable[Key]) -> int:
    """What the guests of the group with these keys write before they measure, in bytes; 0: nothing.

    The test file, if a job uses it; on a raw disk, its beginning as far as the jobs reach.
    """
    keys = tuple(keys)
    if device_bytes := max((job_of(jobs, key).device_bytes for key in keys), default=0):
        return device_bytes
    return matrix.fio.file_size_bytes if any(job_of(jobs, key).shared_file for key in keys) else 0


def check_fit(matrix: Matrix, jobs: Jobs, keys: Iterable[Key]) -> None:
    """Raise `InputError` for the first key whose files do not fit on its data disk.

    The test file stays for the whole group; the files that fio makes for a job are beside it.
    """
    for group, members in groups_of(keys).items():
        usable = matrix.pvc_size(group.pvc).size_bytes * (1 - FILE_SYSTEM_SHARE)
        shared = layout_bytes(matrix, jobs, members)
        for key in members:
            # Regions of a raw disk are used again by each job.
            needed = job_of(jobs, key).device_bytes or max(
                shared + job_of(jobs, key).own_files_bytes, job_of(jobs, key).files_bytes
            )
            if needed > usable:
                raise InputError(
                    f"{key} needs {format_bytes(needed)} of files, but a PVC of {group.pvc} has no more than "
                    f"{format_bytes(int(usable) >> 20 << 20)} beside its file system; lower fio file_size or "
                    "numjobs, or exclude it"
                )
