"""How far a guest's steady clock is from ours, as the exchanges with it tell: an interval, not a guess.

A word that we sent at ``a`` and the guest had at ``b`` says that its clock is ahead by ``b - a`` at most; one
that it sent at ``b`` and we had at ``a`` that it is so by ``b - a`` at least. (NTP takes the middle of one
such pair, and half of its width as the greatest error: RFC 5905, section 8.) All exchanges of a connection
together are narrower than each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Clocks that nobody sets still go at unlike speeds: quartz by 0.01 %, NTP slews by 0.05 % at most.
_DRIFT = 0.0006


@dataclass(slots=True)
class GuestClock:
    """Bounds of (guest's clock - ours), in ns; both are monotonic. None: nothing was heard yet."""

    least_ns: int | None = None
    most_ns: int | None = None
    #: How long a word takes to the guest and back, as last seen; None: not seen without the guest's own work.
    round_trip_ns: int | None = None
    #: Its clock shows steps of this: what it shows may be so much too little.
    step_ns: int = 0
    _as_of_ns: int = 0

    @property
    def offset_ns(self) -> int:
        """The middle. Raises `ValueError` before the first exchange."""
        if self.least_ns is None or self.most_ns is None:
            raise ValueError("the clock was not measured")
        return (self.least_ns + self.most_ns) // 2

    @property
    def uncertainty_ns(self) -> int | None:
        """The greatest error of the middle; None before the first exchange."""
        if self.least_ns is None or self.most_ns is None:
            return None
        return (self.most_ns - self.least_ns + 1) // 2

    def known_within(self, error_ns: int) -> bool:
        """Whether it is known with no greater error than this."""
        return (known_ns := self.uncertainty_ns) is not None and known_ns <= error_ns

    def exchanged(self, sent_ns: int, received_ns: int, answered_ns: int, heard_ns: int) -> None:
        """One exchange: ``sent`` and ``heard`` by our clock, ``received`` and ``answered`` by the guest's."""
        if not sent_ns <= heard_ns or not received_ns <= answered_ns:
            return
        # The guest may have worked for long in between.
        drift_ns = int((heard_ns - sent_ns) * _DRIFT)
        self._narrow(
            answered_ns - heard_ns - drift_ns, received_ns + self.step_ns - sent_ns + drift_ns, heard_ns
        )
        self.round_trip_ns = max(0, (heard_ns - sent_ns) - (answered_ns - received_ns))

    def told(self, sent_ns: int, received_ns: int) -> None:
        """A word of ours whose arrival was told later."""
        if self.least_ns is None:
            return
        late_ns = received_ns - sent_ns - self.offset_ns
        self._narrow(self.least_ns, received_ns + self.step_ns - sent_ns, sent_ns)
        self.round_trip_ns = max(0, 2 * late_ns)

    def _narrow(self, least_ns: int, most_ns: int, now_ns: int) -> None:
        if least_ns > most_ns:
            # An answer before its question: one of the clocks is not what it says. Nothing is learnt of it.
            return
        if self.least_ns is not None and self.most_ns is not None:
            drift_ns = int(abs(now_ns - self._as_of_ns) * _DRIFT)
            known = (self.least_ns - drift_ns, self.most_ns + drift_ns)
            both = (max(least_ns, known[0]), min(most_ns, known[1]))
            # They can not both be true if the guest stood still meanwhile: the newer holds.
            if both[0] <= both[1]:
                least_ns, most_ns = both
        self.least_ns, self.most_ns, self._as_of_ns = least_ns, most_ns, now_ns


def lead_ns(clocks: list[GuestClock]) -> int:
    """How long before its instant a start is to be told to all guests, one after the other.

    As long as the slowest way there and back took, and what it costs us to say it to each: a guest that is
    told too late is late, and all wait for an instant that is told too early.
    """
    ways = [clock.round_trip_ns for clock in clocks if clock.round_trip_ns is not None]
    return min(_LONGEST_LEAD_NS, _TELL_NS * len(clocks) + max(ways, default=0))


_TELL_NS = 1_000_000
_LONGEST_LEAD_NS = 2_000_000_000
