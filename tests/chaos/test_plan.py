"""Plans follow from seed and round, and reach everything that can be disturbed."""

from __future__ import annotations

from campaign.plan import FATAL, KINDS, MACHINES, draw_round


def test_the_same_seed_and_round_are_the_same_plan():
    assert draw_round(7, 3) == draw_round(7, 3)
    assert draw_round(7, 3) != draw_round(7, 4)
    assert draw_round(7, 3) != draw_round(8, 3)


def test_a_long_campaign_draws_every_kind_every_target_and_two_runs_at_once():
    rounds = [draw_round(1, number) for number in range(200)]
    attempts = [attempt for one in rounds for run in one.runs for attempt in run.attempts]
    drawn = [disturbance for attempt in attempts for disturbance in attempt.disturbances]
    assert {one.kind for one in drawn} == set(KINDS)
    assert {one.target for one in drawn if one.kind == "kill"} == {"controller", "worker", "workers", "all"}
    assert {one.signum for one in drawn if one.kind == "signal"} == {1, 2, 15}
    assert sum(len(one.runs) == 2 for one in rounds) > 10
    assert {run.machines for one in rounds for run in one.runs} == set(MACHINES)
    assert {pool for one in rounds for run in one.runs for pool in run.pools} >= set(FATAL)
    assert all(1 <= len(run.keys) <= 24 for one in rounds for run in one.runs)


def test_only_the_kinds_that_are_given_are_drawn():
    rounds = [draw_round(1, number, {"kill": 1}) for number in range(20)]
    assert {kind for one in rounds for run in one.runs for kind in run.kinds} == {"kill"}
