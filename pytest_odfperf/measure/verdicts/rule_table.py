"""The table of rules: what makes a measurement suspect or invalid. Pure: what is known of it in, doubts out.

A row for each code. ``look`` yields the doubts of its code; a function that speaks for several codes stands
in each of their rows, and is called once. ``says`` has the limit, as docs/verdicts.md shows it; a test holds
page and table to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pytest_odfperf.measure.verdicts.doubt import Doubt, Level
from pytest_odfperf.measure.verdicts.evidence import Evidence

Look = Callable[[Evidence], Iterator[Doubt]]

SUSPECT: tuple[Level, ...] = ("suspect",)
INVALID: tuple[Level, ...] = ("invalid",)
EITHER: tuple[Level, ...] = ("suspect", "invalid")


@dataclass(frozen=True, slots=True)
class Rule:
    """A row. ``next_step``: what the reader of a doubt does."""

    code: str
    levels: tuple[Level, ...]
    look: Look
    says: str
    next_step: str


RULES: tuple[Rule, ...] = ()

#: By code.
NEXT_STEPS: Mapping[str, str] = {rule.code: rule.next_step for rule in RULES}
