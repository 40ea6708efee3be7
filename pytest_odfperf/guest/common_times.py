"""A guest's run on the clock that all guests of a group have in common: that of this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pytest_odfperf.errors import GuestError
from pytest_odfperf.guest.answers import CommonTimes, GuestRun, read_clock
from pytest_odfperf.guest.exchange import Exchange
from pytest_odfperf.guest.guest_clock import GuestClock
from pytest_odfperf.waiting import Deadline

#: A clock that is known no better than this is asked for, so often at most: each asking is a round trip.
_KNOWN_NS = 5_000_000
_ASKED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The word to start: its instant by the guest's clock (0: at once), and when it was said by ours."""

    start_clock_ns: int
    told_ns: int
    #: Our epoch clock less our monotonic one, at that moment.
    epoch_ours_ns: int


def place(run: GuestRun, clock: GuestClock, told: Told, now_ns: int) -> CommonTimes:
    """Where ``run``, whose results came ``now_ns``, lies; ``clock`` learns of when the guest had the word."""
    if run.told_clock_ns is not None:
        clock.told(told.told_ns, run.told_clock_ns)
    ours_ns = told.epoch_ours_ns - clock.offset_ns
    late_ns = run.started_clock_ns - told.start_clock_ns if told.start_clock_ns else None
    return CommonTimes(
        started_epoch_ns=run.started_clock_ns + ours_ns,
        ended_epoch_ns=run.ended_clock_ns + ours_ns,
        answered_epoch_ns=now_ns + told.epoch_ours_ns,
        clock_offset_ms=(run.epoch_ns - run.epoch_clock_ns - ours_ns) / 1e6,
        clock_uncertainty_ms=(clock.uncertainty_ns or 0) / 1e6,
        late_ms=None if late_ns is None else late_ns / 1e6,
    )


def ask_clock(guest: str, clock: GuestClock, exchange: Exchange, deadline: Deadline) -> None:
    """Ask a guest that waits for the word what its clock shows, unless ``clock`` is well known.

    Raises `GuestError` if nothing that it says of it can be.
    """
    for _ in range(_ASKED):
        if clock.known_within(_KNOWN_NS):
            return
        sent_ns = time.monotonic_ns()
        exchange.send(b"clock\n")
        theirs_ns = read_clock(guest, exchange, deadline)
        clock.exchanged(sent_ns, theirs_ns, theirs_ns, time.monotonic_ns())
    if clock.uncertainty_ns is None:
        raise GuestError(guest, "what it says of its clock can not be: it answers before it is asked")
