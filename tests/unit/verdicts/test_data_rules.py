"""Which jobs write data that a layer below can make smaller."""

from __future__ import annotations

import pytest

from pytest_odfperf.fio.job import read_job
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.measure.verdicts.evidence import Evidence
from pytest_odfperf.measure.verdicts.rules.data_rules import shrinking_data

HEAD = "[global]\ndirect=1\ntime_based\ngroup_reporting\nlat_percentiles=1\nsize=8m\nruntime=1\n"


def codes(lines: str) -> list[str]:
    job = read_job(HEAD + lines.replace("; ", "\n"))
    evidence = Evidence(
        key=Key.parse("a:b:1Gi:1:c:4k"), job=job, settings=FioSettings(runtime_s=1, ramp_s=0), guests=()
    )
    return [doubt.text.partition("(")[2].partition(")")[0] for doubt in shrinking_data(evidence)]


@pytest.mark.parametrize(
    "options",
    [
        "zero_buffers=1",
        "zero_buffers",
        "buffer_pattern=0xff",
        "buffer_compress_percentage=10",
        "dedupe_percentage=1; refill_buffers=1",
        "zero_buffers=1; buffer_pattern=%o",
    ],
)
@pytest.mark.parametrize("rw", ["randwrite", "randrw", "write"])
def test_writes_of_such_data_are_doubted(rw: str, options: str) -> None:
    (found,) = codes(f"[a]; filename=fio-testfile; rw={rw}; {options}")
    assert options.partition("=")[0] in found


@pytest.mark.parametrize(
    "options",
    [
        "",
        "refill_buffers=1",
        "zero_buffers=0",
        "buffer_compress_percentage=0",
        "dedupe_percentage=0",
        "scramble_buffers=1",
        "scramble_buffers=0; refill_buffers=1",
        "randrepeat=0",
    ],
)
def test_data_that_nothing_shrinks_is_not(options: str) -> None:
    assert codes(f"[a]; filename=fio-testfile; rw=randwrite; {options}") == []


def test_the_same_block_again_and_again_is_doubted() -> None:
    assert codes("[a]; filename=fio-testfile; rw=write; scramble_buffers=0") == [
        "scramble_buffers=0 without refill_buffers"
    ]


def test_reads_are_doubted_where_fio_lays_the_file_out() -> None:
    assert codes("[a]; filename=own; rw=randread; zero_buffers=1") == ["zero_buffers=1"]
    assert codes("[a]; rw=randread; zero_buffers=1") == ["zero_buffers=1"]
    assert codes("[a]; filename=fio-testfile; rw=randread; zero_buffers=1") == []


def test_each_job_is_told() -> None:
    found = codes(
        "zero_buffers=1; [a]; rw=write; [b]; stonewall; rw=write; zero_buffers=0; [c]; stonewall; rw=rw"
    )
    assert len(found) == 2
