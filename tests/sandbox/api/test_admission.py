"""What the API server refuses: quotas, claims, machines."""

from __future__ import annotations

from typing import Any

import pytest


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
    vm = {"spec": {"runStrategy": "Halted", "template": {"spec": {}}}}
    assert admin.call("POST", path, {**vm, "metadata": {"name": "a"}})[0] == 201
    assert admin.call("POST", path, {**vm, "metadata": {"name": "b"}})[0] == 403


@pytest.mark.parametrize("size", ["0", "5GB", "", "-1Gi"])
def test_a_claim_needs_a_size_above_zero(admin: Any, namespace: str, size: str) -> None:
    code, body, _ = admin.call(
        "POST", f"/api/v1/namespaces/{namespace}/persistentvolumeclaims", claim("a", size)
    )
    assert (code, body["details"]["causes"][0]["field"]) == (422, "spec.resources[storage]")


def test_the_spec_of_a_claim_stays_but_its_size_may_change(admin: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    admin.call("POST", path, claim("a"))
    merge = "application/merge-patch+json"
    assert admin.call("PATCH", f"{path}/a", {"spec": {"accessModes": ["ReadWriteMany"]}}, merge)[0] == 422
    for given, code in (("rep3", 200), ("rep2", 422)):
        change = {"spec": {"storageClassName": given}}
        assert admin.call("PATCH", f"{path}/a", change, merge)[0] == code
    grown = {"spec": {"resources": {"requests": {"storage": "6Gi"}}}}
    assert admin.call("PATCH", f"{path}/a", grown, merge)[0] == 200


@pytest.mark.parametrize(
    "spec",
    [
        {"running": True, "runStrategy": "Always", "template": {"spec": {}}},
        {"template": {"spec": {"domain": {"devices": {"disks": [{"name": "lost"}]}}}}},
        {"template": {"spec": {"domain": {"devices": {"disks": "lost"}}}}},
        {"template": {"spec": {"volumes": ["ci"]}}},
        {"template": {"spec": {"volumes": [{"name": "ci", "cloudInitNoCloud": {"userData": 1}}]}}},
        {"template": []},
        "x",
        {"template": {"spec": {"volumes": [{"name": "ci", "cloudInitNoCloud": {"userData": "x" * 2049}}]}}},
    ],
)
def test_a_machine_that_the_webhooks_refuse_is_invalid(admin: Any, namespace: str, spec: Any) -> None:
    path = f"/apis/kubevirt.io/v1/namespaces/{namespace}/virtualmachines"
    code, body, _ = admin.call("POST", path, {"metadata": {"name": "a"}, "spec": spec})
    assert (code, body["reason"]) == (422, "Invalid")
