"""``--odf-cleanup``: what dead runs left is removed, what lives is not touched."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.cluster.client.kinds import CLAIM, CONFIG_MAP, LEASE, POD, SECRET
from pytest_odfperf.cluster.runs.run_holder import Holder
from pytest_odfperf.cluster.runs.run_lease import RunLease
from pytest_odfperf.cluster.runs.run_object import ACCOUNT, create_run
from pytest_odfperf.vm.labels import run_labels
from pytest_odfperf.waiting import Stop

MINE = Holder.of_this_process()
#: Of this account, on this machine, of a process that has never been.
DEAD = Holder(MINE.identity, MINE.process.rpartition("/")[0] + "/1")
OTHERS = Holder("somebody@else:1/x", "")


@pytest.fixture
def leave(bed: Any) -> Any:
    """Leave a run: its objects, and a lease of ``holder`` whose sign of life is from ``renewed``."""

    def make(run_id: str, holder: Holder, renewed: str | None = None) -> None:
        owner = create_run(bed.cluster, bed.namespace, run_id, {ACCOUNT: holder.account})
        lease = RunLease(bed.cluster, bed.namespace, run_id, holder, owner)
        lease.take(Stop())
        if renewed is not None:
            body = bed.calls.get(LEASE, f"odfperf-{run_id}", bed.namespace)
            body["spec"]["renewTime"] = renewed
            bed.calls.replace(LEASE, bed.namespace, body)
        metadata = {"name": f"of-{run_id}", "labels": run_labels(run_id)}
        for kind, spec in ((SECRET, {}), (CLAIM, {"spec": CLAIM_SPEC})):
            body = {"metadata": {**metadata, "ownerReferences": [owner.reference()]}, **spec}
            bed.calls.create(kind, bed.namespace, body)

    return make


CLAIM_SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
LONG_AGO = "2020-01-01T00:00:00.000001Z"


def clean(bed: Any, *targets: str) -> Any:
    options = [f"--odf-cleanup={target}" for target in targets]
    return bed.run(*options, "--odf-matrix", "short.yaml")


def ids(bed: Any) -> set[str]:
    return {name.removeprefix("Secret of-") for name in bed.left(SECRET)}


def test_dead_runs_are_removed_and_living_ones_left_alone(bed, leave):
    leave("own-dead", DEAD)
    leave("own-alive", MINE)
    leave("other-dead", OTHERS, LONG_AGO)
    leave("other-alive", OTHERS)
    shown = bed.run(
        "--odf-cleanup=all", "--odf-cleanup=orphans", "--odf-dry-run", "--odf-matrix", "short.yaml"
    )
    assert shown.code == 0, shown.out
    assert "run own-dead of " in shown.out
    assert "run other-dead of somebody@else, last sign of life " in shown.out
    assert "1 Secret" in shown.out
    assert ids(bed) == {"own-dead", "own-alive", "other-dead", "other-alive"}
    everything = clean(bed, "all")
    assert everything.code == 0, everything.out
    assert "run other-alive of somebody@else is alive and is left alone" in everything.out
    assert ids(bed) == {"own-alive", "other-dead", "other-alive"}
    refused = clean(bed, "other-dead", "other-alive")
    assert refused.code == 4
    assert "--odf-cleanup other-alive: that run is alive (somebody@else, " in refused.out
    # Refused before anything was deleted.
    assert ids(bed) == {"own-alive", "other-dead", "other-alive"}
    orphans = clean(bed, "orphans")
    assert orphans.code == 0, orphans.out
    assert ids(bed) == {"own-alive", "other-alive"}
    assert not (bed.folder / "results").exists()


def test_objects_whose_run_object_is_gone_are_orphans_too(bed, leave):
    leave("lost", DEAD)
    body = bed.calls.get(SECRET, "of-lost", bed.namespace)
    body["metadata"]["ownerReferences"] = []
    bed.calls.replace(SECRET, bed.namespace, body)
    bed.calls.delete(CONFIG_MAP, "odfperf-lost", bed.namespace)
    bed.until(lambda: bed.left() == ["Secret of-lost"])
    cleaned = clean(bed, "lost")
    assert cleaned.code == 0, cleaned.out
    assert "run lost: deleted 1 Secret" in cleaned.out
    assert bed.left() == []


@pytest.mark.parametrize("name", ["../etc", "a'b\n$(x)"])
def test_a_run_that_nobody_knows_is_wrong_input(bed, name):
    outcome = clean(bed, name)
    assert outcome.code == 4
    assert "Traceback" not in outcome.out
    assert "holds nothing of such a run" in outcome.out


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "the file is empty"),
        ('{"schema": 1}', "matrix: missing"),
        ('{"schema": 1, "matrix": {"pools": 7}, "options": [], "found": 3}', "options is not an object"),
        ('{"schema": 1, "matrix": {"pools": 7}}', "matrix: missing"),
    ],
)
def test_a_run_folder_that_does_not_say_where_it_was_is_wrong_input_unless_we_say(
    bed, leave, content, problem
):
    leave("torn", DEAD)
    (bed.folder / "results/torn").mkdir(parents=True)
    (bed.folder / "results/torn/run.json").write_text(content)
    refused = bed.run("--odf-cleanup=torn")
    assert refused.code == 4
    assert "Traceback" not in refused.out
    assert problem in refused.out
    assert "say where the run was with --odf-matrix" in refused.out
    cleaned = clean(bed, "torn")
    assert cleaned.code == 0, cleaned.out
    assert bed.left() == []


def test_what_stays_is_named_with_its_holder_and_the_exit_code_is_1(bed, leave):
    leave("stuck", DEAD)
    pod = {
        "metadata": {"name": "user", "labels": run_labels("stuck")},
        "spec": {
            "nodeName": "somewhere",
            "containers": [{"name": "c", "image": "i"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "of-stuck"}}],
        },
    }
    bed.calls.create(POD, bed.namespace, pod)
    bed.finalizers(CLAIM, "of-stuck", ["kubernetes.io/pvc-protection", "example.com/held"])
    (bed.folder / "hasty.yaml").write_text("extends: short.yaml\ntimeouts: {delete: 2s}\n")
    outcome = bed.run("--odf-cleanup=stuck", "--odf-matrix", "hasty.yaml")
    assert outcome.code == 1, outcome.out
    (line,) = (line for line in outcome.lines if "could not be deleted" in line)
    assert "PersistentVolumeClaim of-stuck (Terminating; " in line
    assert "example.com/held" in line
    assert "used by pod user (" in line
    assert "on node somewhere)" in line
    # Not stripped by force.
    assert "example.com/held" in bed.calls.get(CLAIM, "of-stuck", bed.namespace)["metadata"]["finalizers"]
    bed.calls.delete(POD, "user", bed.namespace)
    bed.finalizers(CLAIM, "of-stuck", [])
    bed.until(lambda: not bed.left(), "the claim to go")


def test_orphans_are_reaped_at_the_start_if_the_ini_file_says_so(bed, leave):
    leave("dead", OTHERS, LONG_AGO)
    leave("alive", OTHERS)
    outcome = bed.run(
        "--odf", "--odf-matrix", "short.yaml", "--odf-pool", "fast", "--odf-filter", "*:*:*:*:*:4k",
        pytest__ini="[pytest]\nodf_reap = true\n",
    )  # fmt: skip
    assert outcome.code == 0, outcome.out
    assert "odfperf: orphan: run dead of somebody@else, " in outcome.out
    assert "odf_reap removes it" in outcome.out
    assert "odfperf: run dead: deleted 1 PersistentVolumeClaim, 1 Secret, 1 ConfigMap" in outcome.out
    assert ids(bed) == {"alive"}


def test_a_sandbox_has_nothing_to_clean(run_pytest):
    outcome = run_pytest("--odf-cleanup", "all", "--odf-matrix", "sim.yaml")
    assert outcome.code == 4
    assert "a sandbox ends with its run" in outcome.out


def test_cleanup_and_resume_exclude_each_other(run_pytest):
    outcome = run_pytest("--odf-cleanup", "all", "--odf-resume", "last")
    assert outcome.code == 4
    assert "--odf-cleanup and --odf-resume exclude each other" in outcome.out
