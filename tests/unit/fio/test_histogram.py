from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.fio.histogram import BUCKETS, TOP, Histogram, index_of, value_of

latencies = st.integers(0, 60_000_000_000)
histograms = st.lists(latencies, min_size=1, max_size=40).map(Histogram.from_values)


@given(st.integers(0, 17_000_000_000))
def test_a_bucket_shows_its_values_within_one_part_in_128(value_ns: int) -> None:
    assert abs(value_of(index_of(value_ns)) - value_ns) * 128 <= value_ns


def test_every_bucket_contains_its_own_middle() -> None:
    assert [index_of(value_of(index)) for index in range(BUCKETS)] == list(range(BUCKETS))


def test_the_top_bucket_is_the_value_that_fio_prints_for_all_above() -> None:
    assert value_of(TOP) == 17_112_760_320
    assert Histogram.from_values([30_000_000_000]).saturated
    assert not Histogram.from_values([16_000_000_000]).saturated


@given(histograms, histograms, histograms)
def test_merging_is_commutative_and_associative_and_loses_nothing(
    a: Histogram, b: Histogram, c: Histogram
) -> None:
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == a.merge(b, c)
    assert a.merge(b).total == a.total + b.total


@given(st.lists(latencies, min_size=1), st.lists(latencies, min_size=1))
def test_merging_is_the_histogram_of_all_values(first: list[int], second: list[int]) -> None:
    merged = Histogram.from_values(first).merge(Histogram.from_values(second))
    assert merged == Histogram.from_values(first + second)


@given(histograms, st.lists(st.floats(0.001, 100), min_size=2))
def test_percentiles_never_fall(histogram: Histogram, percents: list[float]) -> None:
    values = [histogram.percentile_ns(percent) for percent in sorted(percents)]
    assert all(low <= high for low, high in pairwise(values))


@given(histograms)
def test_bins_round_trip(histogram: Histogram) -> None:
    assert Histogram.from_bins(histogram.bins) == histogram


@pytest.mark.parametrize("sample", ["db-oltp", "mixed-70-30", "random-rw"])
def test_percentiles_are_those_that_fio_computed(fio_samples: Path, sample: str) -> None:
    document = json.loads((fio_samples / f"{sample}.json").read_text())
    compared = 0
    for job in document["jobs"]:
        for direction in ("read", "write"):
            lat = job[direction]["lat_ns"]
            for percent, value_ns in lat.get("percentile", {}).items():
                assert Histogram.from_bins(lat["bins"]).percentile_ns(float(percent)) == value_ns
                compared += 1
    assert compared >= 2 * 17


@pytest.mark.parametrize("bins", [{"-1": 1}, {"x": 1}, {"128": 1}, {"5": -1}, {"5": 1.5}, {"5": True}])
def test_bins_that_fio_does_not_write_are_refused(bins: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        Histogram.from_bins(bins)


@pytest.mark.parametrize("percent", [0.1, 0.7, 28, 29, 50, 57, 95, 99, 99.9, 99.99])
@given(hundreds=st.integers(1, 30))
def test_a_rank_that_is_a_whole_number_is_that_number(percent: float, hundreds: int) -> None:
    total = 10_000 * hundreds
    rank = round(percent * 100) * hundreds
    assert Histogram.of({100: rank, 101: total - rank}).percentile_ns(percent) == 100
    assert Histogram.of({100: rank - 1, 101: total - rank + 1}).percentile_ns(percent) == 101


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="without I/Os"):
        Histogram(()).percentile_ns(99)
