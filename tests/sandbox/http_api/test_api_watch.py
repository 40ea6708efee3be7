"""Watches: what they tell, and where they may start."""

from __future__ import annotations

import json
import time
from typing import Any

MERGE = "application/merge-patch+json"


def events(api: Any, plural: str, **query: str) -> list[tuple[str, Any]]:
    """What a watch of no more than a second tells; it ends at its timeout."""
    answer = api.call("GET", api.path(plural, watch="true", timeoutSeconds="1", **query))
    assert answer.code == 200
    lines = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
    return [(event["type"], event["object"]) for event in map(json.loads, lines.splitlines())]


def watch_lines(api: Any, count: int, plural: str, **query: str) -> list[tuple[str, Any]]:
    """The first ``count`` events; the watch is open for as long as they need."""
    path = api.path(plural, watch="true", timeoutSeconds="10", **query)
    with api.send("GET", path) as response:
        read = [json.loads(response.readline()) for _ in range(count)]
    return [(event["type"], event["object"]["metadata"]["name"]) for event in read]


def version(api: Any, plural: str = "configmaps") -> str:
    return str(api.call("GET", api.path(plural)).body["metadata"]["resourceVersion"])


def test_a_watch_tells_creation_change_and_deletion_in_order(api: Any) -> None:
    start = version(api)
    api.create("configmaps", "one")
    api.call("PATCH", api.path("configmaps", "one"), {"data": {"a": "1"}}, Content_Type=MERGE)
    api.call("DELETE", api.path("configmaps", "one"))
    told = watch_lines(api, 3, "configmaps", resourceVersion=start)
    assert told == [("ADDED", "one"), ("MODIFIED", "one"), ("DELETED", "one")]


def test_versions_of_a_watch_only_grow(api: Any) -> None:
    start = version(api)
    for number in range(3):
        api.create("configmaps", f"c{number}")
    api.call("DELETE", api.path("configmaps", "c1"))
    path = api.path("configmaps", watch="1", timeoutSeconds="10", resourceVersion=start)
    with api.send("GET", path) as response:
        told = [json.loads(response.readline())["object"]["metadata"]["resourceVersion"] for _ in range(4)]
    assert [int(v) for v in told] == sorted({int(v) for v in told})
    assert int(told[0]) > int(start)


def test_an_object_that_leaves_the_selector_is_deleted_for_the_watch(api: Any) -> None:
    start = version(api)
    api.create("configmaps", "one", metadata={"labels": {"run": "x"}})
    leave = {"metadata": {"labels": {"run": "y"}}}
    enter = {"metadata": {"labels": {"run": "x"}}}
    for change in (leave, enter):
        api.call("PATCH", api.path("configmaps", "one"), change, Content_Type=MERGE)
    told = watch_lines(api, 3, "configmaps", resourceVersion=start, labelSelector="run=x")
    assert [sort for sort, _ in told] == ["ADDED", "DELETED", "ADDED"]
    assert api.get("configmaps", "one") is not None


def test_a_watch_without_a_version_begins_with_what_is_there(api: Any) -> None:
    api.create("configmaps", "a")
    api.create("configmaps", "b")
    assert watch_lines(api, 2, "configmaps") == [("ADDED", "a"), ("ADDED", "b")]


def test_a_watch_sees_its_namespace_and_kind_only(api: Any) -> None:
    start = version(api)
    api.call("POST", "/api/v1/namespaces", {"metadata": {"name": f"{api.namespace}-other"}})
    api.call("POST", f"/api/v1/namespaces/{api.namespace}-other/configmaps", {"metadata": {"name": "far"}})
    api.create("secrets", "near")
    api.create("configmaps", "seen")
    assert watch_lines(api, 1, "configmaps", resourceVersion=start) == [("ADDED", "seen")]


def test_an_open_watch_is_told_of_a_later_change(api: Any) -> None:
    path = api.path("configmaps", watch="true", timeoutSeconds="10", resourceVersion=version(api))
    with api.send("GET", path) as response:
        api.create("configmaps", "later")
        assert json.loads(response.readline())["object"]["metadata"]["name"] == "later"


def test_a_version_that_is_too_old_is_an_error_event_of_an_open_answer(api: Any) -> None:
    [(sort, status)] = events(api, "configmaps", resourceVersion="1")
    assert (sort, status["code"], status["reason"]) == ("ERROR", 410, "Expired")


def test_a_version_of_the_future_tells_nothing_and_ends_at_the_timeout(api: Any) -> None:
    begun = time.monotonic()
    assert events(api, "configmaps", resourceVersion="999999999") == []
    assert time.monotonic() - begun >= 0.9
