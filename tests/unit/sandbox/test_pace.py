"""A simulated volume whose speed changes: totals, latencies and the log of completions agree."""

from __future__ import annotations

import statistics
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pytest_odfperf.fio.completion_log import asked, read_log
from pytest_odfperf.fio.histogram import VALUES_NS, Histogram
from pytest_odfperf.fio.job import read_job
from pytest_odfperf.sandbox.config.parse_config import ModelConfig
from pytest_odfperf.sandbox.machines.simulated.simulated_fio import answer
from pytest_odfperf.sandbox.machines.simulated.simulated_job import parse_job
from pytest_odfperf.sandbox.machines.simulated.volume.pace import STEP_MS, Pace, speeds
from pytest_odfperf.sandbox.machines.simulated.volume.storage_model import Limits

STEPS = st.lists(st.tuples(st.floats(0, 10), st.floats(0.05, 5)), max_size=5).map(sorted).map(tuple)
HEAD = "[global]\nioengine=libaio\ndirect=1\ntime_based\ngroup_reporting\nlat_percentiles=1\nsize=1g\nbs=4k\n"


def answered(pace: Pace, options: str = "rw=randread\niodepth=8", runtime_s: int = 10) -> tuple[Any, Any]:
    """fio's entry for a volume of 1000 IOPS, and the log that is read of it."""
    text = f"{HEAD}filename=fio-testfile\nruntime={runtime_s}\n[a]\n{options}\n"
    text = asked(read_job(text).sections, runtime_s) + text
    document, logs = answer(
        parse_job(text),
        ModelConfig(read_sigma=0.0),
        [Limits(iops=1000)],
        Random(1),
        directory="/d",
        pace=pace,
    )
    return document["jobs"][0], read_log(read_job(text).sections[0], 1, logs)


def test_a_speed_holds_from_its_second_on() -> None:
    found = speeds(Pace(steps=((2, 0), (5, 1.5))), 10, Random(1))
    assert found[: 2000 // STEP_MS] == [1] * 100
    assert found[100:250] == [0] * 150
    assert found[250:] == [1.5] * 250
    drifts = speeds(Pace(drift=-0.5), 10, Random(1))
    assert (drifts[0], drifts[-1]) == (pytest.approx(1, abs=0.01), pytest.approx(0.5, abs=0.01))
    warms = speeds(Pace(warm_up_s=2), 10, Random(1))
    assert (warms[0], warms[100]) == (pytest.approx(0, abs=0.01), pytest.approx(0.632, abs=0.01))


def test_jitter_is_as_large_as_it_says_and_lasts_a_second() -> None:
    found = speeds(Pace(jitter=0.08), 4000, Random(1))[:: 1000 // STEP_MS]
    assert statistics.stdev(found) == pytest.approx(0.08, rel=0.1)
    assert statistics.correlation(found[1:], found[:-1]) == pytest.approx(0.5, abs=0.05)


@settings(max_examples=25, phases=(Phase.explicit, Phase.generate))
@given(
    steps=STEPS,
    drift=st.floats(-0.8, 1),
    warm_up_s=st.sampled_from([0.0, 1.0, 5.0]),
    workers=st.sampled_from([1, 3]),
    depth=st.sampled_from([4, 32]),
)
def test_littles_law_holds_and_the_log_has_the_answers_ios(
    steps: tuple[tuple[float, float], ...], drift: float, warm_up_s: float, workers: int, depth: int
) -> None:
    pace = Pace(steps=steps, drift=drift, warm_up_s=warm_up_s)
    entry, log = answered(pace, f"rw=randread\niodepth={depth}\nnumjobs={workers}")
    part = entry["read"]
    mean_speed = statistics.fmean(speeds(pace, 10, Random(1)))
    assert part["iops"] == pytest.approx(1000 * mean_speed, rel=0.01)
    assert part["io_bytes"] == 4096 * part["total_ios"]
    if min(speeds(pace, 10, Random(1))) > 0.2:
        # Where an I/O takes much of the 10 s, those in flight at the ends weigh too much.
        assert part["iops"] * part["lat_ns"]["mean"] / 1e9 == pytest.approx(depth * workers, rel=0.05)
    assert Histogram.from_bins(part["lat_ns"]["bins"]).total == part["lat_ns"]["N"] == part["total_ios"]
    assert part["lat_ns"]["min"] <= part["lat_ns"]["mean"] <= part["lat_ns"]["max"]
    assert 0.9 * part["total_ios"] - 10 <= log.ios("read") <= part["total_ios"]


@pytest.mark.parametrize("length_s", [1.0, 4.0, 30.0])
def test_what_is_in_flight_in_a_stall_waits_for_its_end(length_s: float) -> None:
    entry, log = answered(Pace(steps=((2, 0), (2 + length_s, 1))), runtime_s=40)
    part = entry["read"]
    assert part["total_ios"] == pytest.approx(1000 * (40 - length_s), rel=0.01)
    # Beyond the histogram's end fio's max and mean are still right.
    assert part["lat_ns"]["max"] == pytest.approx(1e9 * length_s, rel=0.01)
    assert part["iops"] * part["lat_ns"]["mean"] / 1e9 == pytest.approx(8, rel=0.05)
    slow = Histogram.from_bins(part["lat_ns"]["bins"]).counts[-1]
    assert slow[1] == 8
    assert VALUES_NS[slow[0]] == pytest.approx(min(1e9 * length_s, VALUES_NS[-1]), rel=0.01)
    (lines,) = log.lines["read"]
    gaps = [b.end_ms - a.end_ms for a, b in pairwise(lines)]
    assert max(gaps) == pytest.approx(1000 * length_s, abs=900)
    # And a line at once for each that was not written meanwhile.
    assert gaps.count(0) == pytest.approx(1000 * length_s / log.interval_ms, abs=2)


def test_a_rate_is_made_up_for_after_a_stall_and_the_longest_latency_shows_it() -> None:
    entry, _ = answered(Pace(steps=((10, 0), (42, 1))), "rw=randread\nrate_iops=20", 60)
    part = entry["read"]
    assert part["iops"] == pytest.approx(20, rel=0.01)
    assert part["lat_ns"]["max"] == pytest.approx(32e9, rel=0.01)


def test_a_rate_below_the_capacity_has_its_own_latencies_and_one_above_has_the_queues() -> None:
    calm, _ = answered(Pace(drift=-0.2), "rw=randread\niodepth=8\nrate_iops=100")
    assert calm["read"]["lat_ns"]["mean"] < 1e6
    full, _ = answered(Pace(steps=((0, 0.05),)), "rw=randread\niodepth=8\nrate_iops=100")
    assert full["read"]["iops"] == pytest.approx(50, rel=0.02)
    assert full["read"]["lat_ns"]["mean"] == pytest.approx(8e9 / 50, rel=0.05)
