"""Many tests at once: how many of the small p-values may be believed.

Benjamini and Hochberg 1995 (the false discovery rate), Simes 1986 (one p-value for a family), Benjamini and
Bogomolov 2014 (families first, then the members of those that were selected).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def simes(p_values: Sequence[float]) -> float:
    """The p-value of "nothing in this family differs"; 1 for an empty family."""
    ordered = sorted(p_values)
    return min((p * len(ordered) / rank for rank, p in enumerate(ordered, 1)), default=1.0)


def rejected(p_values: Mapping[Name, float], q: float) -> set[Name]:
    """What differs, with an expected share of false ones of at most ``q``."""
    ordered = sorted(p_values, key=lambda name: p_values[name])
    count = len(ordered)
    small = [rank for rank, name in enumerate(ordered, 1) if p_values[name] * count <= q * rank]
    last = max(small, default=0)
    return set(ordered[:last])


def rejected_in_families(
    p_values: Mapping[Name, float], family_of: Mapping[Name, Hashable], q: float
) -> set[Name]:
    """The same in two steps: members are looked at only in families where something differs.

    Many families in which nothing does then cost the others little.
    """
    families: dict[Hashable, dict[Name, float]] = {}
    for name, p in p_values.items():
        families.setdefault(family_of[name], {})[name] = p
    selected = rejected({family: simes(list(own.values())) for family, own in families.items()}, q)
    within = q * len(selected) / max(1, len(families))
    return {name for family in selected for name in rejected(families[family], within)}
