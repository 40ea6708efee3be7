"""Objects: create, read, select, page, change."""

from __future__ import annotations

import json
from typing import Any

import pytest

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
CONTAINERS = {"containers": [{"name": "main", "image": "example.org/main"}]}


def test_a_created_object_is_read_back_with_uid_version_and_time(api: Any) -> None:
    made = api.create("configmaps", "one", data={"a": "1"})
    assert made["metadata"]["uid"]
    assert made["metadata"]["resourceVersion"]
    assert made["metadata"]["creationTimestamp"].endswith("Z")
    assert api.get("configmaps", "one") == made


def test_a_second_object_of_a_name_is_refused_as_already_existing(api: Any) -> None:
    api.create("configmaps", "one")
    answer = api.call("POST", api.path("configmaps"), {"metadata": {"name": "one"}})
    assert (answer.code, answer.body["reason"]) == (409, "AlreadyExists")


def test_what_is_not_there_is_not_found(api: Any) -> None:
    answer = api.call("GET", api.path("virtualmachines", "none"))
    assert (answer.code, answer.body["reason"]) == (404, "NotFound")
    assert answer.body["details"] == {"name": "none", "kind": "virtualmachines.kubevirt.io"}
    assert api.call("GET", "/apis/none.example/v1/things").code == 404
    made = api.call("POST", "/api/v1/namespaces/no-such-namespace/configmaps", {"metadata": {"name": "a"}})
    assert made.code == 404


def test_generated_names_differ_and_keep_their_prefix(api: Any) -> None:
    body = {"metadata": {"generateName": "made-"}}
    names = {api.call("POST", api.path("configmaps"), body).body["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("made-") and len(name) == len("made-") + 5 for name in names)


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("size=4", ["b"]),
        ("size", ["a", "b"]),
        ("!size", ["c"]),
        ("size!=4", ["a", "c"]),
        ("size in (2,4),pool=x", ["a"]),
        ("size notin (2)", ["b", "c"]),
    ],
)
def test_label_selectors_select(api: Any, selector: str, names: list[str]) -> None:
    api.create("configmaps", "a", metadata={"labels": {"size": "2", "pool": "x"}})
    api.create("configmaps", "b", metadata={"labels": {"size": "4"}})
    api.create("configmaps", "c")
    assert api.names("configmaps", labelSelector=selector) == names


def test_field_selectors_select_and_unknown_fields_are_refused(api: Any) -> None:
    for name, node in (("a", "n1"), ("b", "n2")):
        api.create("pods", name, spec={**CONTAINERS, "nodeName": node})
    assert api.names("pods", fieldSelector="spec.nodeName=n2") == ["b"]
    assert api.names("pods", fieldSelector="metadata.name!=b") == ["a"]
    assert api.call("GET", api.path("virtualmachines", fieldSelector="spec.running=true")).code == 400


def test_pages_hold_every_object_once(api: Any) -> None:
    for number in range(5):
        api.create("secrets", f"c{number}")
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = api.call("GET", api.path("secrets", **query)).body
        seen += [item["metadata"]["name"] for item in page["items"]]
        assert len(page["items"]) <= 2
        if "continue" not in page["metadata"]:
            break
        query["continue"] = page["metadata"]["continue"]
    assert seen == [f"c{number}" for number in range(5)]


@pytest.mark.parametrize("query", [{"limit": "many"}, {"continue": "!"}, {"labelSelector": "a=b c"}])
def test_queries_without_sense_are_bad_requests(api: Any, query: dict[str, str]) -> None:
    assert api.call("GET", api.path("configmaps", **query)).code == 400


def test_a_merge_patch_changes_and_removes(api: Any) -> None:
    api.create("configmaps", "one", data={"a": "1", "b": "2"})
    change = {"data": {"a": None, "c": "3"}}
    answer = api.call("PATCH", api.path("configmaps", "one"), change, Content_Type=MERGE)
    assert answer.body["data"] == {"b": "2", "c": "3"}


