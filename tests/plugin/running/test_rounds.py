"""``--odf-rounds``: repeats spread over rounds, each with all pools in an order of its own and new VMs."""

from __future__ import annotations

import json
import os
import signal
from itertools import groupby
from typing import Any

import pytest

from pytest_odfperf.schedule.repeat_blocks import places
from tests.plugin.conftest import SMALL

POOLS = ("fast", "slow")


def order(seed: int, number: int, pools: tuple[str, ...] = POOLS) -> list[str]:
    """The pools of a round in their order."""
    place = places(seed, number, pools)
    return sorted(pools, key=lambda pool: place[pool])


def visits(records: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    """Pool, round and VM of each group, in the order of time."""
    ordered = sorted(records, key=lambda record: record["started_at_epoch_ms"])
    of = [
        (record["key"].partition(":")[0], record["round"], record["guests"][0]["name"]) for record in ordered
    ]
    return [one for one, _ in groupby(of)]


def test_each_round_has_all_pools_in_an_order_of_its_own_with_new_vms_also_after_a_kill(bed: Any) -> None:
    # A seed with which the rounds' orders differ, and a pool follows itself.
    seed = next(seed for seed in range(1, 99) if order(seed, 1) == order(seed, 3) == order(seed, 2)[::-1])
    given = ("--odf-matrix", "short.yaml", "--odf-rounds", "3", "--odf-seed", str(seed))
    results = bed.folder / "results" / "spread" / "results.jsonl"
    first = bed.start("--odf", *given, "--odf-run-id", "spread")
    bed.until(lambda: results.is_file() and len(results.read_text().splitlines()) >= 3, "three records")
    os.killpg(first.pid, signal.SIGKILL)
    bed.end(first)
    assert bed.run("--odf-resume", "spread", "--odf-repeat", "4").code == 4
    moved = bed.run("--odf-resume", "spread", "--odf-rounds", "2", "--odf-repeat", "4")
    assert moved.code == 4
    assert "repeat 2 would be in another round than it was" in moved.out
    resumed = bed.run("--odf-resume", "spread")
    assert resumed.code == 0, resumed.out
    assert (
        "odfperf: 3 of each key, in 3 rounds of new VMs, each with the pools in an order of its own, in "
        f"blocks of random order (--odf-seed {seed})" in resumed.out
    )
    found = visits(resumed.records())
    places_of = [(pool, number) for pool, number, _ in found]
    expected = [(pool, number) for number in (1, 2, 3) for pool in order(seed, number)]
    # What was cut off went on in VMs of its own.
    assert [one for one, _ in groupby(places_of)] == expected
    assert len({vm for _, _, vm in found}) == len(found) >= 6
    assert all(record["round"] == record["block"] for record in resumed.records())
    last = expected[-1][0]
    assert f"odfperf: pool {last} started round 3 of 3, 2 measurements" in resumed.out
    assert f"odfperf: pool {last} ended round 3 of 3 after" in resumed.out
    assert "possible ranks from 3 rounds of new VMs, compared round by round" in resumed.out
    rates = json.loads((resumed.run / "ranking.json").read_text())["rankings"][0]
    assert (rates["rounds"], rates["intervals_from"], rates["repeats"]) == (3, "rounds", 3)
    cases = {
        str(case.get("name")): {str(one.get("name")): one.get("value") for one in case.iter("property")}
        for case in resumed.cases()
    }
    assert cases["test_storage[fast:tiny:10Gi:1:random-rw:4k-r3]"]["round"] == "3"
    more = bed.run("--odf-resume", "spread", "--odf-rounds", "4")
    assert more.code == 0, more.out
    counted = {record["test"]: record["round"] for record in more.records()}
    assert sorted(counted.values()) == [number for number in (1, 2, 3, 4) for _ in range(4)]


def test_fewer_workers_than_pools_take_a_round_before_the_next_also_if_one_is_killed(bed: Any) -> None:
    matrix = (bed.folder / "short.yaml").read_text().replace("[fast, slow]", "[fast, slow, third]")
    (bed.folder / "three.yaml").write_text(matrix)
    results = bed.folder / "results" / "hurt" / "results.jsonl"
    process = bed.start(
        "--odf-parallel=2", "--odf-matrix", "three.yaml", "--odf-rounds", "3", "--odf-run-id", "hurt"
    )
    bed.until(lambda: results.is_file() and len(results.read_text().splitlines()) >= 4, "four records")
    os.kill(bed.workers(process)[0], signal.SIGKILL)
    outcome = bed.end(process)
    assert outcome.code == 1, outcome.out
    records = outcome.records()
    # The key that the worker died in, if it was not measured before, has a round too; none is lost, or twice.
    assert sum(record["status"] != "passed" for record in records) <= 1
    assert sorted((record["key"].partition(":")[0], record["round"]) for record in records) == sorted(
        (pool, number) for pool in ("fast", "slow", "third") for number in (1, 2, 3) for _ in range(2)
    )
    # Each pool has VMs of its own in each round, whichever worker made them.
    of_vm: dict[str, set[tuple[str, int]]] = {}
    for record in records:
        for guest in record["guests"]:
            of_vm.setdefault(guest["name"], set()).add((record["key"].partition(":")[0], record["round"]))
    assert all(len(places) == 1 for places in of_vm.values()), of_vm
    began, ended = (
        {number: [record[when] for record in records if record["round"] == number] for number in (1, 2, 3)}
        for when in ("started_at_epoch_ms", "ended_at_epoch_ms")
    )
    # Round 3 is given out when all pools of round 2 were, and so when none was in round 1 any more.
    assert max(ended[1]) < min(began[3])
    assert "pool third started round 2 of 3, 2 measurements" in outcome.out
    assert bed.left() == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--odf-rounds", "0"), "'0' is not a number of rounds: a whole number from 1 to 1000"),
        (("-o", "odf_rounds=two"), "odf_rounds in "),
        (("--odf-rounds", "4", "--odf-repeat", "3"), "--odf-rounds 4 is more than the 3 repeats of each key"),
        (("--odf-rounds", "2", "--odf-ramp"), "--odf-rounds and --odf-ramp exclude each other"),
    ],
)
def test_rounds_that_can_not_be_are_refused_in_one_line(run_pytest: Any, given: Any, said: str) -> None:
    matrix = f"{SMALL}\ncapacity: {{rate_iops: 250, p99: 5ms}}\n"
    refused = run_pytest("--odf", "--odf-matrix", "asks.yaml", *given, asks__yaml=matrix)
    assert refused.code == 4, refused.out
    assert said in refused.out
    assert "Traceback" not in refused.out


def test_a_dry_run_says_what_rounds_cost_and_a_collection_keeps_the_ids(run_pytest: Any) -> None:
    small = ("--odf-matrix", "small.yaml", "--odf-seed", "5", "--odf-repeat", "4")
    plain, spread = (run_pytest("--odf", *small, "--co", "-q", *more) for more in ((), ("--odf-rounds", "2")))
    ids = [[line for line in outcome.lines if "::" in line] for outcome in (plain, spread)]
    assert sorted(ids[0]) == sorted(ids[1])
    pools = [line.partition("[")[2].partition(":")[0] for line in ids[1]]
    assert [pool for pool, _ in groupby(pools)] == [pool for pool, _ in groupby(order(5, 1) + order(5, 2))]
    dry = run_pytest("--odf-dry-run", *small, "--odf-rounds", "2")
    assert "8 keys in 4 groups on 2 pools, 32 measurements (4 of each, in 2 rounds of new VMs)" in dry.out
    assert "10Gi data disk each, made 2 times, " in dry.out
