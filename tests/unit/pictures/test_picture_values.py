"""What pictures show are the records' figures, of every usable record, and of no invalid one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from statistics import fmean, median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.measure.capacity.depth_sweep import depth_sweeps
from pytest_odfperf.measure.series.guest_series import Sample
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.report.content.stored_histograms import histograms_of
from pytest_odfperf.report.pictures.all_pictures import pictures_of
from pytest_odfperf.report.pictures.course.thinned_series import thinned
from pytest_odfperf.report.pictures.picture import Picture, Slice
from pytest_odfperf.report.pictures.pools.baseline_changes import forest_plot

#: Of an invalid result: the number of its test, its repeat and its times are no figures of it.
_NO_FIGURES = {"test", "repeat", "seconds"}


def of(content: RunContent, name: str) -> Picture:
    return next(picture for picture in pictures_of(content) if picture.name == name)


def rows_of(one: Slice) -> Iterator[dict[str, Any]]:
    names = [column.field for column in one.columns]
    return (dict(zip(names, row, strict=True)) for row in one.rows)


def all_rows(picture: Picture) -> Iterator[dict[str, Any]]:
    for one in {id(part.rows): part for part in picture.slices}.values():
        yield from rows_of(one)


def near(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, rel=6e-4)


def parts_of(record: Any) -> Iterator[tuple[str, Any]]:
    """By section and direction what a record measured, looked up without the pictures' own code."""
    for prefix, part in [(f"{job.name} ", job) for job in record.jobs] if record.apart else [("", record)]:
        for direction in ("read", "write"):
            if getattr(part, direction) is not None:
                yield f"{prefix}{direction}", getattr(part, direction)


@pytest.mark.parametrize("name", ["everything", "loads"])
def test_every_usable_record_is_shown_with_its_figures(name: str, request: pytest.FixtureRequest) -> None:
    content: RunContent = request.getfixturevalue(name)
    shown = {}
    for one in of(content, "pools").slices:
        unit = "MiB/s" if "MiB/s" in [column.heading for column in one.columns] else "IOPS"
        for row in rows_of(one):
            if row["rate"] is not None:
                shown[row["test"], row["place"], unit] = row
    assert len(content.tests) > 40
    for number, test in enumerate(content.tests):
        if test.record is None or not test.record.usable:
            continue
        for part, measured in parts_of(test.record):
            block = "" if test.key.block_size == "native" else f"{test.key.block_size} "
            unit = "MiB/s" if test.key.block_size == "1M" else "IOPS"
            row = shown.pop((number, block + part, unit))
            rate = measured.bw_bytes_per_s / 2**20 if unit == "MiB/s" else measured.iops_per_s
            assert row["pool"] == test.key.pool
            assert row["rate"] == near(rate)
            p99_ns = measured.carried_ns("lat_p99_ns")
            assert row["p99"] == near(None if p99_ns is None else p99_ns / 1e6)
            assert row["state"] == test.state.replace("_", " ")
    assert not shown


def test_nothing_of_an_invalid_result_is_a_number(everything: RunContent) -> None:
    invalid = {number for number, test in enumerate(everything.tests) if test.state == "invalid"}
    pictures = pictures_of(everything)
    met = set()
    for picture in pictures:
        for row in all_rows(picture):
            if row.get("test") in invalid and picture.name != "doubtful":
                met.add(row["test"])
                figures = {name: row[name] for name in row if isinstance(row[name], int | float)}
                assert set(figures) <= _NO_FIGURES, picture.name
    assert met == invalid
    # Their series are drawn, and say what they are.
    doubtful = next(picture for picture in pictures if picture.name == "doubtful")
    for one in doubtful.slices:
        states = {everything.tests[row["test"]].state for row in rows_of(one)}
        assert one.label.startswith("invalid: ") == (states == {"invalid"})


def test_an_interval_is_over_the_repeats_and_told_once(loads: RunContent) -> None:
    met = 0
    for one in of(loads, "pools").slices:
        cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in rows_of(one):
            cells.setdefault((row["place"], row["pool"]), []).append(row)
        for own in cells.values():
            told = [row for row in own if row["rate_low"] is not None]
            rates = [row["rate"] for row in own]
            assert len(own) == 2
            assert [row["rate_mean"] for row in told] == [near(math.sqrt(rates[0] * rates[1]))]
            assert told[0]["rate_low"] <= min(rates) <= max(rates) <= told[0]["rate_high"]
            met += 1
    assert met > 20


