"""The life of a VM in a sandbox, as a client of its API sees it."""

from __future__ import annotations

from typing import Any

import pytest


def condition(obj: Any, kind: str) -> Any:
    found = [c for c in (obj.get("status") or {}).get("conditions") or [] if c["type"] == kind]
    return found[0] if found else {}


def phases(vmi: Any) -> list[str]:
    return [step["phase"] for step in vmi["status"]["phaseTransitionTimestamps"]]


def test_a_vm_passes_through_the_phases_to_running(kube: Any, make_vm: Any) -> None:
    make_vm()
    vm = kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    assert vm["status"]["ready"] is True
    assert vm["status"]["created"] is True
    assert condition(vm, "Ready")["status"] == "True"
    assert "kubevirt.io/virtualMachineControllerFinalize" in vm["metadata"]["finalizers"]
    vmi = kube.get("virtualmachineinstances", "vm-0")
    assert phases(vmi) == ["Pending", "Scheduling", "Scheduled", "Running"]
    assert vmi["status"]["nodeName"] in ("a", "b")
    assert vmi["status"]["interfaces"][0]["ipAddress"]
    assert vmi["metadata"]["ownerReferences"][0]["uid"] == vm["metadata"]["uid"]
    assert vmi["metadata"]["annotations"]["sandbox.odfperf/port-22"].startswith("127.0.0.1:")


def test_labels_of_the_template_reach_instance_and_pod_and_those_of_the_vm_do_not(
    kube: Any, make_vm: Any
) -> None:
    make_vm()
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    (pod,) = kube.list("pods")
    for obj in (kube.get("virtualmachineinstances", "vm-0"), pod):
        assert obj["metadata"]["labels"]["on"] == "template"
    claim = kube.get("persistentvolumeclaims", "vm-0-root")
    assert claim["metadata"]["labels"]["disk"] == "root"


def test_a_pod_requests_the_guest_and_the_launcher(kube: Any, make_vm: Any) -> None:
    make_vm("ratio", cpu={"cores": 4}, memory="8Gi")
    make_vm("asked", cpu={"cores": 2}, resources={"requests": {"cpu": "1500m"}})
    requests = {}
    for name in ("ratio", "asked"):
        kube.until_status("virtualmachines", name, "printableStatus", "Running")
    for pod in kube.list("pods"):
        name = pod["metadata"]["labels"]["vm.kubevirt.io/name"]
        requests[name] = pod["spec"]["containers"][0]["resources"]["requests"]
    assert requests["ratio"]["cpu"] == "400m"
    assert requests["asked"]["cpu"] == "1500m"
    # 8 GiB, a 512th of it for page tables, 220 MiB of processes, 8 MiB a vCPU, 8 MiB for the IOThread.
    assert requests["ratio"]["memory"] == str((8192 + 16 + 220 + 32 + 8) << 20)


def test_deleting_a_vm_deletes_all_that_it_owns_and_not_what_it_only_uses(kube: Any, make_vm: Any) -> None:
    make_vm()
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    volume = kube.get("persistentvolumeclaims", "vm-0-root")["spec"]["volumeName"]
    assert kube.get("persistentvolumes", volume)["status"]["phase"] == "Bound"
    kube.delete("virtualmachines", "vm-0")
    for plural, name in (
        ("virtualmachines", "vm-0"),
        ("virtualmachineinstances", "vm-0"),
        ("datavolumes", "vm-0-root"),
        ("persistentvolumeclaims", "vm-0-root"),
        ("persistentvolumes", volume),
    ):
        kube.until_gone(plural, name)
    kube.until(lambda: not kube.list("pods"))
    assert kube.get("persistentvolumeclaims", "vm-0-data") is not None


def test_an_owner_that_goes_takes_vm_secret_and_claim_along(kube: Any, make_vm: Any) -> None:
    owner = kube.create("configmaps", {"metadata": {"name": "run"}})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "run", "uid": owner["metadata"]["uid"]}
    make_vm()
    for plural, name in (("virtualmachines", "vm-0"), ("persistentvolumeclaims", "vm-0-data")):
        kube.patch(plural, name, {"metadata": {"ownerReferences": [reference]}})
    kube.create("secrets", {"metadata": {"name": "keys", "ownerReferences": [reference]}})
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    volume = kube.get("persistentvolumeclaims", "vm-0-data")["spec"]["volumeName"]
    kube.delete("configmaps", "run")
    for plural, name in (
        ("virtualmachines", "vm-0"),
        ("persistentvolumeclaims", "vm-0-data"),
        ("secrets", "keys"),
        ("persistentvolumes", volume),
    ):
        kube.until_gone(plural, name)


