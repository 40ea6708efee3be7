"""How long a run takes and what it holds at its peak, known before anything is created."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_odfperf.fio.timing import end_s, measured_s
from pytest_odfperf.matrix.keys import GroupKey, Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.values.capacity_settings import CapacitySettings
from pytest_odfperf.schedule.backends import Apart
from pytest_odfperf.schedule.jobs import Jobs, groups_of, job_of, layout_bytes
from pytest_odfperf.schedule.pool_queue import next_pool

#: Clone of the root disk, boot, first SSH answer. With the other constants, a pool of the rank matrix comes
#: to 8.5 min, what the bash suite measured on three bare metal workers.
GROUP_CREATE_S = 90.0
GROUP_DELETE_S = 30.0
#: Job file over SSH, start, results back.
KEY_OVERHEAD_S = 5.0
#: A replicated pool while files are laid out. Slower ones take longer than estimated.
LAYOUT_BYTES_PER_S = 200 << 20


def key_s(matrix: Matrix, jobs: Jobs, key: Key) -> float:
    """Seconds of one key in a group that runs: its phases with their ends, and its own files' layout."""
    job = job_of(jobs, key)
    layout_s = job.own_files_bytes / LAYOUT_BYTES_PER_S
    return KEY_OVERHEAD_S + layout_s + measured_s(job, matrix.fio) + end_s(job, LAYOUT_BYTES_PER_S)


def group_s(matrix: Matrix, jobs: Jobs, keys: Sequence[Key], rounds: int = 1) -> float:
    """Seconds of a VM group with ``keys``, from its creation to its deletion, which it has in each round.

    Where keys ask for a pool's capacity, of all groups on the way to each answer, if it is near the largest.
    """
    if matrix.capacity is not None and matrix.asks_capacity:
        return sum(_search_s(matrix, jobs, key, matrix.capacity) for key in keys)
    return _life_s(matrix, jobs, keys, rounds)


def _search_s(matrix: Matrix, jobs: Jobs, key: Key, asked: CapacitySettings) -> float:
    """Doubling, halving what is left, and the two ends again."""
    doubled = [asked.start_vms << step for step in range(16) if asked.start_vms << step < key.concurrency]
    halved = [key.concurrency * 3 // 4 or 1] * max(0, key.concurrency.bit_length() - 2)
    groups = [replace(key, concurrency=vms) for vms in (*doubled, key.concurrency, *halved, asked.start_vms)]
    # The two ends are measured again in groups that are there already.
    again_s = 2 * (asked.repeats - 1) * key_s(matrix, jobs, key)
    return sum(_life_s(matrix, jobs, [one]) for one in groups) + again_s


def _life_s(matrix: Matrix, jobs: Jobs, keys: Sequence[Key], rounds: int = 1) -> float:
    # The guests lay their files out at the same time, on one pool.
    layout_s = keys[0].concurrency * layout_bytes(matrix, jobs, keys) / LAYOUT_BYTES_PER_S
    made_s = GROUP_CREATE_S + layout_s + GROUP_DELETE_S
    return rounds * made_s + sum(key_s(matrix, jobs, key) for key in keys)


def pool_estimates_s(
    matrix: Matrix, jobs: Jobs, keys: Iterable[Key], rounds: Mapping[GroupKey, int] | None = None
) -> dict[str, float]:
    """Seconds of each pool's keys, its groups one after the other. ``rounds``: of each group, usually 1."""
    estimates: dict[str, float] = {}
    for group, members in groups_of(keys).items():
        often = (rounds or {}).get(group, 1)
        estimates[group.pool] = estimates.get(group.pool, 0.0) + group_s(matrix, jobs, members, often)
    return estimates


def makespan_s(
    estimates_s: Mapping[str, float],
    workers: int,
    apart: Apart | None = None,
    running_s: Mapping[str, float] | None = None,
    rounds: Mapping[str, int] | None = None,
) -> float:
    """Seconds until all pools have ended on ``workers`` workers, given out as `PoolQueue` does.

    ``estimates_s`` of a pool are spread over the last of the ``rounds`` (usually 1), as many as it has still
    to begin. ``running_s`` are pools that run already, and what is left of them in their round.
    """
    often = {pool: (rounds or {}).get(pool, 1) for pool in estimates_s}
    last = max(often.values(), default=1)
    part_s = {pool: estimates_s[pool] / often[pool] for pool in estimates_s}
    waiting = [(last - more, pool) for pool, number in often.items() for more in range(number)]
    waiting.sort(key=lambda one: (one[0], -part_s[one[1]]))
    running = dict(running_s or {})
    ends = [(seconds, pool) for pool, seconds in running.items()]
    heapq.heapify(ends)
    now_s = 0.0
    while waiting or ends:
        while len(running) < max(1, workers):
            able = [pool for number, pool in waiting if number == waiting[0][0] and pool not in running]
            pool = next_pool(able, running, part_s, apart)
            if pool is None:
                break
            waiting.remove((waiting[0][0], pool))
            running[pool] = part_s[pool]
            heapq.heappush(ends, (now_s + part_s[pool], pool))
        now_s, ended = heapq.heappop(ends)
        del running[ended]
    return now_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The most that can exist at once. Each figure is an upper bound by itself."""

    vms: int
    vcpus: int
    memory_bytes: int
    data_bytes: int
    root_bytes: int
    #: Data and root disks times the copies of their pools, if they were full.
    stored_bytes: int
    #: False: the root disks' StorageClass is no pool of the matrix, so they are counted once.
    root_overhead_known: bool


def peak(matrix: Matrix, groups: Iterable[GroupKey], workers: int) -> Peak:
    """What exists at once if the largest groups of ``workers`` pools meet; a pool has one group at a time."""
    root_overhead = _root_overhead(matrix)
    most: dict[str, dict[str, float]] = {}
    for group in dict.fromkeys(groups):
        size = matrix.vm_size(group.size)
        data = group.concurrency * matrix.pvc_size(group.pvc).size_bytes
        root = group.concurrency * matrix.guest.root_size_bytes if size.machine == "vm" else 0
        figures = {
            "vms": group.concurrency,
            "vcpus": group.concurrency * size.vcpus,
            "memory_bytes": group.concurrency * size.memory_bytes,
            "data_bytes": data,
            "root_bytes": root,
            "stored_bytes": data * matrix.pool(group.pool).overhead + root * (root_overhead or 1.0),
        }
        pool = most.setdefault(group.pool, dict.fromkeys(figures, 0))
        for name, value in figures.items():
            pool[name] = max(pool[name], value)

    def largest(name: str) -> int:
        return round(sum(sorted((figures[name] for figures in most.values()), reverse=True)[:workers]))

    return Peak(
        vms=largest("vms"),
        vcpus=largest("vcpus"),
        memory_bytes=largest("memory_bytes"),
        data_bytes=largest("data_bytes"),
        root_bytes=largest("root_bytes"),
        stored_bytes=largest("stored_bytes"),
        root_overhead_known=root_overhead is not None,
    )


def _root_overhead(matrix: Matrix) -> float | None:
    name = matrix.guest.root_storage_class
    return next((pool.overhead for pool in matrix.pools if name and pool.storage_class == name), None)
