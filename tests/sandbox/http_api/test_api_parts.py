"""Parts of objects: bindings, tokens, KubeVirt's verbs; what may not change; speaking for others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.http_api.conftest import SPECS, head

MERGE = "application/merge-patch+json"
RBAC = "rbac.authorization.k8s.io"
VERB = "/apis/subresources.kubevirt.io/v1/namespaces/{}/virtualmachines/{}/{}"


def bind(api: Any, node: str = "n1", **more: Any) -> Any:
    target = {"apiVersion": "v1", "kind": "Node", "name": node}
    return api.call("POST", api.path("pods", "one", "binding"), {"target": target, **more})


def test_a_binding_puts_a_pod_on_a_node_once(api: Any) -> None:
    made = api.create("pods", "one")
    assert bind(api, metadata={"uid": "another"}).code == 409
    assert bind(api, metadata={"uid": made["metadata"]["uid"]}).code == 201
    there = api.get("pods", "one")
    assert there["spec"]["nodeName"] == "n1"
    assert there["status"]["conditions"][0]["type"] == "PodScheduled"
    again = bind(api, "n2")
    assert (again.code, again.body["reason"]) == (409, "Conflict")
    assert 'already assigned to node "n1"' in again.body["message"]


def test_nothing_is_bound_that_is_not_there_or_on_its_way_out(api: Any) -> None:
    assert bind(api).code == 404
    api.create("pods", "one", metadata={"finalizers": ["example.org/hold"]})
    assert bind(api, "").code == 500
    api.call("DELETE", api.path("pods", "one"))
    assert bind(api).code == 409
    api.call("PATCH", api.path("pods", "one"), {"metadata": {"finalizers": None}}, Content_Type=MERGE)


def test_a_service_accounts_token_speaks_for_it(api: Any) -> None:
    api.create("serviceaccounts", "runner")
    path = api.path("serviceaccounts", "runner", "token")
    answer = api.call("POST", path, {"spec": {"expirationSeconds": 3600}})
    assert (answer.code, answer.body["kind"]) == (201, "TokenRequest")
    account = api.as_user(answer.body["status"]["token"])
    refused = account.call("GET", api.path("configmaps"))
    assert refused.code == 403
    assert f"system:serviceaccount:{api.namespace}:runner" in refused.body["message"]
    api.create("roles", "may", rules=[{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}])
    api.create(
        "rolebindings",
        "may",
        roleRef={"kind": "Role", "name": "may"},
        subjects=[{"kind": "ServiceAccount", "name": "runner", "namespace": api.namespace}],
    )
    assert account.call("GET", api.path("configmaps")).code == 200
    assert api.call("POST", path, {"spec": {"expirationSeconds": 5}}).code == 422
    assert api.call("POST", api.path("serviceaccounts", "none", "token"), {}).code == 404


def test_a_user_may_speak_for_another_with_the_right_to(api: Any) -> None:
    answer = api.call("GET", api.path("configmaps"), Impersonate_User="jane")
    assert answer.code == 403
    assert 'User "jane" cannot list resource "configmaps"' in answer.body["message"]
    masters = {"Impersonate_User": "jane", "Impersonate_Group": "system:masters"}
    assert api.call("GET", api.path("configmaps"), **masters).code == 200
    refused = api.as_user("token-of-bench").call("GET", api.path("configmaps"), Impersonate_User="admin")
    assert refused.code == 403
    assert 'cannot impersonate resource "users"' in refused.body["message"]


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_kubevirts_verbs_have_no_json_to_give(api: Any, verb: str) -> None:
    api.create("virtualmachines", "one")
    path = VERB.format(api.namespace, "one", verb)
    answer = api.call("PUT", path, {}, Accept="application/json")
    assert (answer.code, answer.body) == (406, b"406: Not Acceptable")
    assert answer.headers["content-type"].startswith("text/plain")
    assert api.get("virtualmachines", "one")["spec"]["runStrategy"] == "Halted"


def test_start_and_stop_answer_nothing_and_are_refused_the_second_time(api: Any) -> None:
    api.create("virtualmachines", "one")

    def put(verb: str, body: Any = None) -> tuple[int, Any]:
        answer = api.call("PUT", VERB.format(api.namespace, "one", verb), body or {})
        return answer.code, answer.body if answer.code == 202 else answer.body["reason"]

    assert put("restart") == (409, "Conflict")
    assert put("stop") == (409, "Conflict")
    assert put("start", {"dryRun": ["All"]}) == (202, b"")
    assert api.get("virtualmachines", "one")["spec"]["runStrategy"] == "Halted"
    assert put("start") == (202, b"")
    assert api.get("virtualmachines", "one")["spec"]["runStrategy"] == "Always"
    api.create("virtualmachineinstances", "one")
    assert put("start") == (409, "Conflict")
    assert put("restart", {"gracePeriodSeconds": 5}) == (400, "BadRequest")
    assert put("restart", {"gracePeriodSeconds": 0}) == (202, b"")
    asked = api.get("virtualmachines", "one")["status"]["stateChangeRequests"]
    assert [request["action"] for request in asked] == ["Stop", "Start"]
    assert put("stop") == (202, b"")
    assert api.get("virtualmachines", "one")["spec"]["runStrategy"] == "Halted"


CHANGES = [
    ("pods", {}, {"spec": {"nodeName": "n"}}, "spec"),
    ("pods", {}, {"spec": {"containers": [{"name": "other", "image": "x"}]}}, "spec"),
    ("secrets", {"type": "Opaque"}, {"type": "other"}, "type"),
    ("configmaps", {"immutable": True, "data": {"a": "1"}}, {"data": {"a": "2"}}, "data"),
    ("configmaps", {"immutable": True}, {"immutable": False}, "immutable"),
    ("persistentvolumeclaims", {}, {"spec": {"accessModes": ["ReadWriteMany"]}}, "spec"),
    (
        "rolebindings",
        {"roleRef": {"kind": "Role", "name": "a"}},
        {"roleRef": {"kind": "Role", "name": "b"}},
        "roleRef",
    ),
    ("virtualmachineinstances", {}, {"spec": {"hostname": "other"}}, "spec"),
    ("datavolumes", {}, {"spec": {"preallocation": True}}, "DataVolume.Spec"),
]


@pytest.mark.parametrize(("plural", "made", "change", "field"), CHANGES)
def test_what_may_not_change_is_invalid(api: Any, plural: str, made: Any, change: Any, field: str) -> None:
    before = api.create(plural, "one", **made)
    answer = api.call("PATCH", api.path(plural, "one"), change, Content_Type=MERGE)
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert answer.body["details"]["causes"][0]["field"] == field
    assert api.get(plural, "one") == before


def test_what_may_change_of_a_pod_changes(api: Any) -> None:
    api.create("pods", "one")
    image = {"containers": [{**SPECS["pods"]["containers"][0], "image": "example.org/other"}]}
    change = {"spec": {**image, "tolerations": [{"operator": "Exists"}]}}
    assert api.call("PATCH", api.path("pods", "one"), change, Content_Type=MERGE).code == 200
    assert (
        api.call("PATCH", api.path("pods", "one"), {"spec": {"tolerations": []}}, Content_Type=MERGE).code
        == 422
    )


@pytest.mark.parametrize(
    "spec",
    [
        {"storage": {}},
        {"source": {"blank": {}}, "sourceRef": {"kind": "DataSource", "name": "a"}, "storage": {}},
        {"source": {}, "storage": {}},
        {"source": {"blank": {}}},
        {"source": {"blank": {}}, "storage": {}, "pvc": {}},
        {"sourceRef": {"kind": "Image", "name": "a"}, "storage": {}},
    ],
)
def test_a_data_volume_without_sense_is_denied(api: Any, spec: Any) -> None:
    answer = api.call(
        "POST", api.path("datavolumes"), {**head("datavolumes"), "metadata": {"name": "one"}, "spec": spec}
    )
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert 'admission webhook "datavolume-validate.cdi.kubevirt.io" denied' in answer.body["message"]


def test_a_new_namespace_is_active_and_carries_its_name(api: Any) -> None:
    there = api.get("namespaces", api.namespace)
    assert there["status"] == {"phase": "Active"}
    assert there["metadata"]["labels"] == {"kubernetes.io/metadata.name": api.namespace}
    assert api.names("namespaces", labelSelector=f"kubernetes.io/metadata.name={api.namespace}") == [
        api.namespace
    ]
