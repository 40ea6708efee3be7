"""Resource versions in lists and watches, and what of selectors and options is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

MERGE = "application/merge-patch+json"


def get(api: Any, plural: str = "secrets", **query: str) -> Any:
    return api.call("GET", api.path(plural, **query))


def watched(api: Any, count: int, **query: str) -> list[Any]:
    path = api.path("secrets", watch="true", timeoutSeconds="10", **query)
    with api.send("GET", path) as response:
        assert response.status == 200
        return [json.loads(response.readline()) for _ in range(count)]


def names(answer: Any) -> list[str]:
    return [item["metadata"]["name"] for item in answer.body["items"]]


def test_an_exact_version_shows_the_collection_as_it_was(api: Any) -> None:
    api.create("secrets", "a", data={"x": "MQ=="})
    then = api.create("secrets", "b")["metadata"]["resourceVersion"]
    api.create("secrets", "c")
    api.call("PATCH", api.path("secrets", "a"), {"data": {"x": "Mg=="}}, Content_Type=MERGE)
    api.call("DELETE", api.path("secrets", "b"))
    old = get(api, resourceVersion=then, resourceVersionMatch="Exact")
    assert (names(old), old.body["metadata"]["resourceVersion"]) == (["a", "b"], then)
    assert old.body["items"][0]["data"] == {"x": "MQ=="}
    assert old.body["items"][1]["metadata"]["resourceVersion"] == then
    assert names(get(api, resourceVersion=then, resourceVersionMatch="NotOlderThan")) == ["a", "c"]
    assert names(get(api, resourceVersion=then)) == ["a", "c"]
    assert names(get(api, resourceVersion="0")) == ["a", "c"]


def test_the_pages_of_a_list_are_of_one_moment(api: Any) -> None:
    for name in "abcd":
        api.create("secrets", name)
    first = get(api, limit="2").body
    assert first["metadata"]["remainingItemCount"] == 2
    api.call("DELETE", api.path("secrets", "c"))
    api.create("secrets", "cc")
    rest = get(api, limit="2", **{"continue": first["metadata"]["continue"]})
    assert names(rest) == ["c", "d"]
    assert rest.body["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert "continue" not in rest.body["metadata"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"resourceVersion": "abc"}, 400),
        ({"resourceVersion": "-1"}, 400),
        ({"resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersion": "0", "resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersion": "1", "resourceVersionMatch": "Newest"}, 422),
        ({"resourceVersion": "1", "resourceVersionMatch": "Exact"}, 410),
        ({"resourceVersion": "999999999"}, 504),
        ({"resourceVersion": "999999999", "resourceVersionMatch": "NotOlderThan"}, 504),
        ({"sendInitialEvents": "true"}, 422),
        ({"continue": "bm90IGEgbGlzdA=="}, 400),
        ({"watch": "true", "resourceVersion": "abc"}, 500),
        ({"watch": "true", "sendInitialEvents": "true"}, 422),
        ({"watch": "true", "resourceVersion": "1", "resourceVersionMatch": "NotOlderThan"}, 422),
        ({"watch": "true", "continue": "x"}, 422),
    ],
)
def test_versions_without_sense_are_refused(api: Any, query: dict[str, str], code: int) -> None:
    assert get(api, **query).code == code


def test_a_version_of_the_future_says_how_far_the_server_is(api: Any) -> None:
    answer = get(api, resourceVersion="999999999")
    assert answer.body["reason"] == "Timeout"
    assert "Too large resource version: 999999999, current: " in answer.body["message"]
    assert answer.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_a_watch_can_begin_with_what_is_there_and_says_when_that_ends(api: Any) -> None:
    api.create("secrets", "a")
    told = watched(
        api, 2, sendInitialEvents="true", resourceVersionMatch="NotOlderThan", allowWatchBookmarks="true"
    )
    assert [event["type"] for event in told] == ["ADDED", "BOOKMARK"]
    end = told[1]["object"]
    assert end["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(end["metadata"]["resourceVersion"]) >= int(told[0]["object"]["metadata"]["resourceVersion"])


def test_a_watch_can_begin_now_without_what_is_there(api: Any) -> None:
    api.create("secrets", "a")
    query = {"sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"}
    path = api.path("secrets", watch="true", timeoutSeconds="10", **query)
    with api.send("GET", path) as response:
        api.create("secrets", "b")
        assert json.loads(response.readline())["object"]["metadata"]["name"] == "b"


def test_bookmarks_come_before_the_timeout_with_kind_and_version_only(api: Any) -> None:
    answer = get(
        api, watch="true", timeoutSeconds="1", allowWatchBookmarks="true", resourceVersion=version(api)
    )
    mark = answer.body
    assert mark["type"] == "BOOKMARK"
    assert set(mark["object"]) == {"kind", "apiVersion", "metadata"}
    assert mark["object"]["metadata"]["resourceVersion"]


def version(api: Any) -> str:
    return str(get(api).body["metadata"]["resourceVersion"])


def test_an_object_that_leaves_the_selector_goes_as_it_last_was_for_the_watch(api: Any) -> None:
    start = version(api)
    api.create("secrets", "one", metadata={"labels": {"run": "x"}})
    change = {"metadata": {"labels": {"run": "y"}}}
    left = api.call("PATCH", api.path("secrets", "one"), change, Content_Type=MERGE).body
    gone = watched(api, 2, resourceVersion=start, labelSelector="run=x")[1]
    assert (gone["type"], gone["object"]["metadata"]["labels"]) == ("DELETED", {"run": "x"})
    assert gone["object"]["metadata"]["resourceVersion"] == left["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    "selector",
    ["a=x:y", "a=" + "x" * 64, "x" * 64, "a in (x", "=b", "a==b c", "-a=b", "a/b/c=d", "a>x"],
)
def test_label_selectors_that_can_not_be_are_refused(api: Any, selector: str) -> None:
    answer = get(api, labelSelector=selector)
    assert (answer.code, answer.body["reason"]) == (400, "BadRequest")
    assert "unable to parse requirement" in answer.body["message"]
    assert api.call("DELETE", api.path("secrets", labelSelector=selector)).code == 400


def test_labels_can_be_compared_as_numbers(api: Any) -> None:
    for name, size in (("a", "2"), ("b", "10"), ("c", "many")):
        api.create("secrets", name, metadata={"labels": {"size": size}})
    assert api.names("secrets", labelSelector="size>5") == ["b"]
    assert api.names("secrets", labelSelector="size<5") == ["a"]


@pytest.mark.parametrize(
    ("plural", "said"),
    [
        ("virtualmachines", "field label not supported: spec.running"),
        ("pods", "field label not supported: spec.running"),
        (
            "configmaps",
            '"spec.running" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
    ],
)
def test_field_selectors_that_are_not_indexed_are_refused(api: Any, plural: str, said: str) -> None:
    answer = get(api, plural, fieldSelector="spec.running=true")
    assert (answer.code, answer.body["message"]) == (400, said)
    api.create(plural, "one")
    assert api.names(plural, fieldSelector=f"metadata.name=one,metadata.namespace={api.namespace}") == ["one"]


@pytest.mark.parametrize(
    ("method", "name", "body"),
    [
        ("POST", "", {"metadata": {"name": "new"}}),
        ("PUT", "one", {"metadata": {"name": "one"}, "data": {"a": "Mg=="}}),
        ("PATCH", "one", {"data": {"a": "Mg=="}}),
        ("DELETE", "one", None),
        ("DELETE", "", None),
        ("DELETE", "one", {"dryRun": ["All"]}),
        ("DELETE", "", {"dryRun": ["All"]}),
    ],
)
def test_a_rehearsal_changes_nothing(api: Any, method: str, name: str, body: Any) -> None:
    before = api.create("secrets", "one", data={"a": "MQ=="})
    query = {} if body and "dryRun" in body else {"dryRun": "All"}
    answer = api.call(
        method,
        api.path("secrets", name, **query),
        body,
        Content_Type=MERGE if method == "PATCH" else "application/json",
    )
    assert answer.code in (200, 201)
    assert api.get("secrets", "one") == before
    assert api.names("secrets") == ["one"]


def test_a_rehearsed_create_shows_what_would_be_and_refuses_what_would_be_refused(api: Any) -> None:
    path = api.path("secrets", dryRun="All")
    made = api.call("POST", path, {"metadata": {"generateName": "a-"}, "data": {"a": "MQ=="}})
    assert made.body["metadata"]["uid"]
    assert "resourceVersion" not in made.body["metadata"]
    api.create("secrets", "one")
    assert api.call("POST", path, {"metadata": {"name": "one"}}).code == 409
    assert api.call("POST", api.path("secrets", dryRun="Some"), {"metadata": {"name": "x"}}).code == 422
    assert api.call("DELETE", api.path("secrets", "one", dryRun="Some")).code == 422
