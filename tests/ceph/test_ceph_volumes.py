"""Volumes of a real Ceph: RBD images, in QEMU machines too."""

from __future__ import annotations

import json
import subprocess

import pytest

pytestmark = pytest.mark.ceph

POOLS = "/apis/ceph.rook.io/v1/namespaces/openshift-storage/cephblockpools"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
CLAIMS = "/api/v1/namespaces/odfperf-ceph/persistentvolumeclaims"


def _pool(name: str, **spec: object) -> dict[str, object]:
    return {
        "apiVersion": "ceph.rook.io/v1",
        "kind": "CephBlockPool",
        "metadata": {"name": name},
        "spec": spec,
    }


def _class(name: str, **parameters: str) -> dict[str, object]:
    secrets = {}
    for step in ("provisioner", "node-stage", "controller-expand"):
        kind = "node" if step == "node-stage" else "provisioner"
        secrets[f"csi.storage.k8s.io/{step}-secret-name"] = f"rook-csi-rbd-{kind}"
        secrets[f"csi.storage.k8s.io/{step}-secret-namespace"] = "openshift-storage"
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "openshift-storage.rbd.csi.ceph.com",
        "allowVolumeExpansion": True,
        "parameters": {"clusterID": "openshift-storage", **secrets, **parameters},
    }


def _claim(name: str, size: str, **spec: object) -> dict[str, object]:
    wanted = {
        "accessModes": ["ReadWriteMany"],
        "volumeMode": "Block",
        "resources": {"requests": {"storage": size}},
    }
    head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}}
    return {**head, "spec": {**wanted, **spec}}


SNAPSHOTS = "/apis/snapshot.storage.k8s.io/v1/namespaces/odfperf-ceph/volumesnapshots"


def test_clones_and_snapshots_have_their_sources_content_and_outlive_it(ceph_sandbox) -> None:
    def image(name: str) -> str:
        def bound() -> str | None:
            claim = json.loads(ceph_sandbox.call("GET", f"{CLAIMS}/{name}"))
            return claim["status"].get("phase") == "Bound" and f"csi-vol-{claim['metadata']['uid']}"

        return ceph_sandbox.until(f"claim {name}", bound)

    def look(name: str, command: str) -> str:
        """What qemu-io says of an image."""
        conf = ceph_sandbox.state / "ceph" / "ceph.conf"
        return subprocess.run(
            ["qemu-io", "-f", "raw", "-c", command, f"rbd:rep2/{name}:conf={conf}"],
            capture_output=True, text=True, timeout=60, check=True,
        ).stdout  # fmt: skip

    ceph_sandbox.call("POST", CLASSES, _class("plain", pool="rep2"))
    ceph_sandbox.call("POST", CLAIMS, _claim("a", "64Mi", storageClassName="plain"))
    source = image("a")
    look(source, "write -P 0xab 0 1M")
    named = {"kind": "PersistentVolumeClaim", "name": "a"}
    ceph_sandbox.call("POST", CLAIMS, _claim("b", "96Mi", storageClassName="plain", dataSource=named))
    clone = image("b")
    info = json.loads(ceph_sandbox.program("rbd", "info", f"rep2/{clone}", "--format", "json"))
    assert (info["parent"]["image"], info["size"]) == (source, 96 << 20)
    ceph_sandbox.call("DELETE", f"{CLAIMS}/a")
    ceph_sandbox.until("one image", lambda: ceph_sandbox.program("rbd", "ls", "rep2").split() == [clone])
    group = "snapshot.storage.k8s.io"
    snapshot = {"apiVersion": f"{group}/v1", "kind": "VolumeSnapshot", "metadata": {"name": "s"}}
    snapshot_class = "ocs-storagecluster-rbdplugin-snapclass"
    spec = {"source": {"persistentVolumeClaimName": "b"}, "volumeSnapshotClassName": snapshot_class}
    ceph_sandbox.call("POST", SNAPSHOTS, {**snapshot, "spec": spec})
    named = {"apiGroup": group, "kind": "VolumeSnapshot", "name": "s"}
    ceph_sandbox.call("POST", CLAIMS, _claim("c", "96Mi", storageClassName="plain", dataSource=named))
    restored = image("c")
    assert json.loads(ceph_sandbox.call("GET", f"{SNAPSHOTS}/s"))["status"]["restoreSize"] == "96Mi"
    ceph_sandbox.call("DELETE", f"{CLAIMS}/b")
    ceph_sandbox.call("DELETE", f"{SNAPSHOTS}/s")
    ceph_sandbox.until("one image", lambda: ceph_sandbox.program("rbd", "ls", "rep2").split() == [restored])
    assert "Pattern verification failed" not in look(restored, "read -P 0xab 0 1M")
    ceph_sandbox.call("DELETE", f"{CLAIMS}/c")
    ceph_sandbox.until("no image", lambda: not ceph_sandbox.program("rbd", "ls", "rep2").split())
    ceph_sandbox.until("no trash", lambda: not ceph_sandbox.program("rbd", "trash", "ls", "rep2").split())
    ceph_sandbox.call("DELETE", f"{CLASSES}/plain")


