"""Percentiles that are pooled over sections, workers and guests, beside each I/O that a real fio logged."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pytest_odfperf.fio.answers.answer import Answer, read
from pytest_odfperf.fio.answers.fio_result import FioResult
from pytest_odfperf.fio.histogram import Histogram
from pytest_odfperf.fio.job import Job, render
from pytest_odfperf.matrix.model import FioSettings, Profile
from pytest_odfperf.measure.aggregate import combine

pytestmark = pytest.mark.skipif(shutil.which("fio") is None, reason="fio is not installed")

SETTINGS = FioSettings(runtime_s=1, ramp_s=1, iodepth=1, numjobs=2, file_size_bytes=8 << 20)
#: Two phases of two workers; a line for each I/O, beside the histograms.
TEMPLATE = """[global]
ioengine=psync
direct=1
thread=1
time_based
group_reporting
runtime=${RUNTIME}
ramp_time=${RAMP_TIME}
size=${FILE_SIZE}
filename=fio-testfile
numjobs=${NUMJOBS}
iodepth=${IODEPTH}
lat_percentiles=1
bs=4k
write_lat_log=each
[a]
rw=randread
[b]
stonewall
rw=randread
"""
GUESTS = 2
#: A bucket's middle is within 1/128 of all that is in it.
MOST_OFF = 0.008


@pytest.fixture
def folders() -> Iterator[list[Path]]:
    """In memory, if there is any: the more I/Os, the further out is the percentile that they carry."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="fio-truth-", dir=memory if memory.is_dir() else None) as folder:
        found = [Path(folder, f"guest-{number}") for number in range(GUESTS)]
        for one in found:
            (one / "data").mkdir(parents=True)
        yield found


def run_fio(folder: Path, job: Job) -> tuple[FioResult, list[int]]:
    """fio's answer, and the latency of each I/O."""
    (folder / "job.fio").write_text(job.text)
    subprocess.run(
        ["fio", "--output-format=json+", "--output=fio.json", "--eta=never", "--directory=data", "job.fio"],
        cwd=folder, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    logs = {path.name: path.read_text() for path in folder.glob("odfperf_*.log")}
    answer = Answer(exit_code=0, timed_out=False, output=(folder / "fio.json").read_text(), log="", logs=logs)
    each = [
        int(line.split(",", 2)[1])
        for path in folder.glob("each_lat.*.log")
        for line in path.read_text().splitlines()
    ]
    return read(answer, job, SETTINGS), each


def test_pooled_percentiles_are_those_of_all_ios(folders: list[Path]) -> None:
    job = render(Profile(name="each", template=TEMPLATE, block_sizes=("native",)), SETTINGS, "native")
    answers = [run_fio(folder, job) for folder in folders]
    measured = combine({f"guest-{number}": result for number, (result, _) in enumerate(answers)}).read
    every = sorted(latency for _, each in answers for latency in each)
    assert measured is not None
    assert measured.total_ios == len(every)
    pooled = Histogram(()).merge(
        *(part.histogram for result, _ in answers for one in result.jobs if (part := one.read) is not None)
    )
    assert pooled == Histogram.from_values(every)
    for percent, figure in (
        (50, measured.lat_p50_ns),
        (95, measured.lat_p95_ns),
        (99, measured.lat_p99_ns),
        (99.9, measured.lat_p999_ns),
    ):
        truth = every[-(-int(percent * 10) * len(every) // 1000) - 1]
        assert figure is not None, f"{len(every)} I/Os do not carry p{percent}"
        assert abs(figure / truth - 1) <= MOST_OFF, (percent, figure, truth)
    assert measured.lat_mean_ns == pytest.approx(sum(every) / len(every), rel=1e-6)
    assert measured.lat_max_ns == every[-1]
