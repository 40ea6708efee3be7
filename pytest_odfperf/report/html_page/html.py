"""What pytest-html's report shows of a run above its table: facts, pools, what failed, a pool filter.

pytest-html puts a summary into the page as it is: everything that comes from outside is escaped here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from pytest_odfperf.measure.record import BUFFERED, Record
from pytest_odfperf.report.html_page.html_row import pool_log
from pytest_odfperf.report.html_page.page import SCRIPT, STYLE
from pytest_odfperf.report.summary import PoolCounts, buffered_line, count

#: Problems listed above the table; all of them are in it.
_PROBLEMS_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What the run was; all text is shown as given."""

    run_id: str
    cluster: str
    matrix: str
    #: When it ran, as people write it.
    when: str
    marking: str | None = None
    #: Where the run's own report is from the page: a relative path; None: it is not known.
    report: str | None = None
    #: More facts for the table at the top: versions, parallel pools, isolation.
    facts: tuple[tuple[str, str], ...] = ()


def summary_block(
    records: Sequence[Record], context: RunContext, log: Callable[[str], str] = pool_log
) -> str:
    """For the prefix of ``pytest_html_results_summary``: facts, pools, problems, the filter."""
    facts = [
        ("Run", context.run_id),
        ("Cluster", context.cluster),
        ("Matrix", context.matrix),
        ("When", context.when),
        *context.facts,
    ]
    counts = count(records)
    return "".join(
        [
            f"<style>{STYLE}</style>",
            '<div class="odf">',
            _banner(context.marking),
            _buffered(records),
            _link(context.report),
            '<table class="odf-facts">',
            *(f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>' for name, text in facts),
            "</table>",
            _pools(counts, log),
            _problems(records),
            f'<p class="odf-note">{_TABLE_NOTE}</p>',
            '<p class="odf-filter"><label>Show pool <select id="odf-pool">',
            '<option value="">all pools</option>',
            *(f'<option value="{escape(pool)}">{escape(pool)}</option>' for pool in counts),
            '</select></label> <span id="odf-shown" role="status"></span></p></div>',
            f"<script>{SCRIPT}</script>",
        ]
    )


_TABLE_NOTE = (
    "p99 is over all I/Os of all VMs, from submission to completion. n/a: fewer than 100 I/Os lie above it. "
    "≥: some I/Os took longer than the histogram reaches (17 s). A profile with unlike sections has a line "
    "for each of them: their figures are not added. Sync is fsync and fdatasync: how long a commit takes."
)


def _banner(marking: str | None) -> str:
    if not marking:
        return ""
    return (
        f'<p class="odf-banner" role="alert"><strong>{escape(marking)}</strong> '
        "These figures do not come from real storage. Do not decide by them.</p>"
    )


def _link(report: str | None) -> str:
    if report is None:
        return ""
    return (
        f'<p class="odf-note">Pictures, all figures and the details of each key are in <a href="'
        f'{escape(quote(report))}">the report of the run</a>.</p>'
    )


def _buffered(records: Sequence[Record]) -> str:
    line = buffered_line(records)
    return f'<p class="odf-banner"><strong>{BUFFERED}</strong> {escape(line)}</p>' if line else ""


def _pools(counts: dict[str, PoolCounts], log: Callable[[str], str]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(pool)}</th><td>{one.passed}</td>'
        f"<td{' class=odf-bad' if one.failed else ''}>{one.failed}</td><td>{one.skipped}</td>"
        f"<td>{one.valid}</td><td>{one.suspect}</td>"
        f"<td{' class=odf-bad' if one.invalid else ''}>{one.invalid}</td>"
        f'<td><a href="{escape(log(pool))}">pool.log</a></td></tr>'
        for pool, one in counts.items()
    )
    names = ("Pool", "Passed", "Failed", "Skipped", "Valid", "Suspect", "Invalid", "Log")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        f'<h2>Pools</h2><table class="odf-pools"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _problems(records: Sequence[Record]) -> str:
    bad = [record for record in records if record.status in ("failed", "error")]
    if not bad:
        return ""
    items = "".join(
        f"<li><code>{escape(str(record.key))}</code> {record.status}{_code(record)}: "
        f"{escape((record.reason or 'no reason')[:400])}{_diagnosis(record)}</li>"
        for record in bad[:_PROBLEMS_SHOWN]
    )
    more = f"<p>and {len(bad) - _PROBLEMS_SHOWN} more, in the table</p>" if len(bad) > _PROBLEMS_SHOWN else ""
    return f"<h2>What failed</h2><ul>{items}</ul>{more}"


def _code(record: Record) -> str:
    return f" ({escape(record.reason_code)})" if record.reason_code else ""


def _diagnosis(record: Record) -> str:
    link = quote(record.diagnosis) if record.diagnosis else ""
    return f' <a href="{escape(link)}/">diagnosis</a>' if link else ""
