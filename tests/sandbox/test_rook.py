"""Rook's operator and ceph-csi of the sandbox, as clients of the API see them, over a simulated Ceph."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_odfperf.sandbox.start import Sandbox
from tests.sandbox.conftest import Kube, RefusedError

ROOK = "/apis/ceph.rook.io/v1/namespaces/openshift-storage"
KINDS = {"cephblockpools": "CephBlockPool", "cephfilesystems": "CephFilesystem"}
SECRET = "csi.storage.k8s.io/provisioner-secret-name"
RBD, CEPHFS = "openshift-storage.rbd.csi.ceph.com", "openshift-storage.cephfs.csi.ceph.com"
CONFIG = {
    "machine": "simulated",
    "boot_s": 0.05,
    "nodes": {"count": 3},
    "storage_classes": {
        "root": {"default": True},
        "old": {"provisioner": RBD, "parameters": {"pool": "old"}},
    },
    "ceph": {
        "block_pools": {
            "old": {"phase": "Ready"},
            "lost": {"phase": "Failure"},
            "slow": {"phase": "Progressing"},
        },
        "filesystems": {"fs": {}},
        "settle_s": 0.3,
        "stuck_s": 1.0,
    },
}
FILESYSTEM = {
    "metadataPool": {"replicated": {"size": 3}},
    "dataPools": [{"name": "data0", "replicated": {"size": 2}}],
    "metadataServer": {"activeCount": 1},
}


class Rook:
    """The storage namespace of a sandbox, and a namespace for claims. Names are new for each test."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.mark = uuid.uuid4().hex[:6]

    def name(self, text: str) -> str:
        return f"{text}-{self.mark}"

    def get(self, plural: str, name: str) -> Any:
        try:
            return self.kube.call("GET", f"{ROOK}/{plural}/{name}")
        except RefusedError as error:
            if error.code != 404:
                raise
            return None

    def make(self, plural: str, name: str, spec: Any) -> str:
        body = {"apiVersion": "ceph.rook.io/v1", "kind": KINDS[plural], "spec": spec}
        self.kube.call("POST", f"{ROOK}/{plural}", {**body, "metadata": {"name": self.name(name)}})
        return self.name(name)

    def delete(self, plural: str, name: str) -> None:
        self.kube.call("DELETE", f"{ROOK}/{plural}/{name}")

    def until_phase(self, plural: str, name: str, phase: str) -> Any:
        def reached() -> Any:
            found = self.get(plural, name)
            return found if found and (found.get("status") or {}).get("phase") == phase else None

        return self.kube.until(reached, 60.0)

    def until_gone(self, plural: str, name: str) -> None:
        self.kube.until(lambda: self.get(plural, name) is None, 60.0)

    def said(self, name: str, reason: str) -> list[str]:
        events = self.kube.call("GET", "/api/v1/namespaces/openshift-storage/events")["items"]
        return [e["message"] for e in events if (e["involvedObject"]["name"], e["reason"]) == (name, reason)]

    def until_said(self, name: str, reason: str) -> str:
        found: list[str] = self.kube.until(lambda: self.said(name, reason), 60.0)
        return found[0]

    def health(self) -> Any:
        path = f"{ROOK}/cephclusters/ocs-storagecluster-cephcluster"
        return self.kube.call("GET", path)["status"]["ceph"]

    def storage_class(self, name: str, provisioner: str = RBD, **parameters: str) -> str:
        secret = f"rook-csi-{provisioner.split('.')[1]}-provisioner"
        secrets = {
            "csi.storage.k8s.io/provisioner-secret-name": secret,
            "csi.storage.k8s.io/provisioner-secret-namespace": "openshift-storage",
        }
        made = {
            "metadata": {"name": self.name(name)},
            "provisioner": provisioner,
            "parameters": {"clusterID": "openshift-storage", **secrets, **parameters},
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
            "allowVolumeExpansion": True,
        }
        made["parameters"] = {key: text for key, text in made["parameters"].items() if text != "-"}
        self.kube.create("storageclasses", made)
        return self.name(name)

    def claim(self, storage_class: str, mode: str = "Block") -> str:
        spec = {
            "storageClassName": storage_class,
            "accessModes": ["ReadWriteOnce"],
            "volumeMode": mode,
            "resources": {"requests": {"storage": "1Gi"}},
        }
        self.kube.create("persistentvolumeclaims", {"metadata": {"name": storage_class}, "spec": spec})
        return storage_class

    def volume(self, claim: str) -> Any:
        found = self.kube.until_status("persistentvolumeclaims", claim, "phase", "Bound")
        return self.kube.get("persistentvolumes", found["spec"]["volumeName"])


@pytest.fixture(scope="module")
def sandbox(start_sandbox: Callable[[Any], Sandbox]) -> Sandbox:
    return start_sandbox(CONFIG)


@pytest.fixture
def rook(sandbox: Sandbox) -> Iterator[Rook]:
    kube = Kube(sandbox.kubeconfig, f"test-{uuid.uuid4().hex[:8]}")
    kube.create("namespaces", {"metadata": {"name": kube.namespace}})
    yield Rook(kube)
    kube.delete("namespaces", kube.namespace)


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


