"""Which pool runs on which worker: a state machine without xdist, so that every interleaving can be tested.

One pool is on at most one worker at a time, a worker has one pool at a time, and every item ends once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker runs now: the items of ``pool`` that are left, in order."""

    pool: str
    items: tuple[int, ...]


class PoolQueue:
    """Pools that wait, in the order in which they are given out, and the items that each worker has left.

    The pool with the longest estimate goes first: the end of the run then waits for a short one (Graham's
    LPT rule). Pools without an estimate are taken for as long as they have items, after all others.
    """

    def __init__(self, pools: Mapping[str, Sequence[int]], estimates_s: Mapping[str, float]) -> None:
        every = [item for items in pools.values() for item in items]
        if len(set(every)) != len(every):
            raise ValueError("an item is in two pools, or twice in one")
        filled = [pool for pool in pools if pools[pool]]
        filled.sort(key=lambda pool: (-estimates_s.get(pool, 0.0), -len(pools[pool])))
        self._waiting = [Assignment(pool, tuple(pools[pool])) for pool in filled]
        self._left: dict[str, tuple[str, list[int]]] = {}

    def assign(self, worker: str) -> Assignment | None:
        """Give ``worker`` the next pool; None if no pool waits. Raises `ValueError` if it still has one."""
        if worker in self._left:
            raise ValueError(f"worker {worker} still has pool {self._left[worker][0]}")
        if not self._waiting:
            return None
        assignment = self._waiting.pop(0)
        self._left[worker] = (assignment.pool, list(assignment.items))
        return assignment

    def done(self, worker: str, item: int) -> bool:
        """Note that ``item`` has ended on ``worker``; True if its pool ended with it.

        Raises `ValueError` if the worker does not have the item.
        """
        _, left = self._left.get(worker, ("", []))
        if item not in left:
            raise ValueError(f"worker {worker} ended item {item}, which it does not have")
        left.remove(item)
        if left:
            return False
        del self._left[worker]
        return True

    def lost(self, worker: str) -> int | None:
        """Note that ``worker`` is gone; the item that it died in, if it had any.

        That item counts as ended: what killed one worker would kill the next. The others of its pool go to
        the front of the queue.
        """
        pool, left = self._left.pop(worker, ("", []))
        if not left:
            return None
        crashed, *rest = left
        if rest:
            self._waiting.insert(0, Assignment(pool, tuple(rest)))
        return crashed

    def idle(self, worker: str) -> bool:
        """Whether ``worker`` has no pool."""
        return worker not in self._left

    def pool_of(self, worker: str) -> str | None:
        """The pool that ``worker`` has."""
        return self._left[worker][0] if worker in self._left else None

    @property
    def waiting(self) -> tuple[str, ...]:
        """The pools that no worker has, the next one first."""
        return tuple(assignment.pool for assignment in self._waiting)

    @property
    def finished(self) -> bool:
        """Whether every item has ended."""
        return not self._waiting and not self._left
