"""Events under both of their APIs."""

from __future__ import annotations

import json
from typing import Any

NEW = "/apis/events.k8s.io/v1/namespaces/{}/events"


def event(api: Any, name: str = "e", **more: Any) -> dict[str, Any]:
    about = {"kind": "Pod", "name": "one", "namespace": api.namespace}
    said = {"involvedObject": about, "reason": "Told", "message": "so it was", "count": 2, "type": "Normal"}
    made: dict[str, Any] = api.create("events", name, **said, **more)
    return made


def test_an_event_is_the_same_under_both_apis(api: Any) -> None:
    made = event(api, reportingComponent="scheduler")
    new = api.call("GET", f"{NEW.format(api.namespace)}/e").body
    assert new["apiVersion"] == "events.k8s.io/v1"
    assert new["metadata"] == made["metadata"]
    assert (new["note"], new["deprecatedCount"], new["reportingController"]) == ("so it was", 2, "scheduler")
    assert new["regarding"]["name"] == "one"
    assert "message" not in new
    listed = api.call("GET", f"{NEW.format(api.namespace)}?fieldSelector=regarding.name%3Done").body
    assert (listed["apiVersion"], listed["items"]) == ("events.k8s.io/v1", [new])
    assert (
        api.call("GET", f"{NEW.format(api.namespace)}?fieldSelector=regarding.name%3Dtwo").body["items"] == []
    )


def test_an_event_can_be_made_and_watched_under_the_new_api(api: Any) -> None:
    watch = f"{NEW.format(api.namespace)}?watch=true&timeoutSeconds=10"
    body = {
        "metadata": {"name": "new"},
        "regarding": {"kind": "Pod", "name": "one", "namespace": api.namespace},
        "note": "made",
        "eventTime": "2026-11-23T20:24:24.000000Z",
        "type": "Normal",
        "reason": "Made",
        "action": "Making",
        "reportingController": "example.org/maker",
        "reportingInstance": "maker-1",
    }
    made = api.call("POST", NEW.format(api.namespace), body)
    assert (made.code, made.body["note"]) == (201, "made")
    assert api.get("events", "new")["message"] == "made"
    with api.send("GET", watch) as response:
        told = json.loads(response.readline())
    assert (told["type"], told["object"]["note"]) == ("ADDED", "made")
    assert api.call("DELETE", f"{NEW.format(api.namespace)}/new").code == 405
