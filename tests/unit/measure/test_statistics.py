"""Intervals, coefficients of variation and order effects of a few repeats."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_odfperf.measure.statistics.rank_correlation import in_order
from pytest_odfperf.measure.statistics.spread import Spread, spread_of
from pytest_odfperf.measure.statistics.t_distribution import t_quantile, t_tail, two_sided

figures = st.lists(st.floats(1e-3, 1e9), min_size=2, max_size=12)


@pytest.mark.parametrize(
    ("share", "freedom", "quantile"),
    # Tables of Student's t.
    [(0.975, 1, 12.7062), (0.975, 2, 4.30265), (0.975, 4, 2.77645), (0.975, 9, 2.26216), (0.995, 30, 2.74999),
     (0.95, 120, 1.65765)],
)  # fmt: skip
def test_quantiles_are_those_of_the_tables(share: float, freedom: float, quantile: float) -> None:
    assert t_quantile(share, freedom) == pytest.approx(quantile, rel=1e-5)


@example(0.49999998, 285.0)
@given(st.floats(0.001, 0.999), st.floats(0.5, 500))
def test_a_quantile_has_its_share_below_it(share: float, freedom: float) -> None:
    assert 1 - t_tail(t_quantile(share, freedom), freedom) == pytest.approx(share, abs=1e-10)
    assert t_quantile(1 - share, freedom) == pytest.approx(-t_quantile(share, freedom), rel=1e-9, abs=1e-9)


def test_quantiles_and_correlations_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for freedom in (1, 2, 3, 4.7, 9, 33, 400):
        for share in (0.6, 0.9, 0.975, 0.9995):
            # scipy 1.11 itself is off by 1e-9 in the tail of one degree.
            assert t_quantile(share, freedom) == pytest.approx(stats.t.ppf(share, freedom), rel=1e-8)
            assert two_sided(share * 4, freedom) == pytest.approx(
                2 * stats.t.sf(share * 4, freedom), rel=1e-9
            )
    dice = random.Random(7)
    for count in (3, 5, 9, 20):
        values = [dice.randrange(6) for _ in range(count)]
        found = in_order(values)
        if found is not None:
            assert found.rho == pytest.approx(stats.spearmanr(range(count), values).statistic)


@given(figures)
def test_an_interval_holds_its_mean_and_follows_the_unit(values: list[float]) -> None:
    spread = spread_of(values)
    assert spread.low is not None
    assert spread.high is not None
    assert spread.low <= spread.geometric_mean * (1 + 1e-9)
    assert spread.geometric_mean <= spread.high * (1 + 1e-9)
    assert min(values) * (1 - 1e-9) <= spread.geometric_mean <= max(values) * (1 + 1e-9)
    in_other_unit = spread_of([value * 1000 for value in values])
    assert in_other_unit.geometric_mean == pytest.approx(spread.geometric_mean * 1000)
    assert in_other_unit.cv == pytest.approx(spread.cv, abs=1e-9)
    assert spread_of(list(reversed(values))).high == pytest.approx(spread.high)


def test_the_interval_covers_what_it_says_from_three_repeats_on() -> None:
    dice = random.Random(20261130)
    for count in (2, 3, 5, 10):
        runs = [spread_of([100 * math.exp(dice.gauss(0, 0.08)) for _ in range(count)]) for _ in range(4000)]
        covered = sum(bool(run.low and run.high and run.low <= 100 <= run.high) for run in runs) / len(runs)
        assert covered == pytest.approx(0.95, abs=0.012), count


@pytest.mark.parametrize(
    ("values", "grade", "why"),
    [
        ([100, 101, 99], "ok", None),
        ([100, 107, 93], "noisy", None),
        ([100, 120, 80], "not gateable", "CV 20.0%, above 10%"),
        ([100, 100], "not gateable", "2 repeats, fewer than 3"),
        ([100], "not gateable", "1 repeat, fewer than 3"),
    ],
)
def test_what_scatters_or_is_too_few_is_not_gateable(
    values: list[float], grade: str, why: str | None
) -> None:
    assert (spread_of(values).grade, spread_of(values).why_not_gateable) == (grade, why)


@pytest.mark.parametrize("values", [[], [1.0, 0.0], [-1.0], [1.0, math.inf], [math.nan]])
def test_what_has_no_logarithm_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="no geometric mean"):
        spread_of(values)


def test_a_single_value_has_no_interval() -> None:
    assert spread_of([7.5]) == Spread(count=1, geometric_mean=7.5)


def test_repeats_that_rise_one_after_the_other_are_told() -> None:
    for count, probability in ((5, 2 / 120), (7, 2 / 5040), (9, 2 / 362_880)):
        rising = in_order(range(count))
        assert rising is not None
        assert (rising.rho, rising.told) == (pytest.approx(1.0), True)
        assert rising.probability == pytest.approx(probability)
        falling = in_order([-value for value in range(count)])
        assert falling is not None
        assert falling.rho == pytest.approx(-1.0)
    assert in_order([1, 2]) is None
    assert in_order([3, 3, 3]) is None
    three = in_order([1, 2, 3])
    assert three is not None
    assert not three.told, "three in a row are one chance in three"


@given(st.lists(st.integers(0, 5), min_size=3, max_size=7))
def test_an_order_effect_is_between_minus_one_and_one_and_turns_with_the_order(values: list[int]) -> None:
    found, turned = in_order(values), in_order(list(reversed(values)))
    if found is None or turned is None:
        assert len(set(values)) == 1
        return
    assert -1 <= found.rho <= 1
    assert 0 < found.probability <= 1
    assert turned.rho == pytest.approx(-found.rho)


def test_chance_is_told_as_seldom_as_said() -> None:
    dice = random.Random(5)
    told = sum(
        effect.told
        for _ in range(5000)
        if (effect := in_order([dice.random() for _ in range(6)])) is not None
    )
    assert told / 5000 <= 0.024
