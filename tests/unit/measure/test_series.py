"""A guest's series from fio's log of completions, written and read back; times without completions."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pytest_odfperf.fio.answers.fio_result import DirectionResult, FioResult, JobResult
from pytest_odfperf.fio.completion_lines import Line
from pytest_odfperf.fio.completion_log import SectionLog, interval_ms
from pytest_odfperf.fio.histogram import BUCKETS, Histogram, index_of, lowest_of
from pytest_odfperf.measure.series.guest_series import Series, series_of
from pytest_odfperf.measure.series.series_csv import read_series, write_series
from pytest_odfperf.measure.series.stalls import stalls_of

#: A completion: time in ms, latency in ns.
Done = tuple[float, int]
#: Its first and last ms.
Span = tuple[float, float]


def logged(done: Sequence[Done], interval: int) -> tuple[Line, ...]:
    """What fio writes of these completions (``add_clat_sample`` of its ``stat.c``), in octaves."""
    lines: list[Line] = []
    last, columns = 0, [0] * (BUCKETS >> 6)
    for time_ms, latency_ns in done:
        elapsed = int(time_ms)
        columns[index_of(latency_ns) >> 6] += 1
        last = last or elapsed
        if elapsed - last >= interval:
            lines.append(Line(elapsed, sum(columns), columns))
            columns = [0] * len(columns)
            last = elapsed - (elapsed - last - interval)
    return tuple(lines)


def job(workers: Sequence[Sequence[Done]], runtime_s: int) -> JobResult:
    """A section of readers, as fio's answer and log have it."""
    interval = interval_ms(runtime_s, len(workers))
    latencies = [latency for worker in workers for _, latency in worker]
    part = DirectionResult(
        iops_per_s=len(latencies) / runtime_s,
        bw_bytes_per_s=1.0,
        total_ios=len(latencies),
        runtime_ms=1000 * runtime_s,
        lat_mean_ns=sum(latencies) / len(latencies),
        lat_stddev_ns=0.0,
        lat_min_ns=min(latencies),
        lat_max_ns=max(latencies),
        histogram=Histogram.from_values(latencies),
    )
    log = SectionLog({"read": [logged(worker, interval) for worker in workers], "write": [()]}, interval)
    return JobResult(name="a", phase=0, read=part, write=None, log=log)


def closed_loop(
    random: Random, runtime_ms: int, depth: int, still: Sequence[tuple[float, float]]
) -> list[Done]:
    """A worker with ``depth`` I/Os of about 25 ms in flight, on a device that stands still now and then."""
    done: list[Done] = []
    started = [0.0] * depth
    while True:
        issued = min(started)
        end = issued + random.uniform(20, 30)
        for first, last in still:
            if issued < last and end > first:
                end = max(end, last) + random.uniform(0, 1)
        if end > runtime_ms:
            return sorted(done)
        done.append((end, int((end - issued) * 1e6)))
        started[started.index(issued)] = end


def of(found: JobResult, runtime_s: int) -> Series:
    (series,) = series_of(FioResult(fio_version="fio-3.33", jobs=(found,)), 1000 * runtime_s)
    return series


@pytest.mark.parametrize("index", [0, 63, 64, 127, 128, 129, 1000, BUCKETS - 1])
def test_the_least_latency_of_a_bucket_is_in_it_and_the_one_below_is_not(index: int) -> None:
    assert index_of(lowest_of(index)) == index
    assert index == 0 or index_of(lowest_of(index) - 1) == index - 1


@settings(max_examples=25, phases=(Phase.explicit, Phase.generate))
@given(
    seed=st.integers(0, 2**32),
    rate=st.floats(20, 1500),
    workers=st.integers(1, 4),
    runtime_s=st.sampled_from([2, 10, 60]),
)
def test_no_io_is_lost_or_made_up(seed: int, rate: float, workers: int, runtime_s: int) -> None:
    random = Random(seed)
    all_done = []
    for _ in range(workers):
        done, time_ms = [], 0.0
        while (time_ms := time_ms + random.expovariate(rate / 1000)) < 1000 * runtime_s:
            done.append((time_ms, random.randrange(1, 2 * 10**7)))
        all_done.append(done)
    series = of(job(all_done, runtime_s), runtime_s)
    seconds = series.samples[-1].end_ms / 1000
    completed = sum(1 for done in all_done for time_ms, _ in done if time_ms <= 1000 * seconds)
    ios = sum(series.rates) * series.sample_ms / 1000
    # At the end a worker's last line may be missing.
    assert ios == pytest.approx(completed, abs=workers * (2 + 2 * rate * series.sample_ms / 1000))
    assert 1000 * runtime_s - series.samples[-1].end_ms <= 2.5 * series.sample_ms + 4000 / rate
    for sample in series.samples:
        if sample.lat_mean_ns is not None:
            assert sample.lat_p99_below_ns is not None
            assert sample.lat_max_below_ns is not None
            assert 0 < sample.lat_mean_ns <= sample.lat_max_below_ns
            assert sample.lat_p99_below_ns <= sample.lat_max_below_ns <= 2 * 10**7


