"""The laws of a comparison: what must be told, what must not, and what makes a conclusion weaker."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.compared_figures import Cell, RunFigures, figures_of
from pytest_odfperf.measure.compare.multiplicity import rejected, rejected_in_families, simes
from pytest_odfperf.measure.compare.run_comparison import Comparison, compare
from pytest_odfperf.measure.compare.variance_shrinkage import shrink
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.report.comparison_text import ComparisonReport, comparison_json, comparison_lines
from pytest_odfperf.report.run_page.compared.comparison_section import comparison_section

CELLS = tuple(
    Cell(
        key=Key(f"p{pool}", "s", "1Gi", 1, f"f{profile}", f"{size}k"),
        section="",
        direction="read",
        metric="rate",
    )
    for pool in range(2)
    for profile in range(3)
    for size in range(1, 6)
)
Shift = Callable[[Cell], float]


def run(
    rng: np.random.Generator,
    repeats: int = 5,
    *,
    session_sd: float = 0.02,
    noise: float = 0.03,
    ratio: Shift = lambda _: 1.0,
    cells: Sequence[Cell] = CELLS,
) -> RunFigures:
    shift = rng.normal(0, session_sd)
    return RunFigures(
        values={
            cell: tuple(ratio(cell) * 1000 * np.exp(shift + rng.normal(0, noise, repeats))) for cell in cells
        }
    )


def outcomes(comparison: Comparison) -> dict[Cell, str]:
    return {one.cell: one.outcome for one in comparison.cells}


def slow(factor: float) -> Shift:
    return lambda cell: factor if cell.key.pool == "p0" else 1.0


@pytest.mark.parametrize("sessions", [1, 5])
@pytest.mark.parametrize("factor", [0.75, 1.35])
def test_a_pool_that_changed_is_found_as_pool_as_pattern_and_in_its_keys(
    sessions: int, factor: float
) -> None:
    rng = np.random.default_rng(1)
    found = compare(run(rng, ratio=slow(factor)), [run(rng) for _ in range(sessions)])
    word = "worse" if factor < 1 else "better"
    for cell, outcome in outcomes(found).items():
        assert (outcome == word) == (cell.key.pool == "p0"), cell
    told = {(one.pool, one.pattern): one for one in found.families}
    assert len(told) == 2 + 6
    for (pool, _), one in told.items():
        assert (one.outcome == word) == (pool == "p0")
        assert pool != "p0" or one.low < factor < one.high


def test_a_latency_that_rises_is_worse_and_one_that_falls_is_better() -> None:
    rng = np.random.default_rng(2)
    cells = [replace(cell, metric="lat_p99") for cell in CELLS]
    for factor, word in ((1.5, "worse"), (0.6, "better")):
        found = compare(run(rng, cells=cells, ratio=slow(factor)), [run(rng, cells=cells) for _ in range(5)])
        assert {outcome for cell, outcome in outcomes(found).items() if cell.key.pool == "p0"} == {word}


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 5))
@settings(max_examples=40)
def test_a_run_against_itself_is_never_better_or_worse(seed: int, sessions: int, repeats: int) -> None:
    """The figures of one baseline session, once more as the current one."""
    rng = np.random.default_rng(seed)
    baselines = [run(rng, repeats, session_sd=0.0) for _ in range(sessions)]
    found = compare(baselines[0], baselines)
    assert not {"better", "worse"} & set(outcomes(found).values())


def test_the_same_storage_that_is_measured_well_shows_no_difference() -> None:
    rng = np.random.default_rng(3)
    found = compare(run(rng, noise=0.01, session_sd=0.005), [run(rng, noise=0.01, session_sd=0.005)])
    assert set(outcomes(found).values()) == {"no difference shown"}


def test_few_noisy_repeats_are_inconclusive_and_not_alike() -> None:
    rng = np.random.default_rng(4)
    found = compare(run(rng, 2, noise=0.25), [run(rng, 2, noise=0.25)])
    assert set(outcomes(found).values()) == {"inconclusive"}
    assert found.noise_of("rate").session_assumed


def test_a_day_on_which_all_pools_differ_a_little_is_no_regression_of_every_key() -> None:
    """Repeats within a session say nothing of sessions: 3 % would be far beyond their noise."""
    rng = np.random.default_rng(5)
    quiet = [run(rng, 10, session_sd=0.03, noise=0.005) for _ in range(6)]
    found = compare(quiet[0], quiet[1:])
    assert "worse" not in outcomes(found).values()
    assert found.noise_of("rate").session_sd > 0.015


@given(st.floats(0.5, 2.0), st.integers(0, 1000))
@settings(max_examples=25)
def test_units_do_not_matter(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = run(rng, ratio=slow(0.8)), [run(rng) for _ in range(3)]
    scaled = compare(_scaled(one, scale), [_scaled(figures, scale) for figures in other])
    for before, after in zip(compare(one, other).cells, scaled.cells, strict=True):
        assert (before.cell, before.outcome) == (after.cell, after.outcome)
        assert before.ratio == pytest.approx(after.ratio)
        assert before.low == pytest.approx(after.low)


def _scaled(figures: RunFigures, scale: float) -> RunFigures:
    return RunFigures(
        values={cell: tuple(scale * value for value in values) for cell, values in figures.values.items()}
    )


def test_more_sessions_and_more_repeats_make_intervals_narrower() -> None:
    rng = np.random.default_rng(6)
    base = [run(rng, 5, session_sd=0.03, noise=0.08) for _ in range(12)]

    def width(sessions: int, repeats: int) -> float:
        now = run(np.random.default_rng(7), repeats, session_sd=0.0, noise=0.08)
        return float(np.mean([math.log(one.high / one.low) for one in compare(now, base[:sessions]).cells]))

    assert all(wide > narrow for wide, narrow in pairwise(width(n, 5) for n in (2, 5, 12)))
    assert all(wide > narrow for wide, narrow in pairwise(width(5, n) for n in (1, 3, 10)))


def test_invalid_results_never_enter_and_suspect_ones_are_told(make_record) -> None:
    doubts = tuple(Doubt(code=code, level="invalid", text=code) for code in ("no_io", "cached"))
    good = make_record("rep3:small:150Gi:1:random-rw:4k", artefacts=("a",))
    bad = replace(
        make_record("rep3:small:150Gi:1:random-rw:8k", artefacts=("b",)), verdict="invalid", doubts=doubts
    )
    odd = replace(
        make_record("rep3:small:150Gi:1:random-rw:1M", artefacts=("c",)), verdict="suspect", doubts=doubts[:1]
    )
    baseline = figures_of([good, replace(bad, verdict="valid", doubts=()), odd])
    found = compare(figures_of([good, bad, odd]), [baseline])
    assert {one.cell.key for one in found.cells} == {good.key, odd.key}
    assert found.refused == {bad.key: "invalid (no_io; cached)"}
    assert {one.suspect for one in found.cells if one.cell.key == odd.key} == {"no_io"}
    text = "\n".join(comparison_lines(ComparisonReport(comparison=found, run="now", runs=("base",))))
    assert "not compared: rep3:small:150Gi:1:random-rw:8k: invalid (no_io; cached)" in text
    assert "1 of the keys have a suspect result" in text
    # One that was invalid in one of several baseline runs has the others.
    others = compare(figures_of([good, odd]), [baseline, figures_of([good, bad, odd])])
    assert not others.refused


def test_keys_of_one_run_only_are_told_and_nothing_in_common_is_no_error() -> None:
    rng = np.random.default_rng(8)
    found = compare(run(rng, cells=CELLS[:3]), [run(rng, cells=CELLS[2:5])])
    assert (len(found.cells), len(found.only_current), len(found.only_baseline)) == (1, 2, 2)
    nothing = compare(run(rng, cells=CELLS[:1]), [run(rng, cells=CELLS[1:2])])
    lines = comparison_lines(ComparisonReport(comparison=nothing, run="now", runs=("a",)))
    assert "  nothing is compared: no key has a valid result in both" in lines


def test_the_report_is_plain_json_and_its_html_has_no_names_as_they_came() -> None:
    rng = np.random.default_rng(9)
    found = compare(run(rng, ratio=slow(0.7)), [run(rng)])
    hostile = "<script>alert(1)</script>"
    report = ComparisonReport(comparison=found, run="now", runs=(hostile,), unlike=(hostile,))
    plain = json.loads(json.dumps(comparison_json(report), allow_nan=False))
    assert plain["keys"][0]["outcome"] == "worse"
    assert {one["pool"] for one in plain["families"]} == {"p0", "p1"}
    assert "<script>" not in str(comparison_section(plain).body)


def test_variances_are_drawn_together_as_far_as_they_are_alike() -> None:
    """Against scipy's own draws: the prior is found, and shrunk variances are nearer to the truth."""
    rng = np.random.default_rng(10)
    truth = 0.01 * 8 / rng.chisquare(8, 2000)
    df = np.full(2000, 4.0)
    sample = truth * rng.chisquare(4, 2000) / 4
    found = shrink(sample, df, 1.0, 4.0)
    assert found.prior == pytest.approx(0.01, rel=0.1)
    assert found.prior_df == pytest.approx(8, rel=0.25)
    errors = [float(np.abs(np.log(v / truth)).mean()) for v in (found.variance, sample)]
    assert errors[0] < 0.7 * errors[1]
    # What was not measured has the prior alone.
    assert shrink(sample, np.zeros(2000), 1.0, 4.0).variance == pytest.approx(1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0.01, 0.5))
