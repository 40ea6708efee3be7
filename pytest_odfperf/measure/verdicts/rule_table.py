"""The table of rules. Pure: what is known of a measurement in, doubts out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.measure.verdicts.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Rule:
    """A row: one function may speak for several codes."""

    codes: tuple[str, ...]
    look: Callable[[Evidence], Iterator[Doubt]]


RULES: tuple[Rule, ...] = ()
