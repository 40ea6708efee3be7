"""In which order repeats run, and by which node ids they are known."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.keys import Key, param_id
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.plugin.node_ids import NodeIds
from pytest_odfperf.run.before.repeat_rounds import read_repeats
from pytest_odfperf.run.controller.progress import Progress
from pytest_odfperf.run.worker.failed_groups import FailedGroups
from pytest_odfperf.schedule.estimate import GROUP_CREATE_S, GROUP_DELETE_S, group_s, key_s, pool_estimates_s
from pytest_odfperf.schedule.jobs import groups_of, layout_bytes, render_jobs
from pytest_odfperf.schedule.plan_text import plan_text
from pytest_odfperf.schedule.repeat_blocks import LARGEST_SEED, places, round_of, seed_of

KEYS = [
    Key("rep3", "small", "10Gi", 1, profile, size) for profile in ("a", "b-r2") for size in ("4k", "8k", "1M")
]
seeds = st.integers(1, LARGEST_SEED)
blocks = st.integers(1, 1000)


@given(seeds, blocks, st.permutations(KEYS))
def test_a_block_is_complete_and_the_same_for_whoever_orders_it(
    seed: int, block: int, keys: list[Key]
) -> None:
    found = places(seed, block, keys)
    assert sorted(found.values()) == list(range(1, len(KEYS) + 1))
    assert found == places(seed, block, KEYS)


@given(seeds, blocks, st.sets(st.sampled_from(KEYS), min_size=2))
def test_two_keys_stay_in_their_order_whichever_others_run(seed: int, block: int, some: set[Key]) -> None:
    every, few = places(seed, block, KEYS), places(seed, block, some)
    assert sorted(some, key=lambda key: every[key]) == sorted(some, key=lambda key: few[key])


def test_each_block_and_seed_has_an_order_of_its_own_and_no_key_a_usual_place() -> None:
    orders = {tuple(places(seed, block, KEYS).items()) for seed in range(1, 40) for block in range(1, 6)}
    assert len(orders) > 150, "of 195; there are 720 orders"
    first = Counter(places(seed, 1, KEYS)[KEYS[0]] for seed in range(1, 6001))
    assert all(900 < first[place] < 1100 for place in range(1, 7)), first


@given(blocks, st.data())
def test_rounds_have_as_many_repeats_as_each_other_or_one_less(repeats: int, data: st.DataObject) -> None:
    rounds = data.draw(st.integers(1, repeats))
    found = [round_of(repeat, repeats, rounds) for repeat in range(1, repeats + 1)]
    assert found == sorted(found)
    sizes = Counter(found)
    assert set(sizes) == set(range(1, rounds + 1))
    assert max(sizes.values()) - min(sizes.values()) <= 1


@pytest.mark.parametrize(
    ("given", "begun", "found"),
    [
        ((None, None), {}, (1, 1)),
        ((None, 5), {}, (5, 5)),
        ((6, 3), {}, (6, 3)),
        ((None, None), {"repeat": 6, "rounds": 3}, (6, 3)),
        ((None, 3), {"repeat": 1}, (3, 3)),
        ((None, 7), {"repeat": 5, "rounds": 5}, (7, 7)),
        ((8, 4), {"repeat": 6, "rounds": 3}, (8, 4)),
        ((4, None), {"repeat": 3}, (4, 1)),
        ((2, 1), {"repeat": 4, "rounds": 2}, (2, 1)),
        ((2, 3), {}, "--odf-rounds 3 is more than the 2 repeats of each key"),
        ((6, None), {"repeat": 5, "rounds": 5}, "repeat 2 would be in another round"),
        ((None, 2), {"repeat": 5}, "begun with 5 repeats in 1 round, and repeat 4 would"),
    ],
)
def test_what_was_measured_stays_in_its_round(given: Any, begun: Any, found: Any) -> None:
    if not isinstance(found, str):
        assert read_repeats(*given, begun) == found
        return
    with pytest.raises(InputError, match=found) as caught:
        read_repeats(*given, begun)
    assert str(caught.value).isprintable()


def test_a_group_that_fails_is_tried_again_in_the_next_round_but_not_in_all() -> None:
    groups, group = FailedGroups(), KEYS[0].group
    groups.failed(group, "no node")
    assert groups.why(group) == "no node"
    groups.new_round()
    assert groups.why(group) is None
    groups.lost(group, "gone")
    assert groups.why(group) is None
    groups.lost(group, "gone")
    assert groups.why(group) == "it was lost 2 times in a row: gone"
    groups.new_round()
    assert groups.why(group) is not None, "twice in a row"
    other = KEYS[0].group
    fresh = FailedGroups()
    for _ in range(3):
        fresh.failed(other, "no node")
        fresh.new_round()
        fresh.measured(other)
    assert fresh.why(other) is None


@given(st.text(min_size=1, max_size=40))
def test_a_run_has_a_seed_that_can_be_given_again(run_id: str) -> None:
    assert 1 <= seed_of(run_id) <= 2**32
    assert seed_of(run_id) == seed_of(run_id)


@pytest.mark.parametrize("form", ["odfperf::test_storage[{}]", "t.py::test[{}-x]", "t.py::test[x-r3-{}]"])
@given(key=st.sampled_from(KEYS), repeat=blocks)
def test_a_node_id_tells_its_key_and_repeat(form: str, key: Key, repeat: int) -> None:
    ids = NodeIds({str(one): "definition" for one in KEYS})
    node_id = form.format(param_id(key, repeat))
    assert (ids.key_of(node_id), ids.repeat_of(node_id)) == (key, repeat)


def test_a_key_whose_pool_ends_as_another_begins_is_told_from_it() -> None:
    longer = Key("old-rep3", "small", "10Gi", 1, "a", "4k")
    ids = NodeIds([str(KEYS[0]), str(longer)])
    assert ids.key_of(f"t.py::test[{longer}-mine]") == longer
    assert ids.key_of("t.py::test[mine]") is None
    assert ids.key_of("t.py::test") is None


def test_repeats_cost_their_keys_again_and_their_groups_once() -> None:
    matrix = load_matrix("quick")
    keys = expand(matrix)
    jobs = render_jobs(matrix, keys)
    group, members = next(iter(groups_of(keys).items()))
    once = group_s(matrix, jobs, members)
    again = sum(key_s(matrix, jobs, key) for key in members)
    thrice = [key for key in members for _ in range(3)]
    assert group_s(matrix, jobs, thrice) == pytest.approx(once + 2 * again)
    assert GROUP_CREATE_S + GROUP_DELETE_S + 3 * again <= group_s(matrix, jobs, thrice)
    assert layout_bytes(matrix, jobs, thrice) == layout_bytes(matrix, jobs, members)
    text = plan_text(matrix=matrix, keys=thrice[:-1], jobs=jobs, workers=1, why="one", done=1, repeats=3)
    assert f"keys     {len(members)} keys in 1 group on 1 pool, {3 * len(members) - 1} measurements" in text
    assert "(3 of each); 1 more completed earlier" in text
    assert f"    {members[0]} x 3\n" in text
    assert f"    {members[-1]} x 2\n" in text
    every = pool_estimates_s(matrix, jobs, thrice)
    assert every[group.pool] == pytest.approx(group_s(matrix, jobs, thrice))


def test_progress_counts_measurements_and_says_which_repeat_runs() -> None:
    progress = Progress([key for key in KEYS for _ in range(3)], {"rep3": 180.0}, 1, repeats=3)
    assert progress.key_started(KEYS[0], 10.0, 2)
    assert not progress.key_ended(KEYS[0], "passed", 20.0)
    progress.key_started(KEYS[1], 20.0, 3)
    line = progress.heartbeat(25.0)
    assert line.startswith("odfperf: 1/18 measurements, ETA ")
    assert line.endswith("rep3 1/18 small:10Gi:1:a:8k (3 of 3) 5s")
