"""Figures in VMs beside those in pods: which keys are a pair, and what the ratio and its interval are."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.matrix.reading.load import load_text
from pytest_odfperf.measure.machine_pairs import MachinePair, machine_pairs, mean_ratio
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.report.content.run_content import RunContent, RunFacts, RunTest
from pytest_odfperf.report.machine_pairs_text import HEADING, in_one_line
from pytest_odfperf.report.markdown.summary_markdown import summary_markdown
from pytest_odfperf.report.run_page.run_report import render

MATRIX = """
pools: [rep3, "rep2"]
vm_sizes:
  small: {vcpus: 2, memory: 4Gi}
  large: {vcpus: 8, memory: 16Gi}
  pod: {machine: pod, vcpus: 2, memory: 4Gi, image: fio}
  pod-8: {machine: pod, vcpus: 8, memory: 8Gi, image: fio}
pvc_sizes: [150Gi]
concurrency: [1, 2]
profiles: [{name: random-rw, block_sizes: [4k]}]
"""
VM, POD = "rep3:small:150Gi:1:random-rw:4k", "rep3:pod:150Gi:1:random-rw:4k"
Rates = Callable[..., list[Record]]


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    return load_text(MATRIX, source="m.yaml", folder=Path(), name="m")


@pytest.fixture(scope="module")
def rates(make_record: Callable[..., Record], make_measurement: Callable[..., object]) -> Rates:
    def made(key: str, *iops: float, **changes: object) -> list[Record]:
        found = []
        for number, rate in enumerate(iops, 1):
            read = make_measurement(rate, lat_p99_ns=round(5e9 / rate))
            one = make_record(key, read=read, repeat=number, started_at_epoch_ms=number, **changes)
            found.append(replace(one, jobs=(replace(one.jobs[0], read=read),)))
        return found

    return made


def rate(pairs: tuple[MachinePair, ...]) -> MachinePair:
    (found,) = (pair for pair in pairs if pair.vm.metric == "rate")
    return found


def test_a_pair_is_of_keys_that_differ_only_in_their_machine(rates: Rates, matrix: Matrix) -> None:
    records = [
        *rates(VM, 700.0),
        *rates(POD, 1000.0),
        # Another size, pool, concurrency, or without a twin at all.
        *rates("rep3:large:150Gi:1:random-rw:4k", 900.0),
        *rates("rep3:pod-8:150Gi:1:random-rw:4k", 900.0),
        *rates("rep2:pod:150Gi:1:random-rw:4k", 900.0),
        *rates("rep3:small:150Gi:2:random-rw:4k", 900.0),
    ]
    pairs = machine_pairs(records, matrix)
    assert [(str(pair.vm.key), str(pair.pod.key), pair.vm.what) for pair in pairs] == [
        (VM, POD, "read rate"),
        (VM, POD, "read p99"),
    ]
    assert rate(pairs).ratio == pytest.approx(0.7)
    assert (rate(pairs).low, rate(pairs).high) == (None, None)
    assert mean_ratio(pairs, "lat_p99") == pytest.approx(1 / 0.7, rel=1e-6)


RATE = st.floats(100, 10_000)


@given(st.lists(RATE, min_size=2, max_size=6), st.lists(RATE, min_size=2, max_size=6), st.floats(0.1, 10))
def test_the_interval_is_welchs_and_scales_with_the_figures(
    rates: Rates, matrix: Matrix, vm: list[float], pod: list[float], factor: float
) -> None:
    one = rate(machine_pairs([*rates(VM, *vm), *rates(POD, *pod)], matrix))
    assert one.low is not None
    assert one.high is not None
    assert one.low <= one.ratio <= one.high
    logs = [list(map(math.log, values)) for values in (vm, pod)]
    if all(max(values) - min(values) > 1e-6 for values in logs):
        theirs = stats.ttest_ind(*logs, equal_var=False).confidence_interval(0.95)
        assert math.log(one.low) == pytest.approx(theirs.low, rel=1e-6, abs=1e-6)
        assert math.log(one.high) == pytest.approx(theirs.high, rel=1e-6, abs=1e-6)
    scaled = rate(machine_pairs([*rates(VM, *(v * factor for v in vm)), *rates(POD, *pod)], matrix))
    assert scaled.ratio == pytest.approx(one.ratio * factor)
    assert scaled.high == pytest.approx(one.high * factor, rel=1e-6)


def test_what_is_invalid_makes_no_pair_and_what_is_suspect_is_said(rates: Rates, matrix: Matrix) -> None:
    def doubted(level: str) -> dict[str, object]:
        return {"verdict": level, "doubts": (Doubt(code="uneven_guests", level=level, text="x"),)}  # type: ignore[arg-type]

    assert machine_pairs([*rates(VM, 700.0, **doubted("invalid")), *rates(POD, 1000.0)], matrix) == ()
    pair = rate(machine_pairs([*rates(VM, 700.0, **doubted("suspect")), *rates(POD, 1000.0)], matrix))
    assert pair.suspect == "uneven_guests"


def content(matrix: Matrix, records: list[Record]) -> RunContent:
    run = RunFacts(run_id="perf-1", href="", content={"ended_at": "x"})
    tests = tuple(RunTest(key=one.key, repeat=one.repeat, record=one) for one in records)
    return RunContent(runs=(run,), matrix=matrix, tests=tests)


def test_reports_have_the_pairs_and_nothing_without_them(rates: Rates, matrix: Matrix) -> None:
    there = content(matrix, [*rates(VM, 700.0, 707.0), *rates(POD, 1000.0, 1010.0)])
    text, page = summary_markdown(there), render(there)
    assert f"#### {HEADING}" in text
    assert (
        "| `rep3:small:150Gi:1:random-rw:4k` | `pod` | read rate | 703.5 IOPS | 1,005 IOPS | 70.0% |" in text
    )
    said = "Over 1 pair of keys VMs have 70% of the rate and 143% of the p99 of pods with the same"
    assert said in text
    assert said in page
    assert in_one_line(there) == f"{said} CPUs and memory."
    for alone in ([VM], [POD], []):
        nothing = content(matrix, [record for key in alone for record in rates(key, 1.0)])
        assert HEADING not in summary_markdown(nothing) + render(nothing)
