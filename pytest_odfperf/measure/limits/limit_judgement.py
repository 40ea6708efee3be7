"""A key's figures over its repeats, held against its limits.

With repeats the 95 % interval decides: a limit is met or broken if the whole interval is on one side of it,
else it is inconclusive. Without repeats the figure itself decides, and that is said. Percentiles are those of
each repeat; the figure is their geometric mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_odfperf.matrix.values.limit import Limit, Unit
from pytest_odfperf.measure.limits.limit_outcome import LimitOutcome, OutcomeWord
from pytest_odfperf.measure.statistics.record_figures import FigureName, Figures, shown_sections
from pytest_odfperf.measure.statistics.spread import Spread, spread_of


def judge_limits(
    limits: Iterable[Limit], repeats: Sequence[Figures], *, asked: int, suspect: int = 0
) -> tuple[LimitOutcome, ...]:
    """What ``limits`` come to.

    ``repeats`` are the figures of the repeats that are valid or suspect, ``asked`` how many there should be,
    and ``suspect`` how many of them are to be doubted.
    """
    return tuple(outcome for limit in limits for outcome in _judge(limit, repeats, asked, suspect))


def not_judged(limits: Iterable[Limit], why: str) -> tuple[LimitOutcome, ...]:
    """All ``limits`` where nothing can be said."""
    return tuple(
        LimitOutcome(limit=limit.text, figure_name=limit.metric, outcome="not judged", why=why)
        for limit in limits
    )


def _judge(limit: Limit, repeats: Sequence[Figures], asked: int, suspect: int) -> Iterator[LimitOutcome]:
    names = dict.fromkeys(name for figures in repeats for name in figures)
    sections = shown_sections(names) if limit.section is None else [limit.section]
    wanted = [
        FigureName(section, direction, limit.metric)
        for section in sections
        for direction in limit.directions
        if FigureName(section, direction, limit.metric) in names
    ]
    if not wanted:
        yield from not_judged([limit], "nothing measured has such a figure")
    for name in wanted:
        yield _one(limit, name, [figures[name] for figures in repeats if name in figures], asked, suspect)


def _one(
    limit: Limit, name: FigureName, found: Sequence[float | None], asked: int, suspect: int
) -> LimitOutcome:
    carried = [value for value in found if value is not None]
    doubt = f", {suspect} of them suspect" if suspect and asked > 1 else ", suspect" if suspect else ""
    if not carried:
        return LimitOutcome(
            limit=limit.text,
            figure_name=str(name),
            outcome="inconclusive",
            why=f"too few I/Os lie above {limit.metric} for it to be known{doubt}",
        )
    spread = spread_of(carried)
    figure = text_of(spread.geometric_mean, limit.unit)
    outcome: OutcomeWord = "met" if limit.holds(spread.geometric_mean) else "broken"
    if asked == 1:
        why = f"{figure} in one measurement, without repeats{doubt}"
    elif spread.low is None or spread.high is None:
        outcome, why = (
            "inconclusive",
            f"{figure}; 1 of {asked} repeats counts, which gives no interval{doubt}",
        )
    else:
        if limit.holds(spread.low) != limit.holds(spread.high):
            outcome = "inconclusive"
        why = f"{figure} ({_interval(spread, limit.unit)}, {spread.count} repeats{doubt})"
    return LimitOutcome(
        limit=limit.text,
        figure_name=str(name),
        outcome=outcome,
        why=why,
        figure=spread.geometric_mean,
        low=spread.low,
        high=spread.high,
        repeats=spread.count,
    )


def _interval(spread: Spread, unit: Unit) -> str:
    assert spread.low is not None
    assert spread.high is not None
    return f"{text_of(spread.low, unit)} to {text_of(spread.high, unit)}"


def text_of(value: float, unit: Unit) -> str:
    """A figure for people: four significant digits, so that one beside its limit does not look like it."""
    if unit == "ns":
        for step, name in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
            if value >= step:
                return f"{value / step:.4g} {name}"
        return f"{value:.4g} ns"
    if unit == "share":
        return f"{value:.4f}"
    if unit == "bytes/s":
        for shift, name in ((30, "GiB/s"), (20, "MiB/s"), (10, "KiB/s")):
            if value >= 1 << shift:
                return f"{value / (1 << shift):.4g} {name}"
        return f"{value:.4g} B/s"
    return f"{value:,.0f} IOPS" if value >= 1000 else f"{value:.4g} IOPS"
