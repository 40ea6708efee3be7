"""A row of the table of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
