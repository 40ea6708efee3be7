"""Attached volumes, pods of drivers, objects that are stuck: each state, and what it is worth."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_odfperf.preflight.check import Check, Unread
from pytest_odfperf.preflight.storage.attached_volumes import attached_volumes
from pytest_odfperf.preflight.storage.driver_pods import driver_groups, driver_pods
from pytest_odfperf.preflight.storage.stuck_objects import stuck_objects

NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)
OLD, NEW = "2026-11-30T11:00:00Z", "2026-11-30T11:59:00Z"
RBD = "openshift-storage.rbd.csi.ceph.com"


def node(name: str, in_use: list[str], attached: list[str]) -> dict[str, Any]:
    status = {
        "volumesInUse": in_use,
        "volumesAttached": [{"name": one, "devicePath": ""} for one in attached],
    }
    return {"metadata": {"name": name}, "status": status}


def attachment(node: str = "a", created: str = OLD, **status: Any) -> dict[str, Any]:
    meta = {"name": "csi-1", "creationTimestamp": created}
    if deleted := status.pop("deleted", None):
        meta["deletionTimestamp"] = deleted
    spec = {"nodeName": node, "source": {"persistentVolumeName": "pvc-1"}, "attacher": RBD}
    return {"metadata": meta, "spec": spec, "status": {"attached": True, **status}}


def volumes(nodes: list[Any], attachments: Any = ()) -> list[Check]:
    return list(attached_volumes(nodes, attachments, NOW))


V1 = f"kubernetes.io/csi/{RBD}^1"


def test_volumes_that_agree_are_one_line() -> None:
    (check,) = volumes([node("a", [V1], [V1]), node("b", [], [])], [attachment()])
    assert str(check) == "ok   attached volumes: 1 are in use on 2 nodes, and each is attached there"
    assert volumes([]) == []


@pytest.mark.parametrize(
    ("in_use", "attached", "level", "said"),
    [
        (["v1", "v2"], ["v1"], "FAIL", "1 of 2 in use are not attached (v2)"),
        # The same number, and not the same volumes.
        (["v1"], ["v2"], "FAIL", "1 of 1 in use are not attached (v1)"),
        (["v1"], ["v1", "v2"], "warn", "1 of 2 attached are not in use (v2)"),
    ],
)
def test_volumes_that_do_not_agree(in_use: list[str], attached: list[str], level: str, said: str) -> None:
    (check,) = volumes([node("a", in_use, attached), node("b", ["x"], ["x"])])
    assert check.level == level
    assert check.what == "attached volumes of node a"
    assert said in check.detail
    assert check.next_step


@pytest.mark.parametrize("attachments", [[], [attachment(), attachment()], [attachment("b")]])
def test_volumes_and_their_attachments_that_do_not_agree(attachments: list[Any]) -> None:
    checks = volumes([node("a", [V1], [V1]), node("b", [], [])], attachments)
    assert {check.level for check in checks} == {"warn"}
    assert checks[0].detail.startswith("the node has 1 of drivers, and ")


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (
            attachment(attached=False, attachError={"message": "rpc error: timed out"}),
            "can not be attached (pvc-1 on",
        ),
        (attachment(detachError={"message": "still in use"}), "can not be detached"),
        (attachment(attached=False), "are not attached yet (pvc-1 on node a, since 60 min)"),
        (attachment(deleted=OLD), "are not let go of"),
        (attachment(node="gone", attached=False), "are attached to nodes that are gone (pvc-1 on node gone)"),
    ],
)
def test_attachments_that_hang(one: Any, said: str) -> None:
    attached = [V1] if one["status"]["attached"] else []
    (check,) = volumes([node("a", attached, attached)], [one])
    assert check.level == "FAIL"
    assert said in check.detail


@pytest.mark.parametrize(
    "one", [attachment(), attachment(attached=False, created=NEW), attachment(deleted=NEW)]
)
def test_attachments_that_take_their_time_do_not(one: Any) -> None:
    attached = [V1] if one["status"]["attached"] else []
    assert [check.level for check in volumes([node("a", attached, attached)], [one])] == ["ok"]


def test_attachments_that_may_not_be_read_are_said() -> None:
    (check,) = volumes([node("a", [], [])], Unread(403, "cannot list"))
    assert check.level == "warn"


# -- pods


def pod(
    name: str, *, ready: bool = True, restarts: int = 0, namespace: str = "openshift-storage"
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"nodeName": "n1"},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"ready": ready, "restartCount": restarts}],
        },
    }


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([pod("csi-rbdplugin-a1")], {"node plugin": "ok"}),
        ([pod("csi-rbdplugin-a1", ready=False), pod("csi-rbdplugin-a2")], {"node plugin": "FAIL"}),
        ([pod("csi-rbdplugin-a1", restarts=6)], {"node plugin": "warn"}),
        ([pod("csi-rbdplugin-a1", restarts=5)], {"node plugin": "ok"}),
        ([pod("csi-rbdplugin-provisioner-1", ready=False), pod("csi-rbdplugin-provisioner-2")],
         {"controller": "warn"}),
        ([pod("csi-rbdplugin-provisioner-b1", ready=False)], {"controller": "FAIL"}),
        ([pod(f"{RBD}-nodeplugin-x"), pod(f"{RBD}-ctrlplugin-y", ready=False)],
         {"node plugin": "ok", "controller": "FAIL"}),
        ([pod("csi-cephfsplugin-a1", ready=False), pod("other", ready=False)], {}),
        ([pod("kubemacpool-mac-controller-manager-1", ready=False)], {"kubemacpool": "FAIL"}),
        ([pod("kubemacpool-mac-controller-manager-1", restarts=9)], {"kubemacpool": "warn"}),
        ([pod("virt-template-validator-1"), pod("virt-template-validator-2", ready=False)],
         {"virt-template-validator": "warn"}),
    ],
)  # fmt: skip
def test_the_pods_that_volumes_depend_on(pods: list[Any], expected: dict[str, str]) -> None:
    found = {check.what.partition(" of ")[0]: check for check in driver_pods(pods, [RBD, RBD])}
    assert {what: check.level for what, check in found.items()} == expected
    assert all(check.next_step for check in found.values() if check.level != "ok")


@pytest.mark.parametrize(
    ("provisioner", "controller", "plugin"),
    [
        ("rook-ceph.cephfs.csi.ceph.com", "csi-cephfsplugin-provisioner-1", "csi-cephfsplugin-1"),
        ("nfs.csi.ceph.com", "nfs.csi.ceph.com-ctrlplugin-1", "nfs.csi.ceph.com-nodeplugin-1"),
        ("vpc.file.csi.ibm.io", "ibm-vpc-file-csi-controller-1", "ibm-vpc-file-csi-node-1"),
        ("vpc.block.csi.ibm.io", "ibm-vpc-block-csi-controller-1", "ibm-vpc-block-csi-node-1"),
        ("vpc-file-pool.csi.ibm.io", "ibm-vpc-file-pool-csi-controller-1", "vpc-file-pool-csi-node-1"),
    ],
)
def test_the_drivers_whose_pods_are_known(provisioner: str, controller: str, plugin: str) -> None:
    found = list(driver_pods([pod(controller), pod(plugin)], [provisioner]))
    assert [check.what for check in found] == [
        f"controller of {provisioner}",
        f"node plugin of {provisioner}",
    ]
    assert driver_groups("example.com/x") == ()


# -- stuck


def thing(namespace: str = "perf", created: str = OLD, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x", "namespace": namespace, "creationTimestamp": created}, "status": status}


def stuck(sort: str, *items: Any) -> list[Check]:
    return list(stuck_objects("perf", {sort: items}, NOW))


@pytest.mark.parametrize("phase", ["Pending", "Scheduling", "Failed"])
def test_instances_that_are_stuck(phase: str) -> None:
    (check,) = stuck("VMIs", thing(phase=phase))
    assert check.level == "FAIL"
    assert f"perf/x is {phase}" in check.detail
    assert "nothing is removed by force" in check.next_step
    (other,) = stuck("VMIs", thing("other", phase=phase))
    assert (other.level, other.what) == ("warn", "stuck VMIs of other namespaces")
    assert stuck("VMIs", thing(phase="Running"), thing(created=NEW, phase="Pending")) == []


@pytest.mark.parametrize(
    "status", ["ErrorUnschedulable", "DataVolumeError", "CrashLoopBackOff", "ErrImagePull"]
)
def test_vms_that_will_not_run(status: str) -> None:
    assert [check.level for check in stuck("VMs", thing(created=NEW, printableStatus=status))] == ["FAIL"]
    assert stuck("VMs", thing(printableStatus="Stopped"), thing(printableStatus="Running")) == []


def test_objects_that_do_not_go_are_told_with_what_holds_them() -> None:
    going = thing(phase="Running")
    going["metadata"] |= {"deletionTimestamp": OLD, "finalizers": ["a/b"]}
    for sort in ("VMs", "VMIs", "pods"):
        (check,) = stuck(sort, going)
        assert "perf/x is Terminating for 60 min (finalizers: a/b)" in check.detail


def test_pods_that_are_stuck_are_a_warning_and_those_of_others_none() -> None:
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    for one in (thing(phase="Pending"), thing(created=NEW, phase="Running", containerStatuses=[waiting])):
        assert [check.level for check in stuck("pods", one)] == ["warn"]
    assert stuck("pods", thing("other", phase="Pending")) == []


def test_without_a_clock_nothing_is_old() -> None:
    assert list(stuck_objects("perf", {"pods": [thing(phase="Pending")]}, None)) == []
