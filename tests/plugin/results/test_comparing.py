"""A run that is compared: the same storage passes, slower storage fails, unlike runs are refused."""

import json
from pathlib import Path

import pytest

MATRIX = """
cluster: sandbox
namespace: perf
pools: [fast, slow]
vm_sizes:
  tiny: {{vcpus: 1, memory: 1Gi}}
pvc_sizes: [10Gi]
concurrency: [1]
profiles: [random-rw]
block_sizes: [4k, 64k]
fio: {{runtime: 60s, ramp: 1s, numjobs: 1, iodepth: 16, file_size: 1G}}
sandbox:
  machine: simulated
  speed: 500
  boot_s: 0.1
  clone_s: 0.1
  storage_classes:
    fast: {{backend: {{iops: 2000}}}}
    slow: {{backend: {{iops: {iops}}}}}
"""
AS_BEFORE, SLOWER = MATRIX.format(iops=1000), MATRIX.format(iops=750)


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def gate_cases(outcome) -> dict[str, str]:
    """By pool: what CI sees of its gate."""
    cases = {case.get("name"): case for case in outcome.cases() if case.get("classname") == "odfperf"}
    found = {}
    for name, case in cases.items():
        ends = [(kind, case.find(kind)) for kind in ("failure", "skipped")]
        said = [f"{kind}: {end.get('message') or end.text}" for kind, end in ends if end is not None]
        if name.startswith("gate["):
            found[name.removeprefix("gate[").removesuffix("]")] = "; ".join(said) or "passed"
    return found


def test_the_same_storage_passes_the_gate_and_one_that_is_a_quarter_slower_fails_it(run_pytest):
    gate = ("--odf", "--odf-repeat=3", "--odf-baseline=last", "--odf-gate")
    base = run_pytest(
        "--odf", "--odf-repeat=3", "--odf-matrix=m.yaml", "--odf-run-id=base", m__yaml=AS_BEFORE
    )
    assert base.code == 0, base.out

    same = run_pytest(*gate, "--odf-matrix=m.yaml", "--odf-run-id=same", m__yaml=AS_BEFORE)
    assert same.code == 0, same.out
    found = json.loads((same.run / "comparison.json").read_text())
    assert found["baseline"] == ["base"]
    assert {one["outcome"] for one in found["keys"] if one["metric"] == "rate"} == {"no difference shown"}
    assert gate_cases(same) == {"fast": "passed", "slow": "passed"}
    assert "Gate: passed" in same.out
    assert not (same.run / "confirm.jsonl").exists()

    slower = run_pytest(
        "--odf", "--odf-repeat=3", "--odf-baseline=results/base", "--odf-gate",
        "--odf-matrix=m.yaml", "--odf-run-id=slower", "--html=page.html", m__yaml=SLOWER,
    )  # fmt: skip
    assert slower.code == 1, slower.out
    cases = gate_cases(slower)
    assert cases["fast"] == "passed"
    assert cases["slow"].startswith("failure: confirmed: slow:tiny:10Gi:1:random-rw:4k read rate: 0.7")
    assert "floor 7.0 %" in cases["slow"]
    assert "worse: slow, all keys, rate: 0.7" in slower.out
    # What was measured again is no result of the run, and is there to be looked at.
    again = lines_of(slower.run / "confirm.jsonl")
    assert {one["stage"] for one in again} == {"confirm"}
    assert len(again) == 5 * 4
    assert [one["key"] for one in again[:4]] == [one["key"] for one in again[7:3:-1]]
    assert all((slower.run / path).exists() for one in again for path in one["artefacts"])
    assert {one["stage"] for one in slower.records()} == {None}
    assert len(slower.records()) == 12
    assert "Compared with base" in (slower.run / "report.html").read_text()
    assert 'href="results/slower/report.html"' in (slower.folder / "page.html").read_text()
    assert json.loads((slower.run / "run.json").read_text())["left"] == []

    resumed = run_pytest("--odf-resume=last")
    assert resumed.code == 1, resumed.out
    assert "Gate: FAILED" in resumed.out
    assert len(lines_of(slower.run / "confirm.jsonl")) == 20

    compared = run_pytest("--odf-compare", "base", "slower")
    assert compared.code == 0, compared.out
    assert "worse: slow, all keys, rate: 0.7" in compared.out
    assert "report: results/compare_base_slower/comparison.html" in compared.lines
    found = json.loads((base.folder / "results" / "compare_base_slower" / "comparison.json").read_text())
    assert {one["outcome"] for one in found["keys"] if one["key"].startswith("slow:")} >= {"worse"}
    assert (base.folder / "results" / "latest").resolve().name == "slower"

    trend = run_pytest("--odf-trend", "all", "--odf-sentinel", "slow:*:*:*:*:4k")
    assert trend.code == 0, trend.out
    assert trend.lines[0].startswith("Trend of 3 runs of matrix m, base (")
    assert "report: results/trend_m/trend.html" in trend.lines
    shown = json.loads((base.folder / "results" / "trend_m" / "trend.json").read_text())
    assert [run["run_id"] for run in shown["runs"]] == ["base", "same", "slower"]
    # Other settings of the sandbox are other storage, and split nothing.
    assert {len(course["pieces"]) for course in shown["courses"]} == {1}

    ranks = (base.folder / "results" / "base" / "ranking.csv").read_text().splitlines()
    assert [line.split(",")[2:6] for line in ranks[1:3]] == [["fast", "1", "1", "1"], ["slow", "2", "2", "2"]]


