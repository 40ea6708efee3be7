"""One right less, each in its turn: a run does what ``Right.without`` and docs/openshift.md say."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.cluster.client.kinds import CONFIG_MAP
from pytest_odfperf.cluster.facts.rights import NO_POD, Right, shipped_rights
from pytest_odfperf.vm.manifests import run_object

RIGHTS = shipped_rights()
#: What the error or the remark of the run begins with, by what happens without a right that it needs.
SAID = {
    "no run begins": (
        "the StorageClasses can not be read: ",
        "create ConfigMap odfperf-",
        "list leases: ",
        "create Lease odfperf-",
        "get Lease odfperf-",
        "replace Lease odfperf-",
    ),
    "no VM group can be made": (
        "VM group fast:tiny:1Gi:1 ",
        "whether leftovers of pool fast are gone can not be seen: ",
        "guest odf-fast-",
    ),
    "the end of the run can not see whether its object is gone": ("configmaps with odfperf/run-id=",),
}

#: Of the preflight and discovery only, or said by themselves.
NOT_OF_A_RUN = ("apiservices", "storageprofiles", "volumeattachments", "services/proxy")


#: Only of newer API servers than the sandbox's.
ON_EXEC = ("create", "pods/exec")


def refusal(right: Right) -> str:
    if right.resource == "datavolumes/source":
        return "has insufficient permissions in clone source namespace"
    return f'cannot {right.verb} resource "{right.resource}" in API group "{right.group}"'


@pytest.mark.parametrize("right", [right for right in RIGHTS if right.required], ids=str)
def test_a_run_ends_in_one_line_that_names_the_right_that_it_needs(rights: Any, right: Right) -> None:
    rights.take(right)
    outcome = rights.run()
    said = outcome.error or "\n".join(outcome.left)
    assert refusal(right) in said
    assert "\n" not in said
    assert said.startswith(SAID[right.without]), said
    assert outcome.error is None or "next: " in outcome.error
    # Nothing stays, also of what can not be seen.
    assert outcome.there == []


@pytest.mark.parametrize("right", [right for right in RIGHTS if not right.required], ids=str)
def test_without_a_right_that_it_can_miss_a_run_passes_and_leaves_nothing(rights: Any, right: Right) -> None:
    rights.take(right)
    outcome = rights.run(pool="slow" if right.resource == "cephfilesystems" else "fast")
    assert outcome.error is None
    assert outcome.left == []
    assert outcome.there == []
    # What is watched was listed before.
    apart = right.resource in NOT_OF_A_RUN or right.verb == "watch"
    if right.place == "cluster" and not apart:
        assert list(outcome.forbidden) == [right.resource]
        assert refusal(right) in outcome.forbidden[right.resource]


@pytest.mark.parametrize(
    "right",
    [right for right in RIGHTS if right.without == NO_POD and (right.verb, right.resource) != ON_EXEC]
    + [right for right in RIGHTS if (right.verb, right.resource) == ("list", "pods")],
    ids=str,
)
def test_a_run_in_pods_names_the_right_that_it_needs(rights: Any, right: Right) -> None:
    rights.take(right)
    outcome = rights.run_in_pods()
    assert outcome.error is not None
    assert refusal(right) in outcome.error
    assert "\n" not in outcome.error
    assert outcome.there == []


def test_without_both_ways_to_delete_what_stays_is_named(rights: Any) -> None:
    verbs = ("delete", "deletecollection")
    rights.take(*(right for right in RIGHTS if right.resource == "virtualmachines" and right.verb in verbs))
    outcome = rights.run()
    assert "virtualmachines" in str(outcome.error)
    assert 'cannot delete resource "virtualmachines"' in str(outcome.error)
    # The garbage collector has no such limits: it deletes the VM when its owner is gone.
    assert any("virtualmachines" in line for line in outcome.left)


def test_without_get_of_its_object_a_run_that_was_left_can_not_be_resumed(rights: Any) -> None:
    left = run_object("left", "odfperf", {})
    rights.kube.call("POST", "/api/v1/namespaces/odfperf/configmaps", left)
    assert rights.run(run_id="left").error is None
    rights.kube.call("POST", "/api/v1/namespaces/odfperf/configmaps", left)
    rights.take(next(right for right in RIGHTS if right.resource == "configmaps" and right.verb == "get"))
    (rights.folder / "results").rename(rights.folder / "earlier")
    outcome = rights.run(run_id="left")
    assert "odfperf/odfperf-left is left of this run and can not be read: " in str(outcome.error)
    assert outcome.there == [f"{CONFIG_MAP} odfperf-left"]


def test_without_events_a_group_that_is_not_made_still_fails_and_says_what_is_hidden(rights: Any) -> None:
    matrix = rights.folder / "matrix.yaml"
    changed = matrix.read_text().replace("fast, slow", "broken").replace("boot: 60s", "boot: 2s")
    matrix.write_text(changed)
    rights.take(*(right for right in RIGHTS if right.resource == "events"))
    outcome = rights.run(pool="broken")
    assert "did not run within 2 s: 0 of 1 VMs run" in str(outcome.error)
    assert "list events: 403 Forbidden" in str(outcome.error)
    assert outcome.there == []


def test_without_nodes_the_number_of_pools_must_be_given(rights: Any) -> None:
    rights.take(next(right for right in RIGHTS if right.resource == "nodes"))
    auto = rights.pytest("--odf-parallel", "--odf-matrix", "matrix.yaml")
    assert auto.returncode == 4, auto.stdout
    assert "give the number: --odf-parallel=N" in auto.stdout + auto.stderr
    assert "Traceback" not in auto.stdout + auto.stderr
    given = rights.pytest("--odf-parallel=2", "--odf-matrix", "matrix.yaml")
    assert given.returncode == 0, given.stdout
    assert "odfperf: not read, since it is forbidden: nodes" in given.stdout


def test_a_right_without_which_no_run_begins_is_one_line_and_exit_code_4(rights: Any) -> None:
    rights.take(next(right for right in RIGHTS if right.resource == "storageclasses"))
    done = rights.pytest("--odf", "--odf-matrix", "matrix.yaml")
    assert done.returncode == 4, done.stdout
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if "StorageClasses" in line]
    assert "can not be read" in line
    assert "next: oc apply -f deploy/" in line
    assert "Traceback" not in done.stdout + done.stderr


def test_what_discovery_may_not_read_is_a_comment_and_no_failure(rights: Any) -> None:
    hidden = ("storageprofiles", "cephblockpools", "nodes", "cephclusters")
    rights.take(*(right for right in RIGHTS if right.resource in hidden))
    done = rights.pytest("--odf-discover", "--odf-matrix", "matrix.yaml")
    assert done.returncode == 0, done.stderr
    for plural in hidden:
        assert f"# {plural} could not be read (" in done.stdout
        assert f"odfperf: {plural} could not be read (" in done.stderr
    assert 'storage_class: "fast"' in done.stdout
    rights.take(next(right for right in RIGHTS if right.resource == "storageclasses"))
    done = rights.pytest("--odf-discover", "--odf-matrix", "matrix.yaml")
    assert (done.returncode, done.stdout) == (4, "")
    assert "the StorageClasses can not be read: " in done.stderr