def test_a_series_shows_when_the_rate_and_the_latency_changed() -> None:
    fast = [(0.5 * n, 2_000_000) for n in range(1, 10_000)]
    slow = [(5000 + 2.0 * n, 8_100_000) for n in range(1, 2500)]
    series = of(job([[*fast, *slow]], 10), 10)
    assert series.sample_ms == 200
    for sample in series.samples[1:]:
        early = sample.end_ms <= 5000
        if early or sample.end_ms > 5400:
            assert sample.iops_per_s == pytest.approx(2000 if early else 500, rel=0.02)
            assert sample.lat_mean_ns == pytest.approx(2e6 if early else 8.1e6, rel=0.02)
            assert sample.lat_p99_below_ns == (2**21 if early else 8_100_000)


def test_a_series_is_read_back_as_it_was_written() -> None:
    found = job([closed_loop(Random(1), 10_000, 4, [(3000, 5000)])], 10)
    series = of(found, 10)
    (again,) = read_series(write_series([series]))
    assert again.samples == tuple(
        sample._replace(iops_per_s=round(sample.iops_per_s, 1)) for sample in series.samples
    )
    assert (again.job, again.direction, again.sample_ms) == ("a", "read", 200)
    assert any(sample.lat_mean_ns is None for sample in again.samples)
    assert read_series(write_series([])) == ()


@pytest.mark.parametrize(
    "row", ["a,read,200", "a,trim,200,1,1,1,1", "a,read,0,1,,,", "a,read,200,nan,,,", "a,read,200,1,x,1,1"]
)
def test_a_broken_series_is_refused_with_its_line(row: str) -> None:
    text = write_series([of(job([closed_loop(Random(1), 2000, 4, [])], 2), 2)])
    lines = text.count("\n")
    with pytest.raises(ValueError, match=f"line {lines + 1} is "):
        read_series(f"{text}{row}\n")
    with pytest.raises(ValueError, match="line 1"):
        read_series(row)


@settings(max_examples=25, phases=(Phase.explicit, Phase.generate))
@given(
    seed=st.integers(0, 2**32),
    share=st.floats(0, 0.9),
    length_ms=st.floats(1300, 6000),
    workers=st.integers(1, 4),
    depth=st.integers(1, 8),
    runtime_s=st.sampled_from([10, 30, 60]),
)
def test_a_stall_is_found_with_its_time(
    seed: int, share: float, length_ms: float, workers: int, depth: int, runtime_s: int
) -> None:
    random, runtime_ms = Random(seed), 1000 * runtime_s
    # Where the first line is written late, it does not tell whether the stall or the work was before.
    start = min(share * runtime_ms, runtime_ms - length_ms - 500)
    start = start if start > 2000 else 0.0
    all_done = [closed_loop(random, runtime_ms, depth, [(start, start + length_ms)]) for _ in range(workers)]
    found = job(all_done, runtime_s)
    assert found.read is not None
    stalls = stalls_of(found.log, runtime_ms, found.read.lat_max_ns)
    assert len(stalls) == 1
    assert stalls[0].share == pytest.approx(1.0, abs=0.02)
    slack = 60 + 0.05 * length_ms + 0.2 * found.log.interval_ms
    assert stalls[0].from_ms == pytest.approx(start, abs=slack)
    assert stalls[0].to_ms == pytest.approx(start + length_ms, abs=slack)


