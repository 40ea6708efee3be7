"""Details that lie side by side are those that were put there."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from report_runs.page_details import one_by_one

from pytest_odfperf.report.run_page.details.detail_columns import in_columns

HEADS = (["VM"], ["VM", "IOPS"], ["VM", "Node"])
cells = st.text(max_size=3) | st.integers(0, 9) | st.none()


@st.composite
def part(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {"title": draw(st.sampled_from(["Figures", "Files"]))}
    if draw(st.booleans()):
        heads = draw(st.sampled_from(HEADS))
        row = st.lists(cells, min_size=len(heads), max_size=len(heads))
        found |= {"heads": heads, "rows": draw(st.lists(row, max_size=3))}
    own = st.sampled_from(["note", "text", "lines", "histograms"])
    return found | draw(st.dictionaries(own, st.text(max_size=3) | st.lists(cells, max_size=2), max_size=2))


details = st.fixed_dictionaries(
    {"head": st.text(max_size=3), "job": st.none() | st.integers(0, 3), "parts": st.lists(st.none() | part())}
)


@given(st.lists(details, max_size=6))
def test_what_lies_side_by_side_is_what_each_test_has(made: list[dict[str, Any]]) -> None:
    read = list(one_by_one(json.loads(json.dumps(in_columns(made)))))
    assert read == [{**one, "parts": [part for part in one["parts"] if part is not None]} for one in made]
