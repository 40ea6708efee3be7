"""Whatever is wrong is one line that says what is allowed, exit code 4, and nothing is written."""

import pytest

WRONG = {
    "two modes": (["--odf-quick", "--odf-rank"], "--odf-quick and --odf-rank exclude each other"),
    "mode and file": (
        ["--odf-rank", "--odf-matrix", "small.yaml"],
        "--odf-rank and --odf-matrix exclude each other",
    ),
    "no such matrix": (["--odf-matrix", "none.yaml"], "none.yaml"),
    "unknown pool": (["--odf-matrix", "small.yaml", "--odf-pool", "fst"], "fast"),
    "fields": (["--odf-matrix", "small.yaml", "--odf-filter", "fast:*"], "has 2 fields, not 6"),
    "no key": (["--odf-matrix", "small.yaml", "--odf-filter", "x:*:*:*:*:*"], "matches no key"),
    "fio setting": (["--odf-matrix", "small.yaml", "--odf-fio", "depth=3"], "iodepth"),
    "cluster": (["--odf-matrix", "small.yaml", "--odf-cluster", "moon"], "known: kubeconfig, sandbox"),
    "nothing to resume": (["--odf-resume", "last"], "there is no run to resume in results"),
    "unknown run": (["--odf-resume", "perf-1"], "run 'perf-1' is not in results (known: none)"),
    "run id": (["--odf-matrix", "small.yaml", "--odf-run-id", "../../etc"], "run id '../../etc'"),
    "zero pools": (["--odf-parallel=0"], "0 pools can not run in parallel"),
    "negative": (["--odf-parallel=-3"], "-3 pools can not run in parallel"),
    "swallowed path": (["--odf-parallel", "test_mine.py"], "before a path write --odf-parallel=auto"),
    "no xdist": (
        ["--odf-parallel", "--odf-matrix", "small.yaml", "-p", "no:xdist"],
        "--odf runs sequentially",
    ),
    "other distribution": (
        ["--odf-parallel=2", "--odf-matrix", "small.yaml", "--dist", "worksteal"],
        "--dist loadgroup, not by --dist worksteal",
    ),
}


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG.keys())
def test_it_ends_in_one_line_and_code_4(run_pytest, arguments, said):
    outcome = run_pytest(*arguments)
    assert said in outcome.out
    assert outcome.code == 4
    assert "Traceback" not in outcome.out
    assert not (outcome.folder / "results").exists()


def test_without_a_cluster_both_remedies_are_named(run_pytest):
    outcome = run_pytest("--odf-parallel", "--odf-matrix", "small.yaml")
    assert outcome.code == 4
    assert "log in" in outcome.out
    assert "--odf-cluster sandbox" in outcome.out
    assert "Traceback" not in outcome.out
    assert not (outcome.folder / "results").exists()


def test_a_matrix_error_names_file_and_line(run_pytest):
    outcome = run_pytest("--odf-matrix", "bad.yaml", bad__yaml="extends: quick\npools: [rep2, rep9]\n")
    assert "bad.yaml:2" in outcome.out
    assert outcome.code == 4
