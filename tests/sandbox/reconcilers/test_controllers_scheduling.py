"""Nodes, and which of them a VM gets. The sandbox has two usable nodes of 8 CPUs and 32 GiB."""

from __future__ import annotations

from typing import Any


def condition(obj: Any, kind: str) -> Any:
    return next(c for c in obj["status"]["conditions"] if c["type"] == kind)


def test_nodes_have_capacity_labels_and_marking(kube: Any) -> None:
    nodes = {node["metadata"]["name"]: node for node in kube.list("nodes")}
    assert set(nodes) == {"a", "b", "sick", "cordoned"}
    good = nodes["a"]
    assert good["status"]["allocatable"]["cpu"] == "8"
    assert good["status"]["allocatable"]["memory"] == str(32 << 30)
    # As a real server gives back what was written as 1000.
    assert good["status"]["allocatable"]["devices.kubevirt.io/kvm"] == "1k"
    assert int(good["status"]["allocatable"]["pods"]) > 0
    assert condition(good, "Ready")["status"] == "True"
    labels = good["metadata"]["labels"]
    assert labels["odfperf/marking"] == "SIMULATED"
    assert labels["kubevirt.io/schedulable"] == "true"
    assert "node-role.kubernetes.io/worker" in labels
    assert condition(nodes["sick"], "Ready")["status"] == "False"
    assert nodes["cordoned"]["spec"]["unschedulable"] is True


def test_a_vm_that_fits_nowhere_says_why_and_gets_in_when_room_appears(kube: Any, make_vm: Any) -> None:
    for i in range(2):
        make_vm(f"big-{i}", memory="24Gi")
        kube.until_status("virtualmachines", f"big-{i}", "printableStatus", "Running")
    make_vm("late", memory="16Gi")
    kube.until_status("virtualmachines", "late", "printableStatus", "ErrorUnschedulable")
    told = condition(kube.get("virtualmachineinstances", "late"), "PodScheduled")
    assert (told["status"], told["reason"]) == ("False", "Unschedulable")
    assert told["message"].startswith("0/4 nodes are available: ")
    assert "2 Insufficient memory" in told["message"]
    assert "1 node(s) were unschedulable" in told["message"]
    assert "1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }" in told["message"]
    (pod,) = [p for p in kube.list("pods") if p["metadata"]["labels"]["vm.kubevirt.io/name"] == "late"]
    assert any(event.startswith("FailedScheduling: 0/4") for event in kube.events(pod["metadata"]["name"]))
    kube.delete("virtualmachines", "big-0")
    kube.until_status("virtualmachines", "late", "printableStatus", "Running")
    vmi = kube.get("virtualmachineinstances", "late")
    assert not [c for c in vmi["status"]["conditions"] if c["type"] == "PodScheduled"]


def test_cpu_that_is_asked_for_is_kept_free(kube: Any, make_vm: Any) -> None:
    for i in range(3):
        make_vm(f"vm-{i}", memory="1Gi", resources={"requests": {"cpu": "5"}})
    kube.until(
        lambda: (
            sorted(vm.get("status", {}).get("printableStatus", "") for vm in kube.list("virtualmachines"))
            == ["ErrorUnschedulable", "Running", "Running"]
        )
    )


def test_vms_are_spread_over_nodes_with_room(kube: Any, make_vm: Any) -> None:
    for i in range(4):
        make_vm(f"vm-{i}", memory="4Gi")
    for i in range(4):
        kube.until_status("virtualmachines", f"vm-{i}", "printableStatus", "Running")
    on = sorted(vmi["status"]["nodeName"] for vmi in kube.list("virtualmachineinstances"))
    assert on == ["a", "a", "b", "b"]


def test_a_node_selector_is_kept_to(kube: Any, make_vm: Any) -> None:
    vm = make_vm(run_strategy="Halted")
    selector = {"kubernetes.io/hostname": "b"}
    change = {"spec": {"runStrategy": "Always", "template": {"spec": {"nodeSelector": selector}}}}
    kube.patch("virtualmachines", vm["metadata"]["name"], change)
    kube.until_status("virtualmachines", "vm-0", "printableStatus", "Running")
    assert kube.get("virtualmachineinstances", "vm-0")["status"]["nodeName"] == "b"


def test_affinities_and_tolerations_are_kept_to(kube: Any, make_vm: Any) -> None:
    def place(name: str, **spec: Any) -> str:
        make_vm(name, run_strategy="Halted")
        template = {"metadata": {"labels": {"app": name}}, "spec": spec}
        kube.patch("virtualmachines", name, {"spec": {"runStrategy": "Always", "template": template}})
        kube.until_status("virtualmachines", name, "printableStatus", "Running")
        return str(kube.get("virtualmachineinstances", name)["status"]["nodeName"])

    required = "requiredDuringSchedulingIgnoredDuringExecution"
    only_b = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["b"]}]}
    first = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "vm-0"}}}
    on_b = {"nodeAffinity": {required: {"nodeSelectorTerms": [only_b]}}}
    assert place("vm-0", affinity=on_b) == "b"
    assert place("vm-1", affinity={"podAntiAffinity": {required: [first]}}) == "a"
    assert place("vm-2", affinity={"podAffinity": {required: [first]}}) == "b"
    # A toleration of everything is one of the cordon too.
    cordoned = {"kubernetes.io/hostname": "cordoned"}
    assert place("vm-3", nodeSelector=cordoned, tolerations=[{"operator": "Exists"}]) == "cordoned"
