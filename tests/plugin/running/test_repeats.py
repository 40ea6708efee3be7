"""``--odf-repeat``: each key several times, in blocks of random order, also over a kill."""

from __future__ import annotations

import json
import os
import signal
from itertools import groupby
from typing import Any

from pytest_odfperf.matrix.keys import Key, param_id
from pytest_odfperf.schedule.repeat_blocks import places

KEYS = [
    Key(pool, "tiny", "10Gi", 1, "random-rw", size) for pool in ("fast", "slow") for size in ("4k", "64k")
]


def expected(seed: int, repeats: int, pool: str) -> list[str]:
    """The tests of a pool in their order."""
    own = [key for key in KEYS if key.pool == pool]
    found = []
    for block in range(1, repeats + 1):
        place = places(seed, block, own)
        found += [param_id(key, block) for key in sorted(own, key=lambda key: place[key])]
    return [f"odfperf::test_storage[{one}]" for one in found]


def written(outcome: Any, pool: str) -> list[dict[str, Any]]:
    return [record for record in outcome.records() if record["key"].startswith(f"{pool}:")]


def test_a_run_killed_within_a_block_goes_on_in_it_with_more_repeats_and_keeps_its_order(bed: Any) -> None:
    results = bed.folder / "results" / "killed" / "results.jsonl"
    first = bed.start(
        "--odf-parallel=2", "--odf-matrix", "short.yaml", "--odf-repeat", "3", "--odf-run-id", "killed"
    )
    bed.until(lambda: results.is_file() and len(results.read_text().splitlines()) >= 3, "three records")
    os.killpg(first.pid, signal.SIGKILL)
    bed.end(first)
    assert results.read_text().count("\n") < 12
    resumed = bed.run("--odf-resume", "killed", "--odf-repeat", "4")
    assert resumed.code == 0, resumed.out
    options = json.loads((resumed.run / "run.json").read_text())["options"]
    assert options["repeat"] == 4
    for pool in ("fast", "slow"):
        records = written(resumed, pool)
        assert [record["test"] for record in records] == expected(options["seed"], 4, pool)
        assert [record["block"] for record in records] == [1, 1, 2, 2, 3, 3, 4, 4]
        assert [record["repeat"] for record in records] == [record["block"] for record in records]
        assert [record["order"] for record in records] == [1, 2] * 4
        assert len({record["guests"][0]["started_at_epoch_ns"] for record in records}) == 8, (
            "each a fio of its own"
        )
        assert len({record["artefacts"][0] for record in records}) == 8
        # A group of VMs for each session, however many blocks.
        groups = [record["guests"][0]["name"] for record in records]
        assert len(list(groupby(groups))) <= 2
        assert [record["notes"] for record in records] == [[]] * 8
    names = {str(case.get("name")) for case in resumed.cases()}
    assert names == {f"test_storage[{param_id(key, repeat)}]" for key in KEYS for repeat in range(1, 5)}
    assert "odfperf: 4 of each key, in blocks of random order (--odf-seed " in resumed.out
    again = bed.run("--odf-resume", "killed")
    assert again.code == 0, again.out
    assert "no tests ran" in again.out
    fewer = bed.run("--odf-resume", "killed", "--odf-repeat", "2")
    assert (fewer.code, len(fewer.cases())) == (0, 16)


def test_repeats_and_seed_are_in_every_place_or_refused_in_one_line(bed: Any) -> None:
    small = ("--odf-matrix", "small.yaml", "--co", "-q")
    plain = bed.run(*small)
    keys = [line for line in plain.lines if "::" in line]
    one = bed.run(*small, "--odf-repeat", "1", "--odf-seed", "3")
    assert [line for line in one.lines if "::" in line] == keys
    seeded = [
        bed.run(*small, "--odf-repeat", "2", "--odf-seed", "3", how) for how in ("--odf", "--odf-parallel=2")
    ]
    orders = [[line for line in outcome.lines if "::" in line] for outcome in seeded]
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == sorted([*keys, *(f"{key[:-1]}-r2]" for key in keys)])
    groups = [":".join(line.partition("[")[2].split(":")[:4]) for line in orders[0]]
    assert len(list(groupby(groups))) == 4, "each group in one piece"
    for given, said in (
        (("--odf-repeat", "0"), "'0' is not a number of repeats: a whole number from 1 to 1000"),
        (("--odf-repeat", "1001"), "from 1 to 1000"),
        (("--odf-seed", "-1"), "'-1' is not a seed: a whole number from 1 to"),
        (("-o", "odf_repeat=two", "--odf"), "odf_repeat in "),
    ):
        refused = bed.run(*small, *given)
        assert refused.code == 4, refused.out
        assert said in refused.out
        assert "Traceback" not in refused.out
