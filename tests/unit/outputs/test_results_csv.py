from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.errors import one_line
from pytest_odfperf.measure.aggregate import DirectionMeasurement, JobMeasurement
from pytest_odfperf.measure.record import GuestRecord, Record
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.report.tables import results_csv
from pytest_odfperf.report.tables.result_rows import COLUMNS, FIGURES
from pytest_odfperf.report.tables.results_csv import render_csv

MakeRecord = Callable[..., Record]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_there_is_one_row_for_each_test_and_for_each_section_of_each_guest(make_record: MakeRecord) -> None:
    guest = make_record().guests[0]
    two = make_record(
        guests=(
            guest,
            GuestRecord(name="b", node=None, started_at_epoch_ns=1, ended_at_epoch_ns=2, jobs=guest.jobs * 2),
        )
    )
    found = rows(render_csv([two]))
    assert [(row["scope"], row["guest"]) for row in found] == [
        ("key", ""),
        ("guest", "vm-0"),
        ("guest", "b"),
        ("guest", "b"),
    ]
    for row in found[:2]:
        assert (row["storage_pool"], row["pvc_size"], row["block_size"]) == ("rep3", "150Gi", "4k")
        assert (row["read_iops_per_s"], row["read_bw_bytes_per_s"]) == ("1000.0", "4096000.0")
        assert (row["read_lat_mean_ns"], row["read_lat_p99_ns"]) == ("2500000.5", "5000000")
        assert row["read_lat_p99_trusted"] == "true"


def test_each_column_of_a_figure_has_its_unit() -> None:
    without = {"trusted", "saturated", "ios"}
    assert not [name for name in FIGURES if not name.endswith(("_per_s", "_ns", *without))]


def test_what_was_not_measured_is_empty_and_never_zero(make_record: MakeRecord) -> None:
    skipped = make_record(status="skipped", read=None, jobs=(), guests=())
    for row in rows(render_csv([make_record(), skipped])):
        assert not [name for name in COLUMNS if name.startswith(("write_", "sync_")) and row[name]]
    (row,) = rows(render_csv([skipped]))
    assert (row["scope"], row["status"]) == ("key", "skipped")
    assert not [name for name in FIGURES if row[name]]


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(_TEXTS | st.tuples(st.sampled_from("=+-@\t\r\n＝＋－＠"), _TEXTS).map("".join))
def test_hostile_names_stay_one_cell_that_is_no_formula(make_record: MakeRecord, name: str) -> None:
    job = JobMeasurement(name=name, load=name, read=None, write=None)
    guest = GuestRecord(name=name, node=name, started_at_epoch_ns=1, ended_at_epoch_ns=2, jobs=(job,))
    hostile = make_record(guests=(guest,), reason=name, notes=(name,), test=name)
    text = render_csv([hostile])
    assert len(text.splitlines()) == 3
    _, row = rows(text)
    assert list(row) == list(COLUMNS)
    for column in ("guest", "job_name", "node", "job_load", "reason", "notes", "test"):
        # As in logs: one line, and what does not print as its escape.
        assert row[column].removeprefix("'") == one_line(name).removeprefix("'")
        assert not row[column].startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert row["run_id"] == "perf-1"


def test_unlike_sections_have_rows_with_their_load_and_syncs_and_the_notes(make_unlike: MakeRecord) -> None:
    key, wal, mix, *guests = rows(render_csv([make_unlike(notes=("fio said: a", "b"))]))
    assert [row["scope"] for row in (key, wal, mix, *guests)] == ["key", "job", "job", "guest", "guest"]
    for row in (wal, guests[0]):
        assert (row["job_name"], row["write_iops_per_s"], row["sync_iops_per_s"], row["sync_lat_p99_ns"]) == (
            "wal",
            "300.0",
            "300.0",
            "5000000",
        )
        assert row["job_load"] == "rw=write bs=8k fsync=1"
    # A sum of a log writer and a mix means nothing.
    assert (key["job_name"], key["write_iops_per_s"], key["sync_iops_per_s"]) == ("", "", "300.0")
    assert (mix["write_iops_per_s"], mix["sync_iops_per_s"], mix["sync_lat_p99_ns"]) == ("40.0", "", "")
    assert {row["notes"] for row in (key, wal, mix, *guests)} == {"fio said: a; b"}


def test_an_invalid_result_has_its_verdict_and_no_figure(
    make_record: MakeRecord, make_measurement: Callable[..., DirectionMeasurement]
) -> None:
    doubts = tuple(Doubt(code=code, level="invalid", text="t") for code in ("b", "a", "b"))
    key, guest_row = rows(render_csv([make_record(verdict="invalid", doubts=doubts, status="failed")]))
    for row in (key, guest_row):
        assert (row["verdict"], row["doubts"]) == ("invalid", "b a")
        assert not [name for name in FIGURES if row[name]]
    assert (guest_row["guest"], guest_row["job_name"]) == ("vm-0", "rand-read")
    suspect = make_record(verdict="suspect", doubts=(Doubt(code="x", level="suspect", text="t"),))
    row, _ = rows(render_csv([suspect]))
    assert (row["verdict"], row["doubts"], row["read_iops_per_s"]) == ("suspect", "x", "1000.0")
    assert (row["read_lat_p50_ns"], row["read_lat_p999_ns"]) == ("2000000", "")
    few = make_measurement(total_ios=150, lat_p99_trusted=False)
    guest = suspect.guests[0]
    guest = dataclasses.replace(guest, jobs=(JobMeasurement(name="a", read=few, write=None),))
    _, row = rows(render_csv([make_record(guests=(guest,))]))
    assert (row["read_lat_p50_ns"], row["read_lat_p99_ns"]) == ("", "5000000")
    assert row["read_lat_p99_trusted"] == "false"


@given(
    values=st.lists(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False), min_size=1
    )
)
def test_figures_are_written_as_python_writes_them(values: list[float | None]) -> None:
    pytest.importorskip("orjson")
    finite = tuple(value for value in values if value is None or abs(value) != float("inf"))
    assert results_csv._numbers(finite) == results_csv._cells(finite)
