from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import FioError
from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult, JobResult, LatencyResult
from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.measure.aggregate import PERCENTILES, combine


def part(latencies_ns: list[int], runtime_ms: int = 1000) -> DirectionResult:
    return DirectionResult(
        iops_per_s=1000 * len(latencies_ns) / runtime_ms,
        bw_bytes_per_s=4096 * 1000 * len(latencies_ns) / runtime_ms,
        total_ios=len(latencies_ns),
        runtime_ms=runtime_ms,
        lat_mean_ns=statistics.fmean(latencies_ns),
        lat_stddev_ns=statistics.stdev(latencies_ns) if len(latencies_ns) > 1 else 0.0,
        lat_min_ns=min(latencies_ns),
        lat_max_ns=max(latencies_ns),
        histogram=Histogram.from_values(latencies_ns),
    )


def result(*jobs: JobResult) -> FioResult:
    return FioResult(fio_version="fio-3.33", jobs=jobs)


def reads(latencies_ns: list[int], phase: int = 0, runtime_ms: int = 1000) -> JobResult:
    return JobResult(name=f"r{phase}", phase=phase, read=part(latencies_ns, runtime_ms), write=None)


latencies = st.lists(st.integers(1, 10**10), min_size=1, max_size=30)


@given(st.lists(latencies, min_size=1, max_size=5))
def test_the_group_is_what_one_guest_with_all_ios_would_be(guests: list[list[int]]) -> None:
    every = [value for guest in guests for value in guest]
    found = combine({f"vm-{number}": result(reads(guest)) for number, guest in enumerate(guests)}).read
    alone = combine({"vm": result(reads(every))}).read
    assert found is not None
    assert alone is not None
    assert [getattr(found, name) for name in PERCENTILES] == [getattr(alone, name) for name in PERCENTILES]
    assert found.lat_max_ns == max(every)
    assert found.total_ios == len(every)
    assert found.iops_per_s == pytest.approx(alone.iops_per_s)
    assert found.lat_mean_ns == pytest.approx(alone.lat_mean_ns)
    assert math.isclose(found.lat_stddev_ns, alone.lat_stddev_ns, rel_tol=1e-6, abs_tol=1e-3)


def test_percentiles_are_pooled_and_not_averaged() -> None:
    fast, other, slow = [100] * 1_030_000, [200] * 10_000, [10_000] * 10_000
    guests = {"a": result(reads(fast)), "b": result(reads(slow)), "c": result(reads(other))}
    found = combine(guests).read
    assert found is not None
    assert found.lat_p50_ns == 100
    assert found.lat_p99_ns == pytest.approx(200, rel=1 / 128)
    assert found.worst_guest_lat_p99_ns == pytest.approx(10_000, rel=1 / 128)
    assert found.median_guest_lat_p99_ns == pytest.approx(200, rel=1 / 128)
    # The guest with few I/Os may be the slowest one.
    found = combine({**guests, "d": result(reads([99_000] * 10))}).read
    assert found is not None
    assert found.carried_ns("worst_guest_lat_p99_ns") is found.carried_ns("median_guest_lat_p99_ns") is None
    assert found.carried_ns("lat_p99_ns") == found.lat_p99_ns


def test_phases_are_averaged_over_time_and_jobs_side_by_side_add_up() -> None:
    one = combine({"a": result(reads([5] * 100, 0), reads([5] * 900, 1, 3000))}).read
    assert one is not None
    assert one.iops_per_s == pytest.approx(1000 / 4)
    beside = result(
        JobResult(name="x", phase=0, read=part([5] * 100), write=None),
        JobResult(name="y", phase=0, read=part([5] * 300), write=None),
    )
    both = combine({"a": beside}).read
    assert both is not None
    assert both.iops_per_s == pytest.approx(400)


def test_a_direction_that_no_job_has_is_none_and_not_zero() -> None:
    found = combine({"a": result(reads([5]))})
    assert found.write is None
    assert found.jobs[0].write is None


