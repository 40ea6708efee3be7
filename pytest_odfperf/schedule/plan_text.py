"""What a dry run shows: every key by pool and group, and at the end, where it is seen, the sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Sized
from itertools import groupby

from pytest_odfperf.matrix.keys import GroupKey, Key
from pytest_odfperf.matrix.model import Matrix, Pool
from pytest_odfperf.quantity import format_bytes
from pytest_odfperf.schedule.backends import (
    UNKNOWN,
    Apart,
    Backend,
    Isolation,
    apart_by,
    apart_by_isolation,
    groups,
)
from pytest_odfperf.schedule.estimate import group_s, makespan_s, peak, pool_estimates_s
from pytest_odfperf.schedule.jobs import Jobs, groups_of, job_of

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def plan_text(
    *,
    matrix: Matrix,
    keys: Sequence[Key],
    jobs: Jobs,
    workers: int,
    why: str,
    done: int = 0,
    pool_problems: Mapping[str, str] | None = None,
    repeats: int = 1,
    rounds: int = 1,
    rounds_left: Mapping[GroupKey, int] | None = None,
    isolation: Isolation = "none",
    backends: Mapping[str, Backend] | None = None,
) -> str:
    """The text of a dry run, without a line end at its end.

    ``keys`` are those that would run, in order, filters and resume applied, each as often as it has repeats
    left of ``repeats``; ``done`` counts those that a resumed run has already. ``rounds_left`` is in how many
    of the ``rounds`` each group is still to be made. ``why`` says how ``workers`` was found. Keys of pools in
    ``pool_problems`` are skipped by the run and count in no sum. ``backends`` is needed for an ``isolation``
    by them.
    """
    problems = pool_problems or {}
    runs = [key for key in keys if key.pool not in problems]
    lines: list[str] = []
    for name, members in groupby(keys, key=lambda key: key.pool):
        pool = matrix.pool(name)
        if name in problems:
            lines.append(
                f"pool {name} can not run: {problems[name]} ({count_text(set(members), 'key')} skipped)"
            )
        else:
            lines.extend(_pool_lines(matrix, pool, list(members), jobs, rounds_left or {}))
        lines.append("")
    apart = apart_by_isolation(isolation, backends or {})
    totals = _totals(
        matrix, keys, runs, jobs, workers, why, done, (repeats, rounds), rounds_left or {}, apart
    )
    return "\n".join([*lines, *_kept_apart(isolation, runs, backends or {}), *totals])


def _kept_apart(isolation: Isolation, runs: Sequence[Key], backends: Mapping[str, Backend]) -> Iterator[str]:
    """The groups of backends of ``--odf-isolation``: a line each, with what it is known from."""
    if isolation == "none" or not runs:
        return
    pools = list(dict.fromkeys(key.pool for key in runs))
    if isolation == "pool":
        yield "backends no two pools are measured at one time (--odf-isolation pool)"
        return
    found = groups(pools, apart_by(backends))
    yield (
        f"backends {count_text(found, 'group')} of pools that share devices, or may; those that do are never "
        "measured at one time (--odf-isolation backend)"
    )
    for members in found:
        known = [backends.get(pool, UNKNOWN) for pool in members]
        titles = dict.fromkeys(f"{one.title} ({one.why})" for one in known)
        yield f"         {', '.join(members)}: {'; '.join(titles)}"


def _pool_lines(
    matrix: Matrix, pool: Pool, keys: list[Key], jobs: Jobs, rounds_left: Mapping[GroupKey, int]
) -> Iterator[str]:
    groups = groups_of(keys)
    seconds = pool_estimates_s(matrix, jobs, keys, rounds_left)[pool.name]
    backend = f", backend {pool.backend}" if pool.backend else ""
    target = ", fio on the raw disk" if matrix.target_of(pool.name) == "block" else ""
    mode = pool.volume_mode or "volume mode from the provisioner"
    yield (
        f"pool {pool.name} (StorageClass {pool.storage_class}, {mode}{backend}{target}): "
        f"{count_text(set(keys), 'key')} in {count_text(groups, 'group')}, {time_text(seconds)}"
    )
    for group, members in groups.items():
        often = rounds_left.get(group, 1)
        made = f", made {often} times" if often > 1 else ""
        seconds = group_s(matrix, jobs, members, often)
        yield f"  group {group}: {_group(matrix, group)}{made}, {time_text(seconds)}"
        yield from (
            f"    {key}{f' x {often}' if often > 1 else ''}" for key, often in Counter(members).items()
        )


def _group(matrix: Matrix, group: GroupKey) -> str:
    size = matrix.vm_size(group.size)
    vms = count_text(range(group.concurrency), "VM" if size.machine == "vm" else "pod")
    return f"{vms} of {size.vcpus} vCPU and {format_bytes(size.memory_bytes)}, {group.pvc} data disk each"


def _totals(
    matrix: Matrix,
    keys: Sequence[Key],
    runs: Sequence[Key],
    jobs: Jobs,
    workers: int,
    why: str,
    done: int,
    repeats_and_rounds: tuple[int, int],
    rounds_left: Mapping[GroupKey, int],
    apart: Apart | None,
) -> Iterator[str]:
    repeats, rounds = repeats_and_rounds
    earlier = f"; {done} more completed earlier" if done else ""
    skipped = f"; {len(keys) - len(runs)} skipped with their pools" if len(runs) < len(keys) else ""
    groups = groups_of(runs)
    pools = dict.fromkeys(key.pool for key in runs)
    counts = f"{count_text(set(runs), 'key')} in {count_text(groups, 'group')} on {count_text(pools, 'pool')}"
    if repeats > 1:
        spread = f", in {rounds} rounds of new VMs" if rounds > 1 else ""
        counts += f", {count_text(runs, 'measurement')} ({repeats} of each{spread})"
    yield f"keys     {counts}{earlier}{skipped}"
    if not runs:
        yield "time     nothing runs"
        return
    at_once = min(workers, len(pools))
    estimates_s = pool_estimates_s(matrix, jobs, runs, rounds_left)
    often = {pool: max(rounds_left.get(group, 1) for group in groups if group.pool == pool) for pool in pools}
    top = peak(matrix, groups, at_once)
    phases = sum(job_of(jobs, key).stonewalls for key in runs)
    phase_s = matrix.fio.ramp_s + matrix.fio.runtime_s
    yield (
        f"fio      {phases} {'job' if phases == 1 else 'jobs'} one after the other by their stonewalls, each "
        f"{matrix.fio.ramp_s} s ramp and {matrix.fio.runtime_s} s measured: {time_text(phases * phase_s)}"
    )
    yield (
        f"VMs      at most {top.vms} at once: {top.vcpus} {'vCPU' if top.vcpus == 1 else 'vCPUs'}, "
        f"{size_text(top.memory_bytes)} memory"
    )
    copies = "" if top.root_overhead_known else "; root disks counted once, their StorageClass is no pool"
    yield (
        f"storage  at most {size_text(top.data_bytes)} data and {size_text(top.root_bytes)} root disks "
        f"at once; {size_text(top.stored_bytes)} stored with replication, if full{copies}"
    )
    yield f"workers  {at_once} {'pool' if at_once == 1 else 'pools'} at once: {why}"
    longest = max(estimates_s, key=lambda pool: estimates_s[pool])
    whole_s = makespan_s(estimates_s, at_once, apart, rounds=often)
    yield (
        f"time     about {time_text(whole_s)} (longest pool {longest}: "
        f"{time_text(estimates_s[longest])}; all one after the other: {time_text(sum(estimates_s.values()))})"
    )


def repeats_text(repeats: int, rounds: int, seed: object) -> str:
    """How often each key is measured, and in which order."""
    spread = ""
    if rounds > 1:
        spread = f"in {rounds} rounds of new VMs, each with the pools in an order of its own, "
    return f"{repeats} of each key, {spread}in blocks of random order (--odf-seed {seed})"


def count_text(things: Sized, one: str) -> str:
    """``1 key``, ``4 keys``."""
    return f"{len(things)} {one}{'' if len(things) == 1 else 's'}"


def time_text(seconds: float) -> str:
    """``75 s``, ``12 min``, ``3 h 20 min``, ``5 d 3 h``: as exact as an estimate deserves."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def size_text(size_bytes: int) -> str:
    """``150 GiB``, ``1.5 TiB``: three digits."""
    size = float(size_bytes)
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:
            break
        size /= 1024
    return f"{size:.0f} {unit}" if size >= 100 or size == int(size) else f"{size:.3g} {unit}"