def test_a_cell_of_the_heat_map_is_its_figure_over_the_mean_of_the_pools(everything: RunContent) -> None:
    met = 0
    for one in of(everything, "heat-map").slices:
        if "baseline" in one.label:
            continue
        places: dict[str, list[dict[str, Any]]] = {}
        for row in rows_of(one):
            places.setdefault(row["place"], []).append(row)
        for own in places.values():
            known = [row["value"] for row in own if row["value"] is not None]
            middle = math.exp(fmean(map(math.log, known)))
            for row in own:
                assert (row["ratio"] is None) == (row["value"] is None)
                assert row["ratio"] == (row["value"] and pytest.approx(row["value"] / middle, rel=2e-3))
            met += len(own)
    assert met > 50


def test_lines_of_throughput_go_over_loads_that_differ_in_nothing_else(loads: RunContent) -> None:
    picture = of(loads, "throughput-latency")
    labels = {"number of VMs": 0, "iodepth": 0}
    for one in picture.slices:
        (by,) = [name for name in labels if f"by {name}" in one.label]
        labels[by] += 1
        others = set()
        for row in rows_of(one):
            record = loads.tests[row["test"]].record
            assert record is not None
            key = record.key
            depth = key.profile.rpartition(".qd")[2]
            assert row["load"] == (key.concurrency if by == "number of VMs" else int(depth))
            others.add((key.block_size, depth if by == "number of VMs" else key.concurrency))
            unit = one.columns[3].heading
            rates = [
                part.bw_bytes_per_s / 2**20 if unit == "MiB/s" else part.iops_per_s
                for _, part in parts_of(record)
            ]
            assert row["rate"] in [near(rate) for rate in rates]
        assert len(others) == 1
    assert all(labels.values())


def test_percentiles_are_the_histograms_and_end_where_too_few_are_above(loads: RunContent) -> None:
    known = {
        number: histograms_of(loads, test.record) for number, test in enumerate(loads.tests) if test.record
    }
    met = 0
    for one in of(loads, "percentiles").slices:
        part = one.label.split(":")[0].rpartition(" ")[2]
        for row in rows_of(one):
            own = [histogram for name, histogram in known[row["test"]].items() if name[1] == part]
            if len(own) != 1:
                continue
            assert own[0].total * (1 - row["percent"] / 100) >= 99.9
            if row["percent"] in (50, 90, 99, 99.9):
                assert row["latency"] == near(own[0].percentile_ns(row["percent"]) / 1e6)
                met += 1
    assert met > 100


@pytest.mark.parametrize(
    ("metric", "ratio", "outcome"),
    [
        ("rate", 0.8, "worse"),
        ("rate", 1.25, "better"),
        ("lat_p99", 1.25, "worse"),
        ("lat_p99", 0.8, "better"),
    ],
)
def test_better_is_at_the_right_of_the_forest_plot(metric: str, ratio: float, outcome: str) -> None:
    figures = {"ratio": ratio, "low": ratio / 1.1, "high": ratio * 1.2}
    cell = {"key": "rep3:s:1Gi:1:p:4k", "section": "", "direction": "read", "metric": metric}
    picture = forest_plot([{"keys": [{**cell, "outcome": outcome, **figures}]}], {cell["key"]: 7})
    assert picture is not None
    (row,) = all_rows(picture)
    assert {name: row[name] for name in figures} == {name: near(value) for name, value in figures.items()}
    gains = sorted(figures.values()) if metric == "rate" else sorted(1 / one for one in figures.values())
    assert [row["gain_low"], row["gain"], row["gain_high"]] == [near(gain) for gain in gains]
    assert (row["gain"] > 1) == (outcome == "better")
    assert (row["test"], row["outcome"]) == (7, outcome)
    assert row["what"] == f"rep3:s:1Gi:1:p:4k read {'rate' if metric == 'rate' else 'p99'}"


def test_what_can_not_be_drawn_of_a_comparison_is_not() -> None:
    right = {"key": "a:s:1Gi:1:p:4k", "direction": "read", "metric": "rate", "outcome": "worse"}
    numbers = {"ratio": 0.8, "low": 0.7, "high": 0.9}
    wrong: list[Any] = [
        {**right, **numbers, "ratio": value} for value in (0, -1, "1", None, float("nan"), float("inf"), [1])
    ]
    wrong += [
        {**right, **numbers, "outcome": "great"},
        {**right, **numbers, "metric": "cost"},
        None,
        7,
        right,
    ]
    assert forest_plot([{"keys": wrong, "families": "none"}], {}) is None
    assert forest_plot([{"keys": [{**right, **numbers}]}], {"a:s:1Gi:1:p:4k": None}) is None


