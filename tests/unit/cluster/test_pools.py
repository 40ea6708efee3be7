"""Pools and nodes as the API shows them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_odfperf.cluster.facts import pools
from pytest_odfperf.cluster.facts.cluster_facts import WORKER, node_capacity, workers
from pytest_odfperf.cluster.facts.pools import CephObjects, StorageClassFacts
from pytest_odfperf.cluster.facts.provisioners import DRIVERS, usual_mode
from pytest_odfperf.matrix.model import Pool, VmShape
from pytest_odfperf.matrix.values.recipe import Recipe
from pytest_odfperf.sandbox.reconcilers.storage.claims import unserved

RBD = "openshift-storage.rbd.csi.ceph.com"
CEPHFS = "openshift-storage.cephfs.csi.ceph.com"
NONE = CephObjects({}, {})


def storage_class(provisioner: str, **parameters: str) -> StorageClassFacts:
    found = {"metadata": {"name": "sc"}, "provisioner": provisioner, "parameters": parameters}
    return StorageClassFacts.of(found)


def pool(**changes: Any) -> Pool:
    return Pool(**{"name": "p", "storage_class": "sc", **changes})


def ceph(phase: str, **spec: Any) -> dict[str, Any]:
    return {"spec": spec, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("provisioner", "mode"),
    [
        (RBD, "Block"),
        ("rook-ceph.rbd.csi.ceph.com", "Block"),
        ("rbd.csi.ceph.com", "Block"),
        ("my.own-name.rbd.csi.ceph.com", "Block"),
        ("cephfs.csi.ceph.com", "Filesystem"),
        ("openshift-storage.nfs.csi.ceph.com", "Filesystem"),
        ("nfs.csi.ceph.com", "Filesystem"),
        ("myrbd.csi.ceph.com", "Filesystem"),
        ("kubernetes.io/rbd", "Block"),
        ("topolvm.io", "Block"),
        ("csi.vsphere.vmware.com", "Block"),
        (CEPHFS, "Filesystem"),
        ("vpc.file.csi.ibm.io", "Filesystem"),
        ("example.com/nfs", "Filesystem"),
    ],
)
def test_the_volume_mode_follows_the_provisioner(provisioner: str, mode: str) -> None:
    assert pools.volume_mode(pool(), storage_class(provisioner)) == mode


def test_the_matrix_overrides_the_volume_mode() -> None:
    assert pools.volume_mode(pool(volume_mode="Filesystem"), storage_class(RBD)) == "Filesystem"


def test_names_of_secrets_are_not_among_the_facts() -> None:
    secret = "csi.storage.k8s.io/provisioner-secret-name"
    assert storage_class(RBD, pool="rep3", **{secret: "x"}).parameters == {"pool": "rep3"}


def test_a_missing_class_is_named_with_those_that_there_are() -> None:
    classes = {"fast": storage_class(RBD), "slow": storage_class(RBD)}
    assert pools.problem(pool(), classes, NONE) == "StorageClass 'sc' does not exist (known: fast, slow)"
    assert pools.problem(pool(), {}, NONE) == "StorageClass 'sc' does not exist (known: none)"


@pytest.mark.parametrize("parameter", ["pool", "dataPool"])
def test_a_block_pool_that_is_not_ready_is_a_problem(parameter: str) -> None:
    classes = {"sc": storage_class(RBD, **{parameter: "ec"})}
    objects = CephObjects({"ec": ceph("Progressing")}, {})
    assert pools.problem(pool(), classes, objects) == "CephBlockPool ec is Progressing, not Ready"
    assert pools.problem(pool(), classes, CephObjects({"ec": ceph("Ready")}, {})) is None


def test_a_file_system_that_failed_is_a_problem() -> None:
    classes = {"sc": storage_class(CEPHFS, fsName="fs")}
    assert pools.problem(pool(), classes, CephObjects({}, {"fs": ceph("Failure")})) == (
        "CephFilesystem fs is Failure, not Ready"
    )


def test_the_object_that_the_recipe_names_is_looked_at_too() -> None:
    recipe = Recipe(kind="CephBlockPool", name="made")
    objects = CephObjects({"made": ceph("Failure")}, {})
    assert pools.problem(pool(recipe=recipe), {"sc": storage_class("x/y")}, objects) is not None


def test_a_ceph_object_that_nobody_can_read_is_no_problem() -> None:
    assert pools.problem(pool(), {"sc": storage_class(RBD, pool="hidden")}, NONE) is None


def test_ceph_objects_are_known_by_the_name_that_ceph_uses() -> None:
    items = [{"metadata": {"name": "builtin-mgr"}, "spec": {"name": ".mgr"}}, {"metadata": {"name": "rep3"}}]
    assert set(pools.named(items)) == {".mgr", "rep3"}


@pytest.mark.parametrize(
    ("provisioner", "namespace"),
    [
        (RBD, "openshift-storage"),
        ("rook-ceph.cephfs.csi.ceph.com", "rook-ceph"),
        ("a.b/c", "openshift-storage"),
    ],
)
def test_ceph_objects_are_looked_for_where_the_provisioner_says(provisioner: str, namespace: str) -> None:
    assert storage_class(provisioner).ceph_namespaces == (namespace,)


def node(name: str = "n", labels: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    status = {
        "allocatable": {"cpu": "95500m", "memory": "376Gi"},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": {}, "status": status, **changes}


def test_a_node_is_what_the_api_says() -> None:
    capacity = node_capacity(node(labels={"odfperf/marking": "SIMULATED"}))
    assert (capacity.cpu, capacity.memory) == ("95500m", "376Gi")
    assert capacity.ready
    assert capacity.schedulable
    assert capacity.marking == "SIMULATED"


@pytest.mark.parametrize(
    "changes",
    [
        {"spec": {"unschedulable": True}},
        {"spec": {"taints": [{"key": "node.ocs.openshift.io/storage", "effect": "NoSchedule"}]}},
        {"labels": {"kubevirt.io/schedulable": "false"}},
    ],
)
def test_a_node_that_takes_no_vm_is_not_schedulable(changes: Any) -> None:
    assert node_capacity(node(**changes)).refusal(VmShape()) is not None


def test_a_taint_that_only_discourages_does_not_count() -> None:
    assert node_capacity(node(spec={"taints": [{"key": "x", "effect": "PreferNoSchedule"}]})).schedulable


def test_a_node_without_a_ready_condition_is_not_ready() -> None:
    assert not node_capacity(node(status={"allocatable": {"cpu": "1", "memory": "1Gi"}})).ready


def test_workers_are_the_labelled_nodes_or_all_but_the_control_plane() -> None:
    master = node("master", {"node-role.kubernetes.io/control-plane": ""})
    both = node("both", {"node-role.kubernetes.io/control-plane": "", WORKER: ""})
    plain, worker = node("plain"), node("worker", {WORKER: ""})

    def names(*nodes: dict[str, Any]) -> list[str]:
        return [found["metadata"]["name"] for found in workers(list(nodes))]

    assert names(master, plain, worker) == ["worker"]
    assert names(master, both) == ["both"]
    assert names(master, plain) == ["plain"]


@pytest.mark.parametrize("prefix", ["", "openshift-storage.", "rook-ceph.", "external-1.", "a.b."])
@pytest.mark.parametrize("kind", ["rbd", "cephfs", "nfs"])
def test_ceph_is_known_by_the_end_of_the_provisioners_name(prefix: str, kind: str) -> None:
    found = storage_class(f"{prefix}{kind}.csi.ceph.com", clusterID="rook-west")
    assert found.ceph_kind == kind
    ends = {"": ("rook-west", "openshift-storage"), "a.b.": ("rook-west", "openshift-storage")}
    assert found.ceph_namespaces == ends.get(prefix, (prefix.rstrip("."),))


@pytest.mark.parametrize(
    ("provisioner", "parameters", "mode"),
    [
        ("csi.trident.netapp.io", {"backendType": "ontap-san-economy"}, "Block"),
        ("csi.trident.netapp.io", {"backendType": "ontap-nas"}, "Filesystem"),
        ("csi-powerstore.dellemc.com", {"csi.storage.k8s.io/fstype": "NFS"}, "Filesystem"),
        ("csi-powerstore.dellemc.com", {"csi.storage.k8s.io/fstype": "xfs"}, "Block"),
        ("driver.longhorn.io", {"fsType": "ext4"}, "Filesystem"),
        ("driver.longhorn.io", {"fsType": "ext4", "migratable": "true"}, "Block"),
        ("driver.longhorn.io", {}, "Block"),
        ("csi.san.synology.com", {"protocol": "smb"}, "Filesystem"),
        ("example.com/unknown", {}, "Filesystem"),
    ],
)
def test_other_drivers_go_by_the_table(provisioner: str, parameters: dict[str, str], mode: str) -> None:
    assert usual_mode(provisioner, parameters) == mode


def test_the_docs_have_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "storage-drivers.md").read_text()
    told = dict(re.findall(r"^\| `([^`]+)` \| (\w+) \|", page, re.MULTILINE))
    assert told == {name: driver.mode for name, driver in DRIVERS.items()}


def test_a_pool_that_is_not_ready_can_be_allowed_and_is_noted() -> None:
    classes = {"sc": storage_class(RBD, pool="ec")}
    objects = CephObjects({"ec": ceph("Progressing")}, {})
    allowed = pool(allow_not_ready=True)
    assert pools.problem(allowed, classes, objects) is None
    assert pools.not_ready(allowed, classes["sc"], objects) == "CephBlockPool ec is Progressing, not Ready"
    assert pools.problem(allowed, {}, objects) is not None, "a missing class can not be allowed"


@pytest.mark.parametrize(
    ("provisioner", "mode", "access", "served"),
    [
        (RBD, "Block", "ReadWriteMany", True),
        (RBD, "Filesystem", "ReadWriteOnce", True),
        (RBD, "Filesystem", "ReadWriteOncePod", True),
        (RBD, "Filesystem", "ReadWriteMany", False),
        (CEPHFS, "Filesystem", "ReadWriteMany", True),
        ("example.com/nfs", "Filesystem", "ReadWriteMany", True),
    ],
)
def test_rbd_serves_many_writers_as_block_only(
    provisioner: str, mode: Any, access: Any, served: bool
) -> None:
    assert (pools.access_problem(storage_class(provisioner), mode, {access}) is None) == served
    # The sandbox's provisioner says no where the plugin does.
    claim = {"spec": {"accessModes": [access], "volumeMode": mode}}
    assert (unserved(claim, {"provisioner": provisioner}) is None) == served
