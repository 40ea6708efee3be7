"""Whether the limits of a matrix can be judged: each pattern has a key, each limit a figure of its keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_odfperf.fio.job import Job
from pytest_odfperf.fio.job_file.profile_faults import Faults
from pytest_odfperf.fio.job_file.section import Section
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import KeyLimits, Matrix
from pytest_odfperf.matrix.pattern import Pattern
from pytest_odfperf.matrix.select import hint
from pytest_odfperf.matrix.values.limit import ALL, EACH, Limit, parse_limit
from pytest_odfperf.schedule.jobs import Jobs, job_of

#: Options that make fio sync while it measures.
_SYNCS = ("fsync", "fdatasync", "sync_file_range")


def check_limits(matrix: Matrix, every: Sequence[Key], keys: Iterable[Key], jobs: Jobs) -> None:
    """Raise `InputError` with each limit that means nothing.

    ``every`` are the matrix's keys, ``keys`` the selected ones, whose ``jobs`` are known. Limits that a
    matrix took over from another may match none of its keys.
    """
    faults = Faults()
    keys = tuple(keys)
    for one in matrix.limits:
        pattern = Pattern.parse(one.pattern)
        if one.place.startswith(f"{matrix.source}:") and not any(map(pattern.matches, every)):
            faults.add(
                f"limits pattern {one.pattern!r} matches no key of the matrix{hint(pattern, every)}",
                one.place,
            )
        matching = [key for key in keys if pattern.matches(key)]
        cells = {(key.profile, key.block_size, jobs.targets[key.pool]): key for key in reversed(matching)}
        for problem in dict.fromkeys(_problems(one, cells.values(), jobs)):
            faults.add(problem, one.place)
    faults.raise_any()


def _problems(limits: KeyLimits, keys: Iterable[Key], jobs: Jobs) -> Iterator[str]:
    for limit in map(parse_limit, limits.texts):
        for key in keys:
            if (why := _missing(limit, job_of(jobs, key))) is not None:
                yield f"limit {limit.text!r}: {why}, as in {key}"
                break


def _missing(limit: Limit, job: Job) -> str | None:
    """Why ``job`` has no such figure; None: it has."""
    sections = job.sections
    if limit.section is not None:
        sections = tuple(section for section in job.sections if section.name == limit.section)
        if not sections:
            names = ", ".join(section.name for section in job.sections)
            return f"there is no section {limit.section!r} (known: {names})"
    if limit.direction in (EACH, ALL) or any(limit.direction in _does(section) for section in sections):
        return None
    does = " and ".join(sorted({name for section in sections for name in _does(section)}))
    loads = ", ".join(dict.fromkeys(f"rw={section.rw}" for section in sections))
    return f"nothing does {limit.direction} ({loads}: {does} only)"


def _does(section: Section) -> set[str]:
    found: set[str] = set(section.directions)
    writes = "write" in section.directions
    if writes and any(section.options.get(option, "0") not in ("0", "") for option in _SYNCS):
        found.add("sync")
    return found
