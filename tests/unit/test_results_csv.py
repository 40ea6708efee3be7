from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.measure.aggregate import DirectionMeasurement, JobMeasurement
from pytest_odfperf.measure.record import GuestRecord, Record
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.report.tables.results_csv import COLUMNS, render_csv

MakeRecord = Callable[..., Record]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_there_is_one_row_for_each_job_of_each_guest(make_record: MakeRecord) -> None:
    guest = make_record().guests[0]
    two = make_record(
        guests=(
            guest,
            GuestRecord(name="b", node=None, started_at_epoch_ns=1, ended_at_epoch_ns=2, jobs=guest.jobs * 2),
        )
    )
    found = rows(render_csv([two]))
    assert [row["guest"] for row in found] == ["vm-0", "b", "b"]
    first = found[0]
    assert (first["storage_pool"], first["pvc_size"], first["block_size"]) == ("rep3", "150Gi", "4k")
    assert (first["read_iops"], first["read_bw_kib"]) == ("1000.00", "4000.00")
    assert (first["read_lat_avg_ms"], first["read_lat_p99_ms"]) == ("2.500001", "5.000000")


def test_what_was_not_measured_is_empty_and_never_zero(make_record: MakeRecord) -> None:
    skipped = make_record(status="skipped", read=None, jobs=(), guests=())
    for row in rows(render_csv([make_record(), skipped])):
        assert [row[name] for name in COLUMNS if name.startswith("write")] == [""] * 7
    assert [row["status"] for row in rows(render_csv([skipped]))] == ["skipped"]
    assert rows(render_csv([skipped]))[0]["read_iops"] == ""


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_hostile_names_stay_one_cell_that_is_no_formula(make_record: MakeRecord, name: str) -> None:
    job = JobMeasurement(name=name, read=None, write=None)
    guest = GuestRecord(name=name, node=None, started_at_epoch_ns=1, ended_at_epoch_ns=2, jobs=(job,))
    (row,) = rows(render_csv([make_record(guests=(guest,))]))
    assert list(row) == list(COLUMNS)
    assert row["guest"].removeprefix("'") == name.replace("\r", " ").replace("\n", " ").removeprefix("'")
    assert not row["guest"].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert row["run_id"] == "perf-1"


def test_sections_have_rows_with_their_load_and_syncs_and_the_notes(make_unlike: MakeRecord) -> None:
    wal, mix = rows(render_csv([make_unlike(notes=("fio said: a", "b"))]))
    assert (wal["job_name"], wal["write_iops"], wal["sync_iops"], wal["sync_lat_p99_ms"]) == (
        "wal",
        "300.00",
        "300.00",
        "5.000000",
    )
    assert wal["job_load"] == "rw=write bs=8k fsync=1"
    assert (mix["write_iops"], mix["sync_iops"], mix["sync_lat_p99_ms"]) == ("40.00", "", "")
    assert wal["notes"] == mix["notes"] == "fio said: a; b"


def test_an_invalid_result_has_its_verdict_and_no_figure(
    make_record: MakeRecord, make_measurement: Callable[..., DirectionMeasurement]
) -> None:
    doubts = tuple(Doubt(code=code, level="invalid", text="t") for code in ("b", "a", "b"))
    (row,) = rows(render_csv([make_record(verdict="invalid", doubts=doubts, status="failed")]))
    assert (row["verdict"], row["doubts"]) == ("invalid", "b a")
    assert not [name for name in COLUMNS if name.startswith(("read_", "write_", "sync_")) and row[name]]
    assert (row["guest"], row["job_name"]) == ("vm-0", "rand-read")
    suspect = make_record(verdict="suspect", doubts=(Doubt(code="x", level="suspect", text="t"),))
    (row,) = rows(render_csv([suspect]))
    assert (row["verdict"], row["doubts"], row["read_iops"]) == ("suspect", "x", "1000.00")
    assert (row["read_lat_p50_ms"], row["read_lat_p999_ms"], row["weak_lat_p99"]) == ("2.000000", "", "")
    few = make_measurement(total_ios=150, lat_p99_trusted=False)
    guest = suspect.guests[0]
    guest = dataclasses.replace(guest, jobs=(JobMeasurement(name="a", read=few, write=None),))
    (row,) = rows(render_csv([make_record(guests=(guest,))]))
    assert (row["read_lat_p50_ms"], row["read_lat_p99_ms"], row["weak_lat_p99"]) == ("", "5.000000", "read")
