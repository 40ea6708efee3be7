"""Volumes of StorageClasses that clients make, as ceph-csi makes them, over a simulated Ceph."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import RefusedError
from tests.sandbox.rook.conftest import CEPHFS, RBD, SECRET, Rook


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
    with pytest.raises(RefusedError, match=r"less than status\.capacity"):
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