def test_volumes_of_a_client_are_images_with_their_data_where_the_class_says(ceph_sandbox) -> None:
    for pool in (
        _pool("made", replicated={"size": 2}),
        _pool("coded", erasureCoded={"dataChunks": 2, "codingChunks": 1}),
        # There are three hosts.
        _pool("wide", erasureCoded={"dataChunks": 4, "codingChunks": 2}),
    ):
        ceph_sandbox.call("POST", POOLS, pool)

    def status(name: str) -> dict[str, object]:
        return json.loads(ceph_sandbox.call("GET", f"{POOLS}/{name}")).get("status") or {}

    ceph_sandbox.until("pools", lambda: {status(n).get("phase") for n in ("made", "coded")} == {"Ready"})
    found = {pool["pool_name"]: pool for pool in ceph_sandbox.ceph("osd", "pool", "ls", "detail")}
    assert (found["made"]["size"], found["coded"]["size"], found["coded"]["min_size"]) == (2, 3, 2)
    assert status("made")["poolID"] == found["made"]["pool_id"]
    # Rook has asked for no more, and calls it Ready; Ceph knows better.
    assert ceph_sandbox.until("PGs", lambda: "PG_AVAILABILITY" in ceph_sandbox.health()["checks"])
    ceph_sandbox.call("DELETE", f"{POOLS}/wide")

    ceph_sandbox.call(
        "POST", CLASSES, _class("coded", pool="made", dataPool="coded", imageFeatures="layering")
    )
    ceph_sandbox.call("POST", CLAIMS, _claim("data", "1Gi", storageClassName="coded"))
    (image,) = ceph_sandbox.until("an image", lambda: ceph_sandbox.program("rbd", "ls", "made").split())
    info = json.loads(ceph_sandbox.program("rbd", "info", f"made/{image}", "--format", "json"))
    assert (info["size"], info["data_pool"]) == (1 << 30, "coded")
    assert "exclusive-lock" not in info["features"]
    ceph_sandbox.until(
        "a bound claim",
        lambda: json.loads(ceph_sandbox.call("GET", f"{CLAIMS}/data"))["status"].get("phase") == "Bound",
    )
    ceph_sandbox.call("PATCH", f"{CLAIMS}/data", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})
    ceph_sandbox.until(
        "a larger image",
        lambda: (
            json.loads(ceph_sandbox.program("rbd", "info", f"made/{image}", "--format", "json"))["size"]
            == 2 << 30
        ),
    )
    # Rook deletes no pool with images in it.
    ceph_sandbox.call("DELETE", f"{POOLS}/made")
    ceph_sandbox.until(
        "Rook's words",
        lambda: any(c["reason"] == "PoolNotEmpty" for c in status("made").get("conditions", [])),
    )
    ceph_sandbox.call("DELETE", f"{CLAIMS}/data")
    ceph_sandbox.call("DELETE", f"{POOLS}/coded")
    ceph_sandbox.call("DELETE", f"{CLASSES}/coded")
    ceph_sandbox.until(
        "no pool", lambda: {"made", "coded", "wide"}.isdisjoint(ceph_sandbox.ceph("osd", "pool", "ls")), 90
    )
    ceph_sandbox.until("health", lambda: ceph_sandbox.health()["status"] == "HEALTH_OK")