def test_guests_are_shown_against_the_one_in_the_middle(loads: RunContent) -> None:
    tests: dict[int, dict[str, float]] = {}
    for row in rows_of(of(loads, "guests").slices[0]):
        tests.setdefault(row["test"], {})[row["guest"]] = row["share"]
    assert tests
    for number, shares in tests.items():
        record = loads.tests[number].record
        assert record is not None
        assert record.fairness is not None
        rates = {
            guest.name: sum(
                part.iops_per_s
                for job in guest.jobs
                for part in (job.read, job.write)
                if part and job.name == record.fairness.job
            )
            for guest in record.guests
        }
        middle = median(rates.values())
        assert shares == {name: near(100 * rate / middle) for name, rate in rates.items()}


def test_the_course_has_every_measurement_at_its_time(loads: RunContent) -> None:
    rows = list(rows_of(of(loads, "course").slices[0]))
    measured = {row["test"]: row for row in rows if row["activity"] == "measuring"}
    assert len(measured) == len(loads.tests)
    for number, row in measured.items():
        record = loads.tests[number].record
        assert record is not None
        times = [datetime.fromisoformat(row[name]).timestamp() * 1000 for name in ("from", "to")]
        assert times == [pytest.approx(record.started_at_epoch_ms), pytest.approx(record.ended_at_epoch_ms)]
        assert row["lane"] == record.key.pool
    assert {row["activity"] for row in rows} == {"booting", "preparing", "measuring", "deleting"}


def test_steps_of_a_capacity_are_shown_as_they_were_measured(everything: RunContent) -> None:
    picture = of(everything, "capacity")
    answers = {
        number: test.record.capacity
        for number, test in enumerate(everything.tests)
        if test.record is not None and test.record.usable and test.record.capacity is not None
    }
    assert answers
    rows = list(all_rows(picture))
    for number, answer in answers.items():
        shown = sorted(
            (row["load"], row["p99"], row["rate"], row["kept"]) for row in rows if row["test"] == number
        )
        assert shown == sorted(
            (one.vms, near(one.lat_p99_ns / 1e6), near(one.iops_per_s), "kept" if one.kept else "broken")
            for one in answer.steps
        )


def test_depths_are_those_of_the_sweep(loads: RunContent) -> None:
    keys = list(dict.fromkeys(test.key for test in loads.tests))
    points = {
        (sweep.key.pool, sweep.key.profile, sweep.key.block_size, sweep.key.concurrency, point.depth): point
        for sweep in depth_sweeps(loads.records, loads.matrix, keys)
        for point in sweep.points
    }
    for one in of(loads, "depths").slices:
        for row in rows_of(one):
            key = loads.tests[row["test"]].key
            profile, _, depth = key.profile.rpartition(".qd")
            assert row["load"] == int(depth)
            point = points[key.pool, profile, key.block_size, key.concurrency, row["load"]]
            assert (row["rate"], row["p99"]) == (near(point.iops_per_s), near(point.lat_p99_ns / 1e6))


@given(
    rates=st.lists(st.floats(0, 1e6), min_size=1, max_size=600),
    longest=st.lists(st.one_of(st.none(), st.integers(1, 10**10)), min_size=600, max_size=600),
    pieces=st.integers(1, 40),
)
def test_thinning_keeps_what_is_least_and_most(
    rates: list[float], longest: list[int | None], pieces: int
) -> None:
    samples = [
        Sample(at + 1, rate, 1, 1, most) for at, (rate, most) in enumerate(zip(rates, longest, strict=False))
    ]
    kept = list(thinned(samples, pieces))
    assert set(kept) <= set(samples)
    assert kept == sorted(kept, key=lambda sample: sample.end_ms)
    assert len(kept) <= 3 * pieces
    assert min(kept, key=lambda one: one.iops_per_s).iops_per_s == min(rates)
    assert max(kept, key=lambda one: one.iops_per_s).iops_per_s == max(rates)
    assert max(one.lat_max_below_ns or 0 for one in kept) == max(one.lat_max_below_ns or 0 for one in samples)
