"""results.parquet is read back, and holds what results.jsonl and the files beside it say, key by key."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from report_runs.everything import make_everything
from report_runs.folder import make_run
from report_runs.plan import large_plan

from pytest_odfperf.fio.histogram import EDGES_NS, Histogram
from pytest_odfperf.measure.pooled_histograms import FILE_NAME, read_histograms
from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.measure.series.series_csv import read_series
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.parquet import series_column
from pytest_odfperf.report.parquet.results_parquet import results_parquet
from pytest_odfperf.report.tables.result_rows import COLUMNS, FIGURES
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

_FIGURES = ("iops_per_s", "lat_mean_ns", "lat_p99_ns", "lat_max_ns", "total_ios", "lat_p99_trusted")


def content_of(folder: Path) -> RunContent:
    return read_run_content(RunDir(folder.parent, folder.name))


def table_of(content: RunContent) -> pa.Table:
    made = results_parquet(content)
    assert made is not None
    return parquet.read_table(io.BytesIO(made))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("run"), large_plan(60, 2))


@pytest.fixture(scope="module")
def table(folder: Path) -> pa.Table:
    return table_of(content_of(folder))


def histogram(buckets: list[dict[str, int]] | None) -> Histogram | None:
    places = {edges: index for index, edges in enumerate(EDGES_NS)}
    if buckets is None:
        return None
    return Histogram.of({places[one["lower_ns"], one["upper_ns"]]: one["count"] for one in buckets})


def test_it_says_of_each_key_and_guest_what_the_records_say(folder: Path, table: pa.Table) -> None:
    rows = table.to_pylist()
    lines = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    by_place = {(row["test"], row["scope"], row["guest"], row["job_name"]): row for row in rows}
    assert len(by_place) == len(rows)
    seen = 0
    for line in lines:
        places: list[tuple[tuple[Any, ...], dict[str, Any]]] = [((line["test"], "key", None, None), line)]
        for guest in line["guests"]:
            places += [((line["test"], "guest", guest["name"], job["name"]), job) for job in guest["jobs"]]
        for place, plain in places:
            row = by_place[place]
            assert (row["key"], row["status"], row["verdict"]) == (
                line["key"],
                line["status"],
                line["verdict"],
            )
            assert row["definition"] == line["definition"]
            for direction in DIRECTIONS:
                figures = plain[direction] if line["verdict"] != "invalid" else None
                for name in (
                    "iops_per_s",
                    "lat_mean_ns",
                    "lat_p99_ns",
                    "lat_max_ns",
                    "total_ios",
                    "lat_p99_trusted",
                ):
                    assert row[f"{direction}_{name}"] == (figures and figures[name]), (place, direction, name)
                    seen += figures is not None
    assert seen > 1000
    assert len(lines) == sum(row["scope"] == "key" for row in rows)


def test_histograms_and_series_are_those_of_the_files(folder: Path, table: pa.Table) -> None:
    content = content_of(folder)
    records = {record.test: record for record in content.records}
    compared = {"histogram": 0, "series": 0}
    for row in table.to_pylist():
        record = records[row["test"]]
        if row["scope"] == "guest":
            assert not any(row[f"{direction}_histogram"] for direction in DIRECTIONS)
            if not record.usable:
                assert row["read_series"] is row["write_series"] is None
                continue
            text = (folder / row["series_file"]).read_text()
            series = {(one.job, one.direction): one for one in read_series(text)}
            for direction in ("read", "write"):
                one = series.get((row["job_name"], direction))
                samples = row[f"{direction}_series"]
                assert (samples is None) == (one is None)
                if one is not None:
                    assert [tuple(sample.values()) for sample in samples] == [tuple(s) for s in one.samples]
                    compared["series"] += 1
            continue
        assert row["read_series"] is row["write_series"] is None
        stored = content.read(record, FILE_NAME)
        found = read_histograms(stored) if stored and record.usable else {}
        for direction in DIRECTIONS:
            told = histogram(row[f"{direction}_histogram"])
            names = [row["job_name"]] if row["scope"] == "job" else [job.name for job in record.jobs]
            parts = [found[name, direction] for name in names if (name, direction) in found]
            if row[f"{direction}_iops_per_s"] is None:
                parts = []
            assert told == (parts[0].merge(*parts[1:]) if parts else None)
            compared["histogram"] += told is not None
            if told is not None:
                assert told.total == pytest.approx(row[f"{direction}_total_ios"], rel=0.01)
    assert min(compared.values()) > 50, compared


def test_columns_have_types_units_and_the_run(table: pa.Table, folder: Path) -> None:
    kinds = {"text": pa.string(), "whole": pa.int64(), "real": pa.float64(), "flag": pa.bool_()}
    assert all(table.schema.field(name).type == kinds[kind] for name, kind in COLUMNS.items())
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert metadata["odfperf_schema"] == "1"
    assert json.loads(metadata["odfperf_runs"]) == [folder.name]
    assert metadata["odfperf_marking"] == "SIMULATED"


def test_a_run_in_which_all_goes_wrong_is_whole(tmp_path: Path) -> None:
    content = content_of(make_everything(tmp_path))
    rows = table_of(content).to_pylist()
    for row in rows:
        if row["verdict"] == "invalid":
            assert not [name for name in FIGURES if row[name] is not None]
            assert not [name for name in row if name.endswith(("_histogram", "_series")) and row[name]]
    keys = [row for row in rows if row["scope"] == "key"]
    assert [row["test"].encode() for row in keys] == [
        one.test.encode("utf-8", "backslashreplace") for one in content.records
    ]
    told = {(one["code"], one["level"]) for row in keys for one in row["doubts_told"]}
    assert told == {(doubt.code, doubt.level) for one in content.records for doubt in one.doubts}


@pytest.mark.parametrize("spoilt", [b"", b"{", b"[]\n", b'{"schema":2,"jobs":[]}\n', b"\xff", None])
def test_torn_files_void_their_own_lists_only(folder: Path, table: pa.Table, spoilt: bytes | None) -> None:
    content = content_of(folder)
    usable = [record for record in content.records if record.usable and record.guests]
    bad = usable[1]

    def read(record: Record, name: str) -> bytes | None:
        found = content.read(record, name)
        return found if record is not bad or not name.endswith((FILE_NAME, "series.csv")) else spoilt

    rows = table_of(replace(content, read=read)).to_pylist()
    for row, before in zip(rows, table.to_pylist(), strict=True):
        if row["test"] != bad.test:
            assert row == before
            continue
        for name, value in row.items():
            assert value == (None if name.endswith(("_histogram", "_series")) else before[name])


def test_of_too_many_guests_the_suspect_ones_have_series(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = content_of(folder)
    monkeypatch.setattr(series_column, "MOST_FILES", 20)
    rows = table_of(content).to_pylist()
    have = {row["test"] for row in rows if row["read_series"] or row["write_series"]}
    suspect = [one.test for one in content.records if one.verdict == "suspect" and one.guests]
    assert have <= set(suspect)
    assert len(have) == min(len(suspect), 10)
    assert all(row["series_file"] for row in rows if row["scope"] == "guest" and row["verdict"] == "valid")


def test_alike_sections_have_one_histogram(make_record: Callable[..., Record], folder: Path) -> None:
    first = make_record().jobs[0]
    record = make_record(jobs=(first, replace(first, name="second", phase=1)), guests=())
    plain = {
        "schema": 1,
        "jobs": [
            {"job": "rand-read", "read": {"at_least_ns": [0, 5], "ios": [1, 2]}},
            {"job": "second", "read": {"at_least_ns": [5, 7], "ios": [10, 20]}},
        ],
    }
    content = content_of(folder)
    one = replace(
        content,
        tests=(replace(content.tests[0], key=record.key, record=record),),
        read=lambda record, name: json.dumps(plain).encode() if name == FILE_NAME else None,
    )
    (row,) = table_of(one).to_pylist()
    assert row["read_histogram"] == [
        {"lower_ns": 0, "upper_ns": 0, "count": 1},
        {"lower_ns": 5, "upper_ns": 5, "count": 12},
        {"lower_ns": 7, "upper_ns": 7, "count": 20},
    ]