@settings(max_examples=25, phases=(Phase.explicit, Phase.generate))
@given(
    seed=st.integers(0, 2**32),
    length_ms=st.floats(0, 400),
    depth=st.integers(1, 8),
    runtime_s=st.sampled_from([2, 10, 60]),
)
def test_a_hiccup_is_no_stall(seed: int, length_ms: float, depth: int, runtime_s: int) -> None:
    random, runtime_ms = Random(seed), 1000 * runtime_s
    length_ms *= runtime_s / 10 if runtime_s < 10 else 1
    still = [(start, start + length_ms) for start in range(200, runtime_ms, max(700, runtime_ms // 5))]
    found = job([closed_loop(random, runtime_ms, depth, still)], runtime_s)
    assert found.read is not None
    assert stalls_of(found.log, runtime_ms, found.read.lat_max_ns) == []


def rate_limited(rate: float, runtime_ms: int, still: tuple[float, float]) -> list[Done]:
    """fio's ``rate_iops`` at depth 1: after a stall it makes up for what it could not do."""
    done: list[Done] = []
    free = 0.0
    for number in range(int(rate * runtime_ms / 1000)):
        issued = max(free, 1000 * number / rate)
        end = issued + 0.5
        if issued < still[1] and end > still[0]:
            end = still[1] + 0.5
        free = end
        if end < runtime_ms:
            done.append((end, int((end - issued) * 1e6)))
    return done


@pytest.mark.parametrize(("rate", "runtime_s", "start_s", "length_s"), [(20, 45, 10, 32), (500, 10, 4, 1.2)])
def test_a_stall_is_found_though_the_rate_was_made_up_for(
    rate: float, runtime_s: int, start_s: float, length_s: float
) -> None:
    done = rate_limited(rate, 1000 * runtime_s, (1000 * start_s, 1000 * (start_s + length_s)))
    found = job([done], runtime_s)
    assert found.read is not None
    assert found.read.iops_per_s == pytest.approx(rate, rel=0.005)
    (stall,) = stalls_of(found.log, 1000 * runtime_s, found.read.lat_max_ns)
    assert stall.length_ms == pytest.approx(1000 * length_s, rel=0.1)


@settings(max_examples=25, phases=(Phase.explicit, Phase.generate))
@given(seed=st.integers(0, 2**32), rate=st.floats(0.7, 30), runtime_s=st.sampled_from([10, 60]))
def test_a_slow_device_does_not_stall(seed: int, rate: float, runtime_s: int) -> None:
    random = Random(seed)
    done, time_ms = [], 0.0
    while (time_ms := time_ms + random.expovariate(rate / 1000)) < 1000 * runtime_s:
        # A deep queue: each I/O is in flight for many times between I/Os.
        done.append((time_ms, int(random.uniform(5e9, 20e9) / rate)))
    if len(done) > 3:
        found = job([done], runtime_s)
        assert found.read is not None
        assert stalls_of(found.log, 1000 * runtime_s, found.read.lat_max_ns) == []


def test_batches_and_pauses_of_the_job_are_no_stalls() -> None:
    batches = [(500.0 * n + 0.01 * one, 500_000_000) for n in range(1, 20) for one in range(32)]
    found = job([batches], 10)
    assert stalls_of(found.log, 10_000, 500_000_000) == []
    # thinktime: nothing is in flight meanwhile, so no latency agrees.
    pauses = [(t, 500_000) for block in range(5) for t in (2000.0 * block + n for n in range(1, 800))]
    found = job([pauses], 10)
    assert stalls_of(found.log, 10_000, 500_000, pauses=True) == []
    # Nothing of the job pauses: the guest stood still, with nothing in flight.
    assert len(stalls_of(found.log, 10_000, 500_000)) >= 4


def test_a_trickle_is_a_stall_and_a_slow_pool_is_none() -> None:
    usual = [(5.0 * n, 4_000_000) for n in range(1, 800)]
    trickle = [(4000 + 1000.0 * n, 990_000_000) for n in range(1, 4)]
    found = job([[*usual, *trickle, *((7000 + t, lat) for t, lat in usual if t < 3000)]], 10)
    (stall,) = stalls_of(found.log, 10_000, 990_000_000)
    # What was before the first of them may have been slow work.
    assert 3900 < stall.from_ms < 5100
    assert stall.to_ms == pytest.approx(7000, abs=250)
    slow = job([[(1000.0 * n, 990_000_000) for n in range(1, 60)]], 60)
    assert stalls_of(slow.log, 60_000, 990_000_000) == []


def test_a_worker_that_ends_is_found_with_its_share() -> None:
    random = Random(1)
    all_done = [closed_loop(random, 10_000, 4, []) for _ in range(3)]
    dead = [one for one in closed_loop(random, 10_000, 4, []) if one[0] < 4000]
    found = job([*all_done, dead], 10)
    (stall,) = stalls_of(found.log, 10_000, 30_000_000)
    # Of the 3.4 workers' I/Os that there are.
    assert stall.share == pytest.approx(0.4 / 3.4, rel=0.05)
    assert stall.from_ms == pytest.approx(4000, abs=300)
    assert stall.to_ms == 10_000
