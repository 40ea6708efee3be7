"""Which pool runs on which worker: a state machine without xdist, so that every interleaving can be tested.

One pool is on at most one worker at a time, a worker has one pool at a time, and every item ends once. Pools
that are kept apart from each other (``--odf-isolation``) are never on two workers at one time. With rounds
(``--odf-rounds``) a worker gets the items of a pool in one round, and no pool is given out in a round before
all are in the one before: a short pool that ran ahead would be compared with what others do much later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pytest_odfperf.schedule.backends import Apart


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker runs now: the items of ``pool`` in a round that are left, in order."""

    pool: str
    items: tuple[int, ...]
    round: int = 1


def next_pool(
    waiting: Sequence[str], running: Collection[str], estimates_s: Mapping[str, float], apart: Apart | None
) -> str | None:
    """Which of the pools that wait starts beside those that run; None: none may.

    ``waiting`` is sorted, the longest first. Pools that are kept apart form a queue of their own, which takes
    as long as all of them: the first pool of the longest such queue goes first.
    """
    if apart is None:
        return waiting[0] if waiting else None
    able = [pool for pool in waiting if all(apart(pool, other) for other in running)]

    def queue_s(pool: str) -> float:
        return sum(
            estimates_s.get(other, 0.0) for other in waiting if other == pool or not apart(pool, other)
        )

    return max(able, key=queue_s, default=None)


class PoolQueue:
    """Pools that wait, in the order in which they are given out, and the items that each worker has left.

    In a round the pool with the longest estimate goes first: its end then waits for a short one (Graham's
    LPT rule). Pools without an estimate are taken for as long as they have items, after all others.
    ``apart`` says of two pools whether they may be on two workers at one time; None: all may. ``round_of``
    is the round of an item; a pool's items are in the order of their rounds.
    """

    def __init__(
        self,
        pools: Mapping[str, Sequence[int]],
        estimates_s: Mapping[str, float],
        apart: Apart | None = None,
        round_of: Callable[[int], int] = lambda _: 1,
    ) -> None:
        every = [item for items in pools.values() for item in items]
        if len(set(every)) != len(every):
            raise ValueError("an item is in two pools, or twice in one")
        self._waiting = [
            Assignment(pool, tuple(own), number)
            for pool, items in pools.items()
            for number, own in groupby(items, round_of)
        ]
        self._waiting.sort(
            key=lambda one: (one.round, -estimates_s.get(one.pool, 0.0), -len(pools[one.pool]))
        )
        self._left: dict[str, tuple[Assignment, list[int]]] = {}
        self._estimates_s = estimates_s
        self._apart = apart
        #: Pools that wait, and have VMs that a lost worker left: whoever takes them deletes these first.
        self._haunted: set[str] = set()

    def assign(self, worker: str) -> Assignment | None:
        """Give ``worker`` the next pool; None if none waits that may run beside those that run.

        Raises `ValueError` if it still has one.
        """
        if worker in self._left:
            raise ValueError(f"worker {worker} still has pool {self._left[worker][0].pool}")
        assignment = self._next()
        if assignment is None:
            return None
        self._waiting.remove(assignment)
        self._haunted.discard(assignment.pool)
        self._left[worker] = (assignment, list(assignment.items))
        return assignment

    def _next(self) -> Assignment | None:
        running = {assignment.pool for assignment, _ in self._left.values()}
        number = min((assignment.round for assignment in self._waiting), default=0)
        waiting = {
            assignment.pool: assignment
            for assignment in reversed(self._waiting)
            if assignment.pool not in running
            and (assignment.round == number or assignment.pool in self._haunted)
        }
        order = [pool for pool in dict.fromkeys(one.pool for one in self._waiting) if pool in waiting]
        # What a lost worker left still loads its devices: its pool goes before those it is kept apart from.
        # It always may: only pools that are apart from it ran when it was lost, and none started since.
        for sort in (True, False):
            some = [pool for pool in order if (pool in self._haunted) is sort]
            if (pool := next_pool(some, running, self._estimates_s, self._apart)) is not None:
                return waiting[pool]
        return None

    def done(self, worker: str, item: int) -> bool:
        """Note that ``item`` has ended on ``worker``; True if its pool ended with it.

        Raises `ValueError` if the worker does not have the item.
        """
        _, left = self._left.get(worker, (None, []))
        if item not in left:
            raise ValueError(f"worker {worker} ended item {item}, which it does not have")
        left.remove(item)
        if left:
            return False
        del self._left[worker]
        return True

    def lost(self, worker: str) -> int | None:
        """Note that ``worker`` is gone; the item that it died in, if it had any.

        That item counts as ended: what killed one worker would kill the next. The others of its pool in this
        round go to the front of the queue.
        """
        assignment, left = self._left.pop(worker, (None, []))
        if assignment is None or not left:
            return None
        crashed, *rest = left
        if rest:
            self._waiting.insert(0, replace(assignment, items=tuple(rest)))
            self._haunted.add(assignment.pool)
        return crashed

    def idle(self, worker: str) -> bool:
        """Whether ``worker`` has no pool."""
        return worker not in self._left

    def pool_of(self, worker: str) -> str | None:
        """The pool that ``worker`` has."""
        return self._left[worker][0].pool if worker in self._left else None

    def is_haunted(self, pool: str) -> bool:
        """Whether ``pool`` goes on next, and whoever takes it deletes what a lost worker left of it."""
        return pool in self._haunted

    @property
    def waiting(self) -> tuple[str, ...]:
        """The pools that no worker has, the next one first; with rounds one for each that is left."""
        return tuple(assignment.pool for assignment in self._waiting)

    @property
    def finished(self) -> bool:
        """Whether every item has ended."""
        return not self._waiting and not self._left
