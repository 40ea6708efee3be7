"""What fails a run, and what must not: the rule, and its rates of error on simulated runs."""

from __future__ import annotations

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.compared_figures import Cell, RunFigures
from pytest_odfperf.measure.compare.confirm_plan import CONFIRM_REPEATS, ConfirmPlan
from pytest_odfperf.measure.compare.gate_rule import (
    MOST_FLAGGED,
    GatedCell,
    decide,
    not_gateable,
    plan_confirm,
)
from pytest_odfperf.measure.compare.run_comparison import compare
from pytest_odfperf.report.comparison_text import ComparisonReport, GateReport, comparison_lines


def cell(pool: int, size: int, concurrency: int = 1) -> Cell:
    key = Key(f"p{pool}", "s", "1Gi", concurrency, "random-rw", f"{size}k")
    return Cell(key=key, section="", direction="read", metric="rate")


CELLS = tuple(cell(pool, size) for pool in range(2) for size in range(1, 11))


def run(
    rng: np.random.Generator,
    ratio: dict[Cell, float],
    repeats: int = 5,
    day: float = 1.0,
    noise: float = 0.02,
) -> RunFigures:
    return RunFigures(
        values={
            one: tuple(day * ratio.get(one, 1.0) * 1000 * np.exp(rng.normal(0, noise, repeats)))
            for one in CELLS
        }
    )


def gated(
    ratio: dict[Cell, float],
    *,
    sessions: int = 3,
    again: dict[Cell, float] | None = None,
    day: float = 1.0,
    noise: float = 0.02,
) -> tuple[GatedCell, ...]:
    """``again``: what measuring again finds instead; ``day``: what all keys do then."""
    rng = np.random.default_rng(3)
    baselines = [run(rng, {}) for _ in range(sessions)]
    current = run(rng, ratio)
    comparison = compare(current, baselines)
    plan = plan_confirm(comparison)
    confirm = run(rng, ratio if again is None else again, CONFIRM_REPEATS, day, noise)
    return decide(comparison, plan, current, confirm, baselines)


def test_a_key_that_is_slower_each_time_fails_the_run() -> None:
    (found,) = gated({CELLS[0]: 0.75})
    assert (found.cell, found.outcome, found.repeats, found.controls) == (CELLS[0], "confirmed", 5, 3)
    assert found.low < 0.75 < found.high < 1 / found.floor
    assert found.baseline == pytest.approx(1000, rel=0.03)


def test_a_key_that_is_as_fast_as_before_when_measured_again_does_not() -> None:
    (found,) = gated({CELLS[0]: 0.75}, again={})
    assert found.outcome == "not confirmed"


def test_controls_that_moved_too_are_the_environment_and_not_the_key() -> None:
    (found,) = gated({CELLS[0]: 0.75}, day=0.7)
    assert found.outcome == "environment shift"
    assert found.control_ratio == pytest.approx(0.7, rel=0.05)


def test_what_the_controls_lost_is_no_loss_of_the_key() -> None:
    """10 % less, of which the day has 5."""
    (found,) = gated({CELLS[0]: 0.75}, again={CELLS[0]: 0.95}, day=0.95)
    assert found.outcome == "not confirmed"
    assert found.ratio == pytest.approx(0.95, abs=0.02)


def test_repeats_that_scatter_decide_nothing_and_do_not_pass() -> None:
    (found,) = gated({CELLS[0]: 0.75}, noise=0.4)
    assert found.outcome == "not gateable"
    assert "too noisy: CV" in found.why


def test_a_pool_that_is_slower_as_a_whole_has_controls_in_others_and_none_where_there_is_no_other() -> None:
    slow = {one: 0.75 for one in CELLS if one.key.pool == "p0"}
    found = gated(slow)
    assert {one.outcome for one in found} == {"confirmed"}
    assert {one.cell for one in found} == set(slow)
    alone = gated(dict.fromkeys(CELLS, 0.75))
    assert {one.outcome for one in alone} == {"confirmed"}
    assert {one.controls for one in alone} == {0}


