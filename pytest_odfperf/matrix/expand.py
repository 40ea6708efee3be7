"""From the matrix to its keys, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TypeVar

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix, Pool

T = TypeVar("T")


def expand(matrix: Matrix) -> tuple[Key, ...]:
    """Every key once: pool, VM size, PVC size, concurrency, profile, block size, the last changing first.

    So the keys of a VM group follow each other, and so do the groups of a pool.
    """
    return tuple(key for pool in matrix.pools for key in _keys(matrix, pool))


def count_keys(matrix: Matrix) -> int:
    """How many keys `expand` gives, without making them."""
    return sum(_count(matrix, pool) for pool in matrix.pools)


def _keys(matrix: Matrix, pool: Pool) -> Iterator[Key]:
    sizes, pvcs, concurrency, profiles = _dimensions(matrix, pool)
    blocks = [(name, size) for name in profiles for size in matrix.profile(name).block_sizes]
    for size, pvc, vms, (profile, block_size) in product(sizes, pvcs, concurrency, blocks):
        yield Key(pool.name, size, pvc, vms, profile, block_size)


def _count(matrix: Matrix, pool: Pool) -> int:
    sizes, pvcs, concurrency, profiles = _dimensions(matrix, pool)
    blocks = sum(len(matrix.profile(name).block_sizes) for name in profiles)
    return len(sizes) * len(pvcs) * len(concurrency) * blocks


def _dimensions(matrix: Matrix, pool: Pool) -> tuple[list[str], list[str], list[int], list[str]]:
    only = pool.only
    return (
        _chosen([size.label for size in matrix.vm_sizes], only.vm_sizes),
        _chosen([size.label for size in matrix.pvc_sizes], only.pvc_sizes),
        _chosen(matrix.concurrency, only.concurrency),
        [
            profile.name
            for profile in matrix.profiles
            # A profile's own name stands for all of its variants.
            if only.profiles is None or profile.name in only.profiles or profile.base in only.profiles
        ],
    )


def _chosen(declared: Sequence[T], only: tuple[T, ...] | None) -> list[T]:
    """The matrix's order, whatever order a restriction is written in."""
    return [value for value in declared if only is None or value in only]