def test_a_json_patch_whose_test_fails_is_refused(api: Any) -> None:
    api.create("configmaps", "one", data={"a": "1"})
    change = [
        {"op": "test", "path": "/data/a", "value": "2"},
        {"op": "replace", "path": "/data/a", "value": "3"},
    ]
    answer = api.call("PATCH", api.path("configmaps", "one"), change, Content_Type=JSON_PATCH)
    assert answer.code == 422
    assert api.get("configmaps", "one")["data"] == {"a": "1"}
    change[0]["value"] = "1"
    answer = api.call("PATCH", api.path("configmaps", "one"), change, Content_Type=JSON_PATCH)
    assert answer.body["data"] == {"a": "3"}


def test_custom_resources_refuse_a_strategic_merge_patch(api: Any) -> None:
    api.create("datavolumes", "one")
    change = {"metadata": {"labels": {"a": "b"}}}
    assert api.call("PATCH", api.path("datavolumes", "one"), change, Content_Type=STRATEGIC).code == 415
    api.create("configmaps", "one")
    assert api.call("PATCH", api.path("configmaps", "one"), change, Content_Type=STRATEGIC).code == 200


def test_server_side_apply_creates_then_changes(api: Any) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "1"}}
    path = api.path("configmaps", "one", fieldManager="me")
    assert api.call("PATCH", path, body, Content_Type=APPLY).code == 201
    body["data"] = {"a": "2"}
    again = api.call("PATCH", path, body, Content_Type=APPLY)
    assert (again.code, again.body["data"]) == (200, {"a": "2"})
    nameless = api.call("PATCH", api.path("configmaps", "one"), body, Content_Type=APPLY)
    assert (nameless.code, nameless.body["details"]["causes"][0]["field"]) == (422, "fieldManager")


def test_an_update_of_a_stale_version_is_a_conflict(api: Any) -> None:
    old = api.create("configmaps", "one", data={"a": "1"})
    assert api.call("PUT", api.path("configmaps", "one"), {**old, "data": {"a": "2"}}).code == 200
    late = api.call("PUT", api.path("configmaps", "one"), {**old, "data": {"a": "3"}})
    assert (late.code, late.body["reason"]) == (409, "Conflict")
    assert api.get("configmaps", "one")["data"] == {"a": "2"}


def test_an_update_without_a_change_keeps_the_version(api: Any) -> None:
    old = api.create("configmaps", "one", data={"a": "1"})
    assert api.call("PUT", api.path("configmaps", "one"), old).body == old


def test_status_changes_only_through_its_subresource(api: Any) -> None:
    made = api.create("pods", "one", spec={**CONTAINERS, "nodeName": "n"})
    change = {"status": {"phase": "Running"}, "spec": {"nodeName": "other"}}
    main = api.call("PATCH", api.path("pods", "one"), {"status": {"phase": "Failed"}}, Content_Type=MERGE)
    assert (main.body.get("status") or {}).get("phase") != "Failed"
    answer = api.call("PATCH", api.path("pods", "one", "status"), change, Content_Type=MERGE)
    assert answer.body["status"]["phase"] == "Running"
    assert answer.body["spec"] == made["spec"]


def test_a_dry_run_changes_nothing(api: Any) -> None:
    answer = api.call("POST", api.path("configmaps", dryRun="All"), {"metadata": {"name": "one"}})
    assert answer.code == 201
    assert api.get("configmaps", "one") is None


@pytest.mark.parametrize(
    "metadata",
    [
        {"name": "Upper"},
        {"name": "a_b"},
        {"name": "a" * 254},
        {"name": ""},
        {"name": "ok", "labels": {"a": "x:y"}},
        {"name": "ok", "labels": {"a": "x" * 64}},
        {"name": "ok", "labels": {"-a": "x"}},
        {"name": "ok", "labels": {"a": "x\n"}},
    ],
)
def test_wrong_names_and_labels_are_invalid(api: Any, metadata: dict[str, Any]) -> None:
    answer = api.call("POST", api.path("configmaps"), {"metadata": metadata})
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    assert answer.body["details"]["causes"][0]["field"].startswith("metadata.")


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b'{"metadata": []}', b'{"metadata": {"name": "a", "labels": {"a": 1}}}',
             b'{"kind": "Pod", "metadata": {"name": "a"}}',
             b'{"metadata": {"name": "a", "namespace": "elsewhere"}}',
             b'{"metadata": {"name": "a", "ownerReferences": 1}}']
)  # fmt: skip
def test_bodies_that_are_no_object_of_the_kind_are_bad_requests(api: Any, body: bytes) -> None:
    assert api.call("POST", api.path("configmaps"), body).code == 400


