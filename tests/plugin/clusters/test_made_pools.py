# ruff: noqa: F811 - fixtures that two modules share are imported by name
"""Runs on pools that they made, and what keeps such pools from being removed."""

from __future__ import annotations

import signal

from pool_bed import MATRIX, PLACE, QUICK, REP2, lasting_cluster, pools  # noqa: F401

from pytest_odfperf.cluster.client.kinds import CLAIM, VOLUME


def test_a_run_makes_its_pools_first_and_measures_on_them(pools):
    pools.matrix(rep2=f"{REP2}, pg_num: 8", wide="kind: CephBlockPool, data_chunks: 4, coding_chunks: 2")
    ini = "[pytest]\nodf_setup = true\n"
    plan = pools.run("--odf-dry-run", pytest__ini=ini)
    assert plan.code == 0, plan.out
    assert "made first (odf_setup):" in plan.out
    checked = pools.run("--odf-preflight", pytest__ini=ini)
    assert f"ok   pool rep2-{pools.word}: will be made first: CephBlockPool" in checked.out
    assert f"warn pool wide-{pools.word}: will be skipped: 4+2 chunks need 6" in checked.out
    outcome = pools.run("--odf", pytest__ini=ini)
    assert outcome.code == 0, outcome.out
    states = {case.get("name").split("[")[1].split("-")[0]: case.find("skipped") for case in outcome.cases()}
    assert states["rep2"] is None
    assert "it was not made: 4+2 chunks need 6 failure domains" in states["wide"].get("message")
    assert pools.there() == {"rep2", "sc-rep2"}


def test_a_pool_that_fails_holds_up_no_other_and_the_exit_code_says_it(pools):
    bad = f"{REP2}, parameters: {{no_such_setting: 1}}, pg_num: 8"
    pools.matrix(bad=bad, good=f"{REP2}, pg_num: 8")
    (pools.bed.folder / "made.yaml").write_text(
        (pools.bed.folder / "made.yaml").read_text().replace("setup: 60s", "setup: 8s")
    )
    outcome = pools.run("--odf-setup")
    assert outcome.code == 1, outcome.out
    assert f"pool good-{pools.word} is ready" in outcome.out
    assert f"pool bad-{pools.word} FAILED: " in outcome.out
    assert "unrecognized variable 'no_such_setting'" in outcome.out
    measured = pools.run("--odf", pytest__ini="[pytest]\nodf_setup = true\n")
    assert measured.code == 1, measured.out
    assert "1 passed" in measured.out
    ends = {
        case.get("name"): [end.tag for end in case if end.tag != "properties"] for case in measured.cases()
    }
    assert ends[f"setup[good-{pools.word}]"] == []
    assert ends[f"setup[bad-{pools.word}]"] == ["error"]


def test_somebodys_volume_keeps_the_pool_until_it_is_gone(pools):
    bed, word = pools.bed, pools.word
    pools.matrix(kept=f"{REP2}, pg_num: 8", free=f"{REP2}, pg_num: 8")
    assert pools.run("--odf-setup").code == 0
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "volumeMode": "Block",
        "storageClassName": f"sc-kept-{word}",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    bed.calls.create(CLAIM, bed.namespace, {"metadata": {"name": "theirs"}, "spec": spec})
    claim = bed.until(lambda: (bed.calls.get(CLAIM, "theirs", bed.namespace)["spec"]).get("volumeName"))
    outcome = pools.run("--odf-cleanup", "--odf-pools")
    assert outcome.code == 1, outcome.out
    assert f"StorageClass sc-kept-{word} (made by " in outcome.out
    assert f"stays: PersistentVolume {claim} (Bound, claim {bed.namespace}/theirs)" in outcome.out
    assert pools.there() == {"kept", "sc-kept"}
    bed.calls.delete(CLAIM, "theirs", bed.namespace)
    # Its volume may still be on its way out: that is waited for.
    gone = pools.run("--odf-cleanup", "--odf-pools")
    assert gone.code == 0, gone.out
    assert pools.there() == set()
    assert claim not in [one["metadata"]["name"] for one in bed.calls.items(VOLUME)]


def test_a_living_run_keeps_its_pool(pools):
    pools.matrix(used=f"{REP2}, pg_num: 8")
    text = (pools.bed.folder / "made.yaml").read_text()
    (pools.bed.folder / "slow.yaml").write_text(text.replace("runtime: 10s", "runtime: 900s"))
    process = pools.bed.start(
        "--odf", "--odf-matrix", "slow.yaml", env=QUICK, pytest__ini="[pytest]\nodf_setup = true\n"
    )
    pools.bed.until(lambda: pools.bed.running(1), "the VM to run")
    outcome = pools.run("--odf-cleanup", "--odf-pools")
    assert outcome.code in (0, 1), outcome.out
    assert "measures on it" in outcome.out
    assert pools.there() == {"used", "sc-used"}
    process.send_signal(signal.SIGINT)
    pools.bed.end(process)
    gone = pools.run("--odf-cleanup", "--odf-pools")
    assert gone.code == 0, gone.out
    assert pools.there() == set()


def test_a_sandbox_of_the_matrix_makes_them_too_and_lost_answers_make_nothing_twice(run_pytest):
    recipe = "{kind: CephBlockPool, replicas: 2, pg_num: 8}"
    text = MATRIX.format(
        namespace="perf", pools=f"  - {{name: one, volume_mode: Block, recipe: {recipe}}}"
    ).replace("kubeconfig", "sandbox")
    lost = "{{lost: true, verbs: [create], resources: [{}], name: one, times: 1}}"
    faults = ", ".join(map(lost.format, ("cephblockpools", "storageclasses")))
    text += (
        "sandbox: {machine: simulated, storage_classes: {x: {default: true}}, ceph: {osds: 3}, "
        f"api_faults: [{faults}]}}\n"
    )
    outcome = run_pytest(
        "--odf", "--odf-matrix", "m.yaml", m__yaml=text, pytest__ini="[pytest]\nodf_setup = true\n"
    )
    assert outcome.code == 0, outcome.out
    for made in ("CephBlockPool one", "StorageClass one"):
        assert f"pool one: {made} is there already, and is used" in outcome.out
    assert "pool one is ready: StorageClass one" in outcome.out
