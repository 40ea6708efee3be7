"""Every report of a run says what results.jsonl says, key by key and figure by figure.

results.jsonl is read as the JSON that it is, not by the product's classes.
"""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from report_runs.everything import make_everything
from report_runs.folder import make_run, write_pages
from report_runs.page_details import details_of
from report_runs.plan import large_plan, matrix_of, small_plan

from pytest_odfperf.matrix.expand import expand
from pytest_odfperf.report.content.result_state import WORDS
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store.run_dir import RunDir

DIRECTIONS = ("read", "write", "sync")
KEY_FIELDS = ("pool", "size", "pvc", "vms", "profile", "bs")
PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "p999": 99.9}

MAKERS: dict[str, Callable[[Path], Path]] = {
    "small": lambda results: make_run(results, small_plan("small", raw=False)),
    "interrupted": lambda results: make_run(
        results, small_plan("interrupted", raw=False), ends="interrupted", share=0.4
    ),
    "everything": make_everything,
    "full matrix": lambda results: make_run(
        results,
        large_plan(4860, 1, variety=1, raw=False, histograms=False, run_id="full"),
    ),
}


@dataclass(frozen=True)
class Written:
    """A run with all its reports, and its results as plain JSON by test."""

    folder: Path
    content: RunContent
    results: dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=list(MAKERS))
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = MAKERS[request.param](tmp_path_factory.mktemp("agree"))
    write_pages(folder)
    content = read_run_content(RunDir(folder.parent, folder.name))
    counted = {(record.test, record.started_at_epoch_ms, record.definition) for record in content.records}
    results = {
        plain["test"]: plain
        for plain in plain_results(folder)
        if (plain["test"], plain["started_at_epoch_ms"], plain["definition"]) in counted
    }
    return Written(folder, content, results)


def plain_results(folder: Path) -> Iterator[dict[str, Any]]:
    for line in (folder / "results.jsonl").read_bytes().split(b"\n"):
        try:
            plain = json.loads(line)
        except ValueError:
            continue
        if isinstance(plain, dict) and plain.get("schema") == 1:
            yield plain


def packed(page: str, name: str) -> Any:
    found = re.search(rf'type="([^"]*)" id="{name}">([^<]*)<', page)
    assert found is not None
    text = found[2]
    if "gzip" in found[1]:
        text = gzip.decompress(base64.b64decode(text)).decode()
    return json.loads(text)


