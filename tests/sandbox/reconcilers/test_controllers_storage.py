"""Claims, volumes and DataVolumes of a sandbox."""

from __future__ import annotations

from typing import Any


def test_a_claim_is_bound_to_a_volume_of_its_size(kube: Any, make_claim: Any) -> None:
    make_claim("c")
    claim = kube.until_status("persistentvolumeclaims", "c", "phase", "Bound")
    assert claim["status"]["capacity"]["storage"] == "5Gi"
    volume = kube.get("persistentvolumes", claim["spec"]["volumeName"])
    assert volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
    assert volume["spec"]["volumeMode"] == "Block"
    assert volume["spec"]["storageClassName"] == "rep3"
    kube.delete("persistentvolumeclaims", "c")
    kube.until_gone("persistentvolumes", volume["metadata"]["name"])


def test_a_claim_without_a_class_gets_the_default_one(kube: Any, make_claim: Any) -> None:
    make_claim("c", None)
    claim = kube.until_status("persistentvolumeclaims", "c", "phase", "Bound")
    assert claim["spec"]["storageClassName"] == "rep3"


def test_a_missing_class_is_an_event_of_the_claim(kube: Any, make_claim: Any) -> None:
    make_claim("c", "nowhere")
    wanted = 'ProvisioningFailed: storageclass.storage.k8s.io "nowhere" not found'
    kube.until(lambda: wanted in kube.events("c"))
    assert kube.get("persistentvolumeclaims", "c")["status"]["phase"] == "Pending"


def test_a_provisioner_that_fails_is_an_event_of_the_claim(kube: Any, make_claim: Any) -> None:
    make_claim("c", "broken")
    kube.until(lambda: any("pool not found" in event for event in kube.events("c")))
    assert kube.get("persistentvolumeclaims", "c")["status"]["phase"] == "Pending"


def test_a_class_can_wait_for_its_first_consumer(kube: Any, make_vm: Any) -> None:
    make_vm(storage_class="late", root_class="late", run_strategy="Halted")
    kube.until(lambda: any(event.startswith("WaitForFirstConsumer: ") for event in kube.events("vm-0-data")))
    kube.until_status("datavolumes", "vm-0-root", "phase", "PendingPopulation")
    assert kube.get("persistentvolumeclaims", "vm-0-data")["status"]["phase"] == "Pending"
    kube.patch("virtualmachines", "vm-0", {"spec": {"runStrategy": "Always"}})
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    node = kube.get("virtualmachineinstances", "vm-0")["status"]["nodeName"]
    claim = kube.get("persistentvolumeclaims", "vm-0-data")
    assert claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] == node
    assert kube.get("datavolumes", "vm-0-root")["status"]["phase"] == "Succeeded"


def test_a_clone_shows_its_progress_and_ends_at_100_percent(kube: Any) -> None:
    ref = {
        "kind": "DataSource",
        "name": "centos-stream9",
        "namespace": "openshift-virtualization-os-images",
    }
    storage = {"resources": {"requests": {"storage": "30Gi"}}}
    meta = {"name": "dv", "labels": {"run": "r1"}}
    kube.create("datavolumes", {"metadata": meta, "spec": {"sourceRef": ref, "storage": storage}})
    seen: list[tuple[str, str]] = []

    def done() -> bool:
        status = kube.get("datavolumes", "dv").get("status") or {}
        seen.append((status.get("phase", ""), status.get("progress", "")))
        return bool(status.get("phase") == "Succeeded")

    kube.until(done)
    assert seen[-1] == ("Succeeded", "100.0%")
    steps = [float(progress[:-1]) for phase, progress in seen if phase == "CSICloneInProgress"]
    assert steps == sorted(steps)
    assert all(0 <= step < 100 for step in steps)
    assert steps
    claim = kube.get("persistentvolumeclaims", "dv")
    assert claim["metadata"]["labels"]["run"] == "r1"
    assert claim["metadata"]["ownerReferences"][0]["kind"] == "DataVolume"


def test_a_blank_volume_succeeds(kube: Any) -> None:
    pvc = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    kube.create("datavolumes", {"metadata": {"name": "dv"}, "spec": {"source": {"blank": {}}, "pvc": pvc}})
    kube.until_status("datavolumes", "dv", "phase", "Succeeded")
    assert kube.get("persistentvolumeclaims", "dv")["spec"]["volumeMode"] == "Filesystem"


def test_a_missing_image_keeps_the_vm_provisioning_and_is_named(kube: Any, make_vm: Any) -> None:
    make_vm(source="no-such-image")
    dv = kube.until_status("datavolumes", "vm-0-root", "phase", "Pending")
    told = {c["type"]: c for c in dv["status"]["conditions"]}
    assert "no-such-image" in told["Running"]["message"]
    assert any(event.startswith("CloneWithoutSource: ") for event in kube.events("vm-0-root"))
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Provisioning")
    assert kube.get("virtualmachineinstances", "vm-0") is None


def test_a_volume_that_waits_repeats_what_its_claim_says(kube: Any) -> None:
    storage = {"storageClassName": "nowhere", "resources": {"requests": {"storage": "1Gi"}}}
    kube.create(
        "datavolumes", {"metadata": {"name": "dv"}, "spec": {"source": {"blank": {}}, "storage": storage}}
    )

    def told() -> bool:
        dv = kube.get("datavolumes", "dv")
        bound = [c for c in (dv.get("status") or {}).get("conditions") or [] if c["type"] == "Bound"]
        return bool(bound) and '"nowhere" not found' in bound[0].get("message", "")

    kube.until(told)
