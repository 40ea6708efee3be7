"""``--odf-preflight``: each thing that a run would stumble over, made on the sandbox, is a line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_odfperf.cluster.facts.rights import shipped_rights
from pytest_odfperf.preflight.check import Check, failures, text
from pytest_odfperf.run.before.cluster_questions import preflight
from pytest_odfperf.run.before.selection import read_selection
from pytest_odfperf.vm.manifests import run_object
from pytest_odfperf.waiting import Stop
from tests.sandbox.rights.conftest import Asked

MERGE = "application/merge-patch+json"
CNV = "/apis/kubevirt.io/v1/namespaces/openshift-cnv/kubevirts/kubevirt-kubevirt-hyperconverged/status"
CDI = "/apis/cdi.kubevirt.io/v1beta1/cdis/cdi-kubevirt-hyperconverged"
SOURCES = "/apis/cdi.kubevirt.io/v1beta1/namespaces/openshift-virtualization-os-images/datasources"
CEPH = "/apis/ceph.rook.io/v1/namespaces/openshift-storage/cephclusters/ocs-storagecluster-cephcluster/status"
DEFAULT = "system:serviceaccount:odfperf:default"
LIMITED = {"kind": "ServiceAccount", "name": "odfperf", "namespace": "odfperf"}
SILENT_WEBHOOK = {
    "verbs": ["create"],
    "resources": ["virtualmachines"],
    "status": 500,
    "reason": "InternalError",
    "message": 'Internal error occurred: failed calling webhook "virtualmachines-mutator.kubevirt.io"',
}
IN_NAMESPACE = "/api/v1/namespaces/odfperf"


class Preflight:
    """The checks of a matrix, as the limited user or as the administrator."""

    def __init__(self, rights: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rights = rights
        self.kube = rights.kube
        self._monkeypatch = monkeypatch

    def use(self, kubeconfig: Path) -> None:
        self._monkeypatch.setenv("KUBECONFIG", str(kubeconfig))

    def as_admin(self) -> None:
        self.use(self.rights.sandbox.kubeconfig)

    def matrix(self, old: str, new: str) -> None:
        path = self.rights.folder / "matrix.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def checks(self, **changes: Any) -> tuple[Check, ...]:
        usual = {
            "parallel": None, "matrix": str(self.rights.folder / "matrix.yaml"), "pools": (), "filters": (),
            "excludes": (), "extra_storage_classes": (), "allow_not_ready": (),
            "resume": None, "run_id": None, "results": "results", "cluster": None, "fio": (),
        }  # fmt: skip
        return preflight(read_selection(Asked(**{**usual, **changes})), Stop())

    def only(self, **changes: Any) -> str:
        """The one line that is not ``ok``."""
        lines = [str(check) for check in self.checks(**changes) if check.level != "ok"]
        assert len(lines) == 1, lines
        assert "\n" not in lines[0]
        return lines[0]


@pytest.fixture
def pre(rights: Any, monkeypatch: pytest.MonkeyPatch) -> Preflight:
    return Preflight(rights, monkeypatch)


@pytest.fixture
def changed(pre: Preflight) -> Iterator[Callable[[str, Any, Any], None]]:
    """Patch an object for the time of a test."""
    undone: list[tuple[str, Any]] = []

    def change(path: str, now: Any, after: Any) -> None:
        undone.append((path, after))
        pre.kube.call("PATCH", path, now, MERGE)

    yield change
    for path, after in undone:
        pre.kube.call("PATCH", path, after, MERGE)


@pytest.fixture
def made(pre: Preflight) -> Iterator[Callable[[str, Any], None]]:
    """Make an object for the time of a test."""
    paths: list[str] = []

    def make(path: str, body: Any) -> None:
        pre.kube.call("POST", path, body)
        paths.append(f"{path}/{body['metadata']['name']}")

    yield make
    for path in paths:
        pre.kube.call("DELETE", path)


def test_with_the_shipped_rights_everything_is_ok_and_nothing_is_made(pre: Preflight) -> None:
    checks = pre.checks()
    assert {check.level for check in checks} == {"ok"}, text(checks)
    assert failures(checks) == 0
    assert text(checks).splitlines()[-1].endswith(" ok: nothing speaks against a run")
    assert pre.rights.there() == []
    made = {verb for verb, _ in pre.rights.requests()}
    assert made, "the user of the kubeconfig is the one that asks"


def test_a_namespace_that_does_not_exist(pre: Preflight) -> None:
    pre.as_admin()
    pre.matrix("namespace: odfperf", "namespace: nowhere")
    assert pre.only().startswith("FAIL namespace nowhere: does not exist; next: oc new-project nowhere")


def test_a_namespace_that_is_going(pre: Preflight) -> None:
    pre.as_admin()
    held = {"metadata": {"name": "held", "finalizers": ["example.com/held"]}}
    pre.kube.call("POST", "/api/v1/namespaces", {"metadata": {"name": "going"}})
    pre.kube.call("POST", "/api/v1/namespaces/going/configmaps", held)
    pre.kube.call("DELETE", "/api/v1/namespaces/going")
    pre.matrix("namespace: odfperf", "namespace: going")
    try:
        assert pre.only().startswith("FAIL namespace going: is Terminating; next: ")
    finally:
        path = "/api/v1/namespaces/going/configmaps/held"
        pre.kube.call("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)


def test_rights_that_are_missing_are_named_each_by_its_weight(pre: Preflight) -> None:
    pre.rights.take(*shipped_rights())
    lines = [str(check) for check in pre.checks() if check.what.startswith("right ")]
    *lines, cloning = lines
    assert cloning.startswith(
        f"warn right to clone: whether {DEFAULT} may clone images of namespace openshift-"
    )
    assert "can not be checked" in cloning
    asked_of_us = [
        right
        for right in shipped_rights()
        # Nobody asks for those of pods unless keys are measured in them.
        if right.resource != "datavolumes/source" and not right.for_pods
    ]
    for right, line in zip(asked_of_us, lines, strict=True):
        level = "FAIL" if right.required else "warn"
        assert line.startswith(f"{level} right {right}: is missing in ")
        assert f"without it: {right.without}" in line
        assert "next: oc apply -f deploy/" in line
    one = next(right for right in shipped_rights() if str(right) == "create secrets")
    pre.rights.take(one)
    assert pre.only().startswith(
        f"FAIL right {one}: is missing in namespace odfperf; without it: no VM group"
    )


def test_the_right_to_clone_is_asked_for_the_account_that_kubevirt_asks_for(pre: Preflight) -> None:
    """Who runs the preflight may clone, and that does not matter."""
    role = "/apis/rbac.authorization.k8s.io/v1/namespaces/openshift-virtualization-os-images/rolebindings"
    pre.kube.call("PATCH", f"{role}/odfperf-clone", {"subjects": [LIMITED]}, MERGE)
    line = pre.only()
    assert line.startswith(
        f"FAIL right to clone: {DEFAULT} may not clone VolumeSnapshot centos-stream9-image of namespace "
        "openshift-virtualization-os-images; "
    )
    assert line.endswith("next: oc apply -f deploy/clone-role.yaml")
    pre.kube.call("PATCH", f"{role}/odfperf-clone", {"subjects": [{**LIMITED, "name": "default"}]}, MERGE)
    assert not [check for check in pre.checks() if check.level == "FAIL"]


def test_a_kubeconfig_that_speaks_for_another_is_judged_by_the_others_rights(pre: Preflight) -> None:
    document = yaml.safe_load(pre.rights.sandbox.kubeconfig.read_text())
    document["users"][0]["user"]["as"] = "system:serviceaccount:odfperf:odfperf"
    path = pre.rights.folder / "speaks"
    path.write_text(yaml.safe_dump(document))
    pre.use(path)
    checks = pre.checks()
    assert {check.level for check in checks} == {"ok"}, text(checks)
    assert checks[0].detail.endswith(", as system:serviceaccount:odfperf:odfperf")
    one = next(right for right in shipped_rights() if str(right) == "create secrets")
    pre.rights.take(one)
    assert pre.only().startswith(f"FAIL right {one}: is missing in namespace odfperf; ")
    done = pre.rights.pytest(
        "--odf", "--odf-matrix", "matrix.yaml", "--odf-pool", "fast", KUBECONFIG=str(path)
    )
    assert done.returncode == 1, done.stdout
    assert "odfperf: every request is made as system:serviceaccount:odfperf:odfperf" in done.stdout
    assert 'User "system:serviceaccount:odfperf:odfperf" cannot create resource "secrets"' in done.stdout


def test_a_tunnel_that_is_refused(pre: Preflight) -> None:
    pre.rights.take(next(right for right in shipped_rights() if right.resource.endswith("portforward")))
    lines = [str(check) for check in pre.checks() if check.level == "FAIL"]
    assert [line.partition(":")[0] for line in lines] == [
        "FAIL right get virtualmachineinstances/portforward.subresources.kubevirt.io",
        "FAIL port-forward",
    ]


def test_without_nodes_the_number_of_pools_must_be_given(pre: Preflight) -> None:
    pre.rights.take(next(right for right in shipped_rights() if right.resource == "nodes"))
    lines = [str(check) for check in pre.checks(parallel="auto") if check.level != "ok"]
    assert [line.partition(":")[0] for line in lines] == [
        "warn right list nodes",
        "warn nodes",
        "FAIL pools at once",
    ]


def test_kubevirt_that_is_not_available(pre: Preflight, changed: Callable[..., None]) -> None:
    before = pre.kube.call("GET", CNV.removesuffix("/status"))["status"]
    condition = {"type": "Available", "status": "False", "reason": "Deploying", "message": "virt-api"}
    changed(CNV, {"status": {"phase": "Deploying", "conditions": [condition]}}, {"status": before})
    line = pre.only()
    assert line.startswith("FAIL KubeVirt: is Deploying and not available: Deploying: virt-api; next: ")


def test_cdi_that_is_not_deployed(pre: Preflight) -> None:
    there = pre.kube.call("GET", CDI)
    pre.kube.call("DELETE", CDI)
    try:
        assert pre.only().startswith("FAIL CDI: is not deployed: there is no such object; next: ")
    finally:
        head = {name: there[name] for name in ("kind", "apiVersion")}
        made = {**head, "metadata": {"name": there["metadata"]["name"]}}
        pre.kube.call("POST", CDI.rpartition("/")[0], made)
        pre.kube.call("PATCH", f"{CDI}/status", {"status": there["status"]}, MERGE)


def test_a_data_source_that_does_not_exist(pre: Preflight) -> None:
    pre.matrix("pools:", "guest: {data_source: nope}\npools:")
    line = pre.only()
    assert line.startswith("FAIL DataSource openshift-virtualization-os-images/nope: does not exist; next: ")


def test_a_data_source_that_is_not_ready(pre: Preflight, changed: Callable[..., None]) -> None:
    path = f"{SOURCES}/centos-stream9"
    before = pre.kube.call("GET", path)["status"]
    condition = {"type": "Ready", "status": "False", "reason": "NoSource", "message": "import runs"}
    changed(f"{path}/status", {"status": {"conditions": [condition]}}, {"status": before})
    assert "is not Ready: NoSource: import runs; next: " in pre.only()


def test_a_storage_class_that_does_not_exist(pre: Preflight) -> None:
    pre.matrix("pools: [fast, slow]", "pools: [fast, nope]")
    line = pre.only()
    assert line.startswith(
        "FAIL pool nope: StorageClass 'nope' does not exist (known: broken, crashing, fast, slow)"
    )
    # A pool that is not selected is not asked for.
    assert {check.level for check in pre.checks(pools=("fast",))} == {"ok"}


def test_a_root_class_that_does_not_exist(pre: Preflight) -> None:
    pre.matrix("pools:", "guest: {root_storage_class: nope}\npools:")
    assert pre.only().startswith("FAIL root disks: StorageClass nope does not exist; next: ")


@pytest.mark.parametrize(
    ("health", "details", "begins"),
    [
        ("HEALTH_WARN", {"POOL_NEARFULL": {"message": "1 pool nearfull"}}, "warn Ceph {}: HEALTH_WARN (POOL"),
        ("HEALTH_WARN", {"OSD_SLOW_PING_TIME_BACK": {"message": "Slow OSD heartbeats"}}, "FAIL Ceph {}: "),
        ("HEALTH_ERR", {}, "FAIL Ceph {}: HEALTH_ERR; next: "),
    ],
)
def test_a_ceph_that_is_not_well(
    pre: Preflight, changed: Callable[..., None], health: str, details: Any, begins: str
) -> None:
    after = {"status": {"ceph": {"health": "HEALTH_OK", "details": None}}}
    changed(CEPH, {"status": {"ceph": {"health": health, "details": details}}}, after)
    assert pre.only().startswith(begins.format("ocs-storagecluster-cephcluster"))


def test_a_quota_without_room(pre: Preflight, made: Callable[..., None]) -> None:
    hard = {"persistentvolumeclaims": "1", "requests.memory": "100Gi", "count/pods": "1"}
    made(f"{IN_NAMESPACE}/resourcequotas", {"metadata": {"name": "few"}, "spec": {"hard": hard}})
    checks = [str(check) for check in pre.checks(parallel=2) if check.level != "ok"]
    assert checks[0].startswith(
        "FAIL quota few: persistentvolumeclaims: group fast:tiny:1Gi:1 needs 2, 1 of 1 are free; next: "
    )
    assert checks[1].startswith("warn quota few: count/pods: 2 pools at once can need 2, 1 of 1 are free")
    assert len(checks) == 2


def test_a_limit_range_that_takes_no_vm(pre: Preflight, made: Callable[..., None]) -> None:
    limits = [{"type": "Container", "max": {"memory": "1Gi"}}, {"type": "Pod", "max": {"cpu": "2"}}]
    made(f"{IN_NAMESPACE}/limitranges", {"metadata": {"name": "small"}, "spec": {"limits": limits}})
    assert pre.only().startswith(
        "FAIL limit range small: VM size tiny: memory 1.3 GiB is outside its max 1Gi; next: "
    )


def test_a_vm_size_that_fits_no_node_and_one_that_fits_too_seldom(pre: Preflight) -> None:
    pre.matrix(
        "tiny: {vcpus: 1, memory: 1Gi, instancetype: u1.micro}",
        "tiny: {vcpus: 8, memory: 1Gi}, big: {vcpus: 17, memory: 1Gi}",
    )
    pre.matrix("concurrency: [1]", "concurrency: [1, 5]")
    lines = [str(check) for check in pre.checks() if check.level != "ok"]
    assert [line.partition("; ")[0] for line in lines] == [
        "FAIL VM size tiny: 5 VMs at once, and the nodes take 4 even when empty",
        "FAIL VM size big: 17 vCPUs and 1.5 GiB fit no node",
    ]


def test_a_patch_with_a_field_that_there_is_not(pre: Preflight) -> None:
    patch = "patch: {spec: {template: {spec: {domain: {ioThreadPolicy: auto}}}}}"
    pre.matrix("instancetype: u1.micro}", f"instancetype: u1.micro, vm: {{{patch}}}}}")
    line = pre.only()
    assert line.startswith("FAIL a VM of size tiny: would be refused: ")
    assert 'unknown field "spec.template.spec.domain.ioThreadPolicy"' in line


def test_nodes_that_take_no_vm(pre: Preflight, changed: Callable[..., None]) -> None:
    for node in ("node-1", "node-2"):
        change = {"spec": {"unschedulable": True}}
        changed(f"/api/v1/nodes/{node}", change, {"spec": {"unschedulable": None}})
    line = pre.only()
    assert line.startswith("FAIL nodes: 0 of 2 nodes take VMs (node-1 is not schedulable, node-2 is ")


def test_leftovers_of_earlier_runs(pre: Preflight) -> None:
    for run in ("one", "two"):
        pre.kube.call("POST", f"{IN_NAMESPACE}/configmaps", run_object(run, "odfperf", {}))
    lines = [str(check) for check in pre.checks() if check.level != "ok"]
    assert [line.partition("; ")[0] for line in lines] == [
        "warn leftovers of run one: 1 ConfigMap",
        "warn leftovers of run two: 1 ConfigMap",
    ]
    assert lines[0].endswith("next: pytest --odf-cleanup one (it leaves a run that is alive)")


def test_a_cluster_that_does_not_answer(pre: Preflight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(pre.rights.folder / "none"))
    assert pre.only().startswith("FAIL cluster: no cluster: ")


def test_a_word_of_the_cluster_can_not_begin_a_line_of_its_own() -> None:
    hostile = Check("warn", "pool x", "bad\nok   rights: all\x1b[2J")
    assert str(hostile) == r"warn pool x: bad ok   rights: all\x1b[2J"


VIRT_API = "/apis/apiregistration.k8s.io/v1/apiservices/v1.subresources.kubevirt.io"
AWAY = {"type": "Available", "status": "False", "reason": "MissingEndpoints", "message": "no addresses"}
BACK = {"type": "Available", "status": "True", "reason": "Passed", "message": "all checks passed"}


@pytest.mark.parametrize("may_read", [True, False])
def test_virt_api_that_is_away_is_told_by_its_name_and_soon(
    pre: Preflight, changed: Callable[..., None], may_read: bool
) -> None:
    changed(f"{VIRT_API}/status", {"status": {"conditions": [AWAY]}}, {"status": {"conditions": [BACK]}})
    if not may_read:
        pre.rights.take(*(right for right in shipped_rights() if right.resource == "apiservices"))
    began_s = time.monotonic()
    (line,) = [str(check) for check in pre.checks() if check.level == "FAIL"]
    assert time.monotonic() - began_s < 30
    said = "is not available: MissingEndpoints: no addresses" if may_read else "503: service unavailable"
    assert line.startswith("FAIL virt-api: KubeVirt's own API server, ")
    assert said in line
    assert "oc get pods -A -l kubevirt.io=virt-api" in line


def test_a_webhook_that_is_away_is_not_waited_for_as_a_run_would(pre: Preflight) -> None:
    """Only the webhooks: the instance of virt-api behind them, say, is not reached by the API server."""
    pre.kube.call("POST", "/sandbox/faults", SILENT_WEBHOOK)
    began_s = time.monotonic()
    try:
        (line,) = [str(check) for check in pre.checks() if check.level == "FAIL"]
    finally:
        pre.kube.call("DELETE", "/sandbox/faults")
    assert time.monotonic() - began_s < 45
    assert line.startswith("FAIL a VM of size tiny: would be refused: ")
    assert "failed calling webhook" in line