def test_what_is_rejected_agrees_with_scipy_and_families_reject_no_more_than_all_at_once(
    p_values: list[float], q: float
) -> None:
    named = dict(enumerate(p_values))
    adjusted = stats.false_discovery_control(p_values)
    # Where a float decides, both may be right.
    assume(not any(math.isclose(one, q, rel_tol=1e-9) for one in adjusted))
    assert rejected(named, q) == {name for name in named if adjusted[name] <= q}
    assert rejected_in_families(named, dict.fromkeys(named, "one"), q) == rejected(named, q)
    assert simes(p_values) == pytest.approx(float(min(adjusted)))


@given(st.data(), st.integers(1, 5))
@settings(max_examples=40)
def test_whatever_runs_lack_each_figure_that_two_have_is_compared(data: st.DataObject, sessions: int) -> None:
    """No session needs to have all keys, nor any key all sessions; nothing is nan."""
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    some = st.sets(st.sampled_from(CELLS), min_size=1, max_size=8)
    runs = [
        run(rng, data.draw(st.integers(1, 3)), cells=sorted(data.draw(some))) for _ in range(sessions + 1)
    ]
    found = compare(runs[0], runs[1:])
    assert set(outcomes(found)) == set(runs[0].values) & {cell for one in runs[1:] for cell in one.values}
    for one in (*found.cells, *found.families):
        assert 0 < one.low <= one.ratio <= one.high < math.inf
        assert 0 <= one.p_value <= 1
