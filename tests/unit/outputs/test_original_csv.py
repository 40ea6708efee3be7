"""results.csv with the columns of the original, as docs/analysis.md says."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_runs.folder import make_run
from report_runs.plan import large_plan

from pytest_odfperf.measure.aggregate import DirectionMeasurement, JobMeasurement
from pytest_odfperf.measure.record import GuestRecord, Record
from pytest_odfperf.plugin.command_line.option_values import csv_layout
from pytest_odfperf.report.tables.csv_layout import CsvLayout
from pytest_odfperf.report.tables.original_csv import render_original_csv
from pytest_odfperf.run.reports.remake import remake

MakeRecord = Callable[..., Record]
HEADER = (
    '"storage_pool","vm_size","pvc_size","concurrency","fio_profile","block_size","job_name",'
    '"read_iops","read_bw_kib","read_lat_avg_ms","read_lat_p99_ms",'
    '"write_iops","write_bw_kib","write_lat_avg_ms","write_lat_p99_ms"'
)


def original(*records: Record) -> list[str]:
    return render_original_csv(records).splitlines()


def guest(name: str, *jobs: JobMeasurement) -> GuestRecord:
    return GuestRecord(name=name, node=None, started_at_epoch_ns=1, ended_at_epoch_ns=2, jobs=jobs)


def test_header_numbers_and_order_are_the_originals(
    make_record: MakeRecord, make_measurement: Callable[..., DirectionMeasurement]
) -> None:
    read = make_measurement(
        1234.98, bw_bytes_per_s=5_058_559.0, lat_mean_ns=2_509_999.9, lat_p99_ns=3_000_000
    )
    job = JobMeasurement(name="rand-read", read=read, write=None)
    both = JobMeasurement(
        name="mix", read=read, write=make_measurement(1.0, lat_mean_ns=1.0, lat_p99_ns=119_999)
    )
    late = make_record(guests=(guest("vm-b", job), guest("vm-a", job, both)))
    early = make_record("ec-2-1:small:150Gi:10:random-rw:4k", guests=(guest("vm-9", job),))
    rows = original(late, early)
    figures = "1234,4939,2.5,3"
    key = '"rep3","small","150Gi","1","random-rw","4k"'
    assert rows == [
        HEADER,
        f'"ec-2-1","small","150Gi","10","random-rw","4k","rand-read",{figures},,,,',
        f'{key},"rand-read",{figures},,,,',
        f'{key},"mix",{figures},1,4,0,0.11',
        f'{key},"rand-read",{figures},,,,',
    ]


def test_what_has_no_figures_has_no_row_and_no_zero(make_record: MakeRecord) -> None:
    failed = make_record(status="failed", read=None, jobs=(), guests=())
    assert original(failed, make_record(verdict="invalid")) == [HEADER]
    suspect = make_record(verdict="suspect")
    assert (
        original(suspect, replace(suspect, repeat=2))[1:]
        == ['"rep3","small","150Gi","1","random-rw","4k","rand-read",1000,4000,2.5,5,,,,'] * 2
    )


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


@given(_TEXTS | st.tuples(st.sampled_from("=+-@\t\r\n＝＋－＠"), _TEXTS).map("".join))
def test_a_hostile_name_is_one_cell(make_record: MakeRecord, name: str) -> None:
    job = JobMeasurement(name=name, read=None, write=None)
    text = render_original_csv([make_record(guests=(guest("a", job),))])
    assert len(text.splitlines()) == 2
    _, row = csv.reader(io.StringIO(text, newline=""))
    assert len(row) == 15
    assert not row[6].startswith(("=", "+", "-", "@", "\t", "＝"))


def test_another_layout_is_refused_with_those_that_are_known() -> None:
    assert csv_layout("original") == "original"
    with pytest.raises(argparse.ArgumentTypeError, match="'orig' is not one of full, original"):
        csv_layout("orig")


def test_reports_that_are_made_again_have_the_columns_that_are_asked_for(tmp_path: Path) -> None:
    folder = make_run(tmp_path, large_plan(15, 1, raw=False, histograms=False))
    asked: list[tuple[CsvLayout | None, str]] = [("original", '"storage_pool",'), (None, "storage_pool,vm_")]
    for layout, first in asked:
        assert remake([folder.name], tmp_path, lambda line: None, layout) == 0
        assert (folder / "results.csv").read_text().startswith(first)
