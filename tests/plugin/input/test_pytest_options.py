"""Options of pytest itself mean what they mean everywhere."""

import pytest
from reruns_plugin import RERUNS

FAULTY = """
extends: sim.yaml
sandbox:
  machine: simulated
  speed: 50
  boot_s: 0.1
  clone_s: 0.1
  storage_classes:
    slow: {faults: {fio_exit: 1, block_sizes: [4k]}}
"""


def test_x_stops_after_the_first_failure_and_lf_runs_only_that(run_pytest):
    faulty = ("--odf", "--odf-matrix", "faulty.yaml", "--odf-pool", "slow")
    first = run_pytest(*faulty, "-x", faulty__yaml=FAULTY)
    assert first.code == 1, first.out
    assert len(first.records()) == 1
    again = run_pytest(*faulty, "--lf")
    assert again.code == 1, again.out
    assert [record["key"] for record in again.records()] == ["slow:tiny:10Gi:1:random-rw:4k"]


def test_after_maxfail_no_worker_begins_another_key(run_pytest):
    """xdist would let each pool run to its end."""
    more = FAULTY.replace("sim.yaml", "sim.yaml\nblock_sizes: [4k, 8k, 16k, 32k, 64k]")
    slower = ("--odf-fio", "runtime=60s")
    outcome = run_pytest(
        "--odf-parallel=2", "--odf-matrix", "faulty.yaml", *slower, "--maxfail=1", faulty__yaml=more
    )
    assert "INTERNALERROR" not in outcome.out
    assert "stopping after 1 failures" in outcome.out
    pools = [record["key"].partition(":")[0] for record in outcome.records()]
    assert "third" not in pools
    assert pools.count("fast") <= 3


def test_without_xdist_a_run_is_sequential_and_no_mark_is_unknown(run_pytest):
    outcome = run_pytest(
        "--odf", "--odf-matrix", "sim.yaml", "-p", "no:xdist", "--strict-markers", "--durations=1",
        "-k", "fast and not 64k",
    )  # fmt: skip
    assert outcome.code == 0, outcome.out
    assert "PytestUnknownMarkWarning" not in outcome.out
    assert "slowest 1 durations" in outcome.out
    assert len(outcome.records()) == 1


def test_a_resume_that_leaves_out_a_failed_key_still_shows_it(run_pytest):
    first = run_pytest("--odf", "--odf-matrix", "faulty.yaml", "--odf-pool", "slow", faulty__yaml=FAULTY)
    assert first.code == 1, first.out
    resumed = run_pytest("--odf-resume", "last", "-k", "no-such-key")
    cases = {case.get("name"): case for case in resumed.cases()}
    failed = cases["test_storage[slow:tiny:10Gi:1:random-rw:4k]"]
    # fio failed: trouble of the environment, in this session as in the one that saw it.
    assert failed.find("error") is not None
    assert len(cases["test_storage[slow:tiny:10Gi:1:random-rw:64k]"]) == 1
    assert "not run again in this session" in (resumed.run / "junit.xml").read_text()


def test_a_failed_key_that_is_run_again_is_measured_again(run_pytest):
    two = "def test_one(odf_result): pass\ndef test_two(odf_result): pass\n"
    outcome = run_pytest(
        "--odf", "--odf-matrix", "faulty.yaml", "--odf-pool", "slow", "test_two.py",
        faulty__yaml=FAULTY, test_two__py=two, conftest__py=RERUNS,
    )  # fmt: skip
    assert outcome.code == 1, outcome.out
    log = (outcome.run / "slow" / "pool.log").read_text()
    # Each test of the key that fails twice; those of the other share one measurement.
    assert log.count(":4k: starting fio in 1 guest,") == 3
    assert log.count(":64k: starting fio in 1 guest,") == 1
    assert len(outcome.records()) == 6


@pytest.mark.parametrize(
    ("options", "dist"),
    [
        (("--odf-parallel=2",), "loadgroup"),
        (("-o", "odf_parallel=2"), "loadgroup"),
        (("--odf-parallel=2", "-n0"), "no"),
        (("--odf-parallel=2", "--pdb"), "no"),
        (("--odf",), "no"),
        ((), "no"),
    ],
)
def test_plugins_that_look_early_see_that_there_will_be_workers(run_pytest, options, dist):
    """pytest-cov decides so early how it follows workers, and is broken by those that come later."""
    early = """
def pytest_load_initial_conftests(early_config):
    with open("early.txt", "w") as file:
        file.write(early_config.known_args_namespace.dist)
"""
    outcome = run_pytest(*options, "--markers", "-p", "early", early__py=early)
    assert outcome.code == 0, outcome.out
    assert (outcome.folder / "early.txt").read_text() == dist
