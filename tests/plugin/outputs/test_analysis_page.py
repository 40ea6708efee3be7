"""docs/analysis.md is run against a run's folder, and its answers are those of results.jsonl."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "analysis.md"
MATRIX = """
cluster: sandbox
namespace: perf
pools: [fast, slow]
vm_sizes:
  tiny: {vcpus: 1, memory: 1Gi}
pvc_sizes: [10Gi]
concurrency: [1, 3]
profiles: [random-rw]
block_sizes: [4k]
fio: {runtime: 20s, ramp: 1s, numjobs: 1, iodepth: 4, file_size: 1G}
limits:
  "*:*:*:*:*:*": ["read p99 < 1s"]
sandbox:
  machine: simulated
  speed: 50
  boot_s: 0.1
  clone_s: 0.1
  storage_classes:
    slow: {model: {read_iops: 900, write_iops: 900}}
"""


def questions() -> list[str]:
    return re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_the_ten_questions_have_right_answers(run_pytest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = run_pytest("--odf-parallel=2", "--odf-matrix=m.yaml", "--odf-repeat=2", m__yaml=MATRIX)
    assert outcome.code == 0, outcome.out
    monkeypatch.chdir(outcome.folder)
    asked = questions()
    assert len(asked) == 10
    answers: list[list[dict[str, Any]]] = []
    for question in asked:
        found = duckdb.sql(question)
        answers.append([dict(zip(found.columns, row, strict=True)) for row in found.fetchall()])
        assert answers[-1], question
    records = outcome.records()
    by_pool: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_pool.setdefault(record["key"].partition(":")[0], []).append(record)

    fastest, least, tails, guests, courses, scaling, repeats, runs, limits, nodes = answers
    assert [row["storage_pool"] for row in fastest] == ["fast", "slow"]
    for row in fastest:
        own = by_pool[row["storage_pool"]]
        assert row["iops_per_s"] == pytest.approx(median(one["read"]["iops_per_s"] for one in own))
        assert row["results"] == len(own) == 4
    assert sum(row["results"] for row in least) == len(records)
    for row in tails:
        own = by_pool[row["storage_pool"]]
        assert row["p9999_ms"] >= max(one["read"]["lat_p50_ns"] for one in own) / 1e6
        # The histogram has the I/Os of all guests; a rate is of the time that they share.
        assert row["reads"] == pytest.approx(sum(one["read"]["total_ios"] for one in own), rel=0.2)
    assert {row["slowest"] for row in guests} <= {one["name"] for r in records for one in r["guests"]}
    assert len(guests) == 4
    assert len(courses) == len(records)
    assert all(0 < row["deepest"] <= 1 for row in courses)
    assert [row["concurrency"] for row in scaling] == [1, 3, 1, 3]
    assert {row["repeats"] for row in repeats} == {2}
    assert [row["key"] for row in runs] == sorted({one["key"] for one in records})
    assert {row["outcome"] for row in limits} == {"met"}
    assert sum(row["vms"] for row in nodes) == sum(len(one["guests"]) for one in records)
    # Each result has its series as a file, too.
    ((files,),) = duckdb.sql(
        "SELECT list(DISTINCT series_file) FROM 'results/latest/results.parquet' WHERE scope = 'guest'"
    ).fetchall()
    assert all((outcome.run / name).is_file() for name in files)
    assert json.loads((outcome.run / "run.json").read_text())["options"]["csv"] == "full"
