"""histograms.json: what all guests saw, bucket by bucket, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult, JobResult
from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.measure.pooled_histograms import read_histograms, write_histograms
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.content.stored_histograms import histograms_of


def answer(reads: list[int], writes: list[int]) -> FioResult:
    def part(latencies_ns: list[int]) -> DirectionResult | None:
        if not latencies_ns:
            return None
        return DirectionResult(
            iops_per_s=1.0,
            bw_bytes_per_s=1.0,
            total_ios=len(latencies_ns),
            runtime_ms=1000,
            lat_mean_ns=1.0,
            lat_stddev_ns=0.0,
            lat_min_ns=1,
            lat_max_ns=1,
            histogram=Histogram.from_values(latencies_ns),
        )

    job = JobResult(name="mix", phase=0, read=part(reads), write=part(writes), sync=part(writes))
    return FioResult(fio_version="fio-3.33", jobs=(job,))


# Up to what no bucket tells apart any more.
latencies = st.lists(st.integers(0, 10**12), max_size=40)


@given(st.lists(st.tuples(latencies, latencies), min_size=1, max_size=4))
def test_it_counts_the_ios_of_all_guests(guests: list[tuple[list[int], list[int]]]) -> None:
    found = read_histograms(write_histograms(answer(*guest) for guest in guests).encode())
    for place, direction in enumerate(("read", "write")):
        every = [value for guest in guests for value in guest[place]]
        assert found.get(("mix", direction), Histogram(())) == Histogram.from_values(every)
    assert found.get(("mix", "sync")) == found.get(("mix", "write"))


@given(st.data())
def test_what_is_torn_or_changed_is_refused_and_never_half_a_histogram(data: st.DataObject) -> None:
    text = write_histograms([answer([1, 500, 10**7], [3 * 10**6])])
    cut = text[: data.draw(st.integers(0, len(text) - 3))]
    with pytest.raises(ValueError):
        read_histograms(cut.encode())


@pytest.mark.parametrize(
    "change",
    [
        {"at_least_ns": [129, 500], "ios": [1, 1]},  # inside a bucket
        {"at_least_ns": [5, 5], "ios": [1, 1]},
        {"at_least_ns": [5], "ios": [1, 1]},
        {"at_least_ns": [5], "ios": [-1]},
        {"at_least_ns": [5], "ios": [1.5]},
        {"at_least_ns": [5], "ios": [True]},
        {"at_least_ns": ["5"], "ios": [1]},
        {"ios": [1]},
        [],
        None,
    ],
)
def test_wrong_values_are_refused(change: object) -> None:
    plain = json.loads(write_histograms([answer([5], [])]))
    plain["jobs"][0]["read"] = change
    with pytest.raises(ValueError):
        read_histograms(json.dumps(plain).encode())


def test_a_result_has_them_unless_they_are_not_to_be_believed(make_record: Callable[..., Record]) -> None:
    text = write_histograms([answer([5], [])]).encode()
    record = make_record()
    content = RunContent(runs=(), matrix=None, tests=(), read=lambda record, name: text)  # type: ignore[arg-type]
    assert histograms_of(content, record) == {("mix", "read"): Histogram.from_values([5])}
    assert histograms_of(content, make_record(verdict="invalid")) == {}
    assert histograms_of(replace(content, read=lambda record, name: text[:9]), record) == {}
    assert histograms_of(replace(content, read=lambda record, name: None), record) == {}
