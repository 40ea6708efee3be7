"""The rights of ``deploy/`` are those of the calls that runs make: all of them, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.cluster.client import calls as calls_module
from pytest_odfperf.cluster.client.api_error import as_api_error
from pytest_odfperf.cluster.client.calls import Calls
from pytest_odfperf.cluster.client.connect import connect
from pytest_odfperf.cluster.client.kinds import CLAIM, CONFIG_MAP, POD, SECRET, VM
from pytest_odfperf.cluster.facts.rights import shipped_rights
from pytest_odfperf.cluster.runs.sweep import sweep
from pytest_odfperf.vm.labels import MACHINE
from pytest_odfperf.vm.manifests import run_object
from pytest_odfperf.waiting import Stop

#: Only where the garbage collector, which deletes the Lease with its owner, is late, and where the renewal of
#: the Lease meets somebody else's change.
AT_THE_END = {(verb, "leases") for verb in ("get", "watch", "delete", "deletecollection")}
AT_THE_END |= {("watch", "configmaps")}
#: Only where objects are still there when their deletion is looked after; a quick cluster has deleted them.
AT_THE_END |= {("watch", "secrets")}
#: One by one, where nobody may delete collections; what a VM owns may be gone with it before it is its turn.
AT_THE_END |= {("delete", "datavolumes"), ("delete", "persistentvolumeclaims")}
#: KubeVirt asks for it, in the name of another account; the plugin never does.
ASKED_BY_KUBEVIRT = {("create", "datavolumes/source")}
#: Kubernetes asks for it beside ``get``, in newer versions than the sandbox's.
ASKED_SINCE_1_35 = {("create", "pods/exec")}
#: Every logged-in user may ask what he may do.
FREE = {("create", "selfsubjectaccessreviews")}


def test_every_shipped_right_is_used_and_every_call_is_granted(rights: Any, monkeypatch: Any) -> None:
    granted = {(right.verb, right.resource) for right in shipped_rights()}
    before = rights.requests()
    first = rights.pytest("--odf-parallel=2", "--odf-matrix", "matrix.yaml", "--odf-pool", "fast")
    assert first.returncode == 0, first.stdout
    both = ("--odf-pool", "fast", "--odf-pool", "slow")
    resumed = rights.pytest("--odf-resume", "last", "--odf-parallel=2", *both)
    assert resumed.returncode == 0, resumed.stdout
    auto = rights.pytest("--odf-parallel", "--odf-matrix", "matrix.yaml")
    assert auto.returncode == 0, auto.stdout
    assert "forbidden" not in (first.stdout + resumed.stdout + auto.stdout)
    preflight = rights.pytest("--odf-preflight", "--odf-matrix", "matrix.yaml")
    assert preflight.returncode == 0, preflight.stdout
    discovered = rights.pytest("--odf-discover", "--odf-matrix", "matrix.yaml")
    assert discovered.returncode == 0, discovered.stdout
    assert "could not be read" not in discovered.stdout
    cluster = connect(str(rights.kubeconfig))
    try:
        lost_answers(cluster, monkeypatch)
        assert sweep(cluster, "odfperf", "lost", 20).left == ()
    finally:
        cluster.close()
    diagnosed(rights)
    own_instancetype(rights)
    assert rights.run_in_pods().error is None
    rights.take(*(right for right in shipped_rights() if right.verb == "deletecollection"))
    assert rights.run().there == []
    assert rights.run_in_pods().there == []
    used = rights.requests()
    assert not before or before <= used
    assert used - granted - FREE == set(), "calls that deploy/ does not grant"
    elsewhere = AT_THE_END | ASKED_BY_KUBEVIRT | ASKED_SINCE_1_35
    assert granted - used - elsewhere == set(), "rights that no run uses"
    assert granted >= ASKED_BY_KUBEVIRT


def diagnosed(rights: Any) -> None:
    """A group that fails, of which all is looked at that the shipped rights show."""
    matrix = rights.folder / "matrix.yaml"
    whole = matrix.read_text()
    matrix.write_text(whole.replace("fast, slow", "crashing"))
    outcome = rights.run(pool="crashing")
    matrix.write_text(whole)
    assert "launcher_crash: " in str(outcome.error)
    # The guest never ran, so there is one log that can not be read.
    written = list(rights.folder.glob("results/*/crashing/tiny/1Gi/1/diagnosis/1/not-read.txt"))
    assert written
    assert all("403" not in not_read.read_text() for not_read in written)


def own_instancetype(rights: Any) -> None:
    """A VM size whose instancetype is to be in the namespace."""
    matrix = rights.folder / "matrix.yaml"
    whole = matrix.read_text()
    matrix.write_text(whole.replace("u1.micro", "{name: own, kind: VirtualMachineInstancetype}"))
    outcome = rights.run()
    matrix.write_text(whole)
    assert "VM size tiny: VirtualMachineInstancetype own does not exist" in str(outcome.error)


def lost_answers(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an object of each kind twice, as after an answer that was lost."""
    calls = Calls(cluster, Stop())
    body = run_object("lost", "odfperf", {})
    del body["data"], body["apiVersion"], body["kind"]
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    machine = {"runStrategy": "Halted", "template": {"spec": {"domain": {"devices": {}}}}}
    ours = {**body["metadata"], "labels": {**body["metadata"]["labels"], MACHINE: "pod"}}
    for kind, more in (
        (CONFIG_MAP, {}),
        (SECRET, {}),
        (CLAIM, {"spec": claim}),
        (POD, {"metadata": ours, "spec": {"containers": [{"name": "fio", "image": "fio"}]}}),
        (VM, {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "spec": machine}),
    ):
        whole = calls_module._sent

        def lost(what: str, call: Any, arguments: Any, whole: Any = whole) -> Any:
            monkeypatch.setattr(calls_module, "_sent", whole)
            whole(what, call, arguments)
            raise as_api_error(what, ConnectionResetError("the answer was lost"))

        monkeypatch.setattr(calls_module, "_sent", lost)
        assert calls.create(kind, "odfperf", {**body, **more})["metadata"]["uid"]


def test_one_set_of_rights_is_for_one_namespace(rights: Any) -> None:
    """The account reaches nothing of a namespace that it has no Role in."""
    cluster = connect(str(rights.kubeconfig))
    try:
        calls = Calls(cluster, Stop())
        for kind in (CONFIG_MAP, SECRET, CLAIM, VM):
            with pytest.raises(Exception, match="403 Forbidden"):
                calls.items(kind, "default")
    finally:
        cluster.close()
