from __future__ import annotations

import statistics
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.sandbox.machines.simulated.pace import Pace, pace

STEPS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 5)), max_size=5).map(sorted)


def seconds(found: Pace | None, runtime_s: int = 60) -> list[float]:
    """The share of the I/Os in each second, times how many there are: 1 where they come evenly."""
    assert found
    marks = [0.0, *(found.share(1000 * second) for second in range(1, runtime_s + 1))]
    return [(after - before) * runtime_s for before, after in pairwise(marks)]


@given(STEPS, st.floats(0.001, 0.5), st.integers(1, 600), st.integers(0, 99))
def test_all_is_done_at_the_end_and_nothing_is_undone(
    steps: list[tuple[float, float]], jitter: float, runtime_s: int, seed: int
) -> None:
    found = pace(1000 * runtime_s, steps, jitter, Random(seed))
    assert found
    shares = [found.share(runtime_s * at) for at in range(1001)]
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)
    assert all(after >= before - 1e-12 for before, after in pairwise(shares))


def test_a_rate_holds_from_its_second_on() -> None:
    found = seconds(pace(60_000, [(20, 0), (52, 3)], 0, Random(1)))
    usual = 60 / (20 + 8 * 3)
    assert found[0] == pytest.approx(usual)
    assert found[20:52] == [pytest.approx(0, abs=1e-9)] * 32
    assert found[52:] == [pytest.approx(3 * usual)] * 8


def test_jitter_is_as_large_as_it_says() -> None:
    found = seconds(pace(3_000_000, [], 0.08, Random(1)), 3000)
    assert statistics.stdev(found) == pytest.approx(0.08, rel=0.1)


def test_without_anything_it_is_even() -> None:
    assert pace(60_000, [], 0, Random(1)) is None
