"""Rates of the time that all guests share, and how evenly they were served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult, JobResult
from pytest_odfperf.fio.completion_lines import Line
from pytest_odfperf.fio.completion_log import SectionLog
from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.measure.aggregate import combine
from pytest_odfperf.measure.fairness import fairness, fairness_of, least_fair
from pytest_odfperf.measure.window_rates import shared_spans, within_shared_time

RUNTIME_MS = 60_000


def guest(per_second: Sequence[int], workers: int = 1) -> FioResult:
    """A guest that did so many I/Os in each second, its workers together."""
    total = sum(per_second)
    part = DirectionResult(
        iops_per_s=1000 * total / RUNTIME_MS,
        bw_bytes_per_s=4096 * 1000 * total / RUNTIME_MS,
        total_ios=total,
        runtime_ms=RUNTIME_MS,
        lat_mean_ns=1e6,
        lat_stddev_ns=0.0,
        lat_min_ns=10**6,
        lat_max_ns=10**6,
        histogram=Histogram.from_values([10**6] * 10),
    )
    lines = [
        tuple(
            Line(1000 * second + 3, ios // workers + (worker < ios % workers))
            for second, ios in enumerate(per_second[:-1], 1)
        )
        for worker in range(workers)
    ]
    log = SectionLog({"read": lines, "write": [()] * workers}, 1000)
    job = JobResult(name="a", phase=0, read=part, write=None, log=log)
    return FioResult(fio_version="fio-3.33", jobs=(job,))


def rate(results: dict[str, FioResult], starts_ms: dict[str, float] | None) -> float:
    found = combine(results, starts_ms, RUNTIME_MS).read
    assert found is not None
    assert found.bw_bytes_per_s == pytest.approx(4096 * found.iops_per_s)
    return found.iops_per_s


@given(
    rates=st.lists(st.integers(50, 20_000), min_size=2, max_size=6),
    starts=st.lists(st.floats(0, 30_000), min_size=6, max_size=6),
    workers=st.integers(1, 3),
)
def test_steady_guests_have_the_same_rate_in_any_part(
    rates: list[int], starts: list[float], workers: int
) -> None:
    results = {f"g{number}": guest([rate] * 60, workers) for number, rate in enumerate(rates)}
    begun = {f"g{number}": starts[number] for number in range(len(rates))}
    assert rate(results, begun) == pytest.approx(sum(rates), rel=0.005)


def test_who_runs_alone_does_not_count() -> None:
    # Together the guests have 1000 IOPS; alone each has all of them. The second begins 20 s late.
    first = guest([1000] * 20 + [500] * 40)
    second = guest([500] * 40 + [1000] * 20)
    starts = {"a": 5e12, "b": 5e12 + 20_000}
    assert rate({"a": first, "b": second}, None) == pytest.approx(2000 * 2 / 3, rel=0.001)
    assert rate({"a": first, "b": second}, starts) == pytest.approx(1000, rel=0.005)
    # Whose start is not known: as if all had begun at once.
    assert rate({"a": first, "b": second}, {}) == rate({"a": first, "b": second}, None)


@given(st.floats(0, 290), st.integers(1, 5))
def test_a_start_that_is_hardly_late_changes_nothing(late_ms: float, guests: int) -> None:
    results = {f"g{number}": guest([100 + number] * 60) for number in range(guests)}
    starts = {name: late_ms if name == "g0" else 0.0 for name in results}
    assert combine(results, starts, RUNTIME_MS) == combine(results)


@given(st.lists(st.floats(0, 100_000), min_size=2, max_size=8))
def test_the_shared_time_is_within_each_guests_run(starts: list[float]) -> None:
    begun = {f"g{number}": start for number, start in enumerate(starts)}
    spans = shared_spans(begun, RUNTIME_MS)
    late = max(starts) - min(starts)
    if spans is None:
        assert late < 0.006 * RUNTIME_MS or late > 0.94 * RUNTIME_MS
        return
    for name, (first, last) in spans.items():
        assert 0 <= first < last <= RUNTIME_MS + 1e-6
        assert begun[name] + first == pytest.approx(max(starts))
        assert begun[name] + last == pytest.approx(min(starts) + RUNTIME_MS)


def test_guests_without_a_log_keep_their_rates() -> None:
    results = {name: guest([100] * 60) for name in "ab"}
    bare = {
        name: replace(one, jobs=(replace(one.jobs[0], log=SectionLog(problem="none")),))
        for name, one in results.items()
    }
    assert rate(bare, {"a": 0.0, "b": 30_000.0}) == pytest.approx(200)


def test_a_guest_at_the_same_speed_but_late_is_not_unfair_and_one_that_is_starved_is() -> None:
    # Alone in its last 20 s, the second looks faster than it ever was beside the first.
    results = {"a": guest([500] * 60), "b": guest([500] * 40 + [2000] * 20)}
    starts = {"a": 0.0, "b": 20_000.0}
    (whole,) = fairness_of(results)
    (shared,) = fairness_of(within_shared_time(results, starts, RUNTIME_MS))
    assert whole.jain < 0.91 < 0.99 < shared.jain
    (starved,) = fairness_of({"a": guest([500] * 60), "b": guest([10] * 60), "c": guest([520] * 60)})
    assert (starved.worst_guest, starved.max_over_min) == ("b", pytest.approx(52))
    assert least_fair([starved, shared]) == starved
    assert least_fair(fairness_of({"a": guest([1] * 60)})) is None


@given(st.lists(st.floats(0, 1e12), min_size=2, max_size=60), st.floats(1e-3, 1e3))
def test_jains_index_has_its_bounds_and_no_unit(rates: list[float], factor: float) -> None:
    found = fairness("a", {str(number): one for number, one in enumerate(rates)})
    scaled = fairness("a", {str(number): factor * one for number, one in enumerate(rates)})
    if found is None or scaled is None:
        assert not any(rates) or not any(factor * one for one in rates)
        return
    assert 1 / len(rates) - 1e-9 <= found.jain <= 1 + 1e-9
    assert scaled.jain == pytest.approx(found.jain, rel=1e-6, abs=1e-6)
    assert 0 <= found.min_over_median <= 1 + 1e-9
    assert (found.max_over_min is None) == (min(rates) == 0)


@pytest.mark.parametrize(
    ("rates", "jain"),
    [([100] * 5, 1.0), ([1, 2], 0.9), ([1, 0, 0, 0], 0.25), ([100] * 49 + [0], 0.98), ([120, 100], 0.9918)],
)
def test_known_values_of_jains_index(rates: list[float], jain: float) -> None:
    found = fairness("a", {str(number): float(one) for number, one in enumerate(rates)})
    assert found is not None
    assert found.jain == pytest.approx(jain, abs=1e-4)


def test_the_slowest_guest_is_held_against_the_median_one_not_the_fastest() -> None:
    found = fairness("a", {"a": 2.0, "b": 9.0, "c": 1.0})
    assert found is not None
    assert (found.worst_guest, found.min_over_median, found.max_over_min) == ("c", 0.5, 9.0)
    assert found.median_guest_iops_per_s == 2.0
