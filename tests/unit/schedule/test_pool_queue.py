"""A pool is on one worker at a time, and every item ends once, whatever workers do."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from pytest_odfperf.schedule.pool_queue import Assignment, PoolQueue


def test_the_longest_pool_goes_first() -> None:
    queue = PoolQueue(
        {"short": [0, 1, 2], "long": [3], "middle": [4]}, {"short": 10, "long": 300, "middle": 20}
    )
    assert queue.waiting == ("long", "middle", "short")
    assert queue.assign("gw0") == Assignment("long", (3,))


def test_pools_of_equal_estimates_keep_their_order() -> None:
    queue = PoolQueue({"b": [0], "a": [1], "c": [2]}, {"a": 5, "b": 5, "c": 5})
    assert queue.waiting == ("b", "a", "c")


def test_a_pool_without_an_estimate_goes_last() -> None:
    assert PoolQueue({"own": [0, 1], "rep3": [2]}, {"rep3": 1}).waiting == ("rep3", "own")


def test_a_worker_is_free_when_the_last_item_of_its_pool_ended() -> None:
    queue = PoolQueue({"rep3": [0, 1]}, {})
    queue.assign("gw0")
    assert not queue.done("gw0", 0)
    assert not queue.idle("gw0")
    assert queue.done("gw0", 1)
    assert queue.idle("gw0")
    assert queue.finished


def test_a_worker_gets_nothing_when_no_pool_waits() -> None:
    queue = PoolQueue({"rep3": [0]}, {})
    queue.assign("gw0")
    assert queue.assign("gw1") is None
    assert queue.idle("gw1")
    assert not queue.finished


def test_the_pool_of_a_lost_worker_goes_on_after_the_item_it_died_in() -> None:
    queue = PoolQueue({"rep3": [0, 1, 2], "rep2": [3]}, {"rep3": 9})
    queue.assign("gw0")
    queue.done("gw0", 0)
    assert queue.lost("gw0") == 1
    assert queue.assign("gw1") == Assignment("rep3", (2,))


def test_a_pool_that_lost_its_last_item_with_its_worker_has_ended() -> None:
    queue = PoolQueue({"rep3": [0]}, {})
    queue.assign("gw0")
    assert queue.lost("gw0") == 0
    assert queue.finished


def test_losing_an_idle_or_unknown_worker_loses_nothing() -> None:
    queue = PoolQueue({"rep3": [0]}, {})
    assert queue.lost("gw9") is None
    assert queue.waiting == ("rep3",)


def test_a_pool_without_items_is_not_given_out() -> None:
    queue = PoolQueue({"rep3": []}, {})
    assert queue.finished
    assert queue.assign("gw0") is None


def test_a_worker_can_not_have_two_pools() -> None:
    queue = PoolQueue({"rep3": [0], "rep2": [1]}, {})
    queue.assign("gw0")
    with pytest.raises(ValueError, match="gw0 still has pool rep3"):
        queue.assign("gw0")


@pytest.mark.parametrize(("worker", "item"), [("gw0", 1), ("gw1", 0), ("gw0", 99)])
def test_an_item_can_only_end_where_it_runs(worker: str, item: int) -> None:
    queue = PoolQueue({"rep3": [0], "rep2": [1]}, {"rep3": 9})
    queue.assign("gw0")
    with pytest.raises(ValueError, match="does not have"):
        queue.done(worker, item)


def test_an_item_can_not_end_twice() -> None:
    queue = PoolQueue({"rep3": [0, 1]}, {})
    queue.assign("gw0")
    queue.done("gw0", 0)
    with pytest.raises(ValueError, match="does not have"):
        queue.done("gw0", 0)


def test_an_item_in_two_pools_is_refused() -> None:
    with pytest.raises(ValueError, match="in two pools"):
        PoolQueue({"rep3": [0], "rep2": [0]}, {})


def test_pools_of_one_backend_are_measured_one_after_the_other() -> None:
    queue = PoolQueue(
        {"a1": [0], "a2": [1], "b": [2]}, {"a1": 2, "a2": 2, "b": 3}, lambda one, other: one[0] != other[0]
    )
    # The two of one backend take longer than the longest pool.
    assert queue.assign("gw0") == Assignment("a1", (0,))
    assert queue.assign("gw1") == Assignment("b", (2,))
    assert queue.assign("gw2") is None
    queue.done("gw0", 0)
    assert queue.assign("gw2") == Assignment("a2", (1,))


def test_what_a_lost_worker_left_goes_before_its_neighbours_on_the_backend() -> None:
    queue = PoolQueue({"a1": [0, 1], "a2": [2]}, {"a1": 1, "a2": 9}, lambda one, other: False)
    assert queue.assign("gw0") == Assignment("a2", (2,))
    queue.done("gw0", 2)
    queue = PoolQueue({"a1": [0, 1], "a2": [2]}, {"a1": 9, "a2": 8}, lambda one, other: False)
    queue.assign("gw0")
    assert queue.lost("gw0") == 0
    assert queue.assign("gw1") == Assignment("a1", (1,))
    assert queue.assign("gw2") is None


def test_a_round_is_given_out_before_the_next_and_its_longest_pool_first() -> None:
    rounds = {0: 1, 1: 2, 2: 1, 3: 2, 4: 1, 5: 2}
    queue = PoolQueue({"a": [0, 1], "b": [2, 3], "c": [4, 5]}, {"b": 9, "a": 5}, None, rounds.__getitem__)
    assert queue.assign("gw0") == Assignment("b", (2,), 1)
    assert queue.assign("gw1") == Assignment("a", (0,), 1)
    queue.done("gw0", 2)
    assert queue.assign("gw0") == Assignment("c", (4,), 1)
    queue.done("gw0", 4)
    # All of round 1 is given out; the longest pool that does not run is next.
    assert queue.assign("gw0") == Assignment("b", (3,), 2)
    queue.done("gw0", 3)
    assert queue.assign("gw0") == Assignment("c", (5,), 2)
    queue.done("gw0", 5)
    # Of round 2 only a waits, which is on the other worker.
    assert queue.assign("gw0") is None
    queue.done("gw1", 0)
    assert queue.assign("gw0") == Assignment("a", (1,), 2)


def test_a_short_pool_does_not_run_ahead_of_a_long_one() -> None:
    queue = PoolQueue({"a": [0, 1, 2], "b": [3, 4, 5]}, {"a": 9}, None, lambda item: item % 3 + 1)
    queue.assign("gw0")
    for item in (3, 4):
        assert queue.assign("gw1") == Assignment("b", (item,), item % 3 + 1)
        queue.done("gw1", item)
    assert queue.assign("gw1") is None


def test_what_a_lost_worker_left_of_a_round_goes_first_and_its_later_rounds_wait() -> None:
    queue = PoolQueue(
        {"a": [0, 1, 2], "b": [3, 4]}, {"a": 9}, None, {0: 1, 1: 1, 2: 2, 3: 1, 4: 2}.__getitem__
    )
    queue.assign("gw0")
    assert queue.lost("gw0") == 0
    assert queue.is_haunted("a")
    assert queue.assign("gw1") == Assignment("a", (1,), 1)
    assert not queue.is_haunted("a")
    # Its last item in the round: what it left is nobody's, though the pool waits for the next round.
    assert queue.lost("gw1") == 1
    assert not queue.is_haunted("a")
    assert queue.assign("gw2") == Assignment("b", (3,), 1)


class AnyInterleaving(RuleBasedStateMachine):
    """Workers come, take pools, end items, and are lost, in any order."""

    workers = Bundle("workers")

    @initialize(
        sizes=st.lists(st.integers(0, 5), max_size=7),
        estimates=st.lists(st.floats(0, 1e6), max_size=7),
        breaks=st.lists(st.integers(1, 4), min_size=35, max_size=35),
        together=st.none() | st.sets(st.frozensets(st.integers(0, 6), min_size=2, max_size=2)),
    )
    def fill(
        self,
        sizes: list[int],
        estimates: list[float],
        breaks: list[int],
        together: set[frozenset[int]] | None,
    ) -> None:
        pairs = {frozenset(f"pool{number}" for number in pair) for pair in together or ()}
        self.apart = None if together is None else lambda one, other: {one, other} not in pairs
        self.pools: dict[str, list[int]] = {}
        for number, size in enumerate(sizes):
            first = sum(map(len, self.pools.values()))
            self.pools[f"pool{number}"] = list(range(first, first + size))
        # Each pool's items in the order of their rounds, of which it may lack some.
        self.rounds: dict[int, int] = {}
        for items in self.pools.values():
            self.rounds.update(zip(items, sorted(breaks[item] for item in items), strict=True))
        seconds = {f"pool{number}": seconds for number, seconds in enumerate(estimates)}
        self.queue = PoolQueue(self.pools, seconds, self.apart, self.rounds.__getitem__)
        self.every = {item for items in self.pools.values() for item in items}
        self.ended: list[int] = []
        self.has: dict[str, tuple[str, list[int]]] = {}
        self.names = 0
        self.returned: set[str] = set()

    @rule(target=workers)
    def come(self) -> str:
        self.names += 1
        return f"gw{self.names}"

    @rule(worker=workers)
    def take(self, worker: str) -> None:
        if worker in self.has:
            return
        running = {pool for pool, _ in self.has.values()}
        left = {
            pool: [item for item in items if item not in self.ended]
            for pool, items in self.pools.items()
            if pool not in running
        }
        waiting = {pool: self.rounds[items[0]] for pool, items in left.items() if items}
        # Those that wait for a later round, since they run in an earlier one.
        later = [
            self.rounds[item]
            for pool, items in self.has.values()
            for item in self.pools[pool]
            if item not in self.ended and item not in items
        ]
        first = min([*waiting.values(), *later], default=0)
        # What runs, and the VMs that a lost worker left of a pool that waits.
        busy = running | self.returned
        able = [
            pool
            for pool, number in waiting.items()
            if (number == first or pool in self.returned)
            and (self.apart is None or all(self.apart(pool, other) for other in busy - {pool}))
        ]
        assignment = self.queue.assign(worker)
        # No worker is idle without need.
        assert (assignment is None) == (not able)
        if assignment is not None:
            assert assignment.pool in able
            assert assignment.round == waiting[assignment.pool]
            assert {self.rounds[item] for item in assignment.items} == {assignment.round}
            own = left[assignment.pool]
            assert list(assignment.items) == [item for item in own if self.rounds[item] == assignment.round]
            assert self.returned == set() or assignment.pool in self.returned
            self.returned.discard(assignment.pool)
            self.has[worker] = (assignment.pool, list(assignment.items))

    @precondition(lambda self: self.has)
    @rule(data=st.data())
    def end_an_item(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(sorted(self.has)))
        _, items = self.has[worker]
        item = items.pop(0)
        self.ended.append(item)
        assert self.queue.done(worker, item) == (not items)
        if not items:
            del self.has[worker]

    @rule(worker=workers)
    def lose(self, worker: str) -> None:
        crashed = self.queue.lost(worker)
        pool, items = self.has.pop(worker, ("", []))
        assert crashed == (items[0] if items else None)
        if crashed is not None:
            self.ended.append(crashed)
            if items[1:]:
                assert self.queue.waiting[0] == pool
                self.returned.add(pool)

    @invariant()
    def no_item_ends_twice(self) -> None:
        assert len(self.ended) == len(set(self.ended))

    @invariant()
    def a_pool_is_in_one_place(self) -> None:
        places = [pool for pool, _ in self.has.values()]
        assert len(places) == len(set(places))
        assert all(self.queue.pool_of(worker) == pool for worker, (pool, _) in self.has.items())

    @invariant()
    def pools_that_are_kept_apart_never_run_at_one_time(self) -> None:
        running = [pool for pool, _ in self.has.values()]
        assert self.apart is None or all(
            self.apart(one, other) for one, other in itertools.combinations(running, 2)
        )

    @invariant()
    def finished_means_that_every_item_ended(self) -> None:
        assert self.queue.finished == (set(self.ended) == self.every)

    def teardown(self) -> None:
        """From any state one worker can end what is left."""
        if not hasattr(self, "queue"):
            return
        for worker in list(self.has):
            self.lose(worker)
        while (assignment := self.queue.assign("last")) is not None:
            for item in assignment.items:
                self.ended.append(item)
                self.queue.done("last", item)
        assert self.queue.finished
        assert sorted(self.ended) == sorted(self.every)


TestAnyInterleaving = AnyInterleaving.TestCase
TestAnyInterleaving.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
