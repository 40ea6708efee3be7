"""The laws of a ranking: what makes a pool higher, and what never does."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.compared_figures import Cell, RunFigures, figures_of
from pytest_odfperf.measure.ranking.pool_ranking import Ranking, rank_pools
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.report.tables.ranking_table import (
    COLUMNS,
    RankingReport,
    ranking_csv,
    ranking_lines,
    ranking_report,
)

Values = Mapping[tuple[str, str, str], Sequence[float]]


def key(pool: str, profile: str = "random-rw", block_size: str = "4k") -> Key:
    return Key(pool, "small", "10Gi", 1, profile, block_size)


def cell(pool: str, profile: str, block_size: str, metric: str = "rate") -> Cell:
    return Cell(key=key(pool, profile, block_size), section="", direction="read", metric=metric)  # type: ignore[arg-type]


def figures(values: Values) -> RunFigures:
    """Rates by pool, profile and block size; each with a p99 that falls as the rate rises."""
    found = RunFigures()
    for (pool, profile, size), rates in values.items():
        found.values[cell(pool, profile, size)] = tuple(rates)
        found.values[cell(pool, profile, size, "lat_p99")] = tuple(1e9 / rate for rate in rates)
    return found


def ranked(values: Values, weights: Mapping[str, float] | None = None) -> tuple[Ranking, ...]:
    return rank_pools(figures(values), [key(*place) for place in values], weights or {})


def order(ranking: Ranking) -> list[str]:
    return [one.pool for one in ranking.pools]


def test_pools_are_in_the_order_of_their_figures_with_intervals_that_do_not_meet() -> None:
    rng = Random(1)
    rates = {f"p{rate}": rate for rate in (200, 500, 1000, 2000)}
    values = {
        (pool, "random-rw", size): [rate * math.exp(rng.gauss(0, 0.003)) for _ in range(3)]
        for pool, rate in rates.items()
        for size in ("4k", "64k")
    }
    for ranking in ranked(values):
        assert order(ranking) == ["p2000", "p1000", "p500", "p200"]
        assert [one.text for one in ranking.pools] == ["1 (1-1)", "2 (2-2)", "3 (3-3)", "4 (4-4)"]
        assert (ranking.figures, ranking.repeats) == (2, 3)


def test_pools_that_are_the_same_are_not_told_apart_more_often_than_said() -> None:
    rng = Random(2)
    apart = 0
    for _ in range(300):
        values = {
            (pool, "random-rw", "4k"): [1000 * math.exp(rng.gauss(0, 0.05)) for _ in range(4)]
            for pool in ("a", "b", "c", "d")
        }
        rate, _ = ranked(values)
        apart += any((one.rank_low, one.rank_high) != (1, 4) for one in rate.pools)
    # 5 % of 300, and what chance adds to it in one of a thousand.
    assert apart <= 15 + 3.1 * math.sqrt(15)


def test_the_same_pool_twice_is_not_told_apart_though_its_repeats_are_alike_to_the_last_digit() -> None:
    values = {(pool, "random-rw", "4k"): [1000.0 + (pool == "b")] * 3 for pool in ("a", "b")}
    assert [one.text for one in ranked(values)[0].pools] == ["1 (1-2)", "2 (1-2)"]


def test_without_repeats_it_is_said_that_nothing_is_known_of_the_ranks() -> None:
    report = ranking_report([], [], {})
    assert not report.there
    rankings = ranked({("a", "random-rw", "4k"): [1000.0], ("b", "random-rw", "4k"): [500.0]})
    assert [one.text for one in rankings[0].pools] == ["1", "2"]
    lines = ranking_lines(RankingReport(rankings=rankings, composites={}))
    assert any("without repeats nothing is known" in line for line in lines)


@given(st.data(), st.integers(2, 5), st.integers(2, 6))
def test_a_pool_that_lacks_anything_has_no_rank_whatever_else_it_has(
    data: st.DataObject, pools: int, sizes: int
) -> None:
    """Neither its own rank rises, nor is another's score made of fewer figures."""
    rates = st.floats(1, 1e6)
    values: dict[tuple[str, str, str], list[float]] = {
        (f"p{pool}", "random-rw", f"{size}k"): [data.draw(rates)]
        for pool in range(pools)
        for size in range(1, sizes)
    }
    selected = [key(*place) for place in values]
    gone = data.draw(st.sets(st.sampled_from(list(values)), min_size=1, max_size=len(values) - 1))
    kept = figures({place: rates for place, rates in values.items() if place not in gone})
    for ranking in rank_pools(kept, selected, {}):
        measured = {size for pool, _, size in values if (pool, "random-rw", size) not in gone}
        whole = {f"p{pool}" for pool in range(pools)} - {pool for pool, _, size in gone if size in measured}
        assert set(order(ranking)) == whole
        assert set(ranking.incomplete) == {f"p{pool}" for pool in range(pools)} - whole
        assert ranking.figures == len(measured)


