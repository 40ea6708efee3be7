"""The lies that need no VMs, and some clean results: what `make lies` does in full, in a few seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
from lies import clean, in_process, page, real_lies, simulated_runs
from lies.lie import Lie, caught
from lies.simulated_lies import SIMULATED

#: Told by one guest or group alone; the others take a cluster.
ALONE = [lie for lie in SIMULATED if lie.setting == "usual"]


def test_lies_are_caught_for_what_is_wrong_with_them() -> None:
    heard = in_process.tell(map(in_process.case_of, ALONE))
    missed = {lie.name: heard[lie.name] for lie in ALONE if not caught(lie, heard[lie.name])}
    assert len(ALONE) >= 60
    assert len(missed) <= 0.05 * len(ALONE), missed


def test_clean_results_are_believed() -> None:
    heard = in_process.tell(in_process.clean_cases(clean.CLASSES, 40)).values()
    doubted = {one.name: (one.codes, one.text) for one in heard if one.doubted}
    assert len(doubted) <= 0.02 * len(heard), doubted


@pytest.mark.parametrize("name", ["all-times-ten", "other-writer", "nothing"])
def test_a_lie_that_nobody_tells_is_not_caught(name: str) -> None:
    """The table can fail: the same guests without their fault are believed."""
    lie = Lie(name=name, says="the truth", family="none", right=frozenset({"bytes_missing"}))
    heard = in_process.tell([in_process.case_of(lie)])[name]
    assert (heard.verdict, caught(lie, heard)) == ("valid", False)


def test_whole_runs_hear_the_same(tmp_path: Path) -> None:
    names = ("other-block-size", "ram", "mean", "late-guest", "slow-guest", "zeros", "drift-down")
    told = [lie for lie in ALONE if lie.name in names]
    honest = Lie(name="honest", says="the truth", family="none", right=frozenset())
    heard = simulated_runs.tell(tmp_path, [*told, honest])
    assert {lie.name for lie in told if caught(lie, heard[lie.name])} == set(names)
    assert heard["honest"].verdict == "valid"


def test_the_page_has_each_lie_once_and_misses_few() -> None:
    every = [lie.name for lie in SIMULATED] + [one.lie.name for one in real_lies.ALL]
    assert sorted(page.named_on_page()) == sorted(every)
    assert len(set(every)) == len(every) >= 45
    assert page.missed_on_page() <= 0.05 * len(every)