def rows_of(page: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of the table of keys: the test's number, and what is in the columns."""
    data = packed(page, "keys-data")
    test = 0
    for row, step in enumerate(data["tests"]):
        test += step
        found: dict[str, Any] = {}
        for column in data["columns"]:
            value = column["values"][row]
            marked = [mark for mark, rows in column.get("marks", {}).items() if row in rows]
            found[column["name"]] = column["texts"][value] if column["sort"] == "text" else value
            if marked == ["n/a"]:
                found[column["name"]] = "n/a"
        yield test, found


def six(value: float) -> float:
    return float(f"{value:.6g}")


def check_figures(row: dict[str, Any], source: dict[str, Any], invalid: bool, where: str) -> None:
    for direction in DIRECTIONS:
        part = None if invalid else source[direction]
        found = {name: row.get(f"{direction}_{name}") for name in ("iops", "bw", "mean", "max", *PERCENTILES)}
        if part is None:
            assert set(found.values()) == {None}, (where, direction)
            continue
        expected: dict[str, Any] = {
            "iops": six(part["iops_per_s"]),
            "bw": None if direction == "sync" else six(part["bw_bytes_per_s"] / 2**20),
            "mean": six(part["lat_mean_ns"] / 1e6),
            "max": six(part["lat_max_ns"] / 1e6),
        }
        for name, percent in PERCENTILES.items():
            value = part[f"lat_{name}_ns"]
            carried = round(part["total_ios"] * (1000 - 10 * percent)) >= 100 * 1000
            expected[name] = six(value / 1e6) if carried and value is not None else "n/a"
        assert found == expected, (where, direction)


def test_no_test_is_lost_or_made_up(written: Written) -> None:
    definitions = json.loads((written.folder / "run.json").read_text())["definitions"]
    assert {plain["test"] for plain in plain_results(written.folder)} == set(written.results)
    tests = written.content.tests
    assert {str(test.key) for test in tests} >= set(definitions)
    assert len({test.record.test for test in tests if test.record}) == len(written.content.records)
    page = (written.folder / "report.html").read_text(encoding="utf-8")
    assert {number for number, row in rows_of(page) if row.get("repeat") != "all"} == set(range(len(tests)))


def test_the_page_has_the_figures_of_the_results(written: Written) -> None:
    page = (written.folder / "report.html").read_text(encoding="utf-8")
    shown: dict[int, set[tuple[str, str]]] = {}
    for number, row in rows_of(page):
        if row.get("repeat") == "all":
            continue
        test = written.content.tests[number]
        assert tuple(str(row[name]) for name in KEY_FIELDS) == test.key.fields
        assert row["state"] == WORDS[test.state]
        if test.record is None:
            assert not any(row.get(f"{direction}_iops") for direction in DIRECTIONS)
            continue
        plain = written.results[test.record.test]
        section = row.get("section") or ""
        source = next((job for job in plain["jobs"] if job["name"] == section), plain)
        check_figures(row, source, plain["verdict"] == "invalid", plain["test"])
        shown.setdefault(number, set()).update(
            (section, one) for one in DIRECTIONS if source[one] is not None
        )
    for number, test in enumerate(written.content.tests):
        if test.record is None or test.record.verdict == "invalid":
            continue
        # What a section did is in its own row, or in that of all of them.
        for job in written.results[test.record.test]["jobs"]:
            for direction in DIRECTIONS:
                if job[direction] is not None:
                    assert {(job["name"], direction), ("", direction)} & shown[number], test.record.test


def test_the_details_have_every_guest(written: Written) -> None:
    details = details_of((written.folder / "report.html").read_text(encoding="utf-8"))
    assert len(details) == len(written.content.tests)
    for test, one in zip(written.content.tests, details, strict=True):
        if test.record is None or test.record.verdict == "invalid":
            continue
        said = json.dumps(one)
        for guest in written.results[test.record.test]["guests"]:
            name = guest["name"]
            assert name in one_text(one) or json.dumps(name)[1:-1] in said, test.record.test


def one_text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(map(one_text, value.values()))
    return " ".join(map(one_text, value)) if isinstance(value, list) else str(value)


def test_the_counts_are_those_of_the_results(written: Written) -> None:
    page = (written.folder / "report.html").read_text(encoding="utf-8")
    buttons = re.findall(r'data-state="(\w+)".*?class="number">(\d+)<', page)
    counts = {state: int(number) for state, number in buttons}
    assert counts == dict(written.content.counts)
    suites = ET.parse(written.folder / "junit.xml").getroot()
    cases = suites.findall(".//testcase")
    # What was not run has no test case, or is skipped: never passed.
    missing = counts["not_run"]
    assert len(cases) in (len(written.content.tests), len(written.content.tests) - missing)
    told = Counter(
        next((one.tag for one in case if one.tag in ("failure", "error", "skipped")), "") for case in cases
    )
    assert told[""] == sum(record.status == "passed" for record in written.content.records)
    metrics = (written.folder / "metrics.prom").read_text()
    summed: Counter[str] = Counter()
    for state, number in re.findall(r'^odfperf_tests\{.*?state="(\w+)".*?\} (\d+)', metrics, re.MULTILINE):
        summed[state] += int(number)
    assert {state: summed[state] for state in counts} == counts


def test_results_csv_has_each_figure_as_it_is(written: Written) -> None:
    with (written.folder / "results.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    scopes = Counter(row["scope"] for row in rows)
    assert scopes["guest"] == sum(
        len(guest["jobs"]) for plain in written.results.values() for guest in plain["guests"]
    )
    tests = Counter(
        (row["started_at_epoch_ms"], row["storage_pool"]) for row in rows if row["scope"] == "key"
    )
    assert sum(tests.values()) >= len(written.results)
    by_start: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for plain in written.results.values():
        place = (str(plain["started_at_epoch_ms"]), *plain["key"].split(":"))
        by_start.setdefault(place, []).append(plain)
    keys = ("storage_pool", "vm_size", "pvc_size", "concurrency", "fio_profile", "block_size")
    for row in rows:
        candidates = by_start[row["started_at_epoch_ms"], *(row[name] for name in keys)]
        assert any(csv_agrees(row, plain) for plain in candidates), row


def csv_agrees(row: dict[str, str], plain: dict[str, Any]) -> bool:
    if row["scope"] == "guest":
        sources = [
            job
            for guest in plain["guests"]
            for job in guest["jobs"]
            if job["name"] == row["job_name"]
            and round(guest["late_ms"] or 0, 3) == float(row["guest_late_ms"] or 0)
        ]
    elif row["scope"] == "job":
        sources = [job for job in plain["jobs"] if job["name"] == row["job_name"]]
    else:
        sources = [plain]
    invalid = plain["verdict"] == "invalid"
    return any(all(csv_part(row, one, source[one], invalid) for one in DIRECTIONS) for source in sources)


def csv_part(row: dict[str, str], direction: str, part: dict[str, Any] | None, invalid: bool) -> bool:
    names = ("iops_per_s", "total_ios", "lat_mean_ns", "lat_p99_ns", "lat_max_ns")
    found = [row[f"{direction}_{name}"] for name in names]
    if invalid or part is None:
        return found == [""] * len(names)
    return [float(text) for text in found] == [pytest.approx(part[name], rel=1e-9) for name in names]


def test_junit_has_the_figures(written: Written) -> None:
    cases = ET.parse(written.folder / "junit.xml").getroot().findall(".//testcase")
    checked = 0
    for case in cases:
        plain = written.results.get(f"{case.get('classname')}::{case.get('name')}")
        properties = {one.get("name"): one.get("value") for one in case.iter("property")}
        if plain is None or plain["verdict"] == "invalid":
            continue
        for direction in DIRECTIONS:
            if (part := plain[direction]) is not None and f"{direction}_iops_per_s" in properties:
                assert properties[f"{direction}_iops_per_s"] == f"{part['iops_per_s']:.1f}"
                assert properties[f"{direction}_lat_p99_ns"] == str(part["lat_p99_ns"])
                checked += 1
    assert checked > 20


def test_parquet_has_the_rows_of_csv(written: Written) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pip install pyarrow")
    table = parquet.read_table(written.folder / "results.parquet")
    with (written.folder / "results.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert table.num_rows == len(rows)
    for name in ("read_iops_per_s", "write_lat_p99_ns", "sync_total_ios"):
        values = table.column(name).to_pylist()
        assert [None if row[name] == "" else float(row[name]) for row in rows] == values


def test_the_shipped_matrix_has_so_many_keys() -> None:
    assert len(expand(matrix_of("extends: full\n"))) == 4860
