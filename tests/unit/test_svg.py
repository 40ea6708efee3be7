from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.measure.aggregate import DirectionMeasurement
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.html_page.svg import profile_pictures, ticks
from pytest_odfperf.report.number import digits, short

NS = "{http://www.w3.org/2000/svg}"
MakeRecord = Callable[..., Record]
MakeMeasurement = Callable[..., DirectionMeasurement]


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter(f"{NS}text")]


def test_there_is_one_picture_for_each_profile_with_figures(make_record: MakeRecord) -> None:
    records = [
        make_record(),
        make_record("rep3:small:150Gi:1:mixed-70-30:4k"),
        make_record("rep3:small:150Gi:1:db-oltp:native", read=None, status="failed"),
    ]
    assert [profile for profile, _ in profile_pictures(records)] == ["random-rw", "mixed-70-30"]
    assert profile_pictures([]) == []


def test_a_picture_says_its_figures_units_and_what_has_none(
    make_record: MakeRecord, make_measurement: MakeMeasurement
) -> None:
    records = [
        make_record(read=make_measurement(61490.0), write=make_measurement(43326.0)),
        make_record("rep1:small:150Gi:1:random-rw:4k", read=None, status="skipped"),
        make_record(
            "rep3:small:150Gi:1:random-rw:1M", read=make_measurement(bw_bytes_per_s=2048.0 * (1 << 20))
        ),
    ]
    ((_, svg),) = profile_pictures(records)
    shown = texts(svg)
    assert {"R 61.5k", "W 43.3k", "R 2.05k", "IOPS", "MiB/s", "rep3", "rep1"} <= set(shown)
    assert {"no result (skipped)", "no result (not run)"} <= set(shown)
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    named = (root.get("aria-labelledby") or "").split()
    assert [root.find(f"{NS}{tag}").get("id") for tag in ("title", "desc")] == named  # type: ignore[union-attr]
    assert "read 61.5k IOPS" in (root.findtext(f"{NS}desc") or "")


def test_bars_are_in_proportion(make_record: MakeRecord, make_measurement: MakeMeasurement) -> None:
    records = [make_record(read=make_measurement(8000.0), write=make_measurement(2000.0))]
    ((_, svg),) = profile_pictures(records)
    bars = {
        kind: [
            float(r.get("width", "0")) for r in ET.fromstring(svg).iter(f"{NS}rect") if r.get("class") == kind
        ][1]
        for kind in ("odf-read", "odf-write")
    }
    assert abs(bars["odf-read"] - 4 * bars["odf-write"]) < 0.5


def test_a_marking_is_part_of_the_picture(make_record: MakeRecord) -> None:
    ((_, svg),) = profile_pictures([make_record(marking="<SIMULATED>")])
    assert any("<SIMULATED>" in text for text in texts(svg))


def test_only_cells_of_one_shape_are_compared(make_record: MakeRecord) -> None:
    records = [
        make_record("a:large:150Gi:5:random-rw:4k"),
        make_record("a:small:150Gi:1:random-rw:4k"),
        make_record("b:small:150Gi:1:random-rw:4k"),
    ]
    ((_, svg),) = profile_pictures(records)
    assert "random-rw: small VM, 150Gi PVC, 1 VM" in texts(svg)
    assert len([text for text in texts(svg) if text == "a"]) == 1


@given(st.floats(1e-3, 1e12))
def test_ticks_are_few_and_reach_the_largest_value(largest: float) -> None:
    found = ticks(largest)
    assert found[0] == 0
    assert found[-1] >= largest * (1 - 1e-8)
    assert 2 <= len(found) <= 6
    assert found[-2] < largest


@given(st.floats(1e-6, 1e9))
def test_three_digits_are_within_half_a_percent(value: float) -> None:
    text = short(value)
    factor = {"k": 1e3, "M": 1e6}.get(text[-1], 1.0)
    assert abs(float(text.rstrip("kM")) * factor - value) <= 0.00501 * value
    assert "e" not in text


def test_figures_read_as_people_write_them() -> None:
    assert [short(v) for v in (0, 497, 999.7, 61490, 999_600, 0.01234)] == [
        "0",
        "497",
        "1.00k",
        "61.5k",
        "1.00M",
        "0.0123",
    ]
    assert digits(2.0) == "2.00"


def test_unlike_sections_have_a_panel_each(make_unlike: MakeRecord) -> None:
    ((_, svg),) = profile_pictures([make_unlike()])
    shown = texts(svg)
    assert {"wal", "mix", "W 300", "W 40.0", "R 1.00k"} <= set(shown)
    assert not [text for text in shown if "340" in text]
    assert "rep3 at native (wal): write 300 IOPS" in (ET.fromstring(svg).findtext(f"{NS}desc") or "")
