"""VolumeSnapshots of claims, and claims and DataVolumes that are made of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import RefusedError
from tests.sandbox.rook.conftest import CEPHFS, RBD, Rook
from tests.sandbox.rook.test_clones import PVC, claim, status

GROUP = "snapshot.storage.k8s.io"
ROOT = f"/apis/{GROUP}/v1"
CLASS = "ocs-storagecluster-rbdplugin-snapclass"


class Snapshots:
    def __init__(self, rook: Rook) -> None:
        self._kube = rook.kube
        self._path = f"{ROOT}/namespaces/{rook.kube.namespace}/volumesnapshots"

    def take(self, name: str, of: str, snapshot_class: str | None = CLASS) -> None:
        spec: dict[str, Any] = {"source": {"persistentVolumeClaimName": of}}
        if snapshot_class is not None:
            spec["volumeSnapshotClassName"] = snapshot_class
        self.make(name, spec)

    def make(self, name: str, spec: Any) -> None:
        head = {"apiVersion": f"{GROUP}/v1", "kind": "VolumeSnapshot", "metadata": {"name": name}}
        self._kube.call("POST", self._path, {**head, "spec": spec})

    def get(self, name: str) -> Any:
        return self._one(f"{self._path}/{name}")

    def content(self, name: str) -> Any:
        return self._one(f"{ROOT}/volumesnapshotcontents/{name}")

    def _one(self, path: str) -> Any:
        try:
            return self._kube.call("GET", path)
        except RefusedError as error:
            if error.code != 404:
                raise
            return None

    def until_ready(self, name: str) -> Any:
        def ready() -> Any:
            found = self.get(name)
            return found if (found.get("status") or {}).get("readyToUse") else None

        return self._kube.until(ready)["status"]

    def delete(self, name: str) -> None:
        self._kube.call("DELETE", f"{self._path}/{name}")
        self._kube.until(lambda: self.get(name) is None)


@pytest.fixture
def snapshots(rook: Rook) -> Snapshots:
    return Snapshots(rook)


def named(name: str) -> dict[str, str]:
    return {"apiGroup": GROUP, "kind": "VolumeSnapshot", "name": name}


@pytest.mark.parametrize("kind", ["rbd", "cephfs", "file"])
def test_a_claim_is_restored_of_a_snapshot_whose_source_is_gone(
    rook: Rook, snapshots: Snapshots, kind: str
) -> None:
    name, snapshot_class, mode = "root", "sandbox.odfperf.file-snapclass", "Block"
    if kind == "cephfs":
        name, mode = rook.storage_class("sc", CEPHFS, fsName="fs"), "Filesystem"
        snapshot_class = "ocs-storagecluster-cephfsplugin-snapclass"
    elif kind == "rbd":
        pool = rook.make("cephblockpools", "p", {"replicated": {"size": 2}})
        rook.until_phase("cephblockpools", pool, "Ready")
        name, snapshot_class = rook.storage_class("sc", RBD, pool=pool), CLASS
    claim(rook, "a", name, volumeMode=mode)
    rook.volume("a")
    snapshots.take("s", "a", snapshot_class)
    told = snapshots.until_ready("s")
    assert told["restoreSize"] == "2Gi"
    content = snapshots.content(told["boundVolumeSnapshotContentName"])
    assert content["status"]["restoreSize"] == 2 << 30
    assert content["spec"]["volumeSnapshotRef"]["name"] == "s"
    rook.kube.delete(PVC, "a")
    rook.kube.until_gone(PVC, "a")
    claim(rook, "b", name, "3Gi", volumeMode=mode, dataSource=named("s"))
    assert rook.volume("b")["spec"]["capacity"] == {"storage": "3Gi"}
    rook.kube.delete(PVC, "b")
    rook.kube.until_gone(PVC, "b")
    if kind == "rbd":
        # The snapshot is all that is left in it.
        rook.delete("cephblockpools", pool)
        rook.kube.until(
            lambda: (
                "PoolNotEmpty"
                in [c["reason"] for c in rook.get("cephblockpools", pool)["status"].get("conditions") or ()]
            )
        )
    snapshots.delete("s")
    assert snapshots.content(told["boundVolumeSnapshotContentName"]) is None
    if kind == "rbd":
        rook.until_gone("cephblockpools", pool)


@pytest.mark.parametrize(
    ("of", "snapshot_class", "words"),
    [
        ("none", CLASS, "failed to update s on API server: cannot get claim from snapshot"),
        ("waits", CLASS, "the PVC waits is not yet bound to a PV, will not attempt to take a snapshot"),
        ("a", "none", 'volumesnapshotclass.snapshot.storage.k8s.io "none" not found'),
        ("a", None, "Failed to set default snapshot class with error cannot find default snapshot class"),
        ("a", "sandbox.odfperf.file-snapclass", "failed to take snapshot of the volume 0001-"),
    ],
)
def test_a_snapshot_that_can_not_be_taken_says_why(
    rook: Rook, snapshots: Snapshots, of: str, snapshot_class: str | None, words: str
) -> None:
    claim(rook, "a", rook.storage_class("sc", pool="old"))
    rook.volume("a")
    claim(rook, "waits", "nowhere")
    snapshots.take("s", of, snapshot_class)
    error = rook.kube.until(lambda: (snapshots.get("s").get("status") or {}).get("error"))
    assert words in error["message"]
    assert any(words in event for event in rook.kube.events("s"))
    snapshots.delete("s")


def test_what_can_not_be_restored_is_named(rook: Rook, snapshots: Snapshots) -> None:
    name = rook.storage_class("sc", pool="old")
    claim(rook, "a", name)
    rook.volume("a")
    snapshots.take("s", "a")
    snapshots.until_ready("s")
    for target, storage_class, source, spec, words in (
        ("missing", name, "none", {}, "error getting snapshot none from api server: "),
        ("small", name, "s", {"size": "1Gi"}, "requested volume size 1073741824 is less than the size"),
        ("driver", "root", "s", {}, "snapshot s not bound"),
        ("mode", name, "s", {"volumeMode": "Filesystem"}, "modifies the mode of the source volume"),
    ):
        claim(rook, target, storage_class, dataSource=named(source), **spec)
        rook.kube.until(
            lambda target=target, words=words: any(words in event for event in rook.kube.events(target))
        )
        assert status(rook, target)["phase"] == "Pending"
        rook.kube.delete(PVC, target)
    snapshots.delete("s")


@pytest.mark.parametrize("source", ["source", "sourceRef"])
def test_cdi_fills_a_volume_of_a_snapshot(rook: Rook, snapshots: Snapshots, source: str) -> None:
    name = rook.storage_class("sc", pool="old")
    claim(rook, "a", name)
    snapshots.take("s", "a")
    snapshots.until_ready("s")
    place = {"name": "s", "namespace": rook.kube.namespace}
    spec: dict[str, Any] = {"source": {"snapshot": place}}
    if source == "sourceRef":
        head = {"apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataSource", "metadata": {"name": "d"}}
        path = f"/apis/cdi.kubevirt.io/v1beta1/namespaces/{rook.kube.namespace}/datasources"
        rook.kube.call("POST", path, {**head, "spec": spec})
        spec = {"sourceRef": {"kind": "DataSource", "name": "d"}}
    rook.kube.create(
        "datavolumes",
        {"metadata": {"name": "b"}, "spec": {**spec, "storage": {"storageClassName": name}}},
    )
    rook.kube.until_status("datavolumes", "b", "phase", "Succeeded")
    made = rook.kube.get(PVC, "b")
    assert made["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert made["metadata"]["annotations"]["cdi.kubevirt.io/cloneType"] == "snapshot"
    gone = {"source": {"snapshot": {**place, "name": "gone"}}, "storage": {"storageClassName": name}}
    rook.kube.create("datavolumes", {"metadata": {"name": "c"}, "spec": gone})
    said = "CloneWithoutSource: The source snapshot gone doesn't exist"
    rook.kube.until(lambda: said in rook.kube.events("c"))


@pytest.mark.parametrize(
    "source",
    [{}, {"persistentVolumeClaimName": "a", "volumeSnapshotContentName": "b"}],
)
def test_a_snapshot_has_one_source(snapshots: Snapshots, source: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="exactly one of") as refused:
        snapshots.make("s", {"source": source})
    assert refused.value.code == 422
