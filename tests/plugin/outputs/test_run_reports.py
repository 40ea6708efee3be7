"""The reports of a run's folder: true while it goes on, after it was killed, made again, and merged."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.run.controller import report_renewal
from pytest_odfperf.run.reports.output_table import OUTPUTS

#: No cluster is asked.
NO_CLUSTER = {"KUBECONFIG": "/nonexistent/kubeconfig"}


def files(run: Path) -> dict[str, bytes]:
    """What reports are made of, and the reports."""
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def renewals(run: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        found += [path.parent.name] if "pytest_odfperf.run.reports" in words and str(run) in words else []
    return found


def test_reports_are_true_at_every_moment_and_can_be_made_again(bed: Any) -> None:
    page = bed.folder / "results" / "latest" / "report.html"
    process = bed.start(
        "--odf", "--odf-matrix=short.yaml", "--odf-pool=fast", "--odf-fio=runtime=300s", "--odf-run-id=live",
        env={"ODFPERF_RENEW_S": "1"},
    )  # fmt: skip
    bed.until(lambda: page.is_file() and "has begun" in page.read_text(), "a page from the run's start")
    bed.until(
        lambda: "the run goes on, measuring fast:" in page.read_text(), "a report of a run that goes on"
    )
    journal = page.with_name("results.jsonl")
    bed.until(lambda: journal.is_file() and journal.read_text().endswith("\n"), "a result")
    os.kill(process.pid, signal.SIGKILL)
    killed = bed.end(process)
    bed.until(lambda: not renewals(killed.run), "the process that renews to be gone")
    assert re.search(r"As of 20\S+ \S+ UTC the run goes on, .* may have been killed", page.read_text())

    again = bed.run("--odf-report", "live", env=NO_CLUSTER)
    assert again.code == 0, again.out
    assert "odfperf: 2 tests: 1 passed, 1 not run of live" in again.lines
    assert "it was killed, or is measured elsewhere" in page.read_text()
    assert again.report_states() == {"passed": 1, "not_run": 1}

    resumed = bed.run("--odf-resume=live")
    assert resumed.code == 0, resumed.out
    assert resumed.report_states() == {"passed": 2}
    assert "As of" not in page.read_text()
    live = resumed.run
    records = resumed.records()
    before = files(live)
    assert not [name for name in before if name.endswith(".new")]
    assert bed.run("--odf-report=results/live", env=NO_CLUSTER).code == 0
    after = files(live)
    # What only pytest knew: which of the tests another session ran.
    before["junit.xml"] = re.sub(rb' *<property name="resumed" [^\n]*\n', b"", before["junit.xml"])
    assert {name for name in before if before[name] != after.get(name)} == set()
    assert {output.name for output in OUTPUTS if output.name in before} >= {"report.html", "junit.xml"}

    # A pool that another controller measured.
    other = bed.run(
        "--odf", "--odf-matrix=short.yaml", "--odf-pool=slow", "--odf-fio=runtime=300s", "--odf-run-id=two",
    )  # fmt: skip
    assert other.code == 0, other.out
    merged = bed.run("--odf-report", "live,two", env=NO_CLUSTER)
    assert merged.code == 0, merged.out
    folder = bed.folder / "results" / "merged-live+two"
    assert f"odfperf: report: results/{folder.name}/report.html" in merged.lines
    assert files(live) == after, "a run's own reports are its own"
    rows = (folder / "results.csv").read_text().splitlines()[1:]
    measured = {(*one["key"].split(":"), one["run_id"]) for one in (*records, *other.records())}
    assert {(*row.split(",")[:6], run) for row in rows for run in ("live", "two") if run in row} == measured
    assert (folder / "junit.xml").read_text().count("<testcase") == 4
    linked = re.findall(r'href="(\.\./[^"#]*)"', (folder / "report.html").read_text())
    assert linked
    assert all((folder / link).exists() for link in linked)
    assert json.loads((folder.parent / "live" / "run.json").read_text())["run_id"] == "live"


@pytest.mark.parametrize(
    ("script", "deadline_s", "told"),
    [
        # It runs at idle priority, so that on a busy machine even this one takes its time.
        ("echo 'report.html: the disk is full' >&2; exit 1", 60, "report.html: the disk is full"),
        ("exec sleep 60", 0.5, "not done within 0 s"),
        (None, 60, "No such file or directory"),
    ],
)
def test_a_renewal_that_fails_or_hangs_is_one_line_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, deadline_s: float, told: str
) -> None:
    fake = tmp_path / "python"
    if script is not None:
        fake.write_text(f"#!/bin/sh\n{script}\n")
        fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    monkeypatch.setenv(report_renewal.PERIOD, "0.05")
    monkeypatch.setattr(report_renewal, "_DEADLINE_S", deadline_s)
    said: list[str] = []
    renewal = report_renewal.ReportRenewal(tmp_path, dict, said.append)
    renewal.start()
    end_s = time.monotonic() + 60
    while not said and time.monotonic() < end_s:
        time.sleep(0.02)
    began_s = time.monotonic()
    renewal.close()
    assert time.monotonic() - began_s < 30
    assert said[0].startswith("the reports could not be renewed while the run went on: ")
    assert told in said[0]
    found = subprocess.run(["pgrep", "-f", str(fake)], capture_output=True, text=True, check=False)
    assert found.stdout == ""