@pytest.mark.parametrize(
    ("repeats", "sessions", "decides"), [(1, 1, False), (1, 2, False), (1, 3, True), (3, 1, True)]
)
def test_a_baseline_without_repeats_decides_nothing_and_that_is_said(
    repeats: int, sessions: int, decides: bool
) -> None:
    rng = np.random.default_rng(5)
    baselines = [run(rng, {}, repeats) for _ in range(sessions)]
    comparison = compare(run(rng, {CELLS[0]: 0.5}), baselines)
    plan = plan_confirm(comparison)
    silent = not_gateable(comparison, plan)
    assert (CELLS[0].key in plan.flagged) == decides
    assert (str(CELLS[0].key) in silent) != decides
    if not decides:
        assert set(silent) == {str(one.key) for one in CELLS}
        report = ComparisonReport(
            comparison=comparison, run="now", runs=("a",), gate=GateReport(not_gateable=silent)
        )
        text = "\n".join(comparison_lines(report))
        assert "Gate: NOT GATEABLE in part" in text
        assert "fewer than 3" in text


def test_the_worst_thirty_are_measured_again_and_the_rest_is_said() -> None:
    rng = np.random.default_rng(6)
    cells = [cell(pool, size) for pool in range(2) for size in range(1, 41)]

    def one(ratio: float) -> RunFigures:
        level = {c: ratio if c.key.pool == "p0" else 1.0 for c in cells}
        return RunFigures(values={c: tuple(level[c] * np.exp(rng.normal(7, 0.01, 5))) for c in cells})

    comparison = compare(one(0.6), [one(1.0) for _ in range(3)])
    plan = plan_confirm(comparison)
    assert len(plan.flagged) == MOST_FLAGGED
    assert len(plan.left_over) == 10
    assert {str(key) for key in plan.left_over} <= set(not_gateable(comparison, plan))


@given(st.integers(1, 6), st.integers(0, 4))
def test_blocks_have_each_key_once_in_turns_that_run_both_ways(flagged: int, controls: int) -> None:
    """Drift over the blocks falls on flagged keys and controls alike."""
    keys = [cell(0, size, 1 + size % 2).key for size in range(1, flagged + controls + 1)]
    plan = ConfirmPlan(
        flagged=tuple(keys[:flagged]),
        controls={keys[0]: tuple(keys[flagged:])},
        not_gateable={},
    )
    blocks = plan.blocks
    assert len(blocks) == CONFIRM_REPEATS
    for number, block in enumerate(blocks):
        assert sorted(block) == sorted(keys)
        assert block == (blocks[0] if number % 2 == 0 else blocks[0][::-1])
        # A group is made once in a block.
        groups = [key.group for key in block]
        assert sum(a != b for a, b in pairwise(groups)) == len(set(groups)) - 1


@pytest.fixture(scope="module")
def gate_errors() -> ModuleType:
    path = Path(__file__).parents[3] / "bench" / "gate_errors.py"
    spec = importlib.util.spec_from_file_location("gate_errors", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gate_errors"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("sessions", [1, 5])
def test_runs_in_which_nothing_changed_pass_and_a_loss_of_a_quarter_is_found(
    gate_errors: ModuleType, sessions: int
) -> None:
    """The laws of docs/comparing.md on a small sample; the table there is of 200 runs a row."""
    alike = gate_errors.measure(15, 7, sessions, gate_errors.PLANTED, 0.0)
    assert alike.alarmed["gate"] == 0
    assert alike.false["screening"] <= 3
    assert alike.false["fixed 10 %"] > 3 * max(1, alike.false["screening"]) or sessions > 1
    found = gate_errors.measure(6, 7, sessions, gate_errors.PLANTED, 0.25)
    assert found.found["gate"] >= 0.85 * 6 * len(gate_errors.PLANTED)
    assert found.alarmed["gate"] == 0
    pool = gate_errors.measure(2, 7, sessions, gate_errors.POOL, 0.25)
    assert pool.found["gate"] >= 0.8 * 2 * len(gate_errors.POOL)
