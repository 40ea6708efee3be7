"""Deletion: finalizers, propagation, owners, namespaces."""

from __future__ import annotations

from typing import Any

import pytest

MERGE = "application/merge-patch+json"


def owned_by(owner: Any, *, blocking: bool = False, **changes: str) -> dict[str, Any]:
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        **changes,
    }
    if blocking:
        reference["blockOwnerDeletion"] = True
    return {"ownerReferences": [reference]}


def delete(api: Any, plural: str, name: str, **options: Any) -> Any:
    return api.call("DELETE", api.path(plural, name), options or None)


def without_finalizers(api: Any, plural: str, name: str) -> Any:
    change = {"metadata": {"finalizers": None}}
    return api.call("PATCH", api.path(plural, name), change, Content_Type=MERGE)


def test_a_deleted_object_is_gone_and_the_answer_names_it(api: Any) -> None:
    made = api.create("configmaps", "one")
    answer = delete(api, "configmaps", "one")
    assert (answer.code, answer.body["status"]) == (200, "Success")
    assert answer.body["details"]["uid"] == made["metadata"]["uid"]
    assert api.get("configmaps", "one") is None
    assert delete(api, "configmaps", "one").code == 404


def test_a_finalizer_holds_an_object_until_it_is_taken_off(api: Any) -> None:
    api.create("virtualmachines", "one", metadata={"finalizers": ["example.org/hold"]})
    left = delete(api, "virtualmachines", "one").body
    assert left["metadata"]["deletionTimestamp"]
    again = delete(api, "virtualmachines", "one").body
    assert again["metadata"]["deletionTimestamp"] == left["metadata"]["deletionTimestamp"]
    assert without_finalizers(api, "virtualmachines", "one").code == 200
    assert api.get("virtualmachines", "one") is None


def test_a_wrong_uid_in_the_preconditions_keeps_the_object(api: Any) -> None:
    made = api.create("configmaps", "one")
    answer = delete(api, "configmaps", "one", preconditions={"uid": "other"})
    assert (answer.code, answer.body["reason"]) == (409, "Conflict")
    assert api.get("configmaps", "one") == made
    right = {"uid": made["metadata"]["uid"]}
    assert delete(api, "configmaps", "one", preconditions=right).code == 200


def test_background_deletion_takes_the_dependents_of_any_kind_too(api: Any) -> None:
    owner = api.create("configmaps", "run")
    vm = api.create("virtualmachines", "vm", metadata=owned_by(owner))
    api.create("datavolumes", "dv", metadata=owned_by(vm))
    api.create("secrets", "free")
    delete(api, "configmaps", "run", propagationPolicy="Background")
    assert api.get("configmaps", "run") is None
    api.until_gone("virtualmachines", "vm")
    api.until_gone("datavolumes", "dv")
    assert api.get("secrets", "free") is not None


def test_foreground_deletion_keeps_the_owner_until_what_blocks_it_is_gone(api: Any) -> None:
    owner = api.create("configmaps", "run")
    held = {**owned_by(owner, blocking=True), "finalizers": ["example.org/hold"]}
    api.create("virtualmachines", "vm", metadata=held)
    left = delete(api, "configmaps", "run", propagationPolicy="Foreground").body
    assert "foregroundDeletion" in left["metadata"]["finalizers"]
    api.until(lambda: api.get("virtualmachines", "vm")["metadata"].get("deletionTimestamp"))
    assert api.get("configmaps", "run") is not None
    without_finalizers(api, "virtualmachines", "vm")
    api.until_gone("virtualmachines", "vm")
    api.until_gone("configmaps", "run")


def test_a_dependent_that_does_not_block_lets_its_owner_go_first(api: Any) -> None:
    owner = api.create("configmaps", "run")
    held = {**owned_by(owner), "finalizers": ["example.org/hold"]}
    api.create("virtualmachines", "vm", metadata=held)
    delete(api, "configmaps", "run", propagationPolicy="Foreground")
    api.until_gone("configmaps", "run")
    assert api.get("virtualmachines", "vm")["metadata"]["deletionTimestamp"]
    without_finalizers(api, "virtualmachines", "vm")


