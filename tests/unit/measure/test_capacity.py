"""How many VMs a pool carries: the search against pools whose edge is known, and what a step must keep."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.measure.aggregate import DirectionMeasurement, JobMeasurement
from pytest_odfperf.measure.capacity.capacity_answer import answer_of
from pytest_odfperf.measure.capacity.capacity_search import CapacitySearch, Step
from pytest_odfperf.measure.capacity.step_outcome import StepOutcome, outcome_of

searches = st.tuples(st.integers(1, 40), st.integers(0, 300), st.integers(1, 5)).map(
    lambda numbers: CapacitySearch(numbers[0], numbers[0] + numbers[1], numbers[2])
)


def run(search: CapacitySearch, keeps: Any, room: int | None = None) -> list[Step]:
    steps: list[Step] = []
    while (step := search.next()) is not None:
        steps.append(step)
        assert len(steps) < 100 + 10 * search.repeats, steps
        assert 1 <= step.vms <= search.most
        if room is not None and step.vms > room:
            search.told_no_room(step)
        else:
            search.told(step, keeps(step.vms))
    return steps


@given(searches, st.integers(0, 400))
def test_a_sharp_edge_is_found_exactly(search: CapacitySearch, edge: int):
    run(search, lambda vms: vms <= edge)
    assert search.largest_kept == min(edge, search.most)
    assert search.smallest_broken == (edge + 1 if edge < search.most else None)


@given(searches, st.integers(1, 400), st.integers(0, 400))
def test_where_the_cluster_has_no_room_that_is_the_answer(search: CapacitySearch, edge: int, room: int):
    run(search, lambda vms: vms <= edge, room=room)
    assert search.largest_kept == min(edge, room, search.most)
    if room < min(edge, search.most):
        assert search.no_room == room + 1


@given(searches, st.integers(0, 400), st.integers(0, 2**32))
def test_an_edge_that_is_not_sharp_is_an_interval_whose_ends_were_measured_as_often_as_asked(
    search: CapacitySearch, edge: int, seed: int
):
    chance = random.Random(seed)
    steps = run(search, lambda vms: vms + chance.gauss(0, 3) <= edge)
    low, high = search.largest_kept, search.smallest_broken
    assert high is None or low < high
    for end in {low, high} - {0, None}:
        assert len(search.kept[end]) >= search.repeats
    assert all(search.kept.get(low, [True]))
    assert high is None or not all(search.kept[high])
    assert len({(step.vms, step.attempt) for step in steps}) == len(steps)


def test_the_largest_number_is_tried_also_if_it_is_no_double():
    search = CapacitySearch(1, 20, 1)
    assert [step.vms for step in run(search, lambda vms: True)] == [1, 2, 4, 8, 16, 20, 1]
    assert search.largest_kept == 20


def direction(iops: float, p99_ms: float, worst_ms: float | None = None) -> DirectionMeasurement:
    values: dict[str, Any] = dict.fromkeys(
        (field.name for field in dataclasses.fields(DirectionMeasurement)), 0
    )
    p99 = round(p99_ms * 1e6)
    return DirectionMeasurement(
        **values
        | {
            "iops_per_s": iops,
            "lat_p99_ns": p99,
            "worst_guest_lat_p99_ns": p99 if worst_ms is None else round(worst_ms * 1e6),
        }
    )


def outcome(read: Any = None, write: Any = None, fairness: float = 1.0) -> StepOutcome:
    return outcome_of(
        (JobMeasurement(name="a", read=read, write=write),),
        vms=2,
        attempt=1,
        purpose="doubling",
        started_at_epoch_ms=0,
        fairness=fairness,
        rate_iops=100,
        lat_p99_limit_ns=5_000_000,
    )


@pytest.mark.parametrize(
    ("read", "write", "fairness", "broke"),
    [
        (direction(140, 5.0), direction(60, 4), 1.0, ""),
        (direction(140, 5.1), direction(60, 4), 1.0, "a read p99 5.1 ms (limit 5 ms)"),
        (direction(140, 4), direction(60, 9.0), 1.0, "a write p99 9 ms (limit 5 ms)"),
        (direction(197, 1), None, 1.0, "the rate was not held: 197 of 200 I/Os a second"),
        (direction(200, 4, 7.6), None, 1.0, "the slowest guest's p99 7.6 ms (limit 7.5 ms)"),
        (direction(200, 4), None, 0.61, "the guests had unlike rates: fairness 0.61 (limit 0.9)"),
    ],
)
def test_what_a_step_must_keep(read: Any, write: Any, fairness: float, broke: str):
    assert "; ".join(outcome(read, write, fairness).broke).startswith(broke)
    assert outcome(read, write, fairness).kept == (broke == "")


def test_a_pool_that_is_another_one_at_the_end_is_told():
    first = outcome(direction(200, 1), None)
    last = dataclasses.replace(outcome(direction(200, 3), None), purpose="drift")
    search = CapacitySearch(2, 2, 1, kept={2: [True]})
    answer = answer_of(search, (first, last), rate_iops=100, lat_p99_limit_ns=5_000_000)
    assert "with 2 VMs again at the end p99 was 3 ms after 1 ms at first" in answer.text
    same = dataclasses.replace(first, purpose="drift")
    calm = answer_of(search, (first, same), rate_iops=100, lat_p99_limit_ns=5_000_000)
    assert calm.drift is None
