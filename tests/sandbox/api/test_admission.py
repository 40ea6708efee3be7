"""What the API server refuses: quotas, claims, machines."""

from __future__ import annotations

from typing import Any

import pytest

MERGE = "application/merge-patch+json"


def claim(name: str, size: str = "5Gi") -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }


def test_a_claim_beyond_the_quota_is_forbidden_with_the_figures(admin: Any, namespace: str) -> None:
    core = f"/api/v1/namespaces/{namespace}"
    admin.call(
        "POST",
        f"{core}/resourcequotas",
        {"metadata": {"name": "q"}, "spec": {"hard": {"requests.storage": "8Gi"}}},
    )
    assert admin.call("POST", f"{core}/persistentvolumeclaims", claim("a"))[0] == 201
    code, body, _ = admin.call("POST", f"{core}/persistentvolumeclaims", claim("b"))
    assert code == 403
    taken = "requested: requests.storage=5Gi, used: requests.storage=5Gi, limited: requests.storage=8Gi"
    assert f"exceeded quota: q, {taken}" in body["message"]
    assert admin.call("POST", f"{core}/persistentvolumeclaims", claim("c", "3Gi"))[0] == 201


def test_a_quota_counts_custom_resources(admin: Any, namespace: str) -> None:
    hard = {"count/virtualmachines.kubevirt.io": "1"}
    admin.call(
        "POST",
        f"/api/v1/namespaces/{namespace}/resourcequotas",
        {"metadata": {"name": "q"}, "spec": {"hard": hard}},
    )
    path = f"/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachines"
    assert admin.call("POST", path, machine())[0] == 201
    assert admin.call("POST", path, {**machine(), "metadata": {"name": "b"}})[0] == 403


@pytest.mark.parametrize("size", ["0", "-1Gi"])
def test_a_claim_needs_a_size_above_zero(admin: Any, namespace: str, size: str) -> None:
    code, body, _ = admin.call(
        "POST", f"/api/v1/namespaces/{namespace}/persistentvolumeclaims", claim("a", size)
    )
    assert (code, body["details"]["causes"][0]["field"]) == (422, "spec.resources[storage]")


@pytest.mark.parametrize("size", ["5GB", "", "1 Gi"])
def test_a_size_that_is_no_quantity_can_not_be_read(admin: Any, namespace: str, size: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    code, body, _ = admin.call("POST", path, claim("a", size))
    assert (code, body["reason"]) == (400, "BadRequest")
    assert "quantities must match the regular expression" in body["message"]


def test_the_spec_of_a_claim_stays(admin: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    admin.call("POST", path, claim("a"))
    assert admin.call("PATCH", f"{path}/a", {"spec": {"accessModes": ["ReadWriteMany"]}}, MERGE)[0] == 422
    for given, code in (("rep3", 200), ("rep2", 422)):
        change = {"spec": {"storageClassName": given}}
        assert admin.call("PATCH", f"{path}/a", change, MERGE)[0] == code
    grown = {"spec": {"resources": {"requests": {"storage": "6Gi"}}}}
    assert admin.call("PATCH", f"{path}/a", grown, MERGE)[0] == 422


@pytest.mark.parametrize(
    ("size", "expands", "code"),
    [("6Gi", True, 200), ("9Gi", True, 403), ("5Gi", True, 200), ("4Gi", True, 422), ("6Gi", False, 403)],
)
def test_a_bound_claim_grows_if_its_class_lets_it(
    admin: Any, namespace: str, size: str, expands: bool, code: int
) -> None:
    sc = {"metadata": {"name": f"{namespace}-sc"}, "provisioner": "p", "allowVolumeExpansion": expands}
    assert admin.call("POST", "/apis/storage.k8s.io/v1/storageclasses", sc)[0] == 201
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    asked = claim("a")
    asked["spec"]["storageClassName"] = f"{namespace}-sc"
    admin.call("POST", path, asked)
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"requests.storage": "8Gi"}}}
    assert admin.call("POST", f"/api/v1/namespaces/{namespace}/resourcequotas", quota)[0] == 201
    status = {"phase": "Bound", "capacity": {"storage": "4Gi"}}
    admin.call("PATCH", f"{path}/a/status", {"status": status}, MERGE)
    change = {"spec": {"resources": {"requests": {"storage": size}}}}
    answer = admin.call("PATCH", f"{path}/a", change, MERGE)[0]
    admin.call("DELETE", f"/apis/storage.k8s.io/v1/storageclasses/{namespace}-sc")
    assert answer == code


def machine(**parts: Any) -> dict[str, Any]:
    guest = {"domain": {"devices": {}}, **parts}
    head = {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "a"}}
    return {**head, "spec": {"runStrategy": "Halted", "template": {"spec": guest}}}


def test_a_volume_without_a_disk_is_taken_and_the_machine_type_filled_in(admin: Any, namespace: str) -> None:
    path = f"/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachines"
    body = machine(volumes=[{"name": "loose", "emptyDisk": {"capacity": "1Gi"}}])
    code, body, _ = admin.call("POST", path, body)
    assert code == 201
    assert body["spec"]["template"]["spec"]["domain"]["machine"] == {"type": "q35"}


def test_all_that_the_webhook_refuses_is_told_at_once(admin: Any, namespace: str) -> None:
    path = f"/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachines"
    twelve = [{"name": f"volume-{number}"} for number in range(12)]
    code, body, _ = admin.call("POST", path, machine(volumes=twelve, hostname="A_b"))
    assert (code, body["reason"], len(body["details"]["causes"])) == (422, "Invalid", 10)
    assert "spec.template.spec.hostname does not conform" in body["message"]
    assert body["message"].endswith(", and 3 more validation errors")
    assert body["details"]["causes"][1]["field"] == "spec.template.spec.volumes[0]"
