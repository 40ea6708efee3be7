"""Claims that are clones of others, and claims that grow, over a simulated Ceph and without one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import RefusedError, vm_object
from tests.sandbox.rook.conftest import CEPHFS, RBD, Rook

PVC = "persistentvolumeclaims"
DIFFERENT_DRIVER = "claim in dataSource not bound or invalid"
SMALLER = (
    "error, new PVC request must be greater than or equal in size to the specified PVC data source, "
    "requested 1073741824 but source is 2147483648"
)
NO_PVC = 'error getting PVC none (namespace "{ns}") from api server: persistentvolumeclaim "none" not found'


def claim(rook: Rook, name: str, storage_class: str, size: str = "2Gi", **spec: Any) -> str:
    wanted = {
        "storageClassName": storage_class,
        "accessModes": ["ReadWriteOnce"],
        "volumeMode": "Block",
        "resources": {"requests": {"storage": size}},
        **spec,
    }
    rook.kube.create(PVC, {"metadata": {"name": name}, "spec": wanted})
    return name


def source(name: str) -> dict[str, str]:
    return {"kind": "PersistentVolumeClaim", "name": name}


def grow(rook: Rook, name: str, size: str) -> None:
    rook.kube.patch(PVC, name, {"spec": {"resources": {"requests": {"storage": size}}}})


def status(rook: Rook, name: str) -> Any:
    return rook.kube.get(PVC, name)["status"]


def conditions(rook: Rook, name: str) -> list[str]:
    return [one["type"] for one in status(rook, name).get("conditions") or []]


@pytest.mark.parametrize("field", ["dataSource", "dataSourceRef"])
@pytest.mark.parametrize("kind", ["rbd", "cephfs", "file"])
def test_a_clone_outlives_its_source(rook: Rook, kind: str, field: str) -> None:
    mode = "Filesystem" if kind == "cephfs" else "Block"
    if kind == "file":
        name = "root"
    elif kind == "cephfs":
        name = rook.storage_class("sc", CEPHFS, fsName="fs")
    else:
        pool = rook.make("cephblockpools", "p", {"replicated": {"size": 2}})
        rook.until_phase("cephblockpools", pool, "Ready")
        name = rook.storage_class("sc", pool=pool)
    claim(rook, "a", name, volumeMode=mode)
    rook.volume("a")
    claim(rook, "b", name, "3Gi", volumeMode=mode, **{field: source("a")})
    volume = rook.volume("b")
    assert volume["spec"]["capacity"] == {"storage": "3Gi"}
    # Whichever of the two fields names a source, the other does.
    spec = rook.kube.get(PVC, "b")["spec"]
    assert spec["dataSource"] == spec["dataSourceRef"] == source("a")
    rook.kube.delete(PVC, "a")
    rook.kube.until_gone(PVC, "a")
    if kind == "rbd":
        rook.delete("cephblockpools", pool)
        rook.kube.until(
            lambda: any(
                c["reason"] == "PoolNotEmpty"
                for c in (rook.get("cephblockpools", pool).get("status") or {}).get("conditions") or ()
            )
        )
        rook.kube.delete(PVC, "b")
        rook.until_gone("cephblockpools", pool)


@pytest.mark.parametrize(
    ("target", "named", "spec", "words"),
    [
        ("rbd", "none", {}, NO_PVC),
        ("rbd", "a", {"size": "1Gi"}, SMALLER),
        ("root", "a", {}, DIFFERENT_DRIVER),
        ("cephfs", "a", {}, DIFFERENT_DRIVER),
        ("rbd", "a", {"volumeMode": "Filesystem"}, "Source is Block, but new PVC requested Filesystem"),
        ("rbd", "waits", {}, "the PVC DataSource waits must have a status of Bound.  Got Pending"),
    ],
)
def test_a_source_that_can_not_be_cloned_is_named(
    rook: Rook, target: str, named: str, spec: dict[str, Any], words: str
) -> None:
    rbd = rook.storage_class("sc", pool="old")
    claim(rook, "a", rbd)
    rook.volume("a")
    claim(rook, "waits", "nowhere")
    other = {"root": "root", "rbd": rbd, "cephfs": rook.storage_class("fs", CEPHFS, fsName="fs")}[target]
    claim(rook, "b", other, dataSource=source(named), **spec)
    said = rook.kube.until(lambda: [e for e in rook.kube.events("b") if e.startswith("ProvisioningFailed")])
    head = f"error getting handle for DataSource Type PersistentVolumeClaim by Name {named}: "
    assert f'StorageClass "{other}": {head}' in said[0]
    assert words.format(ns=rook.kube.namespace) in said[0]
    assert status(rook, "b")["phase"] == "Pending"


def test_a_clone_is_made_once_its_source_is_there(rook: Rook) -> None:
    claim(rook, "b", "root", dataSource=source("a"))
    rook.kube.until(lambda: any("not found" in e for e in rook.kube.events("b")))
    claim(rook, "a", "root")
    rook.volume("b")


def test_what_nobody_here_fills_is_left_to_others(rook: Rook) -> None:
    claim(rook, "b", "root", dataSourceRef={"apiGroup": "example.org", "kind": "Books", "name": "x"})
    said = "Provisioning: Assuming an external populator will provision the volume"
    rook.kube.until(lambda: said in rook.kube.events("b"))
    assert status(rook, "b")["phase"] == "Pending"
    with pytest.raises(RefusedError, match="must match dataSourceRef"):
        claim(rook, "c", "root", dataSource=source("a"), dataSourceRef=source("b"))


def data_volume(rook: Rook, name: str, namespace: str, size: str | None = None, **storage: Any) -> None:
    asked = {"resources": {"requests": {"storage": size}}} if size else {}
    spec = {"source": {"pvc": {"name": "a", "namespace": namespace}}, "storage": {**asked, **storage}}
    rook.kube.create("datavolumes", {"metadata": {"name": name}, "spec": spec})


@pytest.mark.parametrize(
    ("source_class", "target_class", "mode", "way", "fallback"),
    [
        ("rbd", "rbd", "Block", "csi-clone", None),
        ("rbd", "root", "Block", "copy", "Provisioners are incompatible"),
        (
            "rbd",
            "rbd",
            "Filesystem",
            "copy",
            "The volume modes of source and target are incompatible",
        ),
    ],
)
def test_cdi_clones_as_the_two_classes_let_it(
    rook: Rook, source_class: str, target_class: str, mode: str, way: str, fallback: str | None
) -> None:
    classes = {"rbd": rook.storage_class("sc", pool="old"), "root": "root"}
    claim(rook, "a", classes[source_class])
    modes = {"accessModes": ["ReadWriteOnce"], "volumeMode": mode}
    data_volume(rook, "b", rook.kube.namespace, storageClassName=classes[target_class], **modes)
    rook.kube.until_status("datavolumes", "b", "phase", "Succeeded")
    made = rook.kube.get(PVC, "b")
    annotations = made["metadata"]["annotations"]
    assert annotations["cdi.kubevirt.io/cloneType"] == way
    assert annotations.get("cdi.kubevirt.io/cloneFallbackReason") == fallback
    # Who asks for no size gets that of the source.
    assert made["spec"]["resources"]["requests"]["storage"] == "2Gi"


@pytest.mark.parametrize(
    ("strategy", "way"), [("copy", "copy"), ("snapshot", "snapshot"), ("other", "csi-clone")]
)
def test_a_class_may_say_how_cdi_clones(rook: Rook, strategy: str, way: str) -> None:
    name = rook.storage_class("sc", pool="old")
    annotation = {"cdi.kubevirt.io/clone-strategy": strategy}
    rook.kube.patch("storageclasses", name, {"metadata": {"annotations": annotation}})
    profile = f"/apis/cdi.kubevirt.io/v1beta1/storageprofiles/{name}"
    claim(rook, "a", name)
    rook.volume("a")
    rook.kube.until(lambda: rook.kube.call("GET", profile).get("status", {}).get("cloneStrategy") == way)
    data_volume(rook, "b", rook.kube.namespace, storageClassName=name, volumeMode="Block")
    rook.kube.until_status("datavolumes", "b", "phase", "Succeeded")
    annotations = rook.kube.get(PVC, "b")["metadata"]["annotations"]
    assert annotations["cdi.kubevirt.io/cloneType"] == way


def test_cdi_refuses_a_smaller_clone_and_waits_for_who_uses_the_source(rook: Rook) -> None:
    claim(rook, "a", "root")
    rook.volume("a")
    data_volume(rook, "small", rook.kube.namespace, "1Gi", storageClassName="root")
    told = rook.kube.until(lambda: rook.kube.get("datavolumes", "small").get("status"))["conditions"]
    running = next(one for one in told if one["type"] == "Running")
    assert running["reason"] == "CloneValidationFailed"
    assert running["message"].endswith("storage size is smaller than the source 1073741824 < 2147483648")

    vm = vm_object("vm", data="a")
    rook.kube.create("virtualmachines", vm)
    rook.kube.until_status("virtualmachines", "vm", "printableStatus", "Running")
    # CSI clones what is in use.
    claim(rook, "csi", "root", dataSource=source("a"))
    rook.volume("csi")
    data_volume(rook, "b", rook.kube.namespace, storageClassName="root")
    rook.kube.until(lambda: any(e.startswith("CloneSourceInUse: pod ") for e in rook.kube.events("b")))
    assert rook.kube.get("datavolumes", "b")["status"]["phase"] == "CloneScheduled"
    rook.kube.patch("virtualmachines", "vm", {"spec": {"runStrategy": "Halted"}})
    rook.kube.until_status("datavolumes", "b", "phase", "Succeeded")
    rook.kube.delete("virtualmachines", "vm")
    rook.kube.until_gone("virtualmachines", "vm")


@pytest.mark.parametrize("provisioner", [RBD, CEPHFS, "sandbox"])
def test_a_block_claim_and_a_shared_file_system_grow_at_once(rook: Rook, provisioner: str) -> None:
    places = {RBD: {"pool": "old"}, CEPHFS: {"fsName": "fs"}}
    name = "root"
    if provisioner in places:
        name = rook.storage_class("sc", provisioner, **places[provisioner])
    claim(rook, "a", name, volumeMode="Filesystem" if provisioner == CEPHFS else "Block")
    rook.volume("a")
    grow(rook, "a", "3Gi")
    rook.kube.until(lambda: status(rook, "a")["capacity"] == {"storage": "3Gi"})
    rook.kube.until(lambda: not conditions(rook, "a"))
    assert rook.volume("a")["spec"]["capacity"] == {"storage": "3Gi"}
    said = [event.partition(":")[0] for event in rook.kube.events("a")]
    assert {"ExternalExpanding", "Resizing", "VolumeResizeSuccessful"} <= set(said)
    with pytest.raises(RefusedError, match=r"field can not be less than status\.capacity"):
        grow(rook, "a", "2Gi")


def test_a_file_system_grows_when_a_pod_uses_it_and_its_guest_sees_it(rook: Rook) -> None:
    for name, mode in (("files", "Filesystem"), ("raw", "Block")):
        claim(rook, name, "root", volumeMode=mode)
        rook.volume(name)
    grow(rook, "files", "3Gi")
    rook.kube.until(lambda: conditions(rook, "files") == ["FileSystemResizePending"])
    waits = status(rook, "files")
    assert waits["capacity"] == {"storage": "2Gi"}
    assert waits["conditions"][0]["message"].startswith("Waiting for user to (re-)start a pod")
    vm = vm_object("vm", data="files")
    vm["spec"]["template"]["spec"]["volumes"].append(
        {"name": "raw", "persistentVolumeClaim": {"claimName": "raw"}}
    )
    vm["spec"]["template"]["spec"]["domain"]["devices"]["disks"].append(
        {"name": "raw", "disk": {"bus": "virtio"}}
    )
    rook.kube.create("virtualmachines", vm)
    rook.kube.until(lambda: status(rook, "files")["capacity"] == {"storage": "3Gi"})
    rook.kube.until(lambda: not conditions(rook, "files"))
    rook.kube.until_status("virtualmachines", "vm", "printableStatus", "Running")

    def seen(name: str) -> Any:
        volumes = rook.kube.get("virtualmachineinstances", "vm")["status"]["volumeStatus"]
        found = next(one for one in volumes if one["name"] == name)
        return found["persistentVolumeClaimInfo"]["capacity"]["storage"]

    for claim_name, volume in (("files", "data"), ("raw", "raw")):
        grow(rook, claim_name, "4Gi")
        rook.kube.until(lambda volume=volume: seen(volume) == "4Gi")
    said = [event for event in rook.kube.events("files") if event.startswith("FileSystemResizeSuccessful: ")]
    assert "MountVolume.NodeExpandVolume succeeded for volume" in said[0]
    rook.kube.delete("virtualmachines", "vm")
    rook.kube.until_gone("virtualmachines", "vm")


def test_a_class_that_does_not_grow_says_so(rook: Rook) -> None:
    name = rook.storage_class("sc", pool="old")
    rook.kube.patch("storageclasses", name, {"allowVolumeExpansion": False})
    claim(rook, "a", name)
    rook.volume("a")
    with pytest.raises(RefusedError, match="only dynamically provisioned pvc can be resized") as refused:
        grow(rook, "a", "3Gi")
    assert refused.value.code == 403
    # A clone that is larger than its source is still made.
    claim(rook, "b", name, "3Gi", dataSource=source("a"))
    rook.volume("b")
    data_volume(rook, "c", rook.kube.namespace, "4Gi", storageClassName=name, volumeMode="Block")
    rook.kube.until_status("datavolumes", "c", "phase", "Succeeded")
    reason = rook.kube.get(PVC, "c")["metadata"]["annotations"]["cdi.kubevirt.io/cloneFallbackReason"]
    assert reason == "No volume expansion is possible"
