"""A VM's rate over workers and directions; what of a matrix says so, and what can not be held."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.fio.job import read_job
from pytest_odfperf.fio.rate_cap import with_rate
from pytest_odfperf.matrix.definition import definition
from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.overrides import depth_at_rate, for_capacity, override_fio
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.matrix.serial import from_json, to_json
from pytest_odfperf.schedule.jobs import job_of, render_jobs

HEAD = """[global]
time_based=1
runtime=10
group_reporting=1
lat_percentiles=1
direct=1
size=1g
ioengine=libaio
"""


MATRIX = """
pools: [fast]
vm_sizes: {small: {vcpus: 2, memory: 4Gi}}
pvc_sizes: [20Gi]
concurrency: [1, 2]
profiles: [random-rw]
block_sizes: [4k]
"""


@pytest.fixture
def load() -> Callable[[str], Matrix]:
    return lambda text: load_text(MATRIX + text, source="m.yaml", folder=Path(), name="m")


def rates(job: Any) -> dict[str, tuple[int, ...]]:
    return {s.name: tuple(map(int, s.options["rate_iops"].split(","))) for s in job.sections}


@given(st.integers(1, 16), st.integers(1, 99), st.integers(10, 5000))
def test_all_workers_and_both_directions_together_have_the_rate(workers: int, mix: int, each: int):
    text = f"{HEAD}[a]\nrw=randrw\nrwmixread={mix}\nnumjobs={workers}\niodepth=4\n"
    if not 1 <= round(each * mix / 100) < each:
        with pytest.raises(InputError, match="too few for its mix"):
            with_rate(read_job(text), workers * each, source="a.fio")
        return
    job = with_rate(read_job(text), workers * each, source="a.fio")
    reads, writes = rates(job)["a"]
    assert workers * (reads + writes) == workers * each
    assert abs(reads - each * mix / 100) <= 0.5
    # It is a job that fio would take, and that reads as it was written.
    assert rates(read_job(job.text)) == rates(job)
    assert job.sections[0].iodepth == 4


def test_the_queue_of_an_open_loop_is_deep_but_where_a_worker_waits_for_syncs():
    text = f"{HEAD}[log]\nstonewall\nrw=write\nfdatasync=1\n[reader]\nnew_group\nrw=randread\niodepth=8\n"
    job = with_rate(read_job(text), 100, source="a.fio", depth=256)
    assert [section.iodepth for section in job.sections] == [1, 256]
    assert [section.options.get("iodepth") for section in job.sections] == [None, "256"]


@pytest.mark.parametrize(
    ("lines", "depth", "said"),
    [
        ("rw=read\nrate_iops=5", None, "beside its own rate_iops"),
        ("rw=read\nrate=1m", None, "beside its own rate"),
        ("rw=read\nthinktime=5ms", None, "beside its own thinktime"),
        ("rw=read\nnumjobs=3", None, "100 I/Os a second can not be divided evenly by its 3 workers"),
        ("rw=rw\nrwmixread=1\nnumjobs=50", None, "2 I/Os a second of a worker are too few for its mix"),
        ("rw=read\nioengine=psync", 64, "ioengine=psync waits for each I/O, so it holds no rate"),
    ],
)
def test_what_can_not_be_held_is_said_with_its_job(lines: str, depth: int | None, said: str):
    with pytest.raises(InputError, match=r"^a\.fio: job a: ") as caught:
        with_rate(read_job(f"{HEAD}[a]\n{lines}\n"), 100, source="a.fio", depth=depth)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{p99: 5ms}", "capacity has no rate_iops"),
        ("{rate_iops: 100}", "capacity has no p99"),
        ("{rate_iops: 0, p99: 5ms}", "rate_iops"),
        ("{rate_iops: 100, p99: 5}", "5ms, 250us or 1s"),
        ("{rate_iops: 100, p99: 0ms}", "p99"),
        ("{rate_iops: 100, p99: 5ms, start_vms: 8, max_vms: 4}", "start_vms 8 is above max_vms 4"),
        ("{rate_iops: 100, p99: 5ms, vms: 4}", "'vms'"),
        ("[1]", "capacity"),
    ],
)
def test_a_capacity_that_means_nothing_is_one_line_with_its_place(load: Any, written: str, said: str):
    with pytest.raises(InputError, match=r"m\.yaml:\d+") as caught:
        load(f"capacity: {written}")
    assert said in str(caught.value)


def test_a_matrix_asks_for_capacity_at_the_rate_with_the_largest_number_of_vms(load: Any):
    matrix = load("capacity: {rate_iops: 100, p99: 5ms, max_vms: 9}\nfio: {iodepth: [1, 32], numjobs: 4}")
    asked = for_capacity(matrix)
    keys = expand(asked)
    assert {key.concurrency for key in keys} == {9}
    assert {key.profile for key in keys} == {"random-rw"}
    job = job_of(render_jobs(asked, keys), keys[0])
    assert rates(job) == {"rand-read": (100,), "rand-write": (100,)}
    assert {section.iodepth for section in job.sections} == {depth_at_rate(asked.capacity)}
    assert from_json(to_json(asked)) == asked
    with pytest.raises(InputError, match="--odf-ramp: the matrix does not say what is asked"):
        for_capacity(load("fio: {iodepth: 4}"))


def test_a_rate_and_what_is_asked_decide_the_definition(load: Any):
    matrix = load("capacity: {rate_iops: 100, p99: 5ms}\nfio: {numjobs: 1, iodepth: 4}")
    key = expand(matrix)[0]
    capped = override_fio(matrix, ["rate_iops=300"])
    other = for_capacity(load("capacity: {rate_iops: 100, p99: 6ms}\nfio: {numjobs: 1, iodepth: 4}"))
    asked = for_capacity(matrix)
    found = [definition(key, matrix), definition(key, capped)]
    found += [definition(expand(one)[0], one) for one in (asked, other)]
    assert len(set(found)) == 4