def test_string_data_of_a_secret_is_stored_in_base64(api: Any) -> None:
    made = api.create("secrets", "one", stringData={"userdata": "#cloud-config\n"})
    assert made["data"] == {"userdata": "I2Nsb3VkLWNvbmZpZwo="}
    assert "stringData" not in made
    answer = api.call("POST", api.path("secrets"), {"metadata": {"name": "b"}, "data": {"a": "*"}})
    assert answer.code == 400


def test_a_body_in_yaml_is_read(api: Any) -> None:
    body = b"metadata: {name: one}\ndata: {a: '1'}\n"
    assert api.call("POST", api.path("configmaps"), body, Content_Type="application/yaml").code == 201
    assert json.dumps(api.get("configmaps", "one")["data"]) == '{"a": "1"}'


@pytest.mark.parametrize(
    ("plural", "body", "code"),
    [
        ("configmaps", {"data": {"a": "x" * (1 << 20)}}, 201),
        ("configmaps", {"data": {"a": "x" * ((1 << 20) + 1)}}, 422),
        ("secrets", {"stringData": {"a": "x" * ((1 << 20) + 3)}}, 422),
        ("secrets", {"stringData": {"a": "x" * (1 << 20)}}, 201),
        ("configmaps", {"metadata": {"name": "one", "annotations": {"a": "x" * (256 << 10)}}}, 422),
        ("configmaps", {"data": {"a": "x" * (3 << 20)}}, 413),
    ],
)
def test_objects_have_their_largest_size(api: Any, plural: str, body: Any, code: int) -> None:
    answer = api.call("POST", api.path(plural), {"metadata": {"name": "one"}, **body})
    assert answer.code == code
    assert code == 201 or answer.body["message"]


@pytest.mark.parametrize(
    ("size", "code"),
    [(size, 201) for size in ("1Gi", "1.5", "1.", ".5Gi", "1E", "1E3", "1e3", "+1Gi", "100m", 5, 1.5)]
    + [(size, 400) for size in ("1K", "1ki", "1KI", "150GB", "1_000", "NaN", "1e3Ki", "1 Gi", "١", "")]
    + [("9E99", 422)],
)
def test_quantities_are_those_of_the_grammar(api: Any, size: Any, code: int) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    answer = api.call("POST", api.path("persistentvolumeclaims"), {"metadata": {"name": "one"}, "spec": spec})
    assert answer.code == code


def test_labels_of_the_original_suite_are_legal(api: Any) -> None:
    labels = {"perf-test/pvc-size": "150Gi", "a.b/c_d": "", "X": "9"}
    assert api.create("configmaps", "one", metadata={"labels": labels})["metadata"]["labels"] == labels


def test_nulls_in_conditions_stay(api: Any) -> None:
    """Patches of real controllers test the whole array as it was written."""
    api.create("virtualmachineinstances", "one")
    conditions = [{"type": "Ready", "status": "True", "lastProbeTime": None, "lastTransitionTime": None}]
    path = api.path("virtualmachineinstances", "one", "status")
    api.call("PATCH", path, {"status": {"conditions": conditions}}, Content_Type=MERGE)
    change = [
        {"op": "test", "path": "/status/conditions", "value": conditions},
        {"op": "add", "path": "/status/phase", "value": "Running"},
    ]
    assert api.call("PATCH", path, change, Content_Type=JSON_PATCH).body["status"]["conditions"] == conditions
