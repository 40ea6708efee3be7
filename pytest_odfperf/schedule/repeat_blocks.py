"""The order of repeats: randomised complete blocks, so that drift of the storage falls on all keys alike.

Block 1 has each key of a VM group once, in an order of its own, then block 2 in another, and so on. The
blocks are spread over rounds: each has all pools, in an order of its own, with VMs that are made for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TypeVar

#: Keys in a block, pools in a round.
T = TypeVar("T")

#: The largest number of repeats of a key, and the largest seed.
MOST_REPEATS = 1000
LARGEST_SEED = 2**63 - 1


def seed_of(run_id: str) -> int:
    """The seed of a run that was given none: from 1 to 2^32, so that people can type it."""
    return 1 + int.from_bytes(hashlib.sha256(run_id.encode()).digest()[:4], "big")


def places(seed: int, block: int, keys: Iterable[T]) -> dict[T, int]:
    """The place of each of a group's ``keys`` in ``block``, or of each pool in a round, from 1.

    By the hash of seed, block and key: the order of two keys does not depend on which others run beside them,
    nor on a Python version's random numbers. Each order is equally probable.
    """
    ordered = sorted(keys, key=lambda key: hashlib.sha256(f"{seed}/{block}/{key}".encode()).digest())
    return {key: place for place, key in enumerate(ordered, 1)}


def round_of(repeat: int, repeats: int, rounds: int) -> int:
    """The round, from 1, of ``repeat`` of ``repeats``: each round has as many as the others, or one less."""
    return (repeat - 1) * rounds // repeats + 1


def first_moved(begun: tuple[int, int], now: tuple[int, int]) -> int | None:
    """The first repeat that is in another round ``now`` than it was in the run as it was ``begun``.

    Both are repeats and rounds; None: each that both have is where it was.
    """
    for repeat in range(1, min(begun[0], now[0]) + 1):
        if round_of(repeat, *begun) != round_of(repeat, *now):
            return repeat
    return None