def test_the_tail_is_trusted_from_a_hundred_ios_above_it() -> None:
    for name, least in (
        ("lat_p50_ns", 200),
        ("lat_p95_ns", 2_000),
        ("lat_p99_ns", 10_000),
        ("lat_p999_ns", 100_000),
    ):
        few, enough = (combine({"a": result(reads([5] * count))}).read for count in (least - 1, least))
        assert few is not None
        assert enough is not None
        assert (few.carried_ns(name), enough.carried_ns(name)) == (None, 5)
        assert few.lat_p99_trusted is (few.carried_ns("lat_p99_ns") is not None)
        assert few.lat_p999_ns is None


def test_a_latency_beyond_the_histogram_is_flagged() -> None:
    found = combine({"a": result(reads([5, 40_000_000_000]))}).read
    assert found is not None
    assert found.lat_saturated
    assert found.lat_max_ns == 40_000_000_000


def test_guests_that_ran_other_jobs_are_refused() -> None:
    with pytest.raises(FioError, match="guest b did not run the same jobs as a"):
        combine({"a": result(reads([5])), "b": result(reads([5], phase=1))})
    with pytest.raises(FioError, match="no guest"):
        combine({})


def like(kind: str, name: str, phase: int = 0, **parts: list[int]) -> JobResult:
    found = {one: part(values) for one, values in parts.items()}
    return JobResult(name=name, phase=phase, kind=kind, read=found.get("read"), write=found.get("write"))


def test_unlike_sections_have_no_one_figure_and_each_its_own() -> None:
    found = combine(
        {"a": result(like("wal", "wal", write=[5] * 100), like("mix", "mix", 1, write=[9] * 300))}
    )
    assert found.write is None
    assert [job.write.total_ios for job in found.jobs if job.write] == [100, 300]
    assert [job.phase for job in found.jobs] == [0, 1]


def test_unlike_sections_that_do_other_directions_have_each_its_figure() -> None:
    found = combine({"a": result(like("wal", "wal", write=[5] * 100), like("scan", "scan", read=[9] * 300))})
    assert (found.write and found.write.total_ios, found.read and found.read.total_ios) == (100, 300)


def test_alike_sections_are_one_in_all_guests() -> None:
    one = result(like("x", "a", write=[5] * 100), like("x", "b", write=[5] * 300))
    found = combine({"g": one, "h": one}).write
    assert found is not None
    assert found.total_ios == 800
    assert found.iops_per_s == pytest.approx(800)


def test_syncs_are_pooled_over_guests_and_have_no_bandwidth() -> None:
    def guest(latency_ns: int) -> FioResult:
        values = {name: getattr(part([latency_ns] * 10_000), name) for name in LatencyResult.__slots__}
        return result(
            JobResult(name="wal", phase=0, read=None, write=part([5] * 100), sync=LatencyResult(**values))
        )

    found = combine({"a": guest(1000), "b": guest(90_000)})
    assert found.sync is not None
    assert (found.sync.total_ios, found.sync.iops_per_s) == (20_000, 20_000)
    assert found.sync.lat_p99_ns == pytest.approx(90_000, rel=1 / 128)
    assert found.jobs[0].sync == found.sync
    assert not hasattr(found.sync, "bw_bytes_per_s")


@given(latencies)
def test_no_percentile_is_beyond_the_latencies(values: list[int]) -> None:
    found = combine({"a": result(reads(values * 10_000))}).read
    assert found is not None
    told = [getattr(found, name) for name in PERCENTILES]
    told = [value for value in told if value is not None]
    assert sorted(told) == told
    assert min(values) <= told[0] <= told[-1] <= found.lat_max_ns
    assert found.worst_guest_lat_p99_ns is not None
    assert found.worst_guest_lat_p99_ns <= found.lat_max_ns


def test_ios_slower_than_the_histogram_are_not_made_faster() -> None:
    found = combine({"a": result(reads([20_000_000_000] * 200))}).read
    assert found is not None
    assert found.lat_p50_ns == 20_000_000_000
