"""Server-side apply: who owns which field, conflicts, and what goes with the one who wanted it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.http_api.conftest import SPECS

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


def apply(
    api: Any, manager: str, content: dict[str, Any], *, plural: str = "configmaps", **query: str
) -> Any:
    kinds = {
        "configmaps": ("v1", "ConfigMap"),
        "pods": ("v1", "Pod"),
        "virtualmachines": ("kubevirt.io/v1", "VirtualMachine"),
    }
    version, kind = kinds[plural]
    metadata = {"name": "one", **content.pop("metadata", {})}
    body = {"apiVersion": version, "kind": kind, "metadata": metadata, **content}
    return api.call("PATCH", api.path(plural, "one", fieldManager=manager, **query), body, Content_Type=APPLY)


def managers(obj: Any) -> dict[tuple[str, str], Any]:
    return {(e["manager"], e["operation"]): e["fieldsV1"] for e in obj["metadata"].get("managedFields", ())}


def test_who_applies_owns_what_was_applied(api: Any) -> None:
    made = apply(api, "me", {"data": {"a": "1"}, "metadata": {"labels": {"x": "y"}}}).body
    fields = {"f:data": {"f:a": {}}, "f:metadata": {"f:labels": {"f:x": {}}}}
    assert managers(made) == {("me", "Apply"): fields}
    entry = made["metadata"]["managedFields"][0]
    assert (entry["apiVersion"], entry["fieldsType"]) == ("v1", "FieldsV1")


def test_a_field_of_another_is_a_conflict_that_names_both(api: Any) -> None:
    apply(api, "me", {"data": {"a": "1", "b": "1"}})
    answer = apply(api, "you", {"data": {"a": "2"}})
    assert (answer.code, answer.body["reason"]) == (409, "Conflict")
    assert answer.body["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "me"', "field": ".data.a"}
    ]
    assert answer.body["message"] == 'Apply failed with 1 conflict: conflict with "me": .data.a'
    two = apply(api, "you", {"data": {"a": "2", "b": "2"}})
    assert two.body["message"] == 'Apply failed with 2 conflicts: conflicts with "me":\n- .data.a\n- .data.b'
    assert api.get("configmaps", "one")["data"] == {"a": "1", "b": "1"}


def test_force_takes_the_field_over(api: Any) -> None:
    apply(api, "me", {"data": {"a": "1", "b": "1"}})
    answer = apply(api, "you", {"data": {"a": "2"}}, force="true")
    assert (answer.code, answer.body["data"]) == (200, {"a": "2", "b": "1"})
    assert managers(answer.body) == {
        ("me", "Apply"): {"f:data": {"f:b": {}}},
        ("you", "Apply"): {"f:data": {"f:a": {}}},
    }


def test_what_is_no_longer_applied_goes_unless_another_owns_it_too(api: Any) -> None:
    apply(api, "me", {"data": {"a": "1", "b": "1", "c": "1"}})
    apply(api, "you", {"data": {"b": "1"}})
    answer = apply(api, "me", {"data": {"a": "1"}})
    assert answer.body["data"] == {"a": "1", "b": "1"}
    assert apply(api, "you", {}).body["data"] == {"a": "1"}


def test_the_same_value_is_shared_and_no_conflict(api: Any) -> None:
    apply(api, "me", {"data": {"a": "1"}})
    answer = apply(api, "you", {"data": {"a": "1"}})
    assert answer.code == 200
    assert set(managers(answer.body)) == {("me", "Apply"), ("you", "Apply")}
    assert apply(api, "me", {"data": {"a": "2"}}).code == 409


def test_a_change_by_other_means_takes_the_field_from_who_applied_it(api: Any) -> None:
    apply(api, "me", {"data": {"a": "1"}})
    path = api.path("configmaps", "one", fieldManager="editor")
    changed = api.call("PATCH", path, {"data": {"a": "2"}}, Content_Type=MERGE).body
    assert managers(changed) == {("editor", "Update"): {"f:data": {"f:a": {}}}}
    answer = apply(api, "me", {"data": {"a": "1"}})
    assert answer.code == 409
    assert answer.body["details"]["causes"][0]["message"] == 'conflict with "editor" using v1'


def test_the_manager_of_an_update_is_the_client_if_it_gives_no_name(api: Any) -> None:
    made = api.call(
        "POST",
        api.path("configmaps"),
        {"metadata": {"name": "one"}, "data": {"a": "1"}},
        User_Agent="tool/1.2 (x)",
    )
    assert managers(made.body) == {("tool", "Update"): {"f:data": {"f:a": {}}}}


def test_applying_the_same_again_changes_nothing(api: Any) -> None:
    first = apply(api, "me", {"data": {"a": "1"}}).body
    assert apply(api, "me", {"data": {"a": "1"}}).body == first


def test_status_has_owners_of_its_own(api: Any) -> None:
    api.create("pods", "one")
    change = {"status": {"message": "m"}}
    path = api.path("pods", "one", "status", fieldManager="kubelet")
    found = api.call("PATCH", path, change, Content_Type=MERGE).body
    [entry] = [e for e in found["metadata"]["managedFields"] if e["manager"] == "kubelet"]
    assert (entry["subresource"], entry["fieldsV1"]) == ("status", {"f:status": {"f:message": {}}})


def test_entries_of_a_list_with_keys_belong_to_their_managers(api: Any) -> None:
    containers = [{"name": "a", "image": "x"}, {"name": "b", "image": "x"}]
    assert apply(api, "me", {"spec": {"containers": containers}}, plural="pods").code == 201
    answer = apply(api, "you", {"spec": {"containers": [{"name": "b", "image": "y"}]}}, plural="pods")
    assert answer.body["details"]["causes"][0]["field"] == '.spec.containers[name="b"].image'
    forced = apply(
        api, "you", {"spec": {"containers": [{"name": "b", "image": "y"}]}}, plural="pods", force="true"
    )
    assert [one["image"] for one in forced.body["spec"]["containers"]] == ["x", "y"]
    fields = managers(forced.body)["you", "Apply"]["f:spec"]["f:containers"]
    assert fields == {'k:{"name":"b"}': {".": {}, "f:name": {}, "f:image": {}}}


def test_lists_of_custom_resources_are_owned_as_a_whole(api: Any) -> None:
    def machine(*names: str) -> dict[str, Any]:
        volumes = [{"name": name, "emptyDisk": {"capacity": "1Gi"}} for name in names]
        template = {"spec": {"domain": {"devices": {}}, "volumes": volumes}}
        return {"spec": {"runStrategy": "Halted", "template": template}}

    apply(api, "me", machine("a", "b"), plural="virtualmachines")
    assert apply(api, "you", machine("a"), plural="virtualmachines").code == 409
    assert apply(api, "me", machine("c"), plural="virtualmachines").code == 200
    there = api.get("virtualmachines", "one")["spec"]["template"]["spec"]["volumes"]
    assert [volume["name"] for volume in there] == ["c"]


def test_a_field_that_no_schema_declares_can_not_be_applied(api: Any) -> None:
    spec = {**SPECS["virtualmachines"], "tmplate": {}}
    answer = apply(api, "me", {"spec": spec}, plural="virtualmachines")
    assert answer.code == 500
    assert ".spec.tmplate: field not declared in schema" in answer.body["message"]
    strict = apply(api, "me", {"spec": spec}, plural="virtualmachines", fieldValidation="Strict")
    assert strict.code == 500
    assert api.get("virtualmachines", "one") is None


def test_a_part_is_enough_to_apply_but_the_whole_is_checked(api: Any) -> None:
    assert apply(api, "me", {"spec": {"runStrategy": "Halted"}}, plural="virtualmachines").code == 422
    api.create("virtualmachines", "one")
    assert apply(api, "me", {"metadata": {"labels": {"a": "b"}}}, plural="virtualmachines").code == 200
    wrong = apply(api, "me", {"spec": {"runStrategy": "Now"}}, plural="virtualmachines", force="true")
    assert wrong.code == 422


def test_a_rehearsed_apply_changes_nothing(api: Any) -> None:
    assert apply(api, "me", {"data": {"a": "1"}}, dryRun="All").code == 201
    assert api.get("configmaps", "one") is None
    before = apply(api, "me", {"data": {"a": "1"}}).body
    assert apply(api, "me", {"data": {"a": "2"}}, dryRun="All").body["data"] == {"a": "2"}
    assert api.get("configmaps", "one") == before


def test_owners_can_be_forgotten_and_are_then_known_as_before_the_first_apply(api: Any) -> None:
    api.create("configmaps", "one", data={"a": "1"})
    change = [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]
    cleared = api.call("PATCH", api.path("configmaps", "one"), change, Content_Type=JSON_PATCH).body
    assert "managedFields" not in cleared["metadata"]
    answer = apply(api, "me", {"data": {"a": "2"}})
    assert answer.body["details"]["causes"][0]["message"] == 'conflict with "before-first-apply" using v1'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"kind": "ConfigMap", "metadata": {"name": "one"}}, 400),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "two"}}, 400),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "managedFields": [{}]}}, 400),
        ({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"}}, 400),
    ],
)
def test_what_can_not_be_applied_is_refused(api: Any, body: Any, code: int) -> None:
    path = api.path("configmaps", "one", fieldManager="me")
    assert api.call("PATCH", path, json.dumps(body).encode(), Content_Type=APPLY).code == code


def test_a_stale_version_is_a_conflict_and_force_is_for_apply_only(api: Any) -> None:
    old = apply(api, "me", {"data": {"a": "1"}}).body["metadata"]["resourceVersion"]
    apply(api, "me", {"data": {"a": "2"}})
    assert apply(api, "me", {"data": {"a": "3"}, "metadata": {"resourceVersion": old}}).code == 409
    path = api.path("configmaps", "one", force="true")
    assert api.call("PATCH", path, {"data": {}}, Content_Type=MERGE).code == 422
