"""All reports of a run from its folder: whole, or one line that says which one is not."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.run.reports.output_table import OUTPUTS, Output
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.run.reports.write_reports import write_reports

MakeRecord = Callable[..., Record]
MakeRun = Callable[..., Any]


def test_every_pool_is_counted_also_one_that_was_never_begun(
    make_run: MakeRun, make_record: MakeRecord
) -> None:
    run_dir = make_run([make_record()])
    for pool in ("rep3", "never-begun"):
        run_dir.make(run_dir.path / pool)
        # Of an earlier session.
        (run_dir.path / pool / ".pool-summary").write_text("9 9 0 0\n")
    assert write_reports(run_dir, read_run_content(run_dir)) == []
    assert (run_dir.path / "never-begun" / ".pool-summary").read_text() == "0 0 0 0\n"
    assert (run_dir.path / "rep3" / ".pool-summary").read_text() == "1 1 0 0\n"
    with (run_dir.path / "results.csv").open() as file:
        assert [row["storage_pool"] for row in csv.DictReader(file)] == ["rep3", "rep3"]


def test_one_that_fails_is_named_keeps_its_file_and_stops_no_other(
    make_run: MakeRun, make_record: MakeRecord
) -> None:
    run_dir = make_run([make_record()])
    (run_dir.path / "broken.txt").write_text("of before")
    (run_dir.path / "results.csv").mkdir()

    def missing(content: RunContent) -> str:
        raise InputError("needs vl-convert-python:\n pip install 'pytest-odfperf[report]'")

    def broken(content: RunContent) -> str:
        return str({}["no such"])

    table = (Output("lacks.txt", missing), Output("broken.txt", broken), *OUTPUTS)
    problems = write_reports(run_dir, read_run_content(run_dir), outputs=table)
    assert [problem.partition(":")[0] for problem in problems] == [
        "lacks.txt",
        "broken.txt could not be made",
        f"results.csv can not be written in {run_dir.path}",
    ]
    assert not any("\n" in problem for problem in problems)
    assert (run_dir.path / "broken.txt").read_text() == "of before"
    assert (run_dir.path / "results-keys.csv").is_file()


def test_a_disk_that_takes_nothing_is_one_line(make_run: MakeRun, make_record: MakeRecord) -> None:
    run_dir = make_run([make_record()])
    content = read_run_content(run_dir)
    shutil.rmtree(run_dir.path)
    (problem,) = write_reports(run_dir, content)
    assert re.match(r"junit\.xml, report\.html, results\.csv and \d+ more reports can not be", problem)
    assert problem.endswith(f" written in {run_dir.path}: the run's folder is gone")
    assert not run_dir.path.exists()


def test_a_file_that_has_nothing_to_say_any_more_is_gone(make_run: MakeRun, make_record: MakeRecord) -> None:
    run_dir = make_run([make_record()])
    (run_dir.path / "capacity.csv").write_text("of another session")
    write_reports(run_dir, read_run_content(run_dir))
    assert not (run_dir.path / "capacity.csv").exists()


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda output: output.name)
def test_each_output_is_the_same_every_time(
    output: Output, make_run: MakeRun, make_record: MakeRecord
) -> None:
    run_dir = make_run([make_record(), make_record("rep3:small:150Gi:1:random-rw:64k", status="failed")])
    assert output.make(read_run_content(run_dir)) == output.make(read_run_content(run_dir))
