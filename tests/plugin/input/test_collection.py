"""One test per key: ids, order, and what pytest's own options make of them."""

from itertools import groupby

import pytest

KEYS = [
    f"{pool}:small:10Gi:{vms}:random-rw:{size}"
    for pool in ("fast", "slow")
    for vms in (1, 2)
    for size in ("4k", "64k")
]
IDS = [f"odfperf::test_storage[{key}]" for key in KEYS]


def collected(outcome):
    return [line for line in outcome.lines if "::" in line and "[" in line]


def test_each_key_is_one_test_in_the_order_of_the_matrix(run_pytest):
    outcome = run_pytest("--odf-matrix", "small.yaml", "--co", "-q")
    assert collected(outcome) == IDS
    assert outcome.code == 0


def test_ids_are_the_same_with_parallel_pools(run_pytest):
    outcome = run_pytest("--odf-parallel=2", "--odf-matrix", "small.yaml", "--co", "-q")
    assert collected(outcome) == IDS


def test_collecting_writes_nothing(run_pytest):
    outcome = run_pytest("--odf-matrix", "small.yaml", "--co", "-q", "-p", "no:cacheprovider")
    assert {path.name for path in outcome.folder.iterdir()} <= {"small.yaml", "sim.yaml"}


@pytest.mark.parametrize("hook", ["hookimpl(tryfirst=True)", "hookimpl(trylast=True)"])
def test_whoever_shuffles_the_tests_keeps_pools_groups_and_keys_in_one_piece(run_pytest, hook):
    shuffles = f"""
import random, pytest
@pytest.{hook}
def pytest_collection_modifyitems(items):
    random.Random(5).shuffle(items)
"""
    two = "def test_one(odf_result): pass\ndef test_two(odf_result): pass\n"
    outcome = run_pytest(
        "--odf-matrix", "small.yaml", "--co", "-q", "test_two.py", conftest__py=shuffles, test_two__py=two
    )
    keys = [line.partition("[")[2].rstrip("]") for line in collected(outcome)]
    assert sorted(keys) == sorted(KEYS * 2)
    assert keys != sorted(keys, key=KEYS.index)
    for part in (1, 4, 6):  # pools, groups, keys
        names = [":".join(key.split(":")[:part]) for key in keys]
        assert len(list(groupby(names))) == len(set(names))


def test_of_a_run_that_is_resumed_what_is_left_is_collected(run_pytest):
    first = run_pytest("--odf", "--odf-matrix", "sim.yaml", "--odf-pool", "fast", "-k", "64k")
    assert first.code == 0, first.out
    left = run_pytest("--odf-resume", "last", "--co", "-q")
    assert collected(left) == ["odfperf::test_storage[fast:tiny:10Gi:1:random-rw:4k]"]
    assert len(left.records()) == 1


def test_k_selects_keys(run_pytest):
    outcome = run_pytest("--odf-matrix", "small.yaml", "--co", "-q", "-k", "slow and 64k")
    assert collected(outcome) == [node for node in IDS if "slow" in node and "64k" in node]


def test_a_node_id_from_the_terminal_can_be_given_back(run_pytest):
    outcome = run_pytest("--odf-matrix", "small.yaml", "--co", "-q", IDS[3])
    assert collected(outcome) == [IDS[3]]


def test_a_users_own_test_gets_every_key_and_the_shipped_one_stays_away(run_pytest):
    outcome = run_pytest(
        "--odf-matrix", "small.yaml", "--co", "-q", "test_mine.py",
        test_mine__py="def test_oltp(odf_result): pass\ndef test_other(): pass\n",
    )  # fmt: skip
    assert collected(outcome) == [f"test_mine.py::test_oltp[{key}]" for key in KEYS]
    assert "test_mine.py::test_other" in outcome.lines


def test_a_users_own_test_is_skipped_without_the_option(run_pytest):
    outcome = run_pytest("-rs", "test_mine.py", test_mine__py="def test_oltp(odf_result): pass\n")
    assert "run with --odf or --odf-parallel" in outcome.out
    assert outcome.code == 0


def test_filters_pools_and_excludes_go_together(run_pytest):
    outcome = run_pytest(
        "--odf-matrix", "small.yaml", "--co", "-q", "--odf-pool", "fast", "--odf-filter", "*:*:*:1:*:*",
        "--odf-filter", "*:*:*:*:random-*:64k", "--odf-exclude", "*:*:*:2:*:*",
    )  # fmt: skip
    assert collected(outcome) == IDS[:2]


def test_an_extra_storage_class_is_one_more_pool(run_pytest):
    outcome = run_pytest("--odf-matrix", "small.yaml", "--co", "-q", "--odf-extra-sc", "third")
    assert len(collected(outcome)) == 12
    assert collected(outcome)[-1] == "odfperf::test_storage[third:small:10Gi:2:random-rw:64k]"


def test_the_shipped_modes_have_their_numbers_of_keys(run_pytest):
    for mode, keys in (("quick", 60), ("overview", 30), ("rank", 45)):
        assert f"{keys} tests collected" in run_pytest(f"--odf-{mode}", "--co", "-q").out
