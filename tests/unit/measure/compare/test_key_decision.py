"""What the last repeat of a key decides: figures over all of them, limits, and what reports make of both."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.matrix.values.limit import OPERATORS, parse_limit
from pytest_odfperf.measure.key_decision import decided, undecided
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.statistics.record_figures import FigureName, limit_figures
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.report.decisions_text import broken_unseen, limit_lines, repeat_lines
from pytest_odfperf.report.parts import middle_repeat
from pytest_odfperf.report.tables.keys_csv import render_keys_csv
from pytest_odfperf.run.controller.decide_again import decide_again

MakeRecord = Callable[..., Record]
KEY = "rep3:small:150Gi:1:random-rw:4k"


def limited(*texts: str) -> tuple[Any, ...]:
    return tuple(map(parse_limit, texts))


@pytest.fixture(scope="session")
def repeats(make_record: MakeRecord, make_measurement: Any) -> Callable[..., list[Record]]:
    """Records of a key whose reads had these IOPS, one a repeat."""

    def make(rates: Sequence[float], **changes: Any) -> list[Record]:
        found = []
        for number, rate in enumerate(rates, 1):
            read = make_measurement(rate, **changes)
            one = make_record(repeat=number, block=number, order=1, started_at_epoch_ms=1000 * number)
            guests = tuple(replace(guest, jobs=(replace(guest.jobs[0], read=read),)) for guest in one.guests)
            found.append(replace(one, read=read, jobs=guests[0].jobs, guests=guests))
        return found

    return make


def outcomes(records: Sequence[Record], *texts: str, asked: int | None = None) -> list[str]:
    found = decided(records[-1], records, limited(*texts), asked or len(records))
    return [outcome.outcome for outcome in found.limits]


@pytest.mark.parametrize(
    ("rates", "limit", "outcome"),
    [
        ([1000], "read iops >= 1000", "met"),
        ([1000], "read iops > 1000", "broken"),
        ([1000, 1010, 990], "read iops > 900", "met"),
        ([1000, 1010, 990], "read iops > 1100", "broken"),
        ([1000, 1010, 990], "read iops > 995", "inconclusive"),
        ([1000, 1010, 990], "read iops < 995", "inconclusive"),
        ([1000, 1000, 1000], "read iops >= 1000", "met"),
        ([1000, 1000, 1000], "read iops > 1000", "broken"),
        ([1000, 3000, 300], "read iops > 2000", "inconclusive"),
        ([1000, 1001], "read iops > 500", "met"),
    ],
)
def test_the_interval_decides(
    repeats: Callable[..., list[Record]], rates: list[float], limit: str, outcome: str
) -> None:
    assert outcomes(repeats(rates), limit) == [outcome]


@given(
    st.lists(st.floats(10, 1e6), min_size=2, max_size=8),
    st.floats(10, 1e6),
    st.sampled_from(OPERATORS),
)
def test_a_limit_and_its_opposite_are_never_both_met(
    repeats: Callable[..., list[Record]], rates: list[float], value: float, operator: str
) -> None:
    opposite = {"<": ">=", ">=": "<", ">": "<=", "<=": ">"}[operator]
    records, shown = repeats(rates), f"{value:.3f}"
    one, other = outcomes(records, f"read iops {operator} {shown}", f"read iops {opposite} {shown}")
    assert {"met": "broken", "broken": "met", "inconclusive": "inconclusive"}[one] == other


def test_a_broken_limit_fails_a_test_that_passed_and_is_taken_back_by_another(
    repeats: Callable[..., list[Record]],
) -> None:
    records = repeats([1000, 1010, 990])
    broken = decided(records[-1], records, limited("read iops > 2k", "each p99 < 1s"), 3)
    assert (broken.status, broken.reason_code, broken.complete) == ("failed", "limit_broken", True)
    assert broken.reason is not None
    assert broken.reason.startswith("limit broken: read iops > 2k: read iops is 1000 IOPS (975.4 IOPS to ")
    assert "3 repeats" in broken.reason
    assert Record.from_json(json.loads(json.dumps(broken.to_json()))) == broken
    properties = dict(broken.properties())
    assert properties["limit.read iops > 2k"].startswith("broken: 1000 IOPS (")
    assert properties["limit.each p99 < 1s [read p99]"].startswith("met: 5 ms (5 ms to 5 ms, 3 repeats")
    assert properties["repeats"] == "3 of 3 repeats"
    assert properties["repeats.read iops"].endswith("), CV 1.00%, ok")
    mended = decided(broken, [*records, broken], limited("read iops > 500"), 3)
    assert (mended.status, mended.reason, mended.reason_code) == ("passed", None, None)
    assert undecided(broken) == records[-1]
    assert decided(broken, records, limited("read iops > 2k", "each p99 < 1s"), 3) == broken


def test_a_test_that_failed_by_itself_keeps_its_reason(repeats: Callable[..., list[Record]]) -> None:
    (record,) = repeats([1000])
    failed = replace(record, status="failed", reason="AssertionError: mine")
    found = decided(failed, [failed], limited("read iops > 2k"), 1)
    assert (found.reason, found.reason_code, found.complete) == ("AssertionError: mine", None, False)
    assert [outcome.outcome for outcome in found.limits] == ["broken"]


def test_invalid_repeats_never_enter_and_suspect_ones_are_said(repeats: Callable[..., list[Record]]) -> None:
    good = repeats([1000, 1010, 990, 1000])
    doubt = Doubt(code="queue_not_full", level="invalid", text="depth 1, not 32")
    wrong = replace(good[2], read=replace(good[2].read, iops_per_s=9e7), verdict="invalid", doubts=(doubt,))
    suspect = replace(good[1], verdict="suspect")
    found = decided(good[3], [good[0], suspect, wrong, good[3]], limited("read iops < 1100"), 4)
    assert [one.outcome for one in found.limits] == ["met"]
    assert "3 repeats, 1 of them suspect" in found.limits[0].why
    assert found.over_repeats is not None
    assert found.over_repeats.count_text == "3 of 4 repeats, 1 suspect, 1 invalid"
    (iops,) = [one for one in found.over_repeats.figures if one.metric == "iops"]
    assert iops.count == 3
    assert iops.geometric_mean < 1100
    alone = decided(wrong, [wrong], limited("read iops < 1100"), 1)
    assert [one.outcome for one in alone.limits] == ["not judged"]
    assert "invalid (queue_not_full)" in alone.limits[0].why
    assert alone.status == "passed"
    assert limit_figures(wrong) == {}


def test_a_limit_that_valid_repeats_break_is_told_though_the_last_was_skipped_as_invalid(
    repeats: Callable[..., list[Record]],
) -> None:
    records = repeats([1000, 1010, 990])
    records[2] = replace(records[2], verdict="invalid", status="skipped")
    last = decided(records[2], records, limited("read iops > 2k"), 3)
    assert (last.status, [one.outcome for one in last.limits]) == ("skipped", ["broken"])
    (line,) = broken_unseen([*records[:2], last])
    assert line.endswith("a limit is broken by its valid repeats, though its last one is skipped")
    assert broken_unseen([decided(records[0], records[:1], limited("read iops > 2k"), 1)]) == []


def test_one_repeat_of_three_is_no_ground_for_a_decision(repeats: Callable[..., list[Record]]) -> None:
    (record,) = repeats([1000])
    found = decided(record, [record], limited("read iops > 2k"), 3)
    assert [one.outcome for one in found.limits] == ["inconclusive"]
    assert "1 of 3 repeats counts, which gives no interval" in found.limits[0].why
    alone = decided(record, [record], limited("read iops > 2k"), 1)
    assert "in one measurement, without repeats" in alone.limits[0].why


def test_a_percentile_that_few_ios_carry_decides_nothing(repeats: Callable[..., list[Record]]) -> None:
    few = repeats([1000], total_ios=5000)
    assert outcomes(few, "read p99 < 1ms", "read p99 > 1ms", "read p50 < 1s") == [
        "inconclusive",
        "inconclusive",
        "met",
    ]


def test_unlike_sections_are_judged_one_by_one(make_unlike: MakeRecord) -> None:
    record = make_unlike()
    found = decided(record, [record], limited("write iops > 100", "write iops of wal > 100"), 1)
    assert [(one.figure_name, one.outcome) for one in found.limits] == [
        ("write iops of wal", "met"),
        ("write iops of mix", "broken"),
        ("write iops of wal", "met"),
    ]
    assert FigureName("", "write", "iops") not in limit_figures(record)


def test_fairness_is_jains_index_of_the_guests(make_record: MakeRecord, make_measurement: Any) -> None:
    one = make_record()
    guests = tuple(
        replace(one.guests[0], name=f"vm-{number}", jobs=(replace(one.jobs[0], read=make_measurement(rate)),))
        for number, rate in enumerate((1000.0, 1000.0, 10.0))
    )
    figures = limit_figures(replace(one, guests=guests))
    assert figures[FigureName("", "read", "fairness")] == pytest.approx(2010**2 / (3 * 2_000_100))
    assert figures[FigureName("", "all", "fairness")] == figures[FigureName("", "read", "fairness")]
    found = decided(one, [replace(one, guests=guests)], limited("fairness >= 0.9"), 1)
    assert [(outcome.figure_name, outcome.outcome) for outcome in found.limits] == [("fairness", "met")]
    found = decided(replace(one, guests=guests), [], limited("fairness >= 0.9", "each fairness > 0.1"), 1)
    assert [outcome.outcome for outcome in found.limits] == ["broken", "met"]


def test_every_report_has_limits_and_repeats(repeats: Callable[..., list[Record]]) -> None:
    records = repeats([1000, 1300, 700])
    records[-1] = decided(records[-1], records, limited("read iops > 2k", "read p99 < 1s <b>"[:13]), 3)
    lines = repeat_lines(records) + limit_lines(records)
    assert lines[0] == "Repeats: of 1 keys 1 not gateable"
    assert f"  {KEY}: read iops 969.1 IOPS (" in lines[1]
    assert "CV 30.0 %, not gateable" in lines[1]
    assert lines[2] == "Limits: 1 inconclusive, 1 met"
    (row,) = csv.DictReader(io.StringIO(render_keys_csv(records, {records[0].key: 3})))
    assert row["read_iops_per_s"].startswith("969.05")
    assert (row["repeats"], row["valid"], row["read_iops_per_s_grade"]) == ("3", "3", "not gateable")
    assert (row["limits_met"], row["limits_inconclusive"], row["limits_broken"]) == ("1", "1", "0")
    assert limit_lines(records[:1]) == repeat_lines(records[:1]) == []
    (single,) = csv.DictReader(io.StringIO(render_keys_csv(records[:1], {})))
    assert (single["read_iops_per_s"], single["read_iops_per_s_low"]) == ("1000", "")


def test_a_picture_shows_the_repeat_in_the_middle_of_those_with_figures(
    repeats: Callable[..., list[Record]],
) -> None:
    records = repeats([1000, 5000, 1200, 300])
    assert middle_repeat(records).repeat == 1
    assert middle_repeat(records[:3]).repeat == 3
    invalid = replace(records[2], verdict="invalid")
    assert middle_repeat([*records[:2], invalid]).repeat == 1
    assert middle_repeat([invalid]) == invalid


@pytest.mark.parametrize(
    ("earlier", "now", "asked", "decider"),
    [
        ([1], [], 1, 1),
        ([1, 2, 3], [], 3, 3),
        # Fewer are asked for now; more are, and were not begun, cut off, or measured.
        ([1, 2, 3], [], 2, 3),
        ([1, 2, 3], [], 5, 3),
        ([1, 2, 3], [4], 5, 3),
        ([1, 2, 3], [4, 5], 5, None),
        ([1], [], 3, 1),
        ([2, 3], [1], 3, 3),
    ],
)
def test_what_was_measured_earlier_is_decided_once_and_by_all(
    repeats: Callable[..., list[Record]], earlier: list[int], now: list[int], asked: int, decider: int | None
) -> None:
    every = {one.repeat: one for one in repeats([1000, 1010, 990, 1005, 995])}
    definition = every[1].definition
    plan: Any = SimpleNamespace(
        repeats=asked,
        definitions={KEY: definition},
        matrix=SimpleNamespace(limits_of=lambda key: limited("read iops > 2k")),
    )
    done = [decided(every[number], [], limited("read iops < 1"), 1) for number in earlier]
    written: list[Record] = []
    today = decide_again(plan, done, [*done, *(every[number] for number in now)], written.append)
    assert [one.repeat for one in today if one.limits] == ([decider] if decider else [])
    assert [one.repeat for one in today if one.status == "failed"] == (
        [decider] if decider and len(earlier) + len(now) > 1 else [decider] if asked == 1 else []
    )
    assert written == today, "another limit was broken before"
    again: list[Record] = []
    assert decide_again(plan, today, [*today, *(every[number] for number in now)], again.append) == today
    assert again == [], "what did not change is not written"
