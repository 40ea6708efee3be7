"""The tables of limits and of repeats in the report. Everything that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pytest_odfperf.matrix.limit import METRICS
from pytest_odfperf.measure.limits.limit_judgement import text_of
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.statistics.over_repeats import FigureSpread
from pytest_odfperf.report.decisions_text import judged, repeated

#: Rows of each table; all of them are in results-keys.csv.
_ROWS = 500
_METRICS = ("iops", "p99")

_LIMITS_NOTE = (
    "With repeats the 95 % interval decides: inconclusive where the limit is within it. "
    "Without repeats the one measurement does. Invalid results are not judged."
)
_REPEATS_NOTE = (
    "Geometric mean over the repeats, 95 % interval (t on logarithms), coefficient of variation. p99 is that "
    "of each repeat. Not gateable: fewer than 3 repeats, or a coefficient of variation above 10 %. Order: "
    "whether the figure rises or falls from repeat to repeat."
)


def limits_table(records: Sequence[Record]) -> str:
    """Outcomes that are not met first."""
    pairs = judged(records)
    if not pairs:
        return ""
    rows = "".join(
        f'<tr><th scope="row"><code>{escape(str(record.key))}</code></th><td>{escape(outcome.limit)}</td>'
        f"<td{' class=odf-bad' if outcome.outcome == 'broken' else ''}>{outcome.outcome}</td>"
        f"<td>{escape(outcome.figure_name)}: {escape(outcome.why)}</td></tr>"
        for record, outcome in pairs[:_ROWS]
    )
    return _table("Limits", _LIMITS_NOTE, ("Key", "Limit", "Outcome", "Figure"), rows, len(pairs))


def repeats_table(records: Sequence[Record]) -> str:
    """A row for each key, and for each of its sections and directions."""
    rows = [
        _row(record, one)
        for record in repeated(records)
        if record.over_repeats is not None
        for one in record.over_repeats.figures
        if one.metric in _METRICS
    ]
    heads = ("Key", "Figure", "Mean", "Interval", "CV", "Repeats", "Grade", "Order")
    return _table("Repeats", _REPEATS_NOTE, heads, "".join(rows[:_ROWS]), len(rows)) if rows else ""


def _row(record: Record, one: FigureSpread) -> str:
    assert record.over_repeats is not None
    unit = METRICS[one.metric]
    interval = (
        ""
        if one.low is None or one.high is None
        else f"{text_of(one.low, unit)} to {text_of(one.high, unit)}"
    )
    order = ("rises" if (one.order_rho or 0) > 0 else "falls") if one.order_told else ""
    cells = (
        escape(one.name),
        text_of(one.geometric_mean, unit),
        interval,
        "" if one.cv is None else f"{one.cv * 100:.1f} %",
        escape(f"{one.count} ({record.over_repeats.count_text})"),
        f"<strong>{one.grade}</strong>" if one.grade == "not gateable" else escape(one.grade),
        order,
    )
    key = f'<th scope="row"><code>{escape(str(record.key))}</code></th>'
    return f"<tr>{key}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _table(title: str, note: str, heads: Sequence[str], rows: str, count: int) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    more = f"<p>and {count - _ROWS} more, in results-keys.csv</p>" if count > _ROWS else ""
    return (
        f'<h2>{title}</h2><p class="odf-note">{note}</p><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>{more}"
    )
