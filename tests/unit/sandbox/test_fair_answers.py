"""The rules' laws: a fair answer has no doubt, whatever was asked; each planted contradiction has one.

Fair answers are the storage model's, over depths, workers, mixes, block sizes, rates, syncs and limits, with
caps that are true. Little's law, which the model keeps by itself, is planted against at its stated margins.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from profile_texts import HEAD

from pytest_odfperf.fio.histogram import TOP, index_of, value_of
from pytest_odfperf.fio.job import Job, render
from pytest_odfperf.matrix.model import FioSettings, Profile
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.rules.figure_rules import LITTLE_INVALID
from pytest_odfperf.sandbox.config.parse_config import ModelConfig
from pytest_odfperf.sandbox.machines.simulated.simulated_fio import answer
from pytest_odfperf.sandbox.machines.simulated.simulated_job import parse_job
from pytest_odfperf.sandbox.machines.simulated.volume.storage_model import Limits

JudgeAnswer = Callable[..., list[Doubt]]


@dataclass(frozen=True)
class Fair:
    job: Job
    fio: FioSettings
    document: Mapping[str, Any]
    logs: Mapping[str, str]


@st.composite
def fair(draw: st.DrawFn, *, closed: bool = False) -> Fair:
    rw = draw(st.sampled_from(["randread", "randwrite", "read", "write", "randrw", "rw"]))
    more = draw(st.sampled_from(["", "fsync=1\n", "fdatasync=4\n", "thinktime=50\n"])) if not closed else ""
    rate = draw(st.none() | st.integers(50, 3000)) if not closed and not more else None
    share = draw(st.integers(5, 95))
    lines = [f"[a]\nrw={rw}\nbs={draw(st.sampled_from(['4k', '8k', '64k', '1M']))}\n", more]
    if rw in ("randrw", "rw"):
        lines.append(f"rwmixread={share}\n")
        # fio holds each direction to a rate of its own: they must be in the mix's proportion.
        lines.append(f"rate_iops={rate * share // 50 + 1},{rate * (100 - share) // 50 + 1}\n" if rate else "")
    elif rate:
        lines.append(f"rate_iops={rate}\n")
    fio = FioSettings(
        runtime_s=draw(st.integers(5, 30)),
        ramp_s=draw(st.integers(0, 5)),
        iodepth=draw(st.integers(1, 128)),
        numjobs=draw(st.integers(1, 8)),
    )
    profile = Profile(name="fair", template=HEAD + "".join(lines), block_sizes=("native",))
    job = render(profile, fio, "native")
    read_us = draw(st.floats(50, 20_000))
    model = ModelConfig(
        read_lat_us=read_us,
        write_lat_us=read_us * draw(st.floats(0.3, 3)),
        read_sigma=draw(st.floats(0.05, 0.6)),
        write_sigma=draw(st.floats(0.05, 0.6)),
    )
    cap = draw(st.none() | st.integers(200, 20_000))
    limits = [Limits(iops=cap)] if cap else []
    seed = Random(draw(st.integers(0, 2**32)))
    document, logs = answer(parse_job(job.text), model, limits, seed, directory="/mnt/data")
    return Fair(job, fio, document, logs)


#: Of rules that look at the course of a run, which the model draws at random: they have tests of their own.
COURSE = {
    "noisy", "drift", "warm_up", "stall", "hung_io", "burst_then_cap", "outside_event", "saturated",
    "depth_exhausted", "no_witness", "beyond_histogram",
}  # fmt: skip


@settings(max_examples=50)
@given(one=fair())
def test_a_fair_answer_has_no_doubt(judge_answer: JudgeAnswer, one: Fair) -> None:
    doubts = judge_answer(dict(one.document), one.job, one.fio, logs=one.logs)
    assert [doubt for doubt in doubts if doubt.code not in COURSE] == []


def part_of(document: dict[str, Any]) -> dict[str, Any]:
    entry = document["jobs"][0]
    found: dict[str, Any] = entry["read"] if entry["read"]["total_ios"] else entry["write"]
    return found


def slower(document: dict[str, Any], factor: float) -> None:
    """All latencies of all I/Os so many times longer, in each figure that is made of them."""
    for direction in ("read", "write"):
        lat = document["jobs"][0][direction]["lat_ns"]
        if lat["N"]:
            bins: dict[str, int] = {}
            for name, ios in lat["bins"].items():
                middle = str(value_of(index_of(int(int(name) * factor))))
                bins[middle] = bins.get(middle, 0) + ios
            values = sorted(map(int, bins))
            mean = sum(int(name) * ios for name, ios in bins.items()) / lat["N"]
            square = sum((int(name) - mean) ** 2 * ios for name, ios in bins.items()) / max(1, lat["N"] - 1)
            lat.update(bins=bins, mean=mean, stddev=square**0.5, min=values[0], max=values[-1], percentile={})


@settings(max_examples=50)
@given(one=fair(closed=True), factor=st.sampled_from([0.2, 0.5, 0.7, 1.4, 2.0, 5.0]))
def test_latencies_of_another_depth_are_invalid_beyond_the_margin(
    judge_answer: JudgeAnswer, one: Fair, factor: float
) -> None:
    entry = one.document["jobs"][0]
    ios = sum(entry[direction]["total_ios"] for direction in ("read", "write"))
    depth = one.fio.iodepth * one.fio.numjobs
    rate = ios / one.fio.runtime_s
    # What the rule allows for: the ends of the window, CPU, the time between two I/Os.
    longest_ns = max(entry[direction]["lat_ns"]["max"] for direction in ("read", "write"))
    ends = 3 * depth / ios + longest_ns / 1e9 / one.fio.runtime_s
    between = max(0.03, rate * 20e-6 / depth)
    if abs(factor - 1) < LITTLE_INVALID + max(ends, between) * max(1.0, factor) + 0.05:
        return
    document = copy.deepcopy(dict(one.document))
    slower(document, factor)
    found = judge_answer(document, one.job, one.fio, logs=one.logs)
    assert ("littles_law", "invalid") in {(doubt.code, doubt.level) for doubt in found}, (factor, found)


#: What is planted, by how it is said, and the code that has to object.
PLANTED: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("twice the I/Os", lambda d: part_of(d).update(total_ios=2 * part_of(d)["total_ios"] + 2000),
     "counts_differ"),
    ("twice the bytes", lambda d: part_of(d).update(io_bytes=3 * part_of(d)["io_bytes"] + (1 << 34)),
     "other_block_size"),
    ("another rate", lambda d: part_of(d).update(iops=1.1 * part_of(d)["iops"] + 50), "rates_differ"),
    ("another bandwidth", lambda d: part_of(d).update(bw_bytes=1.1 * part_of(d)["bw_bytes"] + 99),
     "rates_differ"),
    ("a longer mean", lambda d: part_of(d)["lat_ns"].update(mean=1.05 * part_of(d)["lat_ns"]["mean"]),
     "histogram_differs"),
    ("a larger largest", lambda d: part_of(d)["lat_ns"].update(max=1.05 * part_of(d)["lat_ns"]["max"]),
     "histogram_differs"),
    ("a smaller least", lambda d: part_of(d)["lat_ns"].update(min=0.95 * part_of(d)["lat_ns"]["min"]),
     "histogram_differs"),
    ("another p99", lambda d: part_of(d)["lat_ns"]["percentile"].update(
        {"99.000000": 1.2 * part_of(d)["lat_ns"]["percentile"]["99.000000"] + 9e9}), "percentiles_differ"),
    ("one worker less", lambda d: d["jobs"][0].update(job_runtime=d["jobs"][0]["job_runtime"] * 0.85),
     "workers_missing"),
    ("cut short", lambda d: part_of(d).update(runtime=0.9 * part_of(d)["runtime"]), "other_length"),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "code"), [row[1:] for row in PLANTED], ids=[row[0] for row in PLANTED])
@settings(max_examples=8)
@given(one=fair())
def test_a_planted_contradiction_is_invalid(
    judge_answer: JudgeAnswer, one: Fair, plant: Callable[[dict[str, Any]], object], code: str
) -> None:
    document = json.loads(json.dumps(one.document))
    # fio's last bin is open: what is longer may well be in it.
    assume(part_of(document)["lat_ns"]["max"] < value_of(TOP))
    plant(document)
    found = judge_answer(document, one.job, one.fio, logs=one.logs)
    assert (code, "invalid") in {(doubt.code, doubt.level) for doubt in found}
