"""Several runs as one report: no key twice or lost, and none that means something else."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_odfperf.errors import InputError
from pytest_odfperf.measure.record import Record
from pytest_odfperf.report.content.merged_content import merged
from pytest_odfperf.report.content.run_content import RunContent
from pytest_odfperf.run.reports.remake import remake
from pytest_odfperf.run.reports.run_reading import read_run_content
from pytest_odfperf.store import journal

MakeRecord = Callable[..., Record]
MakeRun = Callable[..., Any]

MATRIX = """
pools: [rep3, rep2]
vm_sizes: {small: {vcpus: 2, memory: 4Gi}}
pvc_sizes: [150Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {runtime: 60s, file_size: 1G}
"""
KEYS = [f"{pool}:small:150Gi:1:random-rw:{size}" for pool in ("rep3", "rep2") for size in ("4k", "64k")]
NODE = "test_storage.py::test_storage[{}]"


def states(content: RunContent) -> dict[str, str]:
    return {f"{test.key}#{test.repeat}": test.state for test in content.tests}


def merge(*runs: Any) -> RunContent:
    return merged([read_run_content(run) for run in runs])


def test_pools_of_two_controllers_are_one_report(make_run: MakeRun, make_record: MakeRecord) -> None:
    runs = [
        make_run(
            [make_record(key, run_id=name) for key in KEYS if key.startswith(pool)][:number],
            run_id=name,
            matrix=MATRIX.replace("[rep3, rep2]", f"[{pool}]"),
        )
        for name, pool, number in (("a", "rep3", 2), ("b", "rep2", 1))
    ]
    content = merge(*runs)
    assert states(content) == dict(
        zip([f"{key}#1" for key in KEYS], ["passed", "passed", "passed", "not_run"], strict=True)
    )
    assert [content.run_of(record).run_id for record in content.records] == ["a", "a", "b"]
    assert {pool.name for pool in content.matrix.pools} == {"rep3", "rep2"}
    assert content.problems == ()


def test_the_halves_of_a_killed_run_add_up(make_run: MakeRun, make_record: MakeRecord) -> None:
    failed = make_record(KEYS[1], run_id="a", status="failed", reason="the worker died")
    first = make_run([make_record(KEYS[0], run_id="a"), failed], run_id="a", matrix=MATRIX, ended=False)
    second = make_run(
        [make_record(key, run_id="b") for key in KEYS[1:]], run_id="b", matrix=MATRIX, pools=["rep3", "rep2"]
    )
    assert set(states(merge(first, second)).values()) == {"passed"}


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_complete_measurements_the_later_one_counts_and_that_is_told(
    make_run: MakeRun, make_record: MakeRecord, turned: bool
) -> None:
    times = {"a": 1000, "b": 2000}
    runs = [
        make_run([make_record(KEYS[0], run_id=name, ended_at_epoch_ms=at)], run_id=name, matrix=MATRIX)
        for name, at in times.items()
    ]
    content = merge(*(reversed(runs) if turned else runs))
    assert [record.run_id for record in content.records] == ["b"]
    assert content.problems == (
        f"complete in two runs, the later one counts: test_storage.py::test_storage[{KEYS[0]}]",
    )


def test_all_repeats_of_a_test_are_of_one_run(make_run: MakeRun, make_record: MakeRecord) -> None:
    def of(name: str, repeats: int) -> Any:
        records = [
            make_record(
                KEYS[0], run_id=name, repeat=number, test=NODE.format(KEYS[0] + f"-r{number}" * (number > 1))
            )
            for number in range(1, repeats + 1)
        ]
        return make_run(records, run_id=name, matrix=MATRIX, options={"repeat": 3})

    content = merge(of("a", 3), of("b", 2))
    assert [(record.run_id, record.repeat) for record in content.records] == [("a", 1), ("a", 2), ("a", 3)]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.sampled_from(["passed", "failed", None]), min_size=4, max_size=4), max_size=3))
def test_no_key_is_twice_or_lost(
    make_run: MakeRun, make_record: MakeRecord, tmp_path_factory: pytest.TempPathFactory, given: list[Any]
) -> None:
    """However the results of four keys are spread over runs."""
    runs = []
    for number, outcomes in enumerate([["passed", None, None, None], *given]):
        name = f"run-{number}-{tmp_path_factory.mktemp('x').name}"
        records = [
            make_record(key, run_id=name, status=outcome, reason=None if outcome == "passed" else "no")
            for key, outcome in zip(KEYS, outcomes, strict=True)
            if outcome
        ]
        runs.append(make_run(records, run_id=name, matrix=MATRIX))
    found = merge(*runs)
    assert [str(test.key) for test in found.tests] == KEYS
    for place, state in enumerate(states(found).values()):
        own = {outcomes[place] for outcomes in given} | ({"passed"} if place == 0 else set())
        assert state == next((one for one in ("passed", "failed") if one in own), "not_run")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"matrix": MATRIX.replace("60s", "30s")}, "fio.runtime_s: 60, not 30"),
        ({"matrix": MATRIX.replace("4Gi", "8Gi")}, "memory_bytes: 4294967296, not 8589934592"),
        ({"definition": "cd" * 32}, r"definition of rep3:\S+: abababab\w*, not cdcdcdcd"),
        ({"method": 1}, r"method: \d+, not 1"),
        ({"marking": "SIMULATED"}, "marking: real storage, not SIMULATED"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_unlike_runs_are_refused_by_what_differs(
    make_run: MakeRun, make_record: MakeRecord, change: dict[str, Any], told: str, apart: bool
) -> None:
    """Also if no key is in both, unless only a key's own definition differs."""
    first = make_run([make_record(KEYS[0], run_id="a")], run_id="a", matrix=MATRIX, pools=["rep3"])
    pools = ["rep2"] if apart else ["rep3"]
    second = make_run([], run_id="b", pools=pools, **({"matrix": MATRIX} | change))
    if apart and "definition" in change:
        assert len(merge(first, second).tests) == 4
        return
    with pytest.raises(InputError) as error:
        merge(first, second)
    assert re.search(told, str(error.value))
    assert str(error.value).startswith("runs a and b are unlike and can not be merged: ")
    assert "\n" not in str(error.value)


def without_defaults(record: Record) -> dict[str, Any]:
    """As a version wrote it that had the first fields only."""
    kept = (
        "schema", "key", "run_id", "test", "status", "reason", "definition", "worker", "started_at_epoch_ms",
        "ended_at_epoch_ms", "duration_s", "read", "write", "jobs", "guests", "artefacts",
    )  # fmt: skip
    return {name: value for name, value in record.to_json().items() if name in kept}


def test_a_folder_of_an_earlier_version_with_torn_lines_has_all_reports(
    make_run: MakeRun, make_record: MakeRecord, tmp_path: Path
) -> None:
    run = make_run([], matrix=MATRIX, ended=False)
    content = json.loads((run.path / "run.json").read_text())
    for name in ("method", "found", "versions", "marking"):
        del content[name]
    content["options"] = {"filters": []}
    content["matrix"] = {
        k: v for k, v in content["matrix"].items() if k not in ("limits", "ranking", "capacity")
    }
    run.write_json("run.json", content)
    journal.append(run.records, without_defaults(make_record(KEYS[0])))
    with run.records.open("ab") as file:
        file.write(b'{"schema":1,"key":"rep3:sm')
    for name in ("loads.jsonl", "health.jsonl", "outages.jsonl", "undeleted.jsonl"):
        (run.path / name).write_bytes(b'\x00\xff{"at":\n[1]\n{"at": null, "pool": 3}\n{"unknown": 1}\n')
    said: list[str] = []
    assert remake(["perf-1"], run.results, said.append) == 0, said
    assert said[0].startswith("results.jsonl: line 2: ")
    assert said[1:] == ["4 tests: 1 passed, 3 not run of perf-1", f"report: {run.path}/report.html"]
    with (run.path / "results.csv").open() as file:
        assert next(row["status"] for row in csv.DictReader(file)) == "passed"
    assert "it was killed, or is measured elsewhere" in (run.path / "report.html").read_text()


@pytest.mark.parametrize(
    "names", [["nope"], ["perf-1", "perf-1"], ["perf-1,"], ["./nowhere"], ["perf-1", "torn"]]
)
def test_wrong_runs_are_one_line_and_nothing_is_written(make_run: MakeRun, names: list[str]) -> None:
    run = make_run([], matrix=MATRIX)
    torn = make_run([], run_id="torn", matrix=MATRIX)
    (torn.path / "run.json").write_text('{"schema": 1, "matr')
    before = sorted(run.results.rglob("*"))
    with pytest.raises(InputError) as error:
        remake(names, run.results, print)
    assert "\n" not in str(error.value)
    assert sorted(run.results.rglob("*")) == before


def test_a_report_that_is_not_there_is_not_named(make_run: MakeRun, make_record: MakeRecord) -> None:
    run = make_run([make_record(KEYS[0])], matrix=MATRIX)
    (run.path / "report.html").mkdir()
    said: list[str] = []
    assert remake(["perf-1"], run.results, said.append, junit=run.results / "afile" / "x.xml") == 1
    assert said[0].startswith("report.html can not be written in ")
    assert not any(line.startswith("report:") for line in said)
    assert (run.results / "afile" / "x.xml").is_file()


def test_merged_reports_lead_to_the_folders_of_their_runs(
    make_run: MakeRun, make_record: MakeRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [
        make_run([make_record(key, run_id=name)], run_id=name, matrix=MATRIX)
        for name, key in zip("abcd", KEYS, strict=True)
    ]
    assert remake(["a", "b,c", "d"], runs[0].results, print) == 0
    (folder,) = (path for path in runs[0].results.iterdir() if path.name.startswith("merged-"))
    assert re.fullmatch(r"merged-a\+3-more-[0-9a-f]{8}", folder.name)
    written = {path.name for path in folder.iterdir() if path.is_file()}
    assert written >= {"report.html", "junit.xml", "results.csv", "results-keys.csv", "metrics.prom"}
    assert all(f"../{name}/" in (folder / "report.html").read_text() for name in "abcd")
    assert not any((run.path / "report.html").exists() for run in runs)
