"""Volumes of a real Ceph: RBD images, in QEMU machines too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
from pathlib import Path

import pytest
from ceph_processes import commands_of, processes_of

pytestmark = pytest.mark.ceph

POOLS = "/apis/ceph.rook.io/v1/namespaces/openshift-storage/cephblockpools"
FILESYSTEMS = "/apis/ceph.rook.io/v1/namespaces/openshift-storage/cephfilesystems"
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


def test_a_volume_of_a_file_system_is_a_file_in_it_or_the_claim_says_why_not(ceph_sandbox) -> None:
    pool = {"replicated": {"size": 2}}
    spec = {
        "metadataPool": pool,
        "dataPools": [{"name": "data0", **pool}],
        "metadataServer": {"activeCount": 1},
    }
    head = {"apiVersion": "ceph.rook.io/v1", "kind": "CephFilesystem", "metadata": {"name": "files"}}
    ceph_sandbox.call("POST", FILESYSTEMS, {**head, "spec": spec})
    made = _class("shared", fsName="files")
    parameters = {key: text.replace("-rbd-", "-cephfs-") for key, text in made["parameters"].items()}
    provisioner = "openshift-storage.cephfs.csi.ceph.com"
    ceph_sandbox.call("POST", CLASSES, {**made, "provisioner": provisioner, "parameters": parameters})
    ceph_sandbox.call("POST", CLAIMS, _claim("f", "64Mi", storageClassName="shared", volumeMode="Filesystem"))
    if shutil.which("ceph-fuse") is None:
        events = "/api/v1/namespaces/odfperf-ceph/events"
        ceph_sandbox.until(
            "words", lambda: b"the Debian package ceph-fuse" in ceph_sandbox.call("GET", events)
        )
    else:

        def volume() -> str | None:
            claim = json.loads(ceph_sandbox.call("GET", f"{CLAIMS}/f"))
            return claim["status"].get("phase") == "Bound" and claim["spec"]["volumeName"]

        name = ceph_sandbox.until("a bound claim", volume)
        mount = ceph_sandbox.state / "ceph" / "mnt" / "fuse.files"
        found = commands_of(ceph_sandbox.state).items()
        (client,) = [pid for pid, command in found if command.startswith("ceph-fuse")]
        # Nobody else sees it.
        assert list(mount.iterdir()) == []
        file = Path(f"/proc/{client}/root{mount}/volumes/csi/{name}.raw")
        assert file.stat().st_size == 64 << 20
        with file.open("r+b") as disk:
            disk.write(b"x" * (8 << 20))
            os.fsync(disk.fileno())
        assert len(ceph_sandbox.program("rados", "-p", "files-data0", "ls").split()) >= 2
    ceph_sandbox.call("DELETE", f"{CLAIMS}/f")
    ceph_sandbox.until("no claim", lambda: not _there(ceph_sandbox, f"{CLAIMS}/f"))
    ceph_sandbox.call("DELETE", f"{CLASSES}/shared")
    ceph_sandbox.call("DELETE", f"{FILESYSTEMS}/files")
    ceph_sandbox.until("no pools", lambda: "files-data0" not in ceph_sandbox.ceph("osd", "pool", "ls"))
    assert not [one for one in processes_of(ceph_sandbox.state) if one.startswith("ceph-fuse")]


def _there(ceph_sandbox, path: str) -> bool:
    try:
        ceph_sandbox.call("GET", path)
    except urllib.error.HTTPError as error:
        return error.code != 404
    return True
