from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.fio.answers.output import parse
from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.fio.job import render
from pytest_odfperf.matrix.model import FioSettings, Profile
from pytest_odfperf.sandbox.config.parse_config import ModelConfig
from pytest_odfperf.sandbox.machines.simulated.simulated_fio import answer, lognormal_histogram
from pytest_odfperf.sandbox.machines.simulated.simulated_job import JobFileError, parse_job

PROFILES = sorted((Path(__file__).parents[3] / "matrices" / "profiles").glob("*.fio"))
MINIMAL = "[global]\ngroup_reporting=1\nruntime=10\n"


@given(st.floats(1e3, 1e10), st.floats(0, 2), st.integers(1, 10_000_000))
def test_a_histogram_holds_every_io(mean_ns: float, sigma: float, total: int) -> None:
    assert lognormal_histogram(mean_ns, sigma, total).total == total


def test_a_histogram_has_the_mean_and_the_tail_that_were_asked_for() -> None:
    histogram = lognormal_histogram(1e6, 0.5, 1_000_000)
    mean = sum(int(value) * count for value, count in histogram.bins.items()) / histogram.total
    assert mean == pytest.approx(1e6, rel=0.01)
    # exp(2.326 x 0.5): from the median to the 99th percentile of a lognormal distribution.
    ratio = histogram.percentile_ns(99) / histogram.percentile_ns(50)
    assert ratio == pytest.approx(3.2, rel=0.03)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_shipped_profile_is_answered_as_fio_would(path: Path) -> None:
    template = path.read_text(encoding="utf-8")
    settings = FioSettings(runtime_s=20, ramp_s=2)
    block_size = "4k" if "${BLOCK_SIZE}" in template else "native"
    profile = Profile(name=path.stem, template=template, block_sizes=(block_size,))
    job = render(profile, settings, block_size)
    document, logs = answer(parse_job(job.text), ModelConfig(), [], Random(1), directory="/mnt/data")
    result = parse(json.dumps(document), job, settings, logs=logs)
    assert result.notes == ()
    for found, entry in zip(result.jobs, document["jobs"], strict=True):
        for direction in ("read", "write"):
            if (part := getattr(found, direction)) is not None:
                assert part.iops_per_s == pytest.approx(entry[direction]["iops"], rel=2e-3)
    assert [found.name for found in result.jobs] == [section.name for section in job.sections]
    assert document["marking"] == "SIMULATED"


def test_mean_percentiles_and_bins_agree() -> None:
    job = parse_job(MINIMAL + "[a]\nrw=randread\nbs=4k\niodepth=4\n")
    lat = answer(job, ModelConfig(), [], Random(1), directory="/d")[0]["jobs"][0]["read"]["lat_ns"]
    histogram = Histogram.from_bins(lat["bins"])
    assert lat["N"] == histogram.total
    assert lat["percentile"]["99.000000"] == histogram.percentile_ns(99)
    assert lat["min"] <= lat["mean"] <= lat["max"]


def test_sections_after_a_stonewall_run_later() -> None:
    job = parse_job(MINIMAL + "ramp_time=2s\n[a]\n[b]\n[c]\nstonewall\nruntime=1m\n")
    assert [[section.name for section in phase] for phase in job.phases] == [["a", "b"], ["c"]]
    assert job.duration_s == 12 + 62


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ("rw=randrw\nrwmixread=70", 0.7),
        ("rw=randrw\nrwmixwrite=10", 0.9),
        ("rw=rw", 0.5),
        ("rw=randwrite:8", 0.0),
    ],
)
def test_the_mix_is_read(options: str, part: float) -> None:
    assert parse_job(f"{MINIMAL}[a]\n{options}\n").sections[0].load.read_part == pytest.approx(part)


def test_rates_count_for_each_worker_and_direction() -> None:
    (section,) = parse_job(f"{MINIMAL}[a]\nrw=randrw\nrate_iops=500,100\nnumjobs=4\n").sections
    assert (section.load.read_rate_iops, section.load.write_rate_iops) == (2000, 400)


def test_a_mix_of_block_sizes_counts_with_its_mean() -> None:
    (section,) = parse_job(f"{MINIMAL}[a]\nrw=read\nbssplit=4k/50:12k/50\n").sections
    assert section.load.block_bytes == 8192


@pytest.mark.parametrize(
    "text",
    ["", "[a]\nrw=nonsense\nruntime=1\ngroup_reporting=1\n", MINIMAL + "[a]\nbs=tiny\n", "[a]\nrw=read\n"],
)
def test_what_fio_refuses_is_refused(text: str) -> None:
    with pytest.raises(JobFileError):
        parse_job(text)


def test_log_files_of_the_profile_are_written_too() -> None:
    text = MINIMAL + "write_bw_log=mine\nwrite_lat_log\nlog_avg_msec=2000\n[a]\nrw=randrw\nnumjobs=2\n"
    _, logs = answer(parse_job(text), ModelConfig(), [], Random(1), directory="/d")
    kinds = ("mine_bw", "a_slat", "a_clat", "a_lat")
    assert set(logs) == {f"{kind}.{worker}.log" for kind in kinds for worker in (1, 2)}
    lines = logs["mine_bw.1.log"].splitlines()
    assert [line.split(", ")[0] for line in lines] == [str(2000 * n) for n in (1, 1, 2, 2, 3, 3, 4, 4, 5, 5)]
    assert [line.split(", ")[2] for line in lines] == ["0", "1"] * 5
