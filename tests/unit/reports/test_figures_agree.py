"""What results.jsonl says of a test is what its details, its metrics, summary.md and results-keys.csv say."""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from report_runs.everything import make_everything
from report_runs.folder import make_run, write_pages
from report_runs.page_details import details_of
from report_runs.plan import small_plan

from pytest_odfperf.report.content.result_state import WORDS
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

Plain = dict[str, Any]
DIRECTIONS = ("read", "write", "sync")
MAKERS: dict[str, Callable[[Path], Path]] = {
    "interrupted": lambda results: make_run(
        results, small_plan("interrupted", raw=False), ends="interrupted", share=0.4
    ),
    "everything": make_everything,
}


@pytest.fixture(scope="module", params=list(MAKERS))
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, RunContent, dict[str, Plain]]:
    """The folder with all reports, its content, and the results as JSON by test."""
    folder = MAKERS[request.param](tmp_path_factory.mktemp("agree"))
    write_pages(folder)
    content = read_run_content(RunDir(folder.parent, folder.name))
    counted = {(record.test, record.started_at_epoch_ms, record.definition) for record in content.records}
    found = {}
    for line in (folder / "results.jsonl").read_bytes().split(b"\n"):
        try:
            plain = json.loads(line)
            if (plain["test"], plain["started_at_epoch_ms"], plain["definition"]) in counted:
                found[plain["test"]] = plain
        except (ValueError, TypeError, KeyError):
            continue
    assert len(found) == len(counted)
    return folder, content, found


def parts_of(whole: Plain) -> Iterator[tuple[str, str, Plain]]:
    for job in whole["jobs"]:
        yield from ((job["name"], name, job[name]) for name in DIRECTIONS if job[name] is not None)


def rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def test_details_have_the_figures_of_all_vms_and_of_each(written: Any) -> None:
    folder, content, results = written
    compared = 0
    details = details_of((folder / "report.html").read_text("utf-8"))
    for test, one in zip(content.tests, details, strict=True):
        tables = {part.get("title"): part.get("rows") or [] for part in one["parts"]}
        plain = results[test.record.test] if test.record else None
        if plain is None or plain["verdict"] == "invalid":
            assert not {"Figures of all VMs", "Figures of each VM"} & set(tables)
            continue
        rows = [row for row in tables.get("Figures of all VMs", ()) if row[0] != "all"]
        assert [(row[0], row[1], row[2]) for row in rows] == [
            (name, direction, rounded(part["iops_per_s"], 6)) for name, direction, part in parts_of(plain)
        ]
        of_guests = [
            (guest["name"], name, direction, rounded(part["iops_per_s"], 3))
            for guest in plain["guests"]
            for name, direction, part in parts_of(guest)
        ]
        if len(plain["guests"]) > 1:
            assert [tuple(row[:4]) for row in tables.get("Figures of each VM", ())] == of_guests
        compared += len(rows)
    assert compared > 20


def test_metrics_have_a_figure_of_one_of_the_keys_results(written: Any) -> None:
    folder, _, results = written
    told: dict[tuple[str, str, str], set[float]] = {}
    for plain in results.values():
        if plain["verdict"] != "invalid":
            every = [("", name, plain[name]) for name in DIRECTIONS if plain[name] is not None]
            for section, name, part in [*every, *parts_of(plain)]:
                told.setdefault((plain["key"], section, name), set()).add(part["iops_per_s"])
    text = (folder / "metrics.prom").read_text("utf-8")
    names = ("pool", "size", "pvc", "concurrency", "profile", "block_size")
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    rates = [one for one in samples if one.name == "odfperf_io_operations_per_second"]
    for one in rates:
        key = ":".join(one.labels[name] for name in names)
        assert one.value in told[key, one.labels["section"], one.labels["direction"]]
    assert len({tuple(one.labels[name] for name in names) for one in rates}) == len(
        {key for key, _, _ in told}
    )


def state_of(plain: Plain | None) -> str:
    """As docs/report.md has it, from the JSON alone."""
    if plain is None:
        return "not_run"
    if plain["reason_code"] == "limit_broken":
        return "limit_broken"
    if plain["verdict"] == "invalid":
        return "invalid"
    if plain["status"] in ("failed", "error"):
        return "failed"
    if plain["status"] == "skipped":
        return "skipped"
    return "suspect" if plain["verdict"] == "suspect" else "passed"


def test_the_summary_counts_each_pool_as_the_results_do_and_ranks_as_ranking_csv(written: Any) -> None:
    folder, content, results = written
    states: dict[str, Counter[str]] = {}
    for test in content.tests:
        own = states.setdefault(test.key.pool, Counter())
        own[state_of(results[test.record.test] if test.record else None)] += 1
    lines = (folder / "summary.md").read_text("utf-8").split("#### Pools\n\n")[1].split("\n\n")[0].split("\n")
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[0].strip("`") for row in rows] == list(states)
    with (folder / "ranking.csv").open(newline="") as file:
        ranked = {(row["storage_pool"], row["score"]): row for row in csv.DictReader(file)}
    for row in rows:
        cells, pool = dict(zip(head, row, strict=True)), row[0].strip("`")
        told = {state: int(cells.get(word, 0)) for state, word in WORDS.items()}
        assert told == {state: states[pool][state] for state in WORDS}
        for score, name in (("rate", "rank by rate"), ("p99", "rank by p99")):
            if (rank := ranked[pool, score]["rank"]) == "":
                assert cells[name] == "incomplete"
            else:
                assert re.match(rf"{rank}\b", cells[name])


def test_results_keys_csv_has_the_geometric_mean_of_the_repeats_that_count(written: Any) -> None:
    folder, _, results = written
    of_key: dict[str, list[Plain]] = {}
    for plain in results.values():
        # Other tests of a key share its measurement.
        if "test_storage[" in plain["test"]:
            of_key.setdefault(plain["key"], []).append(plain)
    names = ("storage_pool", "vm_size", "pvc_size", "concurrency", "fio_profile", "block_size")
    compared = 0
    with (folder / "results-keys.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            own = of_key.get(":".join(row[name] for name in names), [])
            for name in DIRECTIONS if not row["job_name"] else ():
                parts = [one[name] for one in own if one["verdict"] != "invalid" and one[name] is not None]
                if parts and (told := row[f"{name}_iops_per_s"]):
                    mean = math.exp(math.fsum(math.log(part["iops_per_s"]) for part in parts) / len(parts))
                    assert float(told) == pytest.approx(mean, rel=1e-6), row
                    compared += 1
    assert compared > 8