def test_a_claim_in_use_stays_until_its_pod_is_gone(kube: Any, make_vm: Any) -> None:
    make_vm()
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    kube.delete("persistentvolumeclaims", "vm-0-data")
    claim = kube.get("persistentvolumeclaims", "vm-0-data")
    assert claim["metadata"]["deletionTimestamp"]
    assert claim["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    kube.delete("virtualmachines", "vm-0")
    kube.until_gone("persistentvolumeclaims", "vm-0-data")


def test_a_halted_vm_stays_stopped_and_keeps_its_disks(kube: Any, make_vm: Any) -> None:
    make_vm(run_strategy="Halted")
    kube.until_status("datavolumes", "vm-0-root", "phase", "Succeeded")
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Stopped")
    assert kube.get("virtualmachineinstances", "vm-0") is None
    kube.patch("virtualmachines", "vm-0", {"spec": {"runStrategy": "Always"}})
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    kube.patch("virtualmachines", "vm-0", {"spec": {"runStrategy": "Halted"}})
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Stopped")
    assert kube.get("virtualmachineinstances", "vm-0") is None


def test_a_manual_vm_starts_and_stops_on_request(kube: Any, make_vm: Any) -> None:
    make_vm(run_strategy="Manual")
    kube.until_status("datavolumes", "vm-0-root", "phase", "Succeeded")
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Stopped")
    kube.vm_verb("vm-0", "start")
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    kube.vm_verb("vm-0", "stop")
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Stopped")
    assert kube.get("virtualmachines", "vm-0")["spec"]["runStrategy"] == "Manual"


def test_a_restart_makes_a_new_instance(kube: Any, make_vm: Any) -> None:
    make_vm()
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    before = kube.get("virtualmachineinstances", "vm-0")["metadata"]["uid"]
    kube.vm_verb("vm-0", "restart")

    def renewed() -> Any:
        vmi = kube.get("virtualmachineinstances", "vm-0")
        running = vmi and (vmi.get("status") or {}).get("phase") == "Running"
        return running and vmi["metadata"]["uid"] != before

    kube.until(renewed)
    vm = kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    assert not vm["status"].get("stateChangeRequests")


def test_an_instance_that_is_deleted_is_replaced(kube: Any, make_vm: Any) -> None:
    make_vm()
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    before = kube.get("virtualmachineinstances", "vm-0")["metadata"]["uid"]
    kube.delete("virtualmachineinstances", "vm-0")
    kube.until(
        lambda: (vmi := kube.get("virtualmachineinstances", "vm-0")) and vmi["metadata"]["uid"] != before
    )
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")


def test_a_vm_runs_once(kube: Any, make_vm: Any) -> None:
    make_vm(run_strategy="Once")
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    (pod,) = kube.list("pods")
    kube.delete("pods", pod["metadata"]["name"])
    vmi = kube.until_status("virtualmachineinstances", "vm-0", "phase", "Failed")
    vm = kube.until_status("virtualmachines", "vm-0", "printableStatus", "Stopped")
    assert vm["status"]["ready"] is False
    assert kube.get("virtualmachineinstances", "vm-0")["metadata"]["uid"] == vmi["metadata"]["uid"]


def test_a_claim_that_is_not_there_is_named(kube: Any, make_vm: Any, make_claim: Any) -> None:
    make_vm()
    kube.delete("virtualmachines", "vm-0")
    kube.until_gone("virtualmachines", "vm-0")
    kube.delete("persistentvolumeclaims", "vm-0-data")
    kube.until_gone("persistentvolumeclaims", "vm-0-data")
    vm = {**make_vm_without_claim()}
    kube.create("virtualmachines", vm)
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "ErrorPvcNotFound")
    told = condition(kube.get("virtualmachineinstances", "vm-0"), "Synchronized")
    assert told["reason"] == "FailedPvcNotFound"
    make_claim("vm-0-data")
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")


def make_vm_without_claim() -> dict[str, Any]:
    return {
        "metadata": {"name": "vm-0"},
        "spec": {
            "runStrategy": "Always",
            "template": {
                "metadata": {},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "domain": {
                        "memory": {"guest": "1Gi"},
                        "devices": {"disks": [{"name": "data", "disk": {"bus": "virtio"}}]},
                    },
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "vm-0-data"}}],
                },
            },
        },
    }


def test_a_secret_that_is_not_there_ends_the_instance_with_a_reason(kube: Any) -> None:
    vm = make_vm_without_claim()
    volumes = [{"name": "ci", "cloudInitNoCloud": {"secretRef": {"name": "missing"}}}]
    vm["spec"]["template"]["spec"]["volumes"] = volumes
    vm["spec"]["template"]["spec"]["domain"]["devices"]["disks"][0]["name"] = "ci"
    vm["spec"]["runStrategy"] = "Once"
    kube.create("virtualmachines", vm)
    kube.until_status("virtualmachineinstances", "vm-0", "phase", "Failed")
    assert any("missing not found" in event for event in kube.events("vm-0"))


@pytest.mark.parametrize("count", [12])
def test_many_vms_run_at_once(kube: Any, make_vm: Any, count: int) -> None:
    for i in range(count):
        make_vm(f"vm-{i}", memory="1Gi")
    for i in range(count):
        kube.until_status("virtualmachines", f"vm-{i}", "printableStatus", "Running")
    ports = {
        vmi["metadata"]["annotations"]["sandbox.odfperf/port-22"]
        for vmi in kube.list("virtualmachineinstances")
    }
    assert len(ports) == count


def test_a_vm_whose_instances_never_run_backs_off(kube: Any) -> None:
    vm = make_vm_without_claim()
    volumes = [{"name": "data", "cloudInitNoCloud": {"secretRef": {"name": "missing"}}}]
    vm["spec"]["template"]["spec"]["volumes"] = volumes
    kube.create("virtualmachines", vm)
    vm = kube.until_status("virtualmachines", "vm-0", "printableStatus", "CrashLoopBackOff")
    assert vm["status"]["startFailure"]["consecutiveFailCount"] == 1
    assert kube.get("virtualmachineinstances", "vm-0") is None


def test_rerun_on_failure_starts_anew_after_a_failure(kube: Any, make_vm: Any) -> None:
    make_vm(run_strategy="RerunOnFailure")
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    before = kube.get("virtualmachineinstances", "vm-0")["metadata"]["uid"]
    (pod,) = kube.list("pods")
    kube.delete("pods", pod["metadata"]["name"])

    def renewed() -> Any:
        vmi = kube.get("virtualmachineinstances", "vm-0")
        return (
            vmi and vmi["metadata"]["uid"] != before and (vmi.get("status") or {}).get("phase") == "Running"
        )

    kube.until(renewed)
