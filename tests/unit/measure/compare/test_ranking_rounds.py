"""Ranks of pools whose repeats are spread over rounds of new VMs, and of pools that were visited once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.measure.compare.compared_figures import Cell, Round, RunFigures, figures_of
from pytest_odfperf.measure.ranking.pair_difference import pair_difference
from pytest_odfperf.measure.ranking.pool_ranking import RankedPool, Ranking, rank_pools
from pytest_odfperf.measure.ranking.round_scores import levels
from pytest_odfperf.measure.verdicts.doubt import Doubt
from pytest_odfperf.report.tables.ranking_table import (
    RankingReport,
    intervals_text,
    ranking_json,
    ranking_report,
)

#: Rates by pool, then by round.
Rates = Mapping[str, Mapping[Round, Sequence[float]]]
SIZES = ("4k", "64k")


def figures(rates: Rates) -> RunFigures:
    found = RunFigures()
    for pool, own in rates.items():
        for size in SIZES:
            key = Key(pool, "small", "10Gi", 1, "random-rw", size)
            for metric, power in (("rate", 1), ("lat_p99", -1)):
                cell = Cell(key=key, section="", direction="read", metric=metric)  # type: ignore[arg-type]
                found.values[cell] = tuple(rate**power for values in own.values() for rate in values)
                found.rounds[cell] = tuple(number for number, values in own.items() for _ in values)
    return found


def ranked(rates: Rates) -> tuple[Ranking, ...]:
    found = figures(rates)
    return rank_pools(found, found.keys, {})


def simulated(
    rng: Random,
    levels: Mapping[str, float],
    rounds: int,
    repeats: int,
    *,
    drift: float = 0.0,
    group: float = 0.0,
    noise: float = 0.03,
) -> Rates:
    """``drift`` is shared by all pools of a round; ``group`` is each VM group's own."""
    shifts = [rng.gauss(0, drift) for _ in range(rounds)]
    found: dict[str, dict[Round, list[float]]] = {}
    for pool, level in levels.items():
        for number, shift in enumerate(shifts, 1):
            mean = math.log(level) + shift + rng.gauss(0, group)
            found.setdefault(pool, {})["run", number] = [
                math.exp(mean + rng.gauss(0, noise)) for _ in range(repeats)
            ]
    return found


def alike(ranking: Ranking) -> bool:
    """Whether each pool may have each rank."""
    return all((one.rank_low, one.rank_high) == (1, len(ranking.pools)) for one in ranking.pools)


@pytest.mark.parametrize(
    ("rounds", "repeats", "drift", "group"),
    [
        (2, 1, 0.15, 0.03),
        (3, 2, 0.15, 0.03),
        (3, 1, 0.03, 0.15),
        (5, 1, 0.15, 0.0),
        (5, 3, 0.0, 0.15),
        (8, 1, 0.08, 0.08),
        # One visit of each pool, with as much between groups as is assumed.
        (1, 3, 0.15, 0.03),
        (1, 20, 0.0, 0.03),
    ],
)
def test_the_same_pool_is_not_told_from_itself_more_often_than_said(
    rounds: int, repeats: int, drift: float, group: float
) -> None:
    rng, trials = Random(f"{rounds} {repeats} {drift} {group}"), 150
    pools = dict.fromkeys(("a", "b", "c"), 1000.0)
    apart = 0
    for _ in range(trials):
        rate, _ = ranked(simulated(rng, pools, rounds, repeats, drift=drift, group=group))
        apart += not alike(rate)
    # 5 %, and what chance adds to it in one of a thousand.
    assert apart <= 0.05 * trials + 3.1 * math.sqrt(0.05 * trials), apart


@pytest.mark.parametrize("drift", [0.0, 0.15])
def test_a_fifth_more_is_found_in_five_rounds_whatever_all_pools_drift_by(drift: float) -> None:
    rng, trials, found = Random(7), 60, 0
    for _ in range(trials):
        rate, _ = ranked(simulated(rng, {"a": 1000, "b": 1200}, 5, 1, drift=drift, group=0.03))
        found += [one.text for one in rate.pools] == ["1 (1-1)", "2 (2-2)"] and rate.pools[0].pool == "b"
    assert found >= 0.9 * trials, found


def test_repeats_of_one_visit_do_not_tell_what_groups_of_vms_can_differ_by() -> None:
    """However many they are, and however alike."""
    rates = {pool: {("run", 1): [level + n for n in range(9)]} for pool, level in (("a", 1000), ("b", 1080))}
    assert [one.text for one in ranked(rates)[0].pools] == ["1 (1-2)", "2 (1-2)"]
    far = {pool: {("run", 1): [level + n for n in range(9)]} for pool, level in (("a", 1000), ("b", 1250))}
    rate, p99 = ranked(far)
    assert [one.text for one in rate.pools] == ["1 (1-1)", "2 (2-2)"]
    # More is assumed of p99.
    assert (rate.intervals_from, rate.rounds) == ("assumed", 1)
    assert alike(p99)
    said = intervals_text(RankingReport(rankings=(rate, p99), composites={}))
    assert said == (
        "one group of VMs for each pool: an assumption of 3 % (rate) and 6 % (p99) stands for what changes "
        "between groups; --odf-rounds measures it"
    )
    assert ranking_json(RankingReport(rankings=(rate,), composites={}))["rankings"][0]["assumed_sd"] == 0.03


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.integers(1, 5), st.integers(1, 3))
def test_units_drift_and_the_order_of_pools_change_nothing(
    seed: int, factor: float, rounds: int, repeats: int
) -> None:
    rng = Random(seed)
    rates = simulated(rng, {"a": 900, "b": 1000, "c": 1300, "d": 1310}, rounds, repeats, group=0.03)
    # What all pools of a round share is no difference between them.
    moved = {("run", number): factor * math.exp(rng.gauss(0, 0.2)) for number in range(1, rounds + 1)}
    other = {
        pool: {number: [rate * moved[number] for rate in values] for number, values in rates[pool].items()}
        for pool in rng.sample("abcd", 4)
    }
    for one, two in zip(ranked(rates), ranked(other), strict=True):
        assert [pool.pool for pool in one.pools] == [pool.pool for pool in two.pools]
        assert [pool.text for pool in one.pools] == [pool.text for pool in two.pools]
        assert [pool.share for pool in one.pools] == pytest.approx([pool.share for pool in two.pools])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(3, 6))
