"""What changed against the baseline: a forest plot of ratios with their intervals, better to the right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.number import digits
from pytest_odfperf.report.pictures import spec_parts as parts
from pytest_odfperf.report.pictures.picture import Cell, Column, Picture, Slice
from pytest_odfperf.report.pictures.pools.stored_comparison import (
    NAMES,
    OUTCOMES,
    TOLD,
    StoredRatio,
    stored_families,
    stored_keys,
)
from pytest_odfperf.report.pictures.shown_figures import Shown, rounded

#: Of keys, and of pools and patterns: the others are in the comparison's table.
MOST_SHOWN = 25

#: An interval that reaches further is cut there; its figures are written beside it.
_FURTHEST = 8.0
_TICKS = (1 / 8, 1 / 4, 1 / 2, 2 / 3, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 4, 8)
_COLUMNS = (
    parts.TEST,
    Column(field="what", heading="what is compared"),
    Column(field="outcome", heading="outcome"),
    Column(field="ratio", heading="ratio, now / baseline"),
    Column(field="low", heading="90 % interval from"),
    Column(field="high", heading="90 % interval to"),
    Column(field="gain", heading="gain (ratio; of a latency 1 / ratio)"),
    Column(field="gain_low", heading="gain from"),
    Column(field="gain_high", heading="gain to"),
    Column(field="said", heading="in words"),
)


def baseline_changes(shown: Shown) -> Picture | None:
    """None if no run was compared with a baseline."""
    comparisons = [run.comparison for run in shown.content.runs if run.comparison is not None]
    return forest_plot(comparisons, usable_tests(shown.content))


def usable_tests(content: RunContent) -> dict[str, int | None]:
    """By key the number of its first test that is not invalid; None where all are."""
    found: dict[str, int | None] = {}
    for number, test in enumerate(content.tests):
        key = str(test.key)
        if found.get(key) is None:
            found[key] = number if test.record is not None and test.record.usable else None
    return found


def forest_plot(
    comparisons: Sequence[Mapping[str, Any]], numbers: Mapping[str, int | None]
) -> Picture | None:
    """Of what comparison.json holds, one or several. ``numbers``: see `usable_tests`; empty if of no run."""
    # Somebody may have changed the file: of a key without a valid result nothing is shown.
    keys = [one for one in stored_keys(comparisons) if numbers.get(one.what, 0) is not None]
    families = stored_families(comparisons)
    named = (("pools and patterns", families), ("keys", keys))
    slices = [_slice(label, own, numbers) for label, own in named if own]
    if not slices:
        return None
    told = sum(one.outcome in TOLD for one in keys)
    sentence = (
        "What is better or worse than in the baseline runs, and how sure is that? Ratios with their 90 % "
        "intervals, better to the right of the line at 1: of latencies the inverse is drawn, the ratio "
        f"itself is written. {told} of {len(keys)} compared figures of keys are better or worse"
    )
    if len(keys) > MOST_SHOWN:
        sentence += f"; {MOST_SHOWN} are shown, those first, by size, and the table of the comparison has all"
    return Picture(
        name="changes", title="Changes against the baseline", sentence=f"{sentence}.", slices=tuple(slices)
    )


def _size(one: StoredRatio) -> tuple[bool, float]:
    """Differences that are told first, the largest first."""
    return one.outcome not in TOLD, -abs(math.log(one.ratio))


def _row(one: StoredRatio, number: int | None) -> tuple[Cell, ...]:
    gains = (one.ratio, one.low, one.high)
    if one.metric == "lat_p99":
        gains = (1 / one.ratio, 1 / one.high, 1 / one.low)
    what = f"{one.what}{' ' if one.part else ', '}{' '.join(filter(None, (one.part, NAMES[one.metric])))}"
    figures = tuple(map(rounded, (one.ratio, one.low, one.high, *gains)))
    said = f"{one.outcome}: {digits(one.ratio)} ({digits(one.low)} to {digits(one.high)})"
    return (number, what, one.outcome, *figures, said)


def _slice(label: str, compared: Iterable[StoredRatio], numbers: Mapping[str, int | None]) -> Slice:
    found = sorted(compared, key=_size)
    rows = tuple(_row(one, numbers.get(one.what)) for one in found[:MOST_SHOWN])
    more = f" ({MOST_SHOWN} of {len(found)})" if len(found) > MOST_SHOWN else ""
    return Slice(label=label + more, spec=_spec(rows), columns=_COLUMNS, rows=rows)


def _spec(rows: Sequence[tuple[Cell, ...]]) -> parts.Spec:
    ends = [float(value) for row in rows for value in row[6:9] if isinstance(value, int | float)]
    reach = min(_FURTHEST, max(1.3, *(max(end, 1 / end) * 1.05 for end in ends)))
    scale = {"type": "log", "domain": [1 / reach, reach], "clamp": True, "nice": False}
    ticks = [tick for tick in _TICKS if 1 / reach <= tick <= reach]
    if reach > 3:
        ticks = [tick for tick in ticks if tick == 1 or abs(math.log(tick)) > math.log(1.3)]
    along = {
        "field": "gain",
        "type": "quantitative",
        "scale": scale,
        "title": "← worse · ratio to the baseline · better →",
        "axis": {"values": [rounded(tick) for tick in ticks], "format": ".2~f"},
    }
    outcome = {"field": "outcome", "type": "nominal", "title": "outcome"}
    colour = {**outcome, "scale": {"domain": list(OUTCOMES), "range": "outcome"}}
    shape = {
        **outcome,
        "scale": {
            "domain": list(OUTCOMES),
            "range": ["triangle-right", "triangle-left", "circle", "diamond"],
        },
    }
    return parts.view(
        "Forest plot of ratios to the baseline with their intervals",
        {
            "data": {"values": [{"one": 1}]},
            "mark": {"type": "rule", "strokeDash": [4, 3]},
            "encoding": {"x": {"field": "one", "type": "quantitative", "scale": scale}},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 2.5},
            "encoding": {
                "x": {**along, "field": "gain_low"},
                "x2": {"field": "gain_high"},
                "y": parts.band("what", 0.68),
                "color": colour,
            },
        },
        {
            "mark": {"type": "point", "size": 90},
            "encoding": {
                "x": along,
                "y": parts.band("what", 0.68),
                "color": colour,
                "shape": shape,
                "tooltip": parts.tooltip(_COLUMNS[:6]),
            },
        },
        *parts.band_texts("what", "what", "said"),
        height=36 * len(rows),
    )
