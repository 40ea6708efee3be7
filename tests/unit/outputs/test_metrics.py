"""metrics.prom is one text in two formats, and says of each key what its record says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus
from report_runs.folder import make_run
from report_runs.plan import large_plan

from pytest_odfperf.matrix.keys import FIELDS
from pytest_odfperf.measure.aggregate import DirectionMeasurement
from pytest_odfperf.measure.record import DIRECTIONS, Record
from pytest_odfperf.report.content.run_content import RunContent, RunTest
from pytest_odfperf.report.content.run_progress import RunProgress
from pytest_odfperf.report.metrics.metric_text import Family, labels_text, metric_text
from pytest_odfperf.report.metrics.run_metrics import render_metrics
from pytest_odfperf.report.parts import shown_parts
from pytest_odfperf.report.run_page.run_head import run_facts
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

Found = dict[str, dict[frozenset[tuple[str, str]], float]]


def parsed(text: str) -> Found:
    """All samples, by both parsers, which must agree."""
    readers = []
    for read in (read_openmetrics, read_prometheus):
        found: Found = {}
        for family in read(text):
            assert family.type == "gauge"
            assert family.documentation
            for sample in family.samples:
                of_name = found.setdefault(sample.name, {})
                assert frozenset(sample.labels.items()) not in of_name, sample
                of_name[frozenset(sample.labels.items())] = sample.value
        readers.append(found)
    assert readers[0] == readers[1]
    return readers[0]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> RunContent:
    plan = large_plan(60, 2, raw=False, histograms=False)
    folder = make_run(tmp_path_factory.mktemp("run"), plan, ends="running", share=0.8)
    content = read_run_content(RunDir(folder.parent, folder.name))
    first, *others = content.tests
    assert first.record is not None
    invalid = replace(first, record=replace(first.record, status="failed", verdict="invalid"))
    return replace(content, tests=(invalid, *others))


def of_key(found: Found, name: str, record: Record, **labels: str) -> float | None:
    key = dict(zip(FIELDS, record.key.fields, strict=True))
    whole = {**key, "section": "", "marking": record.marking or "", **labels}
    return found[name].get(frozenset(whole.items()))


def test_each_figure_is_that_of_its_record(content: RunContent) -> None:
    found = parsed(render_metrics(content))
    figures = 0
    for record in content.records:
        parts = {part.name: part for part in shown_parts(record)}
        for section, part in parts.items():
            for direction in DIRECTIONS:
                measured = getattr(part, direction)
                labels = {"section": section, "direction": direction}
                rate = of_key(found, "odfperf_io_operations_per_second", record, **labels)
                assert rate == (measured and measured.iops_per_s)
                if measured is None:
                    continue
                figures += 1
                mean = of_key(found, "odfperf_io_latency_mean_seconds", record, **labels)
                assert mean == measured.lat_mean_ns / 1e9
                p99_ns = measured.carried_ns("lat_p99_ns")
                p99 = of_key(found, "odfperf_io_latency_seconds", record, **labels, percentile="99")
                assert p99 == (None if p99_ns is None else p99_ns / 1e9)
                if isinstance(measured, DirectionMeasurement):
                    moved = of_key(found, "odfperf_io_bytes_per_second", record, **labels)
                    assert moved == measured.bw_bytes_per_s
    # Nothing beside: an invalid result has no figure.
    assert len(found["odfperf_io_operations_per_second"]) == figures > 50
    assert content.counts["invalid"]


def test_counts_and_progress_are_those_of_the_run(content: RunContent) -> None:
    at = datetime(2026, 11, 4, 10, tzinfo=UTC)
    run = replace(content.runs[0], progress=RunProgress(read_at=at, alive=False))
    found = parsed(render_metrics(replace(content, runs=(run,))))
    (only,) = found["odfperf_progress_ratio"].values()
    assert only == len(content.records) / len(content.tests) == pytest.approx(0.8)
    by_state: dict[str, float] = {}
    for labels, value in found["odfperf_tests"].items():
        by_state[dict(labels)["state"]] = by_state.get(dict(labels)["state"], 0) + value
    assert by_state == content.counts
    assert len(found["odfperf_key_state_info"]) == len({test.key for test in content.tests})
    assert "odfperf_run_ended_timestamp_seconds" not in found
    assert list(found["odfperf_metrics_renewed_timestamp_seconds"].values()) == [at.timestamp()]
    assert list(found["odfperf_run_alive"].values()) == [0]
    # run.json of a run that is gone on with has the start of its last session.
    begun = {**run.content, "started_at": "2027-01-01T00:00:00+00:00"}
    later = replace(content, runs=(replace(run, content=begun),))
    (started,) = parsed(render_metrics(later))["odfperf_run_started_timestamp_seconds"].values()
    assert started == min(record.started_at_epoch_ms for record in content.records) / 1000
    first = datetime.fromtimestamp(started, tz=UTC)
    assert (
        f"{first:%Y-%m-%d %H:%M:%S} UTC, gone on with 2027-01-01 00:00:00" in dict(run_facts(later))["When"]
    )
    (info,) = found["odfperf_run_info"]
    assert dict(info)["marking"] == "SIMULATED"


@given(st.text(max_size=40))
def test_any_text_is_one_label(text: str) -> None:
    family = Family(name="odfperf_x_info", help="X.", samples=[(labels_text({"a": text, "b": "1"}), 1)])
    made = metric_text([family])
    assert made.count("\n") == 4
    ((labels, value),) = [
        (dict(sample.labels), sample.value) for one in read_openmetrics(made) for sample in one.samples
    ]
    assert value == 1
    assert labels["b"] == "1"
    # What no person can read has no place in a label; the rest comes back as it was.
    assert len(labels["a"]) == len(text)
    pairs = zip(labels["a"], text, strict=True)
    assert all(back == one or (back == "\ufffd" and not one.isprintable()) for back, one in pairs)
    assert parsed(made)


def test_a_percentile_that_too_few_ios_carry_is_absent(
    make_record: Callable[..., Record],
    make_measurement: Callable[..., DirectionMeasurement],
    content: RunContent,
) -> None:
    record = make_record(read=make_measurement(total_ios=2500, lat_p99_trusted=False))
    tests = (RunTest(key=record.key, repeat=1, record=record),)
    found = parsed(render_metrics(RunContent(runs=content.runs, matrix=content.matrix, tests=tests)))
    assert {dict(labels)["percentile"] for labels in found["odfperf_io_latency_seconds"]} == {"50", "95"}


def test_sections_of_one_name_do_not_become_one_series(
    make_unlike: Callable[..., Record], content: RunContent
) -> None:
    jobs = tuple(replace(job, name='a"b\\') for job in make_unlike().jobs)
    record = make_unlike(jobs=jobs)
    tests = (RunTest(key=record.key, repeat=1, record=record),)
    one = RunContent(runs=content.runs, matrix=content.matrix, tests=tests)
    found = parsed(render_metrics(one))
    sections = {dict(labels)["section"] for labels in found["odfperf_io_operations_per_second"]}
    assert sections == {'a"b\\', "a\"b\\'"}
