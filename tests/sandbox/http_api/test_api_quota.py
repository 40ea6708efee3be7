"""What a namespace may hold and what it holds: quotas and limit ranges."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.http_api.conftest import SPECS

MERGE = "application/merge-patch+json"


def quota(api: Any, **hard: str) -> None:
    limits = {name.replace("__", "/").replace("_", "."): value for name, value in hard.items()}
    api.create("resourcequotas", "q", spec={"hard": limits})


def used(api: Any) -> dict[str, str]:
    return dict((api.get("resourcequotas", "q").get("status") or {}).get("used") or {})


def pod(cpu: str | None = "1", memory: str = "1Gi") -> dict[str, Any]:
    requests = {"memory": memory, **({"cpu": cpu} if cpu else {})}
    return {"containers": [{"name": "compute", "image": "x", "resources": {"requests": requests}}]}


def test_a_quota_says_what_is_used(api: Any) -> None:
    quota(
        api,
        pods="5",
        requests_cpu="4",
        requests_memory="8Gi",
        persistentvolumeclaims="3",
        requests_storage="10Gi",
    )
    none = {"pods": "0", "requests.cpu": "0", "requests.memory": "0"}
    none |= {"persistentvolumeclaims": "0", "requests.storage": "0"}
    api.until(lambda: used(api) == none)
    assert api.get("resourcequotas", "q")["status"]["hard"]["requests.storage"] == "10Gi"
    api.create("pods", "one", spec=pod("1500m"))
    api.create("persistentvolumeclaims", "one")
    now = {"pods": "1", "requests.cpu": "1500m", "requests.memory": "1Gi"}
    now |= {"persistentvolumeclaims": "1", "requests.storage": "1Gi"}
    api.until(lambda: used(api) == now)
    for plural in ("pods", "persistentvolumeclaims"):
        api.call("DELETE", api.path(plural, "one"))
    api.until(lambda: used(api) == none)


def test_a_changed_quota_is_counted_anew(api: Any) -> None:
    quota(api, pods="5")
    api.until(lambda: used(api) == {"pods": "0"})
    change = {"spec": {"hard": {"count/secrets": "2"}}}
    api.create("secrets", "one")
    api.call("PATCH", api.path("resourcequotas", "q"), change, Content_Type=MERGE)
    api.until(lambda: used(api) == {"pods": "0", "count/secrets": "1"})


def test_a_pod_that_has_ended_takes_nothing_but_its_count(api: Any) -> None:
    quota(api, pods="1", requests_cpu="1", count__pods="5")
    api.create("pods", "one", spec=pod())
    api.until(lambda: used(api) == {"pods": "1", "requests.cpu": "1", "count/pods": "1"})
    change = {"status": {"phase": "Succeeded"}}
    api.call("PATCH", api.path("pods", "one", "status"), change, Content_Type=MERGE)
    api.until(lambda: used(api) == {"pods": "0", "requests.cpu": "0", "count/pods": "1"})
    api.create("pods", "two", spec=pod())


def test_storage_is_counted_by_class_too(api: Any) -> None:
    by_class = "rep3.storageclass.storage.k8s.io/requests.storage"
    api.create("resourcequotas", "q", spec={"hard": {by_class: "1Gi"}})
    spec = {**SPECS["persistentvolumeclaims"], "storageClassName": "rep3"}
    api.create("persistentvolumeclaims", "one", spec=spec)
    api.until(lambda: used(api) == {by_class: "1Gi"})
    api.create("persistentvolumeclaims", "other")
    body = {"metadata": {"name": "two"}, "spec": spec}
    answer = api.call("POST", api.path("persistentvolumeclaims"), body)
    assert answer.code == 403
    said = f"exceeded quota: q, requested: {by_class}=1Gi, used: {by_class}=1Gi, limited: {by_class}=1Gi"
    assert said in answer.body["message"]


def test_a_pod_beyond_the_quota_is_forbidden_with_the_figures(api: Any) -> None:
    quota(api, requests_cpu="1500m", limits_memory="4Gi")
    body = {"metadata": {"name": "one"}, "spec": pod()}
    unspecified = api.call("POST", api.path("pods"), body)
    assert unspecified.code == 403
    assert "failed quota: q: must specify limits.memory for: compute" in unspecified.body["message"]
    spec = pod()
    spec["containers"][0]["resources"]["limits"] = {"memory": "1Gi"}
    api.create("pods", "one", spec=spec)
    again = api.call("POST", api.path("pods"), {"metadata": {"name": "two"}, "spec": spec})
    assert again.code == 403
    assert (
        "requested: requests.cpu=1, used: requests.cpu=1, limited: requests.cpu=1500m"
        in again.body["message"]
    )


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("512Mi", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi"),
        ("20Gi", "maximum storage usage per PersistentVolumeClaim is 10Gi, but limit is 20Gi"),
        ("5Gi", None),
    ],
)
def test_a_claim_keeps_within_the_limit_range(api: Any, size: str, said: str | None) -> None:
    limit = {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "10Gi"}}
    api.create("limitranges", "l", spec={"limits": [limit]})
    spec = {**SPECS["persistentvolumeclaims"], "resources": {"requests": {"storage": size}}}
    answer = api.call("POST", api.path("persistentvolumeclaims"), {"metadata": {"name": "a"}, "spec": spec})
    assert answer.code == (201 if said is None else 403)
    assert said is None or said in answer.body["message"]


def test_containers_get_the_defaults_of_the_limit_range(api: Any) -> None:
    limits = [
        {
            "type": "Container",
            "default": {"cpu": "2"},
            "defaultRequest": {"memory": "1Gi"},
            "max": {"cpu": "3"},
        },
        {"type": "Pod", "max": {"cpu": "4"}},
    ]
    api.create("limitranges", "l", spec={"limits": limits})
    made = api.create("pods", "one")
    resources = made["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "2"}, "requests": {"cpu": "2", "memory": "1Gi"}}
    spec = {
        "containers": [{"name": name, "image": "x", "resources": {"limits": {"cpu": "3"}}} for name in "ab"]
    }
    answer = api.call("POST", api.path("pods"), {"metadata": {"name": "two"}, "spec": spec})
    assert answer.code == 403
    assert "maximum cpu usage per Pod is 4, but limit is 6" in answer.body["message"]
