"""Whatever is sent, the server answers with a refusal that says why, never with a failure of its own."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from tests.sandbox.http_api.conftest import SPECS

JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
TYPES = {"PATCH": ("application/merge-patch+json", JSON_PATCH, APPLY)}
STRANGE: list[Any] = [
    None,
    True,
    -1,
    1.5,
    10**30,
    "",
    "x" * 300,
    "a\x00b",
    [],
    [None],
    [[]],
    {},
    {"": None},
    {"a": {"b": []}},
]
WHOLE: dict[str, Any] = {
    **SPECS,
    "configmaps": {},
    "resourcequotas": {"hard": {"pods": "1"}},
    "leases": {"holderIdentity": "me", "leaseDurationSeconds": 15},
}
META = {
    "name": "one",
    "labels": {"a": "b"},
    "finalizers": ["example.org/hold"],
    "managedFields": [
        {"manager": "a", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:spec": {}}}
    ],
}
MACHINE = {
    "runStrategy": "Halted",
    "dataVolumeTemplates": [{"metadata": {"name": "d"}, "spec": SPECS["datavolumes"]}],
    "template": {
        "spec": {
            "domain": {"devices": {"disks": [{"name": "a", "bootOrder": 1}], "interfaces": [{"name": "n"}]}},
            "networks": [{"name": "n", "pod": {}}],
            "volumes": [
                {"name": "a", "dataVolume": {"name": "d"}},
                {"name": "b", "cloudInitNoCloud": {"userData": ""}},
            ],
        }
    },
}


def spoilt(value: Any, chance: random.Random) -> Any:
    """``value`` with a strange thing in one place of it."""
    inside = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    if not inside or chance.random() < 0.15:
        return copy.deepcopy(chance.choice(STRANGE))
    fresh = copy.copy(value)
    at = chance.choice(inside)
    fresh[at] = spoilt(fresh[at], chance)
    return fresh


def request(body: Any, chance: random.Random) -> tuple[str, str, Any]:
    """A method, a content type and a body for it."""
    method = chance.choice(["POST", "PATCH", "PUT"])
    kind = chance.choice(TYPES.get(method, ("application/json",)))
    if method != "POST" and isinstance(body, dict) and isinstance(body.get("metadata"), dict):
        body["metadata"] = {**body["metadata"], "name": "there"}
    if kind == APPLY and isinstance(body, dict) and isinstance(body.get("metadata"), dict):
        body["metadata"].pop("managedFields", None)
    if kind == JSON_PATCH:
        parts = body if isinstance(body, dict) else {"": body}
        body = [{"op": "replace", "path": f"/{name}", "value": value} for name, value in parts.items()]
    return method, kind, body


@pytest.mark.parametrize("plural", sorted(WHOLE))
def test_nonsense_is_refused(api: Any, plural: str) -> None:
    chance = random.Random(f"odfperf {plural}")
    made = {"spec": WHOLE[plural]} if WHOLE[plural] else {}
    there = api.create(plural, "there", **made)
    owner = api.create("serviceaccounts", "owner")
    reference = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "name": "owner",
        "uid": owner["metadata"]["uid"],
    }
    spec = MACHINE if plural == "virtualmachines" else WHOLE[plural]
    whole = {
        "apiVersion": there["apiVersion"],
        "kind": there["kind"],
        "metadata": {**META, "ownerReferences": [reference]},
        **({"spec": spec} if spec else {"data": {"a": "b"}}),
    }
    for _ in range(60):
        method, kind, body = request(spoilt(whole, chance), chance)
        if api.get(plural, "there") is None:
            api.create(plural, "there", **made)
        query = {"fieldManager": "me", "force": "true"} if kind == APPLY else {}
        path = api.path(plural, "" if method == "POST" else "there", **query)
        answer = api.call(method, path, body, Content_Type=kind)
        undeclared = answer.code == 500 and "failed to create typed patch object" in str(answer.body)
        assert answer.code < 500 or undeclared, (method, kind, body, answer)
        if answer.code >= 400:
            assert answer.body["kind"] == "Status", answer
            assert answer.body["message"], answer