def test_an_invalid_result_is_as_good_as_none(make_record) -> None:
    doubt = Doubt(code="no_io", level="invalid", text="the disk did nothing")
    records = [
        make_record(f"{pool}:small:10Gi:1:random-rw:{size}", artefacts=(pool, size))
        for pool in "ab"
        for size in ("4k", "8k")
    ]
    records[0] = replace(records[0], verdict="invalid", doubts=(doubt,))
    report = ranking_report(records, [record.key for record in records], {})
    rate = report.rankings[0]
    assert order(rate) == ["b"]
    assert rate.incomplete == {"a": ("small:10Gi:1:random-rw:4k read",)}
    assert "incomplete" in "\n".join(ranking_lines(report))
    assert figures_of(records).invalid == {records[0].key: "no_io"}


def test_two_tests_of_one_measurement_are_no_repeats(make_record) -> None:
    twice = [make_record(test="a"), make_record(test="b")]
    assert {len(values) for values in figures_of(twice).values.values()} == {1}


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_units_or_on_the_order_of_the_pools(
    factor: float, other: float, rng: Random
) -> None:
    values = {
        (pool, profile, "4k"): [rng.uniform(100, 10_000)]
        for pool in "abc"
        for profile in ("random-rw", "oltp")
    }
    scale = {"random-rw": factor, "oltp": other}
    scaled = {place: [rate * scale[place[1]] for rate in rates] for place, rates in values.items()}
    backwards = dict(reversed(list(scaled.items())))
    # Equal but for the last digit may change places.
    near = any(
        math.isclose(one.share, two.share, rel_tol=1e-6)
        for one, two in combinations(ranked(values)[0].pools, 2)
    )
    assert near or order(ranked(values)[0]) == order(ranked(scaled)[0]) == order(ranked(backwards)[0])


def test_a_profile_of_many_block_sizes_weighs_as_one_unless_the_matrix_says_otherwise() -> None:
    sizes = [f"{2**n}k" for n in range(9)]
    values = {("a", "wide", size): [110.0] for size in sizes} | {
        ("b", "wide", size): [100.0] for size in sizes
    }
    values |= {("a", "narrow", "4k"): [100.0], ("b", "narrow", "4k"): [150.0]}
    assert order(ranked(values)[0]) == ["b", "a"]
    assert order(ranked(values, {"wide": 9.0})[0]) == ["a", "b"]


def test_a_p99_that_too_few_ios_carry_is_left_out_for_all_and_is_no_fault_of_the_pool() -> None:
    found = figures({(pool, "random-rw", size): [100.0] for pool in "ab" for size in ("4k", "1M")})
    del found.values[cell("a", "random-rw", "1M", "lat_p99")]
    rate, p99 = rank_pools(found, found.keys, {})
    assert (rate.figures, rate.incomplete, rate.left_out) == (2, {}, 0)
    assert (p99.figures, p99.incomplete, p99.left_out) == (1, {}, 1)


def test_what_only_one_pool_was_to_measure_is_not_compared() -> None:
    values = {("a", "random-rw", "4k"): [1.0], ("b", "random-rw", "4k"): [2.0], ("a", "oltp", "4k"): [100.0]}
    ranking = ranked(values)[0]
    assert (order(ranking), ranking.figures, ranking.incomplete) == (["b", "a"], 1, {})
    assert ranked({("a", "random-rw", "4k"): [1.0], ("b", "oltp", "4k"): [2.0]}) == ()
    assert ranked({("a", "random-rw", "4k"): [1.0]}) == ()


def test_the_table_has_a_row_for_each_score_and_pool() -> None:
    values = {(pool, "random-rw", "4k"): [rate, rate] for pool, rate in (("a", 1.0), ("b", 2.0))}
    report = RankingReport(rankings=ranked(values), composites={})
    rows = list(csv.DictReader(io.StringIO(ranking_csv(report))))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["score"], row["storage_pool"], row["rank"], row["rank_low"]) for row in rows[:2]] == [
        ("rate", "b", "1", "1"),
        ("rate", "a", "2", "2"),
    ]
    assert float(rows[1]["share_of_best"]) == pytest.approx(0.5)
