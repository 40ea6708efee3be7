"""What a limit came to for one key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OutcomeWord = Literal["met", "broken", "inconclusive", "not judged"]
#: In the order in which people want to know them.
OUTCOMES: tuple[OutcomeWord, ...] = ("broken", "inconclusive", "not judged", "met")

#: The reason code of a test that passed but for its limits.
BROKEN = "limit_broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOutcome:
    """One limit, and one figure of one key. Figures are in ns, IOPS, bytes per second or a share of 1."""

    #: The limit as the matrix says it.
    limit: str
    #: What was looked at: direction, metric, and the section where it has its own.
    figure_name: str
    outcome: OutcomeWord
    #: One line: the figure with its interval, the number of repeats, and why it is so.
    why: str
    #: None: there is none, or the sample does not carry it.
    figure: float | None = None
    #: The 95 % interval over repeats.
    low: float | None = None
    high: float | None = None
    #: Repeats that count.
    repeats: int = 0

    def __str__(self) -> str:
        return f"{self.outcome}: {self.limit}: {self.why}"
