"""Folders that `report_runs` makes are those of runs: read back whole, and full of figures that agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_runs.everything import everything_plan, make_everything
from report_runs.folder import make_run
from report_runs.hostile import TEXTS
from report_runs.plan import large_plan

from pytest_odfperf.measure.verdicts.rule_table import RULES
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir


def content_of(folder: Path) -> RunContent:
    return read_run_content(RunDir(folder.parent, folder.name))


@pytest.mark.parametrize(("ends", "share"), [("normal", 1.0), ("interrupted", 0.4), ("running", 0.4)])
def test_a_made_run_is_read_whole(tmp_path: Path, ends: str, share: float) -> None:
    plan = large_plan(40, 2, variety=1, raw=False)
    content = content_of(make_run(tmp_path, plan, ends=ends, share=share))
    assert content.problems == ()
    assert [test.key for test in content.tests] == list(plan.keys)
    assert len(content.records) == round(40 * share)
    assert content.counts["not_run"] == 40 - round(40 * share)
    assert content.runs[0].ended == (ends != "running")


def test_made_figures_agree(tmp_path: Path) -> None:
    content = content_of(make_run(tmp_path, large_plan(15, 3, mixed=False)))
    for record in content.records:
        assert len(record.guests) == 3
        for number, job in enumerate(record.jobs):
            for direction in ("read", "write", "sync"):
                if (whole := getattr(job, direction)) is None:
                    continue
                parts = [getattr(guest.jobs[number], direction) for guest in record.guests]
                assert whole.total_ios == sum(part.total_ios for part in parts)
                assert whole.iops_per_s == pytest.approx(sum(part.iops_per_s for part in parts))
                assert whole.lat_p50_ns <= whole.lat_p99_ns <= whole.lat_max_ns
        assert content.read(record, "histograms.json") is not None
        assert content.read(record, f"{record.guests[2].name}-series.csv") is not None


def test_everything_goes_wrong(tmp_path: Path) -> None:
    content = content_of(make_everything(tmp_path))
    assert all(content.counts.values()), content.counts
    assert {code for record in content.records for code in record.codes} == {rule.code for rule in RULES}
    assert len(content.problems) == 5
    assert len(content.tests) > len(everything_plan().keys) * 2
    said = repr(content.records)
    assert all(repr(text)[1:-1] in said for text in TEXTS)
