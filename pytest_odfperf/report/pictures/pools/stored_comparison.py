"""What comparison.json says, as far as it can be drawn: the file may have been changed by anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: What the files hold.
Comparisons = Iterable[Mapping[str, Any]]
OUTCOMES = ("better", "worse", "no difference shown", "inconclusive")
#: Those that say that something changed.
TOLD = OUTCOMES[:2]
#: By the metric how people call it.
NAMES = {"rate": "rate", "lat_p99": "p99"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRatio:
    """Now / baseline, with its 90 % interval. ``what``: the key, or the pool and its pattern."""

    what: str
    #: ``read``, ``db-wal write``; empty for a family.
    part: str
    metric: str
    outcome: str
    ratio: float
    low: float
    high: float


def stored_keys(comparisons: Comparisons) -> list[StoredRatio]:
    """The compared figures of keys, of all runs."""
    found: list[StoredRatio] = []
    for plain in _entries(comparisons, "keys"):
        part = " ".join(str(plain[name]) for name in ("section", "direction") if plain.get(name))
        found += _ratio(plain, str(plain.get("key")), part)
    return found


def stored_families(comparisons: Comparisons) -> list[StoredRatio]:
    """Those of pools, and of a pool's patterns."""
    found: list[StoredRatio] = []
    for plain in _entries(comparisons, "families"):
        found += _ratio(plain, f"{plain.get('pool')}, {plain.get('pattern') or 'all keys'}", "")
    return found


def _entries(comparisons: Comparisons, name: str) -> Iterator[Mapping[str, Any]]:
    for comparison in comparisons:
        entries = comparison.get(name)
        yield from (one for one in entries if isinstance(one, dict)) if isinstance(entries, list) else ()


def _ratio(plain: Mapping[str, Any], what: str, part: str) -> Iterator[StoredRatio]:
    outcome, metric = plain.get("outcome"), plain.get("metric")
    ratio, low, high = (plain.get(name) for name in ("ratio", "low", "high"))
    if outcome in OUTCOMES and metric in NAMES and _drawn(ratio) and _drawn(low) and _drawn(high):
        yield StoredRatio(
            what=what,
            part=part,
            metric=str(metric),
            outcome=str(outcome),
            ratio=float(ratio or 1),
            low=float(low or 1),
            high=float(high or 1),
        )


def _drawn(value: object) -> bool:
    return isinstance(value, int | float) and 1e-9 < value < 1e9