def test_a_volume_says_where_its_image_is(rook: Rook) -> None:
    pool = rook.make("cephblockpools", "head", {"replicated": {"size": 3}})
    data = rook.make("cephblockpools", "data", {"erasureCoded": {"dataChunks": 2, "codingChunks": 1}})
    number = rook.until_phase("cephblockpools", pool, "Ready")["status"]["poolID"]
    rook.until_phase("cephblockpools", data, "Ready")
    features = "layering,deep-flatten,exclusive-lock,object-map,fast-diff"
    claim = rook.claim(rook.storage_class("ec", pool=pool, dataPool=data, imageFeatures=features))
    volume = rook.volume(claim)
    uid = rook.kube.get("persistentvolumeclaims", claim)["metadata"]["uid"]
    source = volume["spec"]["csi"]
    assert source["volumeHandle"] == f"0001-0011-openshift-storage-{number:016x}-{uid}"
    wanted = {"pool": pool, "dataPool": data, "imageName": f"csi-vol-{uid}", "journalPool": pool}
    assert source["volumeAttributes"].items() >= wanted.items()
    assert not any(key.startswith("csi.storage") for key in source["volumeAttributes"])
    # Rook looks for images in the data pool, where there are none: their headers are elsewhere.
    rook.delete("cephblockpools", data)
    rook.until_gone("cephblockpools", data)
    rook.kube.delete("persistentvolumeclaims", claim)
    rook.delete("cephblockpools", pool)
    rook.until_gone("cephblockpools", pool)


def test_a_claim_grows_and_never_shrinks(rook: Rook) -> None:
    claim = rook.claim(rook.storage_class("grows", pool="old"))
    volume = rook.volume(claim)["metadata"]["name"]

    def ask(size: str) -> None:
        rook.kube.patch(
            "persistentvolumeclaims", claim, {"spec": {"resources": {"requests": {"storage": size}}}}
        )

    ask("3Gi")
    rook.kube.until(
        lambda: rook.kube.get("persistentvolumeclaims", claim)["status"]["capacity"] == {"storage": "3Gi"}
    )
    assert rook.kube.get("persistentvolumes", volume)["spec"]["capacity"] == {"storage": "3Gi"}
    with pytest.raises(RefusedError, match="less than previous value"):
        ask("2Gi")


@pytest.mark.parametrize(
    ("provisioner", "parameters", "words"),
    [
        (
            RBD,
            {"pool": "gone"},
            "code = Internal desc = pool not found: pool (gone) not found",
        ),
        (RBD, {"pool": "old", "dataPool": "gone"}, "failed to create rbd image: rbd: ret=-2"),
        (RBD, {"pool": "old", "clusterID": "-"}, "code = InvalidArgument desc = empty cluster ID"),
        (
            RBD,
            {"pool": "old", "csi.storage.k8s.io/provisioner-secret-name": "none"},
            'secrets "none" not found',
        ),
        (
            RBD,
            {
                "pool": "old",
                SECRET: "-",
                f"{SECRET}space": "-",
            },
            "provided secret is empty",
        ),
        (RBD, {"pool": "old", SECRET: "-"}, "Both must be specified"),
        (CEPHFS, {"fsName": "gone"}, "code = InvalidArgument desc = volume not found"),
    ],
)
def test_a_class_that_can_not_be_served_says_why(
    rook: Rook, provisioner: str, parameters: dict[str, str], words: str
) -> None:
    claim = rook.claim(rook.storage_class("bad", provisioner, **parameters), "Block")
    said = rook.kube.until(lambda: [e for e in rook.kube.events(claim) if e.startswith("ProvisioningFailed")])
    assert said[0].startswith(f'ProvisioningFailed: failed to provision volume with StorageClass "{claim}": ')
    assert words in said[0]


def test_a_claim_is_bound_once_its_pool_is_there(rook: Rook) -> None:
    claim = rook.claim(rook.storage_class("early", pool=rook.name("p")))
    rook.kube.until(lambda: any("not found in Ceph cluster" in e for e in rook.kube.events(claim)))
    pool = rook.make("cephblockpools", "p", {"replicated": {"size": 2}})
    rook.volume(claim)
    rook.kube.delete("persistentvolumeclaims", claim)
    rook.delete("cephblockpools", pool)
    rook.until_gone("cephblockpools", pool)


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


def test_a_storage_profile_is_made_of_each_class(rook: Rook) -> None:
    name = rook.storage_class("new", pool="old")
    path = f"/apis/cdi.kubevirt.io/v1beta1/storageprofiles/{name}"

    def profile() -> Any:
        try:
            return rook.kube.call("GET", path)
        except RefusedError:
            return None

    rook.kube.until(lambda: (profile() or {}).get("status"))
    assert profile()["status"]["claimPropertySets"][0] == {
        "accessModes": ["ReadWriteMany"],
        "volumeMode": "Block",
    }
    rook.kube.delete("storageclasses", name)
    rook.kube.until(lambda: profile() is None)


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
