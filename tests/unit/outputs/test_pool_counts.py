from __future__ import annotations

from collections.abc import Callable

from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.report.summary import PoolCounts, count, latest, per_pool_results, verdict_lines

MakeRecord = Callable[..., Record]


def test_the_block_at_the_end_is_aligned() -> None:
    counts = {"rep2": PoolCounts(4, 0, 0), "ec-2-1": PoolCounts(0, 0, 4)}
    assert per_pool_results(counts, lambda pool: f"results/r/{pool}/pool.log") == [
        "Per-pool results:",
        "  rep2:   4/4 passed, 0 failed, 0 skipped (log: results/r/rep2/pool.log)",
        "  ec-2-1: 0/0 passed, 0 failed, 4 skipped (log: results/r/ec-2-1/pool.log)",
    ]


def test_errors_count_as_failed_and_skipped_tests_were_not_run(make_record: MakeRecord) -> None:
    records = [make_record(status=status) for status in ("passed", "failed", "error", "skipped")]
    assert count(records)["rep3"].line == "3 1 2 1\n"


def test_a_test_that_was_measured_anew_counts_once(make_record: MakeRecord) -> None:
    records = [make_record(status="failed"), make_record(status="passed")]
    assert [record.status for record in latest(records)] == ["passed"]
    assert len(latest([make_record(test="a"), make_record(test="b")])) == 2


def test_verdicts_are_counted_where_they_are_not_all_valid(make_record: MakeRecord) -> None:
    doubt = Doubt(code="stall", level="suspect", text="t")
    valid, suspect = make_record(verdict="valid"), make_record(verdict="suspect", doubts=(doubt, doubt))
    counts = count([valid, suspect, make_record(verdict="invalid", status="failed")])["rep3"]
    assert counts.line == "3 2 1 0\n"
    assert "0 skipped; 1 valid, 1 suspect, 1 invalid (log" in per_pool_results({"rep3": counts}, str)[1]
    assert verdict_lines([valid, suspect]) == ["Verdicts: 1 valid, 1 suspect, 0 invalid: suspect stall (1)"]
    assert verdict_lines([make_record()]) == []
    assert count([valid])["rep3"].line == "1 1 0 0\n"