def test_a_gate_on_workers_without_repeats_is_not_decided_and_that_is_no_silent_pass(run_pytest):
    how = ("--odf-parallel=2", "--odf-matrix=m.yaml")
    assert run_pytest(*how, m__yaml=AS_BEFORE).code == 0
    outcome = run_pytest(*how, "--odf-baseline=last", "--odf-gate", m__yaml=SLOWER)
    assert outcome.code == 0, outcome.out
    assert "Gate: NOT GATEABLE in part" in outcome.out
    cases = gate_cases(outcome)
    assert set(cases) == {"fast", "slow"}
    for text in cases.values():
        assert text.startswith("skipped: not gateable: ")
        assert "1 baseline run has 1 measurement of it, fewer than 3" in text


def test_unlike_runs_are_refused_in_one_line_before_anything_is_made_or_marked_if_that_is_forced(run_pytest):
    assert run_pytest("--odf", "--odf-matrix=m.yaml", "--odf-run-id=base", m__yaml=AS_BEFORE).code == 0
    shorter = ("--odf", "--odf-matrix=m.yaml", "--odf-baseline=base", "--odf-fio=runtime=30s")
    refused = run_pytest(*shorter)
    assert refused.code == 4
    assert (
        "ERROR: --odf-baseline: run base is not like this one (job.settings.RUNTIME: 30, not 60 "
        "(4 of 4 keys, fast:tiny:10Gi:1:random-rw:4k first)); "
        "--odf-force-compare compares them all the same, and marks it"
    ) in refused.lines
    assert {path.name for path in (refused.folder / "results").iterdir()} == {"base", "latest"}
    forced = run_pytest(*shorter, "--odf-force-compare")
    assert forced.code == 0, forced.out
    assert "  UNLIKE RUNS (--odf-force-compare): run base: job.settings.RUNTIME: 30, not 60" in forced.out
    assert "UNLIKE RUNS" in forced.page()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--odf-gate", "--odf-gate needs --odf-baseline: runs to compare with"),
        ("--odf-baseline=last", "--odf-baseline 'last': there is no run in results"),
        ("--odf-baseline=", "--odf-baseline is empty"),
    ],
)
def test_a_baseline_that_is_none_ends_in_one_line(run_pytest, option, said):
    outcome = run_pytest("--odf", "--odf-matrix=m.yaml", option, m__yaml=AS_BEFORE)
    assert outcome.code == 4, outcome.out
    assert f"ERROR: {said}" in outcome.lines
    assert not (outcome.folder / "results").exists()


def test_what_statistics_need_is_asked_for_before_anything_is_measured(run_pytest, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'scipy' else find(name, *a)\n"
    )
    outcome = run_pytest(
        "--odf",
        "--odf-matrix=m.yaml",
        "--odf-baseline=last",
        env={"PYTHONPATH": str(tmp_path)},
        m__yaml=AS_BEFORE,
    )
    assert outcome.code == 4
    assert "ERROR: --odf-baseline needs scipy: pip install 'pytest-odfperf[compare]'" in outcome.lines
