from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.aggregate import DirectionMeasurement
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.report.html_page.html import RunContext, summary_block
from pytest_odfperf.report.html_page.html_row import header_cells, row_cells

MakeRecord = Callable[..., Record]
MakeMeasurement = Callable[..., DirectionMeasurement]

VOID = {"meta", "link", "br", "rect", "line"}


class Page(HTMLParser):
    """Elements, their texts, and whether they nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def context(**changes: str) -> RunContext:
    return RunContext(**({"run_id": "perf-1", "cluster": "c", "matrix": "m", "when": "now"} | changes))  # type: ignore[arg-type]


def sort_text(cells: list[str], name: str) -> str:
    """What pytest-html compares: the match that its ``_hydrate_data`` takes from the cell."""
    (cell,) = [cell for cell in cells if re.search(rf"col-{name}\b", cell)]
    found = re.search(r"<td.*?>(.*?)</td>", cell)
    assert found
    return found[1]


def test_head_and_row_have_as_many_cells_in_the_same_order(make_record: MakeRecord) -> None:
    record = make_record()
    for cells in (row_cells(record.key, record), row_cells(record.key, None), row_cells(None, None)):
        assert len(cells) == len(header_cells())
        for head, cell in zip(header_cells(), cells, strict=True):
            column = re.search(r'data-column-type="(\w+)"', head)
            assert column is None or f"col-{column[1]}" in cell


@given(st.floats(0.01, 1e9), st.floats(0.01, 1e9))
def test_columns_sort_by_number_though_pytest_html_compares_text(
    make_record: MakeRecord, make_measurement: MakeMeasurement, first: float, second: float
) -> None:
    first, second = sorted(round(value, 3) for value in (first, second))
    low, high = (
        sort_text(row_cells((r := make_record(read=make_measurement(v))).key, r), "odf_read_iops")
        for v in (first, second)
    )
    assert (low < high) == (first < second)


def test_missing_figures_are_empty_and_sort_below_all_numbers(make_record: MakeRecord) -> None:
    record = make_record()
    empty = sort_text(row_cells(record.key, record), "odf_write_iops")
    assert Page(empty).texts == []
    assert empty < sort_text(row_cells(record.key, record), "odf_read_iops")


def test_sizes_sort_by_bytes(make_record: MakeRecord) -> None:
    cells = [
        row_cells(Key.parse(f"a:s:{pvc}:{vms}:p:{bs}"), None)
        for pvc, vms, bs in (("150Gi", 2, "64k"), ("1Ti", 10, "1M"))
    ]
    for column in ("odf_pvc", "odf_vms", "odf_bs"):
        low, high = (sort_text(one, column) for one in cells)
        assert low < high


def test_weak_and_clipped_tails_are_marked(
    make_record: MakeRecord, make_measurement: MakeMeasurement
) -> None:
    record = make_record(
        read=make_measurement(total_ios=9_999),
        write=make_measurement(total_ios=100_000, lat_saturated=True, lat_p999_ns=7_000_000),
    )
    cells = row_cells(record.key, record)
    assert Page(sort_text(cells, "odf_read_p99")).texts == ["n/a"]
    assert Page(sort_text(cells, "odf_read_p999")).texts == ["n/a"]
    assert "≥5.00" in sort_text(cells, "odf_write_p99")
    assert "≥7.00" in sort_text(cells, "odf_write_p999")
    # n/a sorts below all numbers, as what is empty does.
    assert sort_text(cells, "odf_read_p99") < sort_text(cells, "odf_write_p99")


def test_an_invalid_result_is_told_and_none_of_its_figures_is(make_record: MakeRecord) -> None:
    doubt = Doubt(code="above_cap", level="invalid", text="99,000,000 <IOPS>")
    record = make_record(status="failed", reason="no", verdict="invalid", doubts=(doubt,))
    cells = row_cells(record.key, record)
    assert all("1000" not in cell for cell in cells)
    assert Page(sort_text(cells, "odf_verdict")).texts == ["invalid", " above_cap"]


def test_a_suspect_result_is_marked_wherever_its_figures_are(make_record: MakeRecord) -> None:
    doubt = Doubt(code="stall", level="suspect", text="3 s")
    record = make_record(verdict="suspect", doubts=(doubt,))
    cells = row_cells(record.key, record)
    assert Page(sort_text(cells, "odf_read_iops")).texts == ["1000"]
    assert Page(sort_text(cells, "odf_verdict")).texts == ["suspect", " stall"]


def test_the_block_has_the_facts_the_pools_and_their_logs(
    make_record: MakeRecord,
) -> None:
    records = [
        make_record(),
        make_record("ec-2-1:small:150Gi:1:random-rw:4k", status="failed", reason="why", read=None),
    ]
    page = Page(summary_block(records, context()))
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert links == ["rep3/pool.log", "ec-2-1/pool.log"]
    assert [attrs["value"] for tag, attrs in page.tags if tag == "option"] == ["", "rep3", "ec-2-1"]
    assert "perf-1" in page.texts
    assert any("why" in text for text in page.texts)


def test_simulated_figures_are_marked_by_a_banner_and_real_ones_are_not(make_record: MakeRecord) -> None:
    marked = summary_block(
        [make_record()], RunContext(run_id="r", cluster="c", matrix="m", when="w", marking="SIMULATED")
    )
    assert ("strong", {}) in Page(marked).tags
    assert "SIMULATED" in Page(marked).texts
    assert "odf-banner" not in summary_block([make_record()], context()).partition("</style>")[2]


def test_nothing_is_loaded_from_elsewhere(make_record: MakeRecord) -> None:
    page = Page(summary_block([make_record()], context()))
    for tag, attrs in page.tags:
        assert tag not in ("link", "img", "iframe")
        assert "src" not in attrs
    assert [
        attrs.get("href") for _, attrs in page.tags if attrs.get("href", "").startswith(("http", "//"))
    ] == []  # type: ignore[union-attr]


@given(
    st.text(max_size=40)
    | st.sampled_from(["<script>alert(1)</script>", "</style><b>", '"><img src=x>', "'&amp;"])
)
def test_hostile_text_stays_text(make_record: MakeRecord, text: str) -> None:
    def tags(said: str) -> list[str]:
        record = make_record(status="failed", reason=said or "x", marking=said or "x")
        block = summary_block(
            [record], RunContext(run_id=said, cluster=said, matrix=said, when=said, marking=said or "x")
        )
        return [tag for tag, _ in Page(block).tags]

    assert tags(text) == tags("plain")


def test_unlike_sections_have_a_line_each(make_unlike: MakeRecord) -> None:
    record = make_unlike()
    cells = row_cells(record.key, record)
    shown = {
        name: Page(sort_text(cells, name)).texts
        for name in ("odf_section", "odf_read_iops", "odf_write_iops", "odf_sync_p99", "odf_sync_iops")
    }
    assert shown == {
        "odf_section": ["wal", "mix"],
        "odf_read_iops": ["1000"],
        "odf_write_iops": ["300", "40.0"],
        "odf_sync_p99": ["5.00"],
        "odf_sync_iops": ["300"],
    }
    # What a section does not do is an empty line: the figures below each other are of one section.
    assert sort_text(cells, "odf_read_iops").endswith("<br>1000")
    assert sort_text(cells, "odf_sync_p99").endswith("5.00<br>")
