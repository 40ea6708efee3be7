"""What a made run measures, and when: a matrix, its keys, and workers that take pools one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import GroupKey, Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.schedule.jobs import groups_of

#: 2026-11-02 08:00 UTC.
BEGAN_S = 1_793_606_400.0
BOOT_S, LAYOUT_S, BETWEEN_S, DELETE_S = 48.0, 62.0, 3.0, 21.0


@dataclass(frozen=True, kw_only=True)
class MadePlan:
    """What is to be made."""

    matrix: Matrix
    keys: tuple[Key, ...]
    run_id: str = "made-1"
    seed: int = 1
    repeats: int = 1
    workers: int = 4
    began_s: float = BEGAN_S
    marking: str | None = "SIMULATED"
    #: How much faster all pools are than those of another run; of single pools.
    faster: float = 1.0
    faster_pools: dict[str, float] = field(default_factory=dict)
    #: Raw files beside histograms.json: series, logs, facts.
    raw: bool = True
    histograms: bool = True
    #: Whether some results are suspect, invalid, broken, failed and skipped.
    mixed: bool = True
    #: So many different measurements of each pool and job; None: each key has its own.
    variety: int | None = None
    skipped_pools: tuple[str, ...] = ()
    #: Of the cluster, where they are not the usual ones: ``openshift``, ``odf``, ``kubevirt``.
    versions: dict[str, str] = field(default_factory=dict)


def matrix_of(text: str, name: str = "made", folder: Path | None = None) -> Matrix:
    return load_text(text, source=f"{name}.yaml", folder=folder or Path.cwd(), name=name)


def large_matrix(keys: int, guests: int) -> Matrix:
    """The shipped matrix, with ``guests`` VMs in each group, and PVC sizes until there are enough keys."""
    of_size = 15 * 3 * 12
    sizes = ", ".join(f"{150 + 50 * number}Gi" for number in range(-(-keys // of_size)))
    return matrix_of(f"extends: full\npvc_sizes: [{sizes}]\nconcurrency: [{guests}]\n", "large")


def spread(keys: Sequence[Key], number: int) -> tuple[Key, ...]:
    """``number`` of ``keys``, evenly from all of them."""
    if not 0 < number <= len(keys):
        raise ValueError(f"{number} of {len(keys)} keys")
    return tuple(keys[place * len(keys) // number] for place in range(number))


def large_plan(keys: int, guests: int, **more: object) -> MadePlan:
    matrix = large_matrix(keys, guests)
    return MadePlan(matrix=matrix, keys=spread(expand(matrix), keys), **more)  # type: ignore[arg-type]


SMALL = """
extends: full
vm_sizes: [small]
pvc_sizes: [150Gi]
concurrency: [1, 5]
profiles:
  - {name: random-rw, iodepth: [1, 8, 32]}
  - {name: sequential-rw, block_sizes: [1M]}
  - db-oltp
block_sizes: [4k, 64k]
fio: {runtime: 60s}
limits:
  "rep3*:*:*:*:random-rw.qd32:4k": [read iops >= 40k, write p99 < 40ms]
  "*:*:*:*:db-oltp:*": [sync p99 of db-wal-write <= 20ms]
"""
SMALL_POOLS = ("rep3", "rep2", "ec-2-1", "cephfs-rep3")


def small_plan(run_id: str = "small", **more: object) -> MadePlan:
    """A run of four pools with three repeats, as people could have measured it in a day."""
    matrix = matrix_of(SMALL, "small")
    keys = tuple(key for key in expand(matrix) if key.pool in SMALL_POOLS)
    values: dict[str, object] = {"run_id": run_id, "repeats": 3, "workers": 2, **more}
    return MadePlan(matrix=matrix, keys=keys, **values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Turn:
    """One measurement, when it begins, and on which worker. ``group`` None: the VMs do something else."""

    at_s: float
    worker: str
    pool: str
    #: booting, working, deleting; None: the VMs are gone.
    load: str | None
    key: Key | None = None
    repeat: int = 1
    order: int = 1


def turns(plan: MadePlan) -> Iterator[Turn]:
    """All that happens, pool after pool; the earliest worker takes the next one."""
    free = [plan.began_s + 20.0 + 2 * number for number in range(plan.workers)]
    groups: dict[str, list[tuple[GroupKey, list[Key]]]] = {}
    for group, keys in groups_of(plan.keys).items():
        groups.setdefault(group.pool, []).append((group, keys))
    for pool, of_pool in groups.items():
        number = free.index(min(free))
        worker, at_s = f"gw{number}", free[number]
        for _, keys in of_pool:
            yield Turn(at_s, worker, pool, "booting")
            at_s += BOOT_S
            yield Turn(at_s, worker, pool, "working")
            at_s += LAYOUT_S
            for repeat in range(1, plan.repeats + 1):
                for order, key in enumerate(keys, 1):
                    yield Turn(at_s, worker, pool, "working", key, repeat, order)
                    at_s += length_s(plan, key) + BETWEEN_S
            yield Turn(at_s, worker, pool, "deleting")
            at_s += DELETE_S
        yield Turn(at_s, worker, pool, None)
        free[number] = at_s


def length_s(plan: MadePlan, key: Key) -> float:
    """How long fio runs."""
    fio = plan.matrix.fio_of(key.profile)
    phases = max(1, plan.matrix.profile(key.profile).template.count("stonewall"))
    return float(phases * (fio.runtime_s + fio.ramp_s))
