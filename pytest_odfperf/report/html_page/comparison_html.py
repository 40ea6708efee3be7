"""A comparison and its gate in the HTML report. All names come from outside, and are escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import log

from pytest_odfperf.report.comparison_text import (
    NAMES,
    ComparisonReport,
    figure,
    interval,
    noise_text,
    percent,
)

#: Rows of a table; all are in comparison.json.
_ROWS = 60


def comparison_html(report: ComparisonReport) -> str:
    """The block above the table of keys."""
    comparison = report.comparison
    noise = "".join(f"<li>{NAMES[one.metric]}: {escape(noise_text(one))}</li>" for one in comparison.noise)
    families = [
        [one.outcome, one.pool, one.pattern or "all keys", NAMES[one.metric], str(one.cells), interval(one)]
        for one in comparison.families
    ]
    # The largest differences first; what is the same as before is not shown.
    found = sorted(
        (one for one in comparison.cells if one.outcome != "no difference shown"),
        key=lambda one: (one.outcome == "inconclusive", -abs(log(one.ratio))),
    )
    keys = [
        [
            one.outcome,
            str(one.cell.key),
            one.cell.what,
            interval(one),
            f"{one.repeats} / {one.baseline_repeats}",
            one.suspect or "",
        ]
        for one in found[:_ROWS]
    ]
    more = f"<p>and {len(found) - _ROWS} more, in comparison.json</p>" if len(found) > _ROWS else ""
    heads = ("Outcome", "Key", "Figure", "Ratio", "Repeats / baseline", "Suspect")
    unlike = "".join(
        f'<p class="odf-banner"><strong>UNLIKE RUNS</strong> {escape(text)}</p>' for text in report.unlike
    )
    refused = "".join(
        f"<li><code>{escape(str(key))}</code> {escape(why)}</li>"
        for key, why in list(comparison.refused.items())[:_ROWS]
    )
    return (
        f"<h2>Compared with {escape(', '.join(report.runs))}</h2>{unlike}{_gate(report)}"
        f'<p class="odf-note">Ratios are now / baseline, with their 90 % intervals.</p><ul>{noise}</ul>'
        + _table(("Outcome", "Pool", "Pattern", "Figure", "Figures", "Ratio"), families)
        + (_table(heads, keys) if keys else "")
        + more
        + (f"<p>Not compared:</p><ul>{refused}</ul>" if refused else "")
    )


def _gate(report: ComparisonReport) -> str:
    gate = report.gate
    if gate is None:
        return ""
    rows = [
        [
            one.outcome,
            str(one.cell.key),
            one.cell.what,
            interval(one),
            figure(one.cell, one.current),
            figure(one.cell, one.baseline),
            percent(one.floor),
            str(one.repeats),
            "none" if one.control_ratio is None else f"{one.controls} at {one.control_ratio:.3f}",
            one.why,
        ]
        for one in gate.cells
    ]
    heads = (
        "Outcome", "Key", "Figure", "Ratio", "Now", "Baseline", "Floor", "Repeats", "Controls", "Why",
    )  # fmt: skip
    problem = f"<p>{escape(gate.problem)}</p>" if gate.problem else ""
    reasons = "".join(
        f"<li>{escape(name)}: {escape(why)}</li>" for name, why in list(gate.not_gateable.items())[:_ROWS]
    )
    return (
        f"<p><strong>Gate: {escape(gate.word)}</strong></p>{problem}"
        + (_table(heads, rows) if rows else "")
        + (f"<p>Not gateable:</p><ul>{reasons}</ul>" if reasons else "")
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(
        f"<tr{' class=odf-bad' if row[0] in ('worse', 'confirmed') else ''}>"
        + "".join(f"<td>{escape(text)}</td>" for text in row)
        + "</tr>"
        for row in rows
    )
    return f'<table class="odf-compared"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
