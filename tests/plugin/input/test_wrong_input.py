"""Whatever is wrong is one line that says what is allowed, exit code 4, and nothing is written."""

import json
import os

import pytest

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.reading.load import load_matrix

WRONG = {
    "two tasks": (
        ["--odf-cleanup", "last", "--odf-compare", "a", "b"],
        "--odf-cleanup and --odf-compare exclude each other",
    ),
    "a task and a run": (
        ["--odf-compare", "a", "b", "--odf-resume", "last"],
        "--odf-compare and --odf-resume exclude each other",
    ),
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
    "columns of the table": (["--odf", "--odf-csv=orig"], "'orig' is not one of full, original"),
    "zero pools": (["--odf-parallel=0"], "0 pools can not run in parallel"),
    "negative": (["--odf-parallel=-3"], "-3 pools can not run in parallel"),
    "swallowed path": (["--odf-parallel", "test_mine.py"], "before a path write --odf-parallel=auto"),
    "no xdist": (
        ["--odf-parallel", "--odf-matrix", "small.yaml", "-p", "no:xdist"],
        "--odf runs sequentially",
    ),
    "empty value": (["--odf", "--odf-matrix", ""], "--odf-matrix is empty"),
    "empty list": (["--odf", "--odf-matrix", "small.yaml", "--odf-pool="], "--odf-pool is empty"),
    "nothing but an escape": (
        ["--odf", "--odf-matrix", "\x1b[31m\n.yaml"],
        r"matrix \x1b[31m .yaml can not be read: No such file or directory",
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


FILES = {
    "loop": (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
    "folder": (lambda path: path.mkdir(), "matrix.yaml is not a file"),
    "FIFO": (os.mkfifo, "matrix.yaml is not a file"),
    "endless": (lambda path: path.symlink_to("/dev/zero"), "matrix.yaml is not a file"),
    "bytes": (lambda path: path.write_bytes(b"a: \xff"), "matrix.yaml:1: matrix is not UTF-8 text"),
    "null": (lambda path: path.write_bytes(b"a: \x00"), "matrix.yaml: unacceptable character"),
}


def test_a_matrix_that_is_no_file_is_one_line(run_pytest, tmp_path):
    for number, (make, said) in enumerate(FILES.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(folder / "matrix.yaml")
        with pytest.raises(InputError) as raised:
            load_matrix(str(folder / "matrix.yaml"))
        assert said in str(raised.value)
    outcome = run_pytest("--odf", "--odf-matrix", "0/matrix.yaml")
    assert outcome.code == 4
    assert "Too many levels of symbolic links" in outcome.out
    assert "Traceback" not in outcome.out


def test_an_ini_setting_is_named(run_pytest):
    outcome = run_pytest(pytest__ini="[pytest]\nodf = maybe\n")
    assert outcome.code == 4
    assert "pytest.ini: invalid truth value 'maybe'" in outcome.out
    assert "odf in " in outcome.out


def test_results_that_are_no_folder(run_pytest, tmp_path):
    outcome = run_pytest("--odf", "--odf-matrix", "sim.yaml", "--odf-results", "results", results="mine")
    assert outcome.code == 4
    assert "/results is not a folder" in outcome.out
    assert (tmp_path / "results").read_text() == "mine"


def test_a_run_of_another_version_or_another_hand_is_refused(run_pytest, tmp_path):
    run = tmp_path / "results" / "run-1"
    run.mkdir(parents=True)
    (tmp_path / "results" / "latest").symlink_to("run-1")
    stored = {"schema": 1, "options": {"pools": "fast"}, "matrix": {}}
    for content, said in (
        ({"schema": 2}, "was written with schema 2; this version reads schema 1"),
        (stored, "run.json: options.pools is not a list of texts"),
        ({**stored, "options": {}}, "run.json: matrix: missing ['cluster', 'concurrency'"),
    ):
        (run / "run.json").write_text(json.dumps(content))
        outcome = run_pytest("--odf-resume", "last")
        assert outcome.code == 4
        assert said in outcome.out
        assert "Traceback" not in outcome.out
    assert [path.name for path in run.iterdir()] == ["run.json"]
