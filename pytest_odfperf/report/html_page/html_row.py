"""The row of a key in pytest-html's table.

pytest-html compares a column's cells as text, their markup included (``genericSort`` of its app.js), so
each number is preceded by a comment that holds it with a fixed width. It puts cells into the page as they
are: everything that comes from outside is escaped here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from urllib.parse import quote

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.reading.fields import parse_fio_bytes
from pytest_odfperf.measure.aggregate import DirectionMeasurement, LatencyMeasurement
from pytest_odfperf.measure.record import BUFFERED, Record
from pytest_odfperf.quantity import to_bytes
from pytest_odfperf.report.number import MEBI, NS_PER_MS, digits
from pytest_odfperf.report.parts import shown_parts

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
    ("odf_read_p999", "Read p99.9 ms"),
    ("odf_write_iops", "Write IOPS"),
    ("odf_write_bw", "Write MiB/s"),
    ("odf_write_p99", "Write p99 ms"),
    ("odf_write_p999", "Write p99.9 ms"),
    ("odf_sync_iops", "Syncs/s"),
    ("odf_sync_p99", "Sync p99 ms"),
    ("odf_sync_p999", "Sync p99.9 ms"),
    ("odf_verdict", "Verdict"),
)


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
        for name in ("iops", "bw", "p99", "p999"):
            if (kind, name) != ("sync", "bw"):
                parts = [getattr(part, kind) for part in shown]
                figures = [_figure(part, name) for part in parts]
                more = _percentiles_title(parts) if name == "p99" else ""
                cells.append(_lines(f"odf_{kind}_{name}", figures, number=True, title=more))
    cells.append(_verdict(record))
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
    value_ns = part.carried_ns(f"lat_{name}_ns")
    return _latency(part, f"lat_{name}_ns"), None if value_ns is None else value_ns / NS_PER_MS


def _latency(part: LatencyMeasurement, name: str) -> str:
    """In ms; too few I/Os carry no percentile."""
    value_ns = part.carried_ns(name)
    if value_ns is None:
        return "n/a"
    return ("≥" if part.lat_saturated else "") + digits(value_ns / NS_PER_MS)


def _percentiles_title(parts: Sequence[LatencyMeasurement | None]) -> str:
    """What is shown over a p99: the other percentiles, and what the guests saw by themselves."""
    told = [
        f"p50 {_latency(part, 'lat_p50_ns')}, p95 {_latency(part, 'lat_p95_ns')}, "
        f"p99 of the worst VM {_latency(part, 'worst_guest_lat_p99_ns')}, "
        f"of the VM in the middle {_latency(part, 'median_guest_lat_p99_ns')} ms"
        for part in parts
        if part is not None
    ]
    return "; ".join(told)


def _verdict(record: Record | None) -> str:
    if record is None or record.verdict is None:
        return _cell("odf_verdict", "")
    said = "; ".join(f"{doubt.code}: {doubt.text}" for doubt in record.doubts)
    codes = f" {escape(', '.join(record.codes))}" if record.codes else ""
    text = f'<abbr class="odf-{record.verdict}" title="{escape(said)}">{record.verdict}</abbr>{codes}'
    return f'<td class="col-odf_verdict">{text if said else escape(record.verdict)}</td>'


def _cell(name: str, text: str, value: float | None = None, *, number: bool = False) -> str:
    return _lines(name, [(text, value)], number=number)


def _lines(
    name: str, lines: Sequence[tuple[str, float | None]], *, number: bool = False, title: str = ""
) -> str:
    """A cell of a line for each section; it sorts by the first that has a value."""
    value = next((value for _, value in lines if value is not None), None)
    order = f"<!--{value:024.6f}-->" if value is not None else "<!---->" if number else ""
    # A name with a line end would hide the cell from pytest-html's own reading of it.
    texts = [escape(" ".join(text.split())) for text, _ in lines]
    more = f' title="{escape(title)}"' if title else ""
    return f'<td class="col-{name}"{more}>{order}{"<br>".join(texts) if any(texts) else ""}</td>'