def test_orphan_deletion_keeps_the_dependents_without_the_owner(api: Any) -> None:
    owner = api.create("configmaps", "run")
    api.create("secrets", "kept", metadata=owned_by(owner))
    delete(api, "configmaps", "run", propagationPolicy="Orphan")
    api.until_gone("configmaps", "run")
    kept = api.get("secrets", "kept")
    assert not kept["metadata"].get("ownerReferences")
    assert "deletionTimestamp" not in kept["metadata"]


def test_a_dependent_goes_when_the_last_of_its_owners_goes(api: Any) -> None:
    owners = [api.create("configmaps", name) for name in ("a", "b")]
    both = [owned_by(owner)["ownerReferences"][0] for owner in owners]
    api.create("secrets", "shared", metadata={"ownerReferences": both})
    api.create("secrets", "first", metadata=owned_by(owners[0]))
    delete(api, "configmaps", "a")
    api.until_gone("secrets", "first")
    assert api.get("secrets", "shared") is not None
    delete(api, "configmaps", "b")
    api.until_gone("secrets", "shared")


def test_an_owner_that_never_was_makes_a_dependent_go(api: Any) -> None:
    owner = api.create("configmaps", "run")
    api.create("secrets", "dangling", metadata=owned_by(owner, uid="00000000-0000-0000-0000-000000000000"))
    api.until_gone("secrets", "dangling")
    assert api.get("configmaps", "run") is not None


def test_an_owner_in_another_namespace_is_none(api: Any) -> None:
    owner = api.create("configmaps", "run")
    other = f"/api/v1/namespaces/{api.namespace}-b"
    api.call("POST", "/api/v1/namespaces", {"metadata": {"name": f"{api.namespace}-b"}})
    body = {"metadata": {"name": "far", **owned_by(owner)}}
    assert api.call("POST", f"{other}/secrets", body).code == 201
    api.until(lambda: api.call("GET", f"{other}/secrets/far").code == 404)


def test_a_collection_is_deleted_by_label_and_the_answer_lists_it(api: Any) -> None:
    for name, run in (("a", "x"), ("b", "x"), ("c", "y")):
        api.create("configmaps", name, metadata={"labels": {"run": run}})
    answer = api.call("DELETE", api.path("configmaps", labelSelector="run=x"))
    assert answer.body["kind"] == "ConfigMapList"
    assert [item["metadata"]["name"] for item in answer.body["items"]] == ["a", "b"]
    assert api.names("configmaps") == ["c"]


def test_a_namespace_goes_after_its_content_and_takes_nothing_new_meanwhile(api: Any) -> None:
    api.create("virtualmachines", "held", metadata={"finalizers": ["example.org/hold"]})
    api.create("configmaps", "free")
    api.call("DELETE", api.path("namespaces", api.namespace))
    assert api.get("namespaces", api.namespace)["status"]["phase"] == "Terminating"
    api.until_gone("configmaps", "free")
    late = api.call("POST", api.path("configmaps"), {"metadata": {"name": "late"}})
    assert late.code == 403
    assert late.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    without_finalizers(api, "virtualmachines", "held")
    api.until_gone("namespaces", api.namespace)


def test_an_empty_namespace_goes(api: Any) -> None:
    api.call("DELETE", api.path("namespaces", api.namespace))
    api.until_gone("namespaces", api.namespace)


@pytest.mark.parametrize("body", [b"[1]", b"{"])
def test_delete_options_that_are_none_are_a_bad_request(api: Any, body: bytes) -> None:
    api.create("configmaps", "one")
    assert api.call("DELETE", api.path("configmaps", "one"), body).code == 400
    assert api.get("configmaps", "one") is not None


def test_what_is_being_deleted_takes_no_new_finalizers(api: Any) -> None:
    api.create("configmaps", "one", metadata={"finalizers": ["example.org/hold"]})
    delete(api, "configmaps", "one")
    change = {"metadata": {"finalizers": ["example.org/hold", "example.org/more"]}}
    answer = api.call("PATCH", api.path("configmaps", "one"), change, Content_Type=MERGE)
    assert answer.code == 422
    assert "no new finalizers can be added" in answer.body["message"]
    assert without_finalizers(api, "configmaps", "one").code == 200
    assert api.get("configmaps", "one") is None


def test_a_propagation_that_there_is_not_is_invalid(api: Any) -> None:
    api.create("configmaps", "one")
    assert delete(api, "configmaps", "one", propagationPolicy="Sideways").code == 422
    assert api.get("configmaps", "one") is not None
