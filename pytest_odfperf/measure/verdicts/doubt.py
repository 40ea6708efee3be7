"""A doubt: what one rule objects to in one key's measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["suspect", "invalid"]
Verdict = Literal["valid", "suspect", "invalid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """``code`` is the rule's (docs/verdicts.md); ``text`` is one line with the figures and the limit."""

    code: str
    level: Level
    text: str
    #: What was compared, by name with its unit.
    figures: Mapping[str, float] = field(default_factory=dict)


def verdict_of(doubts: Iterable[Doubt]) -> Verdict:
    """The worst level of ``doubts``; valid without any."""
    levels = {doubt.level for doubt in doubts}
    return "invalid" if "invalid" in levels else "suspect" if levels else "valid"
