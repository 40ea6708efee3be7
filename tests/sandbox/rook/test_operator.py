"""Rook's operator over a simulated Ceph: pools and file systems that clients make, and health."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sandbox.rook.conftest import CEPHFS, FILESYSTEM, ROOK, Rook


def test_pools_of_all_kinds_are_made_and_deleted(rook: Rook) -> None:
    replicated = rook.make("cephblockpools", "rep2", {"replicated": {"size": 2}, "deviceClass": "ssd"})
    coded = rook.make("cephblockpools", "ec", {"erasureCoded": {"dataChunks": 2, "codingChunks": 1}})
    filesystem = rook.make("cephfilesystems", "files", FILESYSTEM)
    first = rook.until_phase("cephblockpools", replicated, "Ready")["status"]
    second = rook.until_phase("cephblockpools", coded, "Ready")["status"]
    assert first["info"] == {"type": "Replicated", "failureDomain": "host"}
    assert second["info"] == {"type": "Erasure Coded", "failureDomain": "host"}
    assert first["poolID"] != second["poolID"]
    assert rook.until_phase("cephfilesystems", filesystem, "Ready")["metadata"]["finalizers"] == [
        "cephfilesystem.ceph.rook.io"
    ]
    assert rook.until_said(coded, "ReconcileSucceeded").startswith("successfully configured CephBlockPool")
    for plural, name in (("cephblockpools", replicated), ("cephblockpools", coded)):
        rook.delete(plural, name)
        rook.until_gone(plural, name)
    rook.delete("cephfilesystems", filesystem)
    rook.until_gone("cephfilesystems", filesystem)


@pytest.mark.parametrize(
    ("spec", "phase", "words"),
    [
        ({"replicated": {"size": 1, "requireSafeReplicaSize": True}}, "Progressing", "must be false"),
        (
            {"replicated": {"size": 3}, "failureDomain": "shelf"},
            "Progressing",
            "failure domain shelf",
        ),
        ({"replicated": {"size": 3}, "deviceClass": "hdd"}, "Failure", "device class hdd does not exist"),
        ({"replicated": {"size": 0, "targetSizeRatio": 0.1}}, "Failure", "type is not defined as replicated"),
        ({"erasureCoded": {"dataChunks": 2, "codingChunks": 0}}, "Failure", "m=0 must be >= 1"),
        ({"erasureCoded": {"dataChunks": 0, "codingChunks": 1}}, "Failure", "k=0 must be >= 2"),
        ({"erasureCoded": {"dataChunks": 4, "codingChunks": 2}}, "Failure", "exec timeout waiting for"),
        ({"replicated": {"size": 3}, "failureDomain": "zone"}, "Failure", "exec timeout waiting for"),
        (
            {"replicated": {"size": 3}, "mirroring": {"enabled": True, "mode": "image"}},
            "Failure",
            "mirroring",
        ),
    ],
)
def test_what_can_not_be_made_says_why(rook: Rook, spec: Any, phase: str, words: str) -> None:
    name = rook.make("cephblockpools", "bad", spec)
    said = rook.until_said(name, "ReconcileFailed")
    assert said.startswith(f'failed to reconcile CephBlockPool "openshift-storage/{name}". ')
    assert words in said
    assert rook.until_phase("cephblockpools", name, phase)["status"].get("poolID") is None
    rook.delete("cephblockpools", name)
    rook.until_gone("cephblockpools", name)


def test_a_spec_that_is_put_right_is_made(rook: Rook) -> None:
    name = rook.make("cephblockpools", "late", {"replicated": {"size": 3}, "deviceClass": "hdd"})
    rook.until_phase("cephblockpools", name, "Failure")
    path = f"{ROOK}/cephblockpools/{name}"
    rook.kube.call("PATCH", path, {"spec": {"deviceClass": "ssd"}}, "application/merge-patch+json")
    status = rook.until_phase("cephblockpools", name, "Ready")["status"]
    assert status["observedGeneration"] == 2
    rook.delete("cephblockpools", name)


def test_a_pool_with_images_and_a_file_system_with_volumes_stay_until_they_are_empty(rook: Rook) -> None:
    pool = rook.make("cephblockpools", "p", {"replicated": {"size": 3}})
    files = rook.make("cephfilesystems", "f", FILESYSTEM)
    rook.until_phase("cephblockpools", pool, "Ready")
    rook.until_phase("cephfilesystems", files, "Ready")
    claims = [
        rook.claim(rook.storage_class("rbd", pool=pool)),
        rook.claim(rook.storage_class("files", CEPHFS, fsName=files), "Filesystem"),
    ]
    for claim in claims:
        rook.volume(claim)
    rook.delete("cephblockpools", pool)
    rook.delete("cephfilesystems", files)

    def blocked(plural: str, name: str, kind: str) -> Any:
        found = (rook.get(plural, name)["status"].get("conditions")) or []
        return next((one for one in found if (one["type"], one["status"]) == (kind, "True")), None)

    held = rook.kube.until(lambda: blocked("cephblockpools", pool, "PoolDeletionIsBlocked"))
    assert held["reason"] == "PoolNotEmpty"
    assert held["message"] == f'pool "{pool}" contains images or snapshots and cannot be deleted'
    held = rook.kube.until(lambda: blocked("cephfilesystems", files, "DeletionIsBlocked"))
    assert held["reason"] == "ObjectHasDependents"
    assert "subvolume groups that contain subvolumes" in held["message"]
    for claim in claims:
        rook.kube.delete("persistentvolumeclaims", claim)
    rook.until_gone("cephblockpools", pool)
    rook.until_gone("cephfilesystems", files)


def test_what_the_configuration_says_is_there_from_the_start(rook: Rook) -> None:
    assert rook.get("cephblockpools", "old")["status"]["poolID"] == 1
    assert rook.get("cephblockpools", "lost")["status"]["phase"] == "Failure"
    assert rook.get("cephblockpools", "slow")["status"]["phase"] == "Progressing"
    assert rook.get("cephfilesystems", "fs")["status"]["phase"] == "Ready"
    path = "/apis/ocs.openshift.io/v1/namespaces/openshift-storage/storageclusters/ocs-storagecluster"
    status = rook.kube.call("GET", path)["status"]
    assert (status["failureDomain"], status["failureDomainValues"]) == (
        "host",
        ["node-1", "node-2", "node-3"],
    )
    claim = rook.claim("old")
    rook.volume(claim)
    rook.delete("cephblockpools", "old")
    rook.until_said("old", "ReconcileFailed")
    assert rook.get("cephblockpools", "old") is not None


def test_health_follows_the_pools(rook: Rook) -> None:
    assert rook.health()["health"] == "HEALTH_OK"
    pool = rook.make("cephblockpools", "one", {"replicated": {"size": 1}})
    rook.kube.until(lambda: "POOL_NO_REDUNDANCY" in (rook.health().get("details") or {}), 60.0)
    found = rook.health()
    assert (found["health"], found["previousHealth"]) == ("HEALTH_WARN", "HEALTH_OK")
    rook.delete("cephblockpools", pool)
    rook.kube.until(lambda: rook.health()["health"] == "HEALTH_OK", 60.0)
    assert "details" not in rook.health() or not rook.health()["details"]


def test_what_somebody_writes_into_the_status_stays_until_ceph_has_news(rook: Rook) -> None:
    path = f"{ROOK}/cephclusters/ocs-storagecluster-cephcluster/status"
    told = {"status": {"ceph": {"health": "HEALTH_ERR"}}}
    rook.kube.call("PATCH", path, told, "application/merge-patch+json")
    time.sleep(2.5)  # the operator looks every second
    assert rook.health()["health"] == "HEALTH_ERR"
    # Rook does nothing while Ceph is said to be ill.
    pool = rook.make("cephblockpools", "waits", {"replicated": {"size": 1}})
    rook.until_phase("cephblockpools", pool, "Progressing")
    time.sleep(1.0)
    assert rook.get("cephblockpools", pool)["status"]["phase"] == "Progressing"
    told["status"]["ceph"]["health"] = "HEALTH_OK"
    rook.kube.call("PATCH", path, told, "application/merge-patch+json")
    rook.until_phase("cephblockpools", pool, "Ready")
    rook.delete("cephblockpools", pool)
