"""Whether all guests measured at the same time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.fio.answers.fio_result import FioResult
from pytest_odfperf.fio.job import read_job
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import FioSettings
from pytest_odfperf.measure.shared_window import shared_ms, span_ms
from pytest_odfperf.measure.verdicts.evidence import Evidence, GuestEvidence
from pytest_odfperf.measure.verdicts.rules.start_rules import clocks, together

ONE = "[global]\ndirect=1\ntime_based=1\ngroup_reporting=1\nlat_percentiles=1\nsize=1m\n[a]\nrw=read\n"


def evidence(
    starts_s: list[float], *, runtime_s: int = 60, phases: int = 1, ends_s: list[float] | None = None
) -> Evidence:
    text = ONE + "".join(f"[b{number}]\nstonewall\nrw=read\n" for number in range(1, phases))
    length_s = phases * (runtime_s + 30)
    ends = ends_s or [start + length_s for start in starts_s]
    guests = tuple(
        GuestEvidence(
            name=f"vm-{number}",
            result=FioResult(fio_version="fio-3.33", jobs=()),
            started_at_epoch_ns=10**18 + int(start * 1e9),
            ended_at_epoch_ns=10**18 + int(end * 1e9),
            ran_s=end - start,
            late_ms=1000 * start,
        )
        for number, (start, end) in enumerate(zip(starts_s, ends, strict=True))
    )
    return Evidence(
        key=Key.parse("p:s:1Gi:2:x:4k"),
        job=read_job(text),
        settings=FioSettings(runtime_s=runtime_s, ramp_s=30, iodepth=1, numjobs=1, file_size_bytes=1 << 20),
        guests=guests,
    )


@pytest.mark.parametrize(
    ("starts_s", "runtime_s", "level"),
    [
        ([0, 0.02], 60, None),
        ([0, 2.9], 60, None),
        ([0, 3.1], 60, "suspect"),
        ([0, 0, 6.1], 60, "invalid"),
        ([0, 30], 60, "invalid"),
        ([30, 0], 60, "invalid"),
        ([0, 90], 60, "invalid"),
        # A long run shares most of it all the same, but nobody is late like that.
        ([0, 30], 3600, "suspect"),
        ([0, 0.09], 1, None),
        ([0, 0.2], 1, "invalid"),
        ([5], 60, None),
    ],
)
def test_guests_that_did_not_start_together(starts_s: list[float], runtime_s: int, level: str | None) -> None:
    found = list(together(evidence(starts_s, runtime_s=runtime_s)))
    assert [doubt.level for doubt in found] == ([level] if level else [])
    if found:
        late = max(range(len(starts_s)), key=lambda number: starts_s[number])
        assert f"vm-{late} " in found[0].text
        assert 0 <= found[0].figures["shared_part"] <= 1


def test_phases_that_come_apart_are_told_and_an_end_alone_is_not() -> None:
    ends = [180.0, 192.0]
    (doubt,) = together(evidence([0, 0], phases=2, ends_s=ends))
    assert doubt.level == "invalid"
    assert list(together(evidence([0, 0], ends_s=[90.0, 102.0]))) == []


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=8), st.integers(1, 3600))
def test_a_later_guest_never_makes_it_better(starts_s: list[float], runtime_s: int) -> None:
    levels = [None, "suspect", "invalid"]

    def level(starts: list[float]) -> int:
        doubts = list(together(evidence(starts, runtime_s=runtime_s)))
        return levels.index(doubts[0].level) if doubts else 0

    assert level(starts_s) <= level([*starts_s, max(starts_s) + 1])


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"clock_offset_ms": 4900.0, "clock_uncertainty_ms": 1.0}, []),
        ({"clock_offset_ms": -5500.0, "clock_uncertainty_ms": 1.0}, ["clock_off"]),
        # Not known well enough to say so.
        ({"clock_offset_ms": -5500.0, "clock_uncertainty_ms": 600.0}, []),
        ({"clock_jump_s": -3600.0}, ["clock_set"]),
        (
            {"clock_jump_s": 60.0, "clock_offset_ms": 3.6e6, "clock_uncertainty_ms": 2.0},
            ["clock_set", "clock_off"],
        ),
    ],
)
def test_clocks_that_are_off_or_set_are_told(changes: dict[str, Any], codes: list[str]) -> None:
    honest = evidence([0])
    found = list(clocks(replace(honest, guests=(replace(honest.guests[0], **changes),))))
    assert [doubt.code for doubt in found] == codes
    assert {doubt.level for doubt in found} <= {"suspect"}


@given(st.lists(st.tuples(st.integers(0, 10**18), st.integers(0, 10**12)), min_size=1, max_size=6))
def test_the_shared_time_is_within_each_window(windows: list[tuple[int, int]]) -> None:
    spans = [(start, start + length) for start, length in windows]
    shared, skew = shared_ms(spans), span_ms([start for start, _ in spans])
    assert shared is not None
    assert skew is not None
    assert 0 <= shared <= min(length for _, length in windows) / 1e6
    assert skew >= 0
    assert (shared == 0) == (max(start for start, _ in spans) >= min(end for _, end in spans))