def test_a_round_that_a_pool_lacks_is_not_counted_for_it_whatever_it_was_for_others(
    seed: int, pools: int, rounds: int
) -> None:
    rng = Random(seed)
    own = {f"p{number}": 1000 * 1.3**number for number in range(pools)}
    whole = simulated(rng, own, rounds, 1, drift=0.3, noise=0.0)
    gone = (rng.choice(sorted(own)), ("run", rng.randint(1, rounds)))
    rates = {
        pool: {number: values for number, values in of.items() if (pool, number) != gone}
        for pool, of in whole.items()
    }
    rate = ranked(rates)[0]
    assert rate.incomplete == {}
    assert rate.rounds == rounds - 1
    assert [one.pool for one in rate.pools] == sorted(own, reverse=True)
    assert [one.share for one in rate.pools] == pytest.approx([1.3**-number for number in range(pools)])
    assert [one.text for one in rate.pools] == [f"{n} ({n}-{n})" for n in range(1, pools + 1)]


def test_levels_are_those_of_least_squares() -> None:
    """Where pools have each round, of the means; else a round's shift is known by those that have it."""
    scores = {"a": {("r", 1): [1.0], ("r", 2): [3.0]}, "b": {("r", 1): [2.0], ("r", 2): [5.0]}}
    assert levels(scores) == {"a": 2.0, "b": 3.5}
    scores["c"] = {("r", 2): [4.5]}
    found = levels(scores)
    assert found["b"] - found["a"] == pytest.approx(1.5)
    assert found["c"] - found["b"] == pytest.approx(4.5 - fmean((3.0, 5.0)) - 0.75 + 0.25, abs=0.6)


def test_pools_without_two_rounds_in_common_are_compared_by_the_assumption() -> None:
    one = {("x", 1): [1.0], ("x", 2): [1.01], ("x", 3): [1.0]}
    two = {("y", 1): [1.3], ("y", 2): [1.31], ("y", 3): [1.3]}
    apart = pair_difference(one, two, 0.03, 0.975)
    assert (apart.source, apart.by) == ("assumed", pytest.approx(-0.3))
    assert 0.08 < apart.reach < 0.15
    # Of a single round that both have, its repeats.
    shared = pair_difference({("x", 1): [1.0, 1.1], ("x", 2): [9.0]}, {("x", 1): [1.2, 1.3]}, 0.03, 0.975)
    assert (shared.source, shared.by) == ("assumed", pytest.approx(-0.2))
    lonely = pair_difference({("x", 1): [1.0]}, {("x", 1): [2.0]}, 0.03, 0.975)
    assert (lonely.source, lonely.reach) == (None, math.inf)


def test_the_rounds_of_records_are_those_of_their_run_and_an_invalid_repeat_is_in_none(make_record) -> None:
    doubt = Doubt(code="no_io", level="invalid", text="the disk did nothing")
    records = [
        make_record(
            f"{pool}:small:10Gi:1:random-rw:4k",
            run_id=run,
            round=number,
            repeat=number or 1,
            artefacts=(pool, run, str(number)),
        )
        for pool, run in (("a", "x"), ("b", "y"))
        for number in (1, 2, 3)
    ]
    assert set(figures_of(records).rounds.values()) == {
        (("x", 1), ("x", 2), ("x", 3)),
        (("y", 1), ("y", 2), ("y", 3)),
    }
    report = ranking_report(records, [record.key for record in records], {})
    assert report.rankings[0].intervals_from == "assumed"
    assert intervals_text(report).startswith("some pools have not two rounds in common: an assumption of 3 %")
    together = [replace(record, run_id="x") for record in records]
    together[1] = replace(together[1], verdict="invalid", doubts=(doubt,))
    rate = ranking_report(together, [record.key for record in records], {}).rankings[0]
    assert (rate.intervals_from, rate.rounds, rate.repeats) == ("rounds", 2, 2)
    plain = figures_of([replace(record, round=None) for record in records[:1]])
    assert set(plain.rounds.values()) == {(("x", 1),)}


def test_metrics_that_were_measured_in_unlike_rounds_say_so() -> None:
    """A p99 of a round may rest on too few I/Os."""
    pools = (RankedPool(pool="a", rank=1, share=1.0, rank_low=1, rank_high=2),)
    known = Ranking(metric="rate", pools=pools, incomplete={}, weights={}, rounds=5, intervals_from="rounds")
    p99 = replace(known, metric="lat_p99", rounds=4)
    assert "from 4 rounds of new VMs (rate 5, p99 4)," in intervals_text(
        RankingReport(rankings=(known, p99), composites={})
    )
