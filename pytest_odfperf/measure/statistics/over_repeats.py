"""What the repeats of a key say together, as its last record keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_odfperf.matrix.values.limit import ALL


def shown_name(section: str, direction: str, metric: str) -> str:
    """``read p99 of db-wal``, ``fairness``: a figure as people read it."""
    words = [metric] if direction == ALL else [direction, metric]
    return " ".join([*words, "of", section] if section else words)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSpread:
    """One figure over the repeats, in ns, IOPS, bytes per second or a share of 1: see `METRICS`."""

    #: Empty for the key as a whole.
    section: str
    direction: str
    metric: str
    #: Repeats that count.
    count: int
    geometric_mean: float
    #: The 95 % interval; None with one repeat.
    low: float | None
    high: float | None
    #: Standard deviation over mean.
    cv: float | None
    grade: str
    #: Spearman's correlation with the order in time; None below three repeats, and where all are equal.
    order_rho: float | None
    #: Whether chance makes one as large in no more than 2 of 100 cases.
    order_told: bool

    @property
    def name(self) -> str:
        return shown_name(self.section, self.direction, self.metric)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverRepeats:
    """Invalid repeats are counted, and are in no figure; suspect ones are in them."""

    asked: int
    valid: int
    suspect: int
    invalid: int
    figures: tuple[FigureSpread, ...]

    @property
    def missing(self) -> int:
        """Repeats without a measurement."""
        return max(0, self.asked - self.valid - self.suspect - self.invalid)

    @property
    def count_text(self) -> str:
        """``3 of 5 repeats``, and why not all, or not without doubt."""
        parts = [f"{self.valid + self.suspect} of {self.asked} repeats"]
        for number, word in ((self.suspect, "suspect"), (self.invalid, "invalid"), (self.missing, "missing")):
            if number:
                parts.append(f"{number} {word}")
        return ", ".join(parts)
