"""The rate from fio's log of completions, on devices whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pytest_odfperf.fio.completion_lines import Line, read_lines
from pytest_odfperf.fio.completion_log import (
    COARSENESS,
    PREFIX,
    asked,
    interval_ms,
    log_name,
    rate_per_s,
    read_log,
)
from pytest_odfperf.fio.job import read_job

HEAD = """[global]
ioengine=libaio
direct=1
time_based
group_reporting
runtime=10
size=1g
filename=fio-testfile
lat_percentiles=1
bs=4k
"""


def logged(times_ms: Sequence[float], interval: int) -> tuple[Line, ...]:
    """What fio writes of completions at these times (``add_clat_sample`` of its ``stat.c``)."""
    lines = []
    last, written = 0, 0
    for done, elapsed in enumerate(map(int, times_ms), 1):
        last = last or elapsed
        if elapsed - last >= interval:
            lines.append(Line(elapsed, done - written))
            written = done
            last = elapsed - (elapsed - last - interval)
    return tuple(lines)


def batches(latency_ms: float, depth: int, runtime_ms: int, phase_ms: float = 0.0) -> list[float]:
    """A device on which each I/O takes the same time: whole queues complete at once."""
    count = int((runtime_ms - phase_ms) / latency_ms) + 1
    return [phase_ms + latency_ms * number + 0.01 * one for number in range(count) for one in range(depth)]


def evenly(rate: float, runtime_ms: int, phase_ms: float = 0.0) -> list[float]:
    """A volume that is limited: completions at equal distances."""
    return [phase_ms + 1000 * number / rate for number in range(int((runtime_ms - phase_ms) * rate / 1000))]


def test_the_two_devices_of_the_issue() -> None:
    capped = logged(evenly(16, 10_000, 40), 200)
    assert rate_per_s([capped], 10_000, 200) == pytest.approx(16.0, rel=0.005)
    slow = logged(batches(500, 32, 10_020), 200)
    assert rate_per_s([slow], 10_000, 200) == pytest.approx(64.0, rel=0.005)


@settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    latency_ms=st.floats(20, 900),
    depth=st.integers(1, 32),
    phase=st.floats(0, 0.999),
    runtime_s=st.sampled_from([10, 60]),
)
def test_batches_do_not_count_once_too_often(
    latency_ms: float, depth: int, phase: float, runtime_s: int
) -> None:
    interval, runtime_ms = interval_ms(runtime_s, 1), 1000 * runtime_s
    # Where the log's interval is a multiple of the latency, its lines fall anywhere into a batch.
    assume(2 < interval % latency_ms < latency_ms - 2 and latency_ms <= runtime_ms / 20)
    lines = logged(batches(latency_ms, depth, runtime_ms, phase * latency_ms), interval)
    found = rate_per_s([lines], runtime_ms, interval)
    assert found is not None
    # fio's stamps are whole milliseconds.
    assert found == pytest.approx(1000 * depth / latency_ms, rel=0.005 + 2 / runtime_ms)


@settings(max_examples=40)
@given(rate=st.floats(5, 200_000), phase=st.floats(0, 0.999), runtime_s=st.sampled_from([1, 2, 10]))
def test_an_even_device_has_its_rate(rate: float, phase: float, runtime_s: int) -> None:
    interval, runtime_ms = interval_ms(runtime_s, 1), 1000 * runtime_s
    rate = min(rate, 5_000 / runtime_s)
    assume(rate * runtime_s >= 40)
    lines = logged(evenly(rate, runtime_ms, phase * 1000 / rate), interval)
    found = rate_per_s([lines], runtime_ms, interval)
    assert found is not None
    assert found == pytest.approx(rate, rel=0.005 + 4 / runtime_ms)


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_workers_with_random_latencies_together_have_their_rate(seed: int, workers: int) -> None:
    random = Random(seed)

    def worker() -> Iterator[float]:
        time_ms = 0.0
        while (time_ms := time_ms + random.expovariate(1 / 4)) < 10_000:
            yield time_ms

    found = rate_per_s([logged(list(worker()), 200) for _ in range(workers)], 10_000, 200)
    # 2500 I/Os a worker: their number itself varies by 1/sqrt(n).
    assert found == pytest.approx(250 * workers, rel=5 / (2500 * workers) ** 0.5)


def test_an_unsteady_run_is_weighted_evenly() -> None:
    first, second = evenly(400, 60_000), [60_000 + time_ms for time_ms in evenly(100, 60_000)]
    found = rate_per_s([logged([*first, *second], 1000)], 120_000, 1000)
    assert found == pytest.approx(250, rel=0.005)


@pytest.mark.parametrize(
    ("times_ms", "truth"),
    [
        # The device stood still in the middle, at the end, and at the beginning: that is time too.
        ([t for t in evenly(100, 10_000) if not 4000 < t < 8000], 60),
        ([t for t in evenly(100, 10_000) if t < 5000], 50),
        ([t for t in evenly(100, 10_000) if t > 5000], 50),
        # The I/O that it awaited completes long after the runtime.
        ([*evenly(100, 5000), 20_000.0], 50),
    ],
)
def test_a_stall_counts_as_time(times_ms: list[float], truth: float) -> None:
    assert rate_per_s([logged(times_ms, 200)], 10_000, 200) == pytest.approx(truth, rel=0.07)


def test_too_few_completions_are_no_series() -> None:
    assert rate_per_s([logged(evenly(0.2, 10_000), 200)], 10_000, 200) is None
    assert rate_per_s([logged(evenly(500, 10_000), 200), ()], 10_000, 200) is None
    assert rate_per_s([], 10_000, 200) is None


def test_what_is_reaped_after_the_runtime_does_not_count() -> None:
    inside = evenly(100, 10_000)
    assert rate_per_s([logged([*inside, *([12_000.0] * 500)], 200)], 10_000, 200) == rate_per_s(
        [logged(inside, 200)], 10_000, 200
    )


@pytest.mark.parametrize(
    "text",
    [
        "1000, 0, 4096\n",
        "1000, 0, x, 5\n",
        "-1, 0, 4096, 5\n",
        "2000, 0, 4096, 5\n1000, 0, 4096, 5\n",
        "a\n",
        "1000, 0, 4096, 5]\n",
        "1000, 0, 4096, [5]\n",
        "1000, 0, 4096, 1e3\n",
        "1000, 0, 4096, 007\n",
        "1000, 0, 4096, ٣\n",
        "1000, 0, 4096, 5,\n",
        "1000, 0, 4096, 5\n\n1200, 0, 4096, 5\n",
        '1000, 0, 4096, {"a": 5}\n',
    ],
)
def test_a_broken_log_is_told_and_not_used(text: str) -> None:
    (section,) = read_job(f"{HEAD}write_hist_log=h\nlog_hist_msec=200\n[a]\nrw=read\n").sections
    with pytest.raises(ValueError, match="line"):
        read_lines(text)
    log = read_log(section, 1, {log_name("h", 1): text})
    assert log.rate_per_s("read", 10_000) is None
    assert "broken (h_clat_hist.1.log: line" in (log.problem or "")


def test_the_log_of_each_worker_is_found_by_its_number() -> None:
    text = f"{HEAD}[a]\nrw=randrw\nnumjobs=2\n[b]\nstonewall\nrw=read\nwrite_hist_log\nlog_hist_msec=500\n"
    job = read_job(asked(read_job(text).sections, 10) + text)
    own = {log_name(PREFIX, number): f"1000, 0, 4096, {number}\n900, 1, 4096, 7\n" for number in (1, 2)}
    logs = own | {log_name("b", 3): "1000, 0, 4096, 3\n"}
    first, second = read_log(job.sections[0], 1, logs), read_log(job.sections[1], 3, logs)
    assert list(first.lines["read"]) == [(Line(1000, 1, [1]),), (Line(1000, 2, [2]),)]
    assert (first.ios("write"), first.interval_ms) == (14, 200)
    assert (second.ios("read"), second.interval_ms) == (3, 500)
    assert read_log(job.sections[1], 3, own).problem == "there is no log of its completions"


@given(st.integers(1, 86_400), st.integers(1, 2048))
def test_the_guest_never_has_to_keep_more_lines_than_it_can(runtime_s: int, writers: int) -> None:
    # Each line is a histogram of 15 KiB until the worker ends.
    assert runtime_s * 1000 * writers <= 4000 * interval_ms(runtime_s, writers)
    assert interval_ms(10, 1) == 200
    assert interval_ms(120, 8) == 1000
    assert COARSENESS == 6
