"""How far a guest's clock is off: true bounds of it, whatever the ways there and back take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import GuestError
from pytest_odfperf.guest.answers import GuestRun
from pytest_odfperf.guest.common_times import Told, ask_clock, place
from pytest_odfperf.guest.guest_clock import GuestClock, lead_ns
from pytest_odfperf.waiting import Deadline

DELAY = st.integers(0, 2_000_000_000)
OFFSET = st.integers(-(10**15), 10**15)
#: Way there, the guest's own work, way back, and the pause until the next exchange.
EXCHANGES = st.lists(st.tuples(DELAY, DELAY, DELAY, DELAY), min_size=1, max_size=6)


def after(exchanges: list[tuple[int, int, int, int]], offset: int) -> tuple[GuestClock, int]:
    """A clock after these exchanges, and what ours shows then."""
    clock, now = GuestClock(), 10**12
    for there, work, back, pause in exchanges:
        sent, received = now, now + there + offset
        heard = now + there + work + back
        clock.exchanged(sent, received, received + work, heard)
        now = heard + pause
    return clock, now


@given(EXCHANGES, OFFSET)
def test_the_true_offset_is_within_what_is_said_of_it(
    exchanges: list[tuple[int, int, int, int]], offset: int
) -> None:
    clock, _ = after(exchanges, offset)
    assert clock.uncertainty_ns is not None
    assert abs(clock.offset_ns - offset) <= clock.uncertainty_ns + 1
    # No worse than the last exchange alone, and the guest's own work does not count.
    there, work, back, _ = exchanges[-1]
    assert clock.uncertainty_ns <= (there + back) / 2 + 0.0006 * (there + work + back) + 1
    assert clock.round_trip_ns == there + back


@given(EXCHANGES, OFFSET, DELAY)
def test_a_word_that_is_told_of_later_narrows_it(
    exchanges: list[tuple[int, int, int, int]], offset: int, late: int
) -> None:
    clock, now = after(exchanges, offset)
    before = clock.uncertainty_ns
    clock.told(now, now + late + offset)
    assert clock.uncertainty_ns is not None
    assert before is not None
    assert abs(clock.offset_ns - offset) <= clock.uncertainty_ns + 1
    # But for the drift since, which is at most 0.06 % of the time.
    assert clock.uncertainty_ns <= before + 2_000_000


@given(st.floats(-1e-4, 1e-4), st.integers(1, 3600))
def test_clocks_that_drift_stay_within(drift: float, pause_s: int) -> None:
    clock = GuestClock()
    for at in (0, pause_s * 10**9):
        theirs = int(at * (1 + drift)) + 5_000_000
        clock.exchanged(at, theirs, theirs, at + 1_000_000)
    assert clock.uncertainty_ns is not None
    true = int(pause_s * 10**9 * drift) + 5_000_000
    assert abs(clock.offset_ns - true) <= clock.uncertainty_ns + 1


def test_a_guest_that_stood_still_is_believed_anew_and_nonsense_is_not() -> None:
    clock = GuestClock()
    assert clock.uncertainty_ns is None
    with pytest.raises(ValueError, match="not measured"):
        assert clock.offset_ns
    clock.exchanged(0, 1000, 1000, 2000)
    # An answer before its question.
    clock.exchanged(10, 5000, 1, 20)
    assert clock.offset_ns == 0
    clock.exchanged(10**9, 10**8, 10**8, 10**9 + 10)
    assert clock.offset_ns == pytest.approx(-(9 * 10**8), abs=10)


@given(st.lists(st.integers(0, 10**10), max_size=20))
def test_the_lead_covers_the_slowest_way_and_is_bounded(ways: list[int]) -> None:
    clocks = [GuestClock(round_trip_ns=way) for way in ways]
    lead = lead_ns(clocks)
    assert lead <= 2 * 10**9
    assert lead >= min(max(ways, default=0), 2 * 10**9)
    # Ten guests that answer in a ms are told 11 ms ahead.
    assert lead_ns([GuestClock(round_trip_ns=10**6)] * 10) == 11 * 10**6


def test_a_guest_whose_clock_can_not_be_is_not_measured_in() -> None:
    class Liar:
        def send(self, data: bytes) -> None:
            assert data == b"clock\n"

        def line(self, deadline: Deadline, state: str) -> str:
            return "clock -1"

    source: Any = Liar()
    with pytest.raises(GuestError, match="where a number was due"):
        ask_clock("g", GuestClock(), source, Deadline("its clock", 5))
    clock = GuestClock()
    clock.exchanged(0, 9, 5, 20)
    assert clock.uncertainty_ns is None


RUN = GuestRun(
    name="vm-0",
    exit_code=0,
    timed_out=False,
    started_clock_ns=5_000_000_000,
    ended_clock_ns=65_000_000_000,
    epoch_ns=2_000_000_000_000_000_000,
    epoch_clock_ns=4_000_000_000,
    clock_jump_s=0.0,
    fio_json=b"",
    fio_log=b"",
    told_clock_ns=None,
    boot_id="b",
)


@pytest.mark.parametrize(
    ("start_clock_ns", "late_ms"), [(0, None), (5_000_000_000, 0.0), (4_990_000_000, 10.0)]
)
def test_a_run_is_placed_on_our_clock(start_clock_ns: int, late_ms: float | None) -> None:
    # The guest's steady clock is 3 s ahead of ours, its epoch clock a second behind.
    clock = GuestClock()
    clock.exchanged(0, 3_000_001_000, 3_000_001_000, 2000)
    ours_epoch_ns = 2_000_000_000_000_000_000
    told = Told(start_clock_ns=start_clock_ns, told_ns=0, epoch_ours_ns=ours_epoch_ns)
    times = place(RUN, clock, told, 70_000_000_000)
    assert times.started_epoch_ns == ours_epoch_ns + 2_000_000_000
    assert times.ended_epoch_ns == ours_epoch_ns + 62_000_000_000
    assert times.answered_epoch_ns == ours_epoch_ns + 70_000_000_000
    assert times.clock_offset_ms == -1000.0
    assert times.clock_uncertainty_ms == pytest.approx(0.001, rel=0.01)
    assert times.late_ms == late_ms


def test_when_it_was_told_is_learnt_from_its_answer() -> None:
    clock = GuestClock()
    clock.exchanged(0, 100_000_000, 100_000_000, 200_000_000)
    changes: dict[str, Any] = {"told_clock_ns": 1_000_001_000}
    place(replace(RUN, **changes), clock, Told(start_clock_ns=1, told_ns=1_000_000_000, epoch_ours_ns=0), 0)
    assert clock.most_ns == 1000
