"""The jobs of a run: each different one rendered once, and checked against the disks that it runs on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.job import Job, render
from pytest_odfperf.fio.job_file.profile_faults import Faults
from pytest_odfperf.matrix.keys import GroupKey, Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.reading.load import FILE_SYSTEM_SHARE
from pytest_odfperf.quantity import format_bytes

#: Jobs by profile and block size.
Jobs = Mapping[tuple[str, str], Job]


def render_jobs(matrix: Matrix, keys: Iterable[Key]) -> Jobs:
    """The job of each profile and block size that ``keys`` have.

    Raises `InputError` with all faults of all these profiles, each with its line.
    """
    jobs: dict[tuple[str, str], Job] = {}
    faults = Faults()
    for profile, block_size in dict.fromkeys((key.profile, key.block_size) for key in keys):
        try:
            jobs[profile, block_size] = render(matrix.profile(profile), matrix.fio_of(profile), block_size)
        except InputError as error:
            faults.extend(error)
    faults.raise_any()
    _check_variants(matrix, jobs)
    return jobs


def _check_variants(matrix: Matrix, jobs: Jobs) -> None:
    """Raise `InputError` for two variants of a profile that would measure the same under two names."""
    seen: dict[tuple[str, str, str], str] = {}
    for (name, block_size), job in jobs.items():
        base = matrix.profile(name).base
        if base is None:
            continue
        effect = repr([(section.name, sorted(section.options.items())) for section in job.sections])
        other = seen.setdefault((base, block_size, effect), name)
        if other != name:
            raise InputError(
                f"{other} and {name} are the same job: each section sets these numbers itself; give the "
                "profile one number, or let its sections use the variables",
                place=matrix.profile(name).source,
            )


def job_of(jobs: Jobs, key: Key) -> Job:
    return jobs[key.profile, key.block_size]


def groups_of(keys: Iterable[Key]) -> dict[GroupKey, list[Key]]:
    """The keys by their VM group, both in the order given."""
    groups: dict[GroupKey, list[Key]] = {}
    for key in keys:
        groups.setdefault(key.group, []).append(key)
    return groups


def layout_bytes(matrix: Matrix, jobs: Jobs, keys: Iterable[Key]) -> int:
    """Size of the test file that the guests of the group with these keys lay out; 0 if no job uses it."""
    return matrix.fio.file_size_bytes if any(job_of(jobs, key).shared_file for key in keys) else 0


def check_fit(matrix: Matrix, jobs: Jobs, keys: Iterable[Key]) -> None:
    """Raise `InputError` for the first key whose files do not fit on its data disk.

    The test file stays for the whole group; the files that fio makes for a job are beside it.
    """
    for group, members in groups_of(keys).items():
        usable = matrix.pvc_size(group.pvc).size_bytes * (1 - FILE_SYSTEM_SHARE)
        shared = layout_bytes(matrix, jobs, members)
        for key in members:
            needed = max(shared + job_of(jobs, key).own_files_bytes, job_of(jobs, key).files_bytes)
            if needed > usable:
                raise InputError(
                    f"{key} needs {format_bytes(needed)} of files, but a PVC of {group.pvc} has no more than "
                    f"{format_bytes(int(usable) >> 20 << 20)} beside its file system; lower fio file_size or "
                    "numjobs, or exclude it"
                )
