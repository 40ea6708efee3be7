"""What pytest-html's report shows of a run above its table: facts, pools, problems, pictures, a pool filter.

pytest-html puts a summary into the page as it is: everything that comes from outside is escaped here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from pytest_odfperf.measure.record import BUFFERED, Record
from pytest_odfperf.measure.verdicts.judge import shown
from pytest_odfperf.report.beside import beside_lines
from pytest_odfperf.report.html_page.html_decisions import limits_table, repeats_table
from pytest_odfperf.report.html_page.html_row import pool_log
from pytest_odfperf.report.html_page.page import SCRIPT, STYLE
from pytest_odfperf.report.html_page.svg import profile_pictures
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
    records: Sequence[Record],
    context: RunContext,
    log: Callable[[str], str] = pool_log,
    blocks: Iterable[str] = (),
) -> str:
    """For the prefix of ``pytest_html_results_summary``: facts, pools, problems, pictures, the filter.

    ``blocks`` are more HTML, after the pools.
    """
    facts = [
        ("Run", context.run_id),
        ("Cluster", context.cluster),
        ("Matrix", context.matrix),
        ("When", context.when),
        *context.facts,
    ]
    counts = count(records)
    pictures = "".join(f"<figure>{svg}</figure>" for _, svg in profile_pictures(records))
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
            *blocks,
            _problems(records),
            _doubts(records),
            _beside(records),
            limits_table(records),
            repeats_table(records),
            _notes(records),
            f'<h2>Pools by profile</h2><p class="odf-note">{_PICTURE_NOTE}</p>{pictures}' if pictures else "",
            f'<p class="odf-note">{_TABLE_NOTE}</p>',
            '<p class="odf-filter"><label>Show pool <select id="odf-pool">',
            '<option value="">all pools</option>',
            *(f'<option value="{escape(pool)}">{escape(pool)}</option>' for pool in counts),
            '</select></label> <span id="odf-shown" role="status"></span></p></div>',
            f"<script>{SCRIPT}</script>",
        ]
    )


_PICTURE_NOTE = (
    "Bars begin at zero. IOPS of all VMs together; MiB/s from a block size of 1M on. "
    "Of a key with repeats, the one in the middle. All figures are in the table below."
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


def _doubts(records: Sequence[Record]) -> str:
    """What is not to be believed, or not quite."""
    doubtful = [record for record in records if record.doubts]
    if not doubtful:
        return ""
    doubtful.sort(key=lambda record: record.usable)
    items = "".join(
        f"<li><code>{escape(str(record.key))}</code> {escape(shown(doubt)[:500])}</li>"
        for record in doubtful[:_PROBLEMS_SHOWN]
        for doubt in record.doubts
    )
    more = len(doubtful) - _PROBLEMS_SHOWN
    rest = f"<p>and {more} more, in the table</p>" if more > 0 else ""
    note = "Figures of an invalid result are nowhere on this page; those of a suspect one are marked."
    return f'<h2>What is doubtful</h2><p class="odf-note">{note}</p><ul>{items}</ul>{rest}'


def _beside(records: Sequence[Record]) -> str:
    lines = beside_lines(records)
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>What ran at one time</h2><ul>{items}</ul>" if lines else ""


def _notes(records: Sequence[Record]) -> str:
    """What happened to keys that were measured all the same."""
    noted = [(record.key, note) for record in records for note in record.notes]
    if not noted:
        return ""
    items = "".join(
        f"<li><code>{escape(str(key))}</code> {escape(note[:400])}</li>"
        for key, note in noted[:_PROBLEMS_SHOWN]
    )
    more = (
        f"<p>and {len(noted) - _PROBLEMS_SHOWN} more, in results.jsonl</p>"
        if len(noted) > _PROBLEMS_SHOWN
        else ""
    )
    return f"<h2>What was noted</h2><ul>{items}</ul>{more}"


def _code(record: Record) -> str:
    return f" ({escape(record.reason_code)})" if record.reason_code else ""


def _diagnosis(record: Record) -> str:
    link = quote(record.diagnosis) if record.diagnosis else ""
    return f' <a href="{escape(link)}/">diagnosis</a>' if link else ""
