"""What xdist's workers are sent of pools in rounds, and what is cleared of a worker that is lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_odfperf.plugin.workers.scheduling import PoolScheduling


class Node:
    """A worker as xdist's controller has it."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.shutting_down = False
        self.sent: list[list[int]] = []

    def send_runtest_some(self, items: list[int]) -> None:
        self.sent.append(items)


@pytest.mark.parametrize(("ended", "cleared"), [(0, []), (1, ["a"])])
def test_vms_of_a_pool_that_goes_on_only_in_a_later_round_are_deleted_at_once(
    ended: int, cleared: list[str]
) -> None:
    tests = ["a1", "a1", "b1", "a2", "b2"]
    ids = [f"{test}-{number}" for number, test in enumerate(tests)]
    asked: list[str] = []
    config: Any = SimpleNamespace(option=SimpleNamespace(tx=["popen"] * 2))
    scheduling = PoolScheduling(
        config,
        lambda node_id: node_id[0],
        {"a": 9.0, "b": 1.0},
        lambda: False,
        lambda _one, _other: False,
        asked.append,
        lambda node_id: int(node_id[1]),
    )
    first, second = Node("gw0"), Node("gw1")
    for node in (first, second):
        scheduling.add_node(node)  # type: ignore[arg-type]
        scheduling.add_node_collection(node, ids)  # type: ignore[arg-type]
    scheduling.schedule()
    # A pool of one round, and the end mark; the other pool is kept apart from it.
    assert (first.sent, second.sent) == ([[0, 1, 0]], [])
    for item in range(ended):
        scheduling.mark_test_complete(first, item)  # type: ignore[arg-type]
    assert scheduling.remove_node(first) == ids[ended]  # type: ignore[arg-type]
    assert asked == cleared
    # What was left of it in this round goes first; else the next pool of the round.
    assert second.sent == [[1, 1]] if not ended else [[2, 2]]
    if not ended:
        scheduling.mark_test_complete(second, 1)  # type: ignore[arg-type]
    scheduling.mark_test_complete(second, 2)  # type: ignore[arg-type]
    scheduling.mark_test_complete(second, 3)  # type: ignore[arg-type]
    scheduling.mark_test_complete(second, 4)  # type: ignore[arg-type]
    assert [items[0] for items in second.sent] == [*([] if ended else [1]), 2, 3, 4]
    assert scheduling.tests_finished
