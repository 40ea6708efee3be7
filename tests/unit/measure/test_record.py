from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.measure.record import Record, read_records
from pytest_odfperf.measure.verdicts.doubt import Doubt

MakeRecord = Callable[..., Record]


@given(
    reason=st.none() | st.text(),
    marking=st.none() | st.text(),
    status=st.sampled_from(["passed", "failed", "error", "skipped"]),
    duration_s=st.floats(0, 1e6),
)
def test_a_record_survives_json(make_record: MakeRecord, **changes: Any) -> None:
    record = make_record(**changes)
    line = json.dumps(record.to_json(), allow_nan=False)
    assert Record.from_json(json.loads(line)) == record
    assert "\n" not in line


def test_a_figure_that_is_whole_is_a_figure(make_record: MakeRecord) -> None:
    plain = make_record(duration_s=2.0).to_json()
    # As other programs write it, and json a number that came as a whole one.
    plain["duration_s"] = 2
    duration_s = Record.from_json(plain).duration_s
    assert duration_s == 2.0
    assert isinstance(duration_s, float)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "schema 2 is not 1"),
        ({"key": "a:b"}, "2 fields"),
        ({"key": 5}, "is not text"),
        ({"status": "fine"}, "record.status is 'fine', not one of passed"),
        ({"duration_s": "1"}, "record.duration_s is '1', not float"),
        ({"duration_s": float("nan")}, "record.duration_s"),
        ({"started_at_epoch_ms": True}, "record.started_at_epoch_ms is True, not int"),
        ({"guests": {}}, "record.guests is not a list"),
        ({"read": {"iops_per_s": 1}}, "record.read: missing ['bw_bytes_per_s'"),
        ({"extra": 1}, "unknown ['extra']"),
    ],
)
def test_what_is_no_record_is_refused_by_the_field(
    make_record: MakeRecord, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError) as raised:
        Record.from_json({**make_record().to_json(), **change})
    assert said in str(raised.value)


def test_a_missing_field_is_refused(make_record: MakeRecord) -> None:
    plain = make_record().to_json()
    del plain["run_id"]
    with pytest.raises(ValueError, match="run_id"):
        Record.from_json(plain)


def test_torn_lines_are_told_and_the_rest_is_read(make_record: MakeRecord) -> None:
    line = json.dumps(make_record().to_json())
    records, problems = read_records([line, line[:200], "", "[]", "nul", line])
    assert len(records) == 2
    assert [problem.partition(":")[0] for problem in problems] == ["line 2", "line 4", "line 5"]


@given(st.integers(0, 2000))
def test_a_line_torn_anywhere_never_becomes_a_record(make_record: MakeRecord, cut: int) -> None:
    line = json.dumps(make_record().to_json())
    records, _ = read_records([line[: min(cut, len(line) - 1)]])
    assert records == []


def test_junit_gets_a_handful_of_figures_and_none_for_what_was_not_measured(
    make_record: MakeRecord, make_measurement: Callable[..., Any]
) -> None:
    full = make_record(write=make_measurement(), marking="SIMULATED").properties()
    assert len(full) <= 10
    assert dict(full)["read_lat_p99_ns"] == "5000000"
    assert dict(full)["marking"] == "SIMULATED"
    names = [name for name, _ in make_record().properties()]
    assert "read_iops_per_s" in names
    assert not [name for name in names if name.startswith("write")]


def test_a_record_of_an_earlier_version_has_the_usual_values(make_record: MakeRecord) -> None:
    plain = make_record().to_json()
    del plain["marking"]
    assert Record.from_json(plain) == make_record()


def test_unlike_sections_are_apart_in_junit_and_have_no_sum(
    make_unlike: MakeRecord,
) -> None:
    found = make_unlike()
    assert found.apart
    properties = dict(found.properties())
    assert "write_iops_per_s" not in properties
    assert properties["wal.write_iops_per_s"] == "300.0"
    assert properties["mix.write_iops_per_s"] == "40.0"
    assert properties["wal.sync_lat_p99_ns"] == properties["sync_lat_p99_ns"] == "5000000"
    assert properties["wal.load"] == "rw=write bs=8k fsync=1"
    assert "wal.sync_bw_bytes_per_s" not in properties
    assert Record.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_sections_beside_each_other_are_apart_though_no_direction_is_shared(
    make_record: MakeRecord, make_unlike: MakeRecord
) -> None:
    jobs = make_unlike().jobs
    beside = [
        dataclasses.replace(job, phase=0, write=job.write if job.name == "wal" else None) for job in jobs
    ]
    after = [dataclasses.replace(job, phase=number) for number, job in enumerate(beside)]
    assert make_record(jobs=tuple(beside), write=beside[0].write).apart
    assert not make_record(jobs=tuple(after), write=beside[0].write).apart


def test_a_record_from_before_syncs_and_loads_is_read(make_record: MakeRecord) -> None:
    plain = make_record().to_json()
    del plain["sync"]
    for job in [*plain["jobs"], *plain["guests"][0]["jobs"]]:
        del job["sync"], job["load"], job["phase"]
    assert Record.from_json(plain) == make_record()


def test_junit_has_the_verdict_and_no_figure_of_an_invalid_result(make_record: MakeRecord) -> None:
    doubt = Doubt(code="above_cap", level="invalid", text="9 above 5", figures={"iops_per_s": 9.0})
    found = make_record(verdict="invalid", doubts=(doubt,), status="failed")
    properties = dict(found.properties())
    assert properties["verdict"] == "invalid"
    assert properties["doubts"] == "above_cap: 9 above 5"
    assert not [name for name in properties if "iops" in name or "lat" in name]
    assert Record.from_json(json.loads(json.dumps(found.to_json()))) == found
    # For the analyst, under the verdict.
    assert found.to_json()["read"]["iops_per_s"] == 1000.0
    suspect = dataclasses.replace(found, verdict="suspect")
    assert "read_iops_per_s" in dict(suspect.properties())
