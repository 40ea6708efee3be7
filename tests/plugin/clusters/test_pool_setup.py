# ruff: noqa: F811 - fixtures that two modules share are imported by name
"""Pools that the plugin makes: what is there is used as it is, what is missing is made, by anybody once."""

from __future__ import annotations

import signal

import pytest
from pool_bed import MATRIX, PLACE, QUICK, REP2, lasting_cluster, pools  # noqa: F401

from pytest_odfperf.cluster.client.kinds import CEPH_BLOCK_POOL, LEASE, STORAGE_CLASS


def test_missing_pools_are_made_used_again_and_removed(pools):
    pools.matrix(
        rep2=f"{REP2}, pg_num: 32",
        ec="kind: CephBlockPool, data_chunks: 2, coding_chunks: 1",
        wide="kind: CephBlockPool, data_chunks: 4, coding_chunks: 2",
        files="kind: CephFilesystem, replicas: 2",
    )
    shown = pools.run("--odf-setup", "--odf-dry-run")
    assert shown.code == 0, shown.out
    word = pools.word
    wide = (
        f"pool wide-{word} is skipped: 4+2 chunks need 6 failure domains of kind host, and the cluster has 3"
    )
    assert f"makes CephBlockPool rep2-{word}, StorageClass sc-rep2-{word}" in shown.out
    assert wide in shown.out
    assert pools.there() == set()
    made = pools.run("--odf-setup")
    assert made.code == 0, made.out
    assert wide in made.out
    assert f"pool ec-{word} is ready: StorageClass sc-ec-{word}" in made.out
    assert "3 pools ready, 1 skipped, 0 failed" in made.out
    assert pools.there() == {"rep2", "ec", "files", "sc-rep2", "sc-ec", "sc-files"}
    assert pools.get(STORAGE_CLASS, "sc-ec")["parameters"]["dataPool"] == f"ec-{word}"
    assert pools.get(STORAGE_CLASS, "sc-ec")["parameters"]["pool"] == "odf-pool"
    before = {name: pools.get(CEPH_BLOCK_POOL, name)["metadata"]["uid"] for name in ("rep2", "ec")}
    again = pools.run("--odf-setup")
    assert again.code == 0, again.out
    assert f"pool rep2-{word} is there: " in again.out
    assert {name: pools.get(CEPH_BLOCK_POOL, name)["metadata"]["uid"] for name in before} == before
    would = pools.run("--odf-cleanup", "--odf-pools", "--odf-dry-run")
    assert f"CephBlockPool ec-{word} (made by " in would.out
    assert "odf-pool" not in would.out
    assert len(pools.there()) == 6
    gone = pools.run("--odf-cleanup", "--odf-pools")
    assert gone.code == 0, gone.out
    assert f"StorageClass sc-ec-{word}: removed" in gone.out
    assert pools.there() == set()
    assert pools.bed.calls.get(CEPH_BLOCK_POOL, "odf-pool", PLACE)["spec"] == {"replicated": {"size": 3}}


def test_two_setups_at_one_time_make_each_object_once(pools):
    pools.matrix(a=f"{REP2}, pg_num: 8", b=f"{REP2}, pg_num: 16")
    both = [pools.bed.start("--odf-setup", "--odf-matrix", "made.yaml", env=QUICK) for _ in range(2)]
    outcomes = [pools.bed.end(process) for process in both]
    assert [outcome.code for outcome in outcomes] == [0, 0], [outcome.out for outcome in outcomes]
    made = "".join(outcome.out for outcome in outcomes).count(": made CephBlockPool")
    assert made == 2
    assert pools.there() == {"a", "b", "sc-a", "sc-b"}


def test_a_setup_that_is_killed_is_gone_on_with_and_one_that_is_interrupted_says_so(pools):
    pools.matrix(one=REP2)
    long = {"ODFPERF_PG_QUIET_S": "600"}
    killed = pools.bed.start("--odf-setup", "--odf-matrix", "made.yaml", env=long)
    pools.bed.until(lambda: pools.there())
    killed.kill()
    pools.bed.end(killed)
    uid = pools.get(CEPH_BLOCK_POOL, "one")["metadata"]["uid"]
    waiting = pools.bed.start("--odf-setup", "--odf-matrix", "made.yaml", env=long)
    pools.bed.until(lambda: pools.there() == {"one", "sc-one"})
    kept = pools.run("--odf-cleanup", "--odf-pools", "--odf-pool", f"one-{pools.word}")
    assert kept.code == 0, kept.out
    assert f"CephBlockPool one-{pools.word} (made by " in kept.out
    assert "makes it" in kept.out
    waiting.send_signal(signal.SIGINT)
    ended = pools.bed.end(waiting)
    assert ended.code == 130, ended.out
    assert "interrupted: what was made stays, and --odf-setup goes on with it" in ended.out
    assert "Traceback" not in ended.out
    done = pools.run("--odf-setup")
    assert done.code == 0, done.out
    assert pools.get(CEPH_BLOCK_POOL, "one")["metadata"]["uid"] == uid
    # The killed one's was removed by the next, and each removed its own.
    assert pools.bed.calls.items(LEASE, pools.bed.namespace) == []


def test_what_is_there_and_unlike_the_recipe_is_never_changed(pools):
    pools.matrix(one=f"{REP2}, pg_num: 8")
    assert pools.run("--odf-setup").code == 0
    pools.matrix(one="kind: CephBlockPool, replicas: 3, pg_num: 8")
    outcome = pools.run("--odf-setup")
    assert outcome.code == 1, outcome.out
    assert "is not as the recipe says: replicas 2, not 3; it is never changed: remove it with" in outcome.out
    assert pools.get(CEPH_BLOCK_POOL, "one")["spec"]["replicated"]["size"] == 2


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--odf-setup", "--odf-cleanup", "all"), "exclude each other"),
        (("--odf-setup", "--odf-preflight"), "--odf-setup and --odf-preflight exclude each other"),
        (("--odf-pools",), "--odf-pools needs --odf-cleanup"),
        (("--odf-cleanup",), "--odf-cleanup says nothing to remove"),
        (("--odf-cleanup", "--odf-pools", "--odf-filter", "x"), "--odf-cleanup and --odf-filter exclude"),
        (("--odf-cleanup", "last", "--odf-pool", "x"), "takes no --odf-pool, since all of a run goes"),
        (("--odf-cleanup", "--odf-pools", "--odf-cluster", "sandbox"), "a sandbox ends with its run"),
    ],
)
def test_options_that_mean_nothing_together(run_pytest, options, problem):
    outcome = run_pytest(*options)
    assert outcome.code == 4
    assert problem in outcome.out


def test_a_recipe_that_can_not_be_made_is_told_with_its_line_before_the_cluster_is_asked(run_pytest):
    text = MATRIX.format(
        namespace="perf", pools="  - {name: one, recipe: {kind: CephBlockPool, replicas: 1}}"
    )
    outcome = run_pytest("--odf-setup", "--odf-matrix", "m.yaml", m__yaml=text)
    assert outcome.code == 4
    assert "m.yaml:5: recipe of pool 'one': replicas: 1 loses all data with one disk" in outcome.out
