"""What pytest-html's report shows of a run: columns, the block above the table, and a pool filter.

pytest-html compares a column's cells as text, their markup included (``genericSort`` of its app.js), so
each number is preceded by a comment that holds it with a fixed width. It puts cells and summaries into
the page as they are: everything that comes from outside is escaped here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.reading.fields import parse_fio_bytes
from pytest_odfperf.measure.aggregate import DirectionMeasurement, LatencyMeasurement
from pytest_odfperf.measure.record import BUFFERED, Record
from pytest_odfperf.quantity import to_bytes
from pytest_odfperf.report.number import MEBI, NS_PER_MS, digits
from pytest_odfperf.report.page import SCRIPT, STYLE
from pytest_odfperf.report.parts import shown_parts
from pytest_odfperf.report.summary import PoolCounts, buffered_line, count
from pytest_odfperf.report.svg import profile_pictures

#: (class, heading) of the columns that sort.
_COLUMNS = (
    ("odf_pool", "Pool"),
    ("odf_size", "VM size"),
    ("odf_pvc", "PVC"),
    ("odf_vms", "VMs"),
    ("odf_profile", "Profile"),
    ("odf_bs", "Block size"),
    ("odf_section", "Section"),
    ("odf_read_iops", "Read IOPS"),
    ("odf_read_bw", "Read MiB/s"),
    ("odf_read_p99", "Read p99 ms"),
    ("odf_write_iops", "Write IOPS"),
    ("odf_write_bw", "Write MiB/s"),
    ("odf_write_p99", "Write p99 ms"),
    ("odf_sync_iops", "Syncs/s"),
    ("odf_sync_p99", "Sync p99 ms"),
)

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
    #: More facts for the table at the top: versions, parallel pools, isolation.
    facts: tuple[tuple[str, str], ...] = ()


def pool_log(pool: str) -> str:
    """The link to a pool's log from a report in the run's folder."""
    return f"{quote(pool, safe='')}/pool.log"


def header_cells() -> list[str]:
    """For ``pytest_html_results_table_header``: as many as `row_cells`."""
    sortable = [
        f'<th class="sortable" data-column-type="{name}">{heading}</th>' for name, heading in _COLUMNS
    ]
    return [*sortable, "<th>Pool log</th>"]


def row_cells(
    key: Key | None, record: Record | None, log: Callable[[str], str] | None = pool_log
) -> list[str]:
    """For ``pytest_html_results_table_row``; empty cells for a test without a key or without figures."""
    if key is None:
        return [*(_cell(name, "") for name, _ in _COLUMNS), '<td class="col-links"></td>']
    cells = [
        _cell("odf_pool", key.pool),
        _cell("odf_size", key.size),
        _cell("odf_pvc", key.pvc, _pvc_bytes(key.pvc)),
        _cell("odf_vms", str(key.concurrency), key.concurrency),
        _cell("odf_profile", key.profile),
        _cell("odf_bs", key.block_size, parse_fio_bytes(key.block_size) or 0),
    ]
    shown = shown_parts(record) if record else []
    cells.append(_lines("odf_section", [(part.name, None) for part in shown]))
    for kind in ("read", "write", "sync"):
        for name in ("iops", "bw", "p99"):
            if (kind, name) != ("sync", "bw"):
                figures = [_figure(getattr(part, kind), name) for part in shown]
                cells.append(_lines(f"odf_{kind}_{name}", figures, number=True))
    link = f'<a href="{escape(log(key.pool))}">log</a>' if log else ""
    return [*cells, f'<td class="col-links">{link}{_target(record)}{_marked(record)}{_noted(record)}</td>']


def _pvc_bytes(label: str) -> int | None:
    try:
        return to_bytes(label)
    except InputError:  # of a record that somebody changed
        return None


def _target(record: Record | None) -> str:
    if record is None or record.target is None:
        return ""
    title = "fio worked on the raw data disk, without a file system"
    return f' <abbr class="odf-noted" title="{title}">{escape(record.target)}</abbr>'


def _marked(record: Record | None) -> str:
    return f" <strong>{BUFFERED}</strong>" if record is not None and record.buffered else ""


def _noted(record: Record | None) -> str:
    if record is None or not record.notes:
        return ""
    return f' <abbr class="odf-noted" title="{escape("; ".join(record.notes))}">noted</abbr>'


def _figure(part: LatencyMeasurement | None, name: str) -> tuple[str, float | None]:
    """A figure as it is shown, and by what it sorts."""
    if part is None:
        return "", None
    if name == "bw":
        value = part.bw_bytes_per_s / MEBI if isinstance(part, DirectionMeasurement) else None
        return ("", None) if value is None else (digits(value), value)
    if name == "iops":
        return digits(part.iops_per_s), part.iops_per_s
    # Too few I/Os for a tail: the figure is shown, and said to be weak.
    weak, least = "" if part.lat_p99_trusted else "~", "≥" if part.lat_saturated else ""
    value = part.lat_p99_ns / NS_PER_MS
    return least + weak + digits(value), value


def _cell(name: str, text: str, value: float | None = None, *, number: bool = False) -> str:
    return _lines(name, [(text, value)], number=number)


def _lines(name: str, lines: Sequence[tuple[str, float | None]], *, number: bool = False) -> str:
    """A cell of a line for each section; it sorts by the first that has a value."""
    value = next((value for _, value in lines if value is not None), None)
    order = f"<!--{value:024.6f}-->" if value is not None else "<!---->" if number else ""
    # A name with a line end would hide the cell from pytest-html's own reading of it.
    texts = [escape(" ".join(text.split())) for text, _ in lines]
    return f'<td class="col-{name}">{order}{"<br>".join(texts) if any(texts) else ""}</td>'


def summary_block(
    records: Sequence[Record], context: RunContext, log: Callable[[str], str] = pool_log
) -> str:
    """For the prefix of ``pytest_html_results_summary``: facts, pools, problems, pictures, the filter."""
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
            '<table class="odf-facts">',
            *(f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>' for name, text in facts),
            "</table>",
            _pools(counts, log),
            _problems(records),
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
    "All figures are in the table below."
)
_TABLE_NOTE = (
    "p99 is over all I/Os of all VMs, from submission to completion. ~: fewer than 100 I/Os lie above it. "
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


def _buffered(records: Sequence[Record]) -> str:
    line = buffered_line(records)
    return f'<p class="odf-banner"><strong>{BUFFERED}</strong> {escape(line)}</p>' if line else ""


def _pools(counts: dict[str, PoolCounts], log: Callable[[str], str]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(pool)}</th><td>{one.passed}</td>'
        f"<td{' class=odf-bad' if one.failed else ''}>{one.failed}</td><td>{one.skipped}</td>"
        f'<td><a href="{escape(log(pool))}">pool.log</a></td></tr>'
        for pool, one in counts.items()
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Pool", "Passed", "Failed", "Skipped", "Log"))
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
