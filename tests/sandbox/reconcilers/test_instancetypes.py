# ruff: noqa: E501 - words of KubeVirt
"""Instancetypes and preferences: what the VM gets of them, and what KubeVirt's webhook refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.conftest import RefusedError, vm_object


def vm(name: str, *, cpu: Any = None, memory: Any = None, **spec: Any) -> dict[str, Any]:
    made = vm_object(name, data=None)
    made["spec"].update(spec)
    domain = made["spec"]["template"]["spec"]["domain"]
    for part, value in (("cpu", cpu), ("memory", memory)):
        domain.pop(part, None)
        if value:
            domain[part] = value
    return made


def test_an_instancetype_gives_the_machine_its_size(kube: Any) -> None:
    kube.create(
        "virtualmachines", vm("sized", instancetype={"name": "u1.large"}, preference={"name": "fedora"})
    )
    kube.until_status("virtualmachines", "sized", "printableStatus", "Running")
    domain = kube.get("virtualmachineinstances", "sized")["spec"]["domain"]
    assert domain["cpu"]["sockets"] == 2
    assert domain["memory"]["guest"] == "8Gi"
    # The VM itself stays as it was written.
    assert "cpu" not in kube.get("virtualmachines", "sized")["spec"]["template"]["spec"]["domain"]
    (pod,) = [p for p in kube.list("pods") if p["metadata"]["labels"]["vm.kubevirt.io/name"] == "sized"]
    assert pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "200m"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"instancetype": {"name": "none"}},
         'Failure to find instancetype: virtualmachineclusterinstancetypes.instancetype.kubevirt.io "none" not found'),
        ({"instancetype": {"name": "none", "kind": "VirtualMachineInstancetype"}},
         'Failure to find instancetype: virtualmachineinstancetypes.instancetype.kubevirt.io "none" not found'),
        ({"preference": {"name": "none"}, "memory": {"guest": "1Gi"}}, "Failure to find preference: "),
        ({"instancetype": {"name": "u1.small", "kind": "Flavor"}}, "got unexpected kind in InstancetypeMatcher: Flavor"),
        ({"instancetype": {"name": "u1.small"}, "cpu": {"cores": 2}, "memory": {"guest": "1Gi"}},
         "VM field(s) spec.template.spec.domain.cpu.cores, spec.template.spec.domain.memory.guest conflicts with selected instance type"),
        ({"instancetype": {"name": "u1.nano"}, "preference": {"name": "fedora"}},
         "insufficient Memory resources of 512Mi provided by instance type, preference requires 1Gi"),
    ],
)  # fmt: skip
def test_what_does_not_agree_is_refused_when_the_vm_is_made(kube: Any, changes: Any, said: str) -> None:
    with pytest.raises(RefusedError) as caught:
        kube.create("virtualmachines", vm("refused", **changes))
    message = json.loads(str(caught.value).partition(" ")[2])["message"]
    assert message.startswith('admission webhook "virtualmachine-validator.kubevirt.io" denied the request: ')
    assert said in message
