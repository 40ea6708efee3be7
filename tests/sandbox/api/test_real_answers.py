"""The server answers as a real one: code, reason, and a word of the message of each recorded request.

The tables in ``answers`` are what kube-apiserver 1.36 with KubeVirt 1.9's webhooks answered. One test plays
the whole table of a family.
"""

from __future__ import annotations

import copy
import http.client
import json
import uuid
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.sandbox.api.conftest import USER_TOKEN, Api

TABLES = Path(__file__).parent / "answers"
#: Short forms of paths in the tables.
PLACES = {
    "{core}": "/api/v1/namespaces/{ns}",
    "{kv}": "/apis/kubevirt.io/v1/namespaces/{ns}",
    "{cdi}": "/apis/cdi.kubevirt.io/v1beta1/namespaces/{ns}",
    "{leases}": "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases",
    "{rb}": "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}",
    "{rbac}": "/apis/rbac.authorization.k8s.io/v1",
}


@cache
def table(name: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((TABLES / f"{name}.yaml").read_text(encoding="utf-8"), loader)


class Player:
    """Plays requests over one connection; ``{ns}``, ``{rv}`` and ``{uid}`` are of the answers before."""

    def __init__(self, api: Api, known: dict[str, str]) -> None:
        place = urlsplit(api.url)
        self._connection = http.client.HTTPSConnection(
            str(place.hostname), place.port, context=api.tls, timeout=20
        )
        self._users = {"admin": api.token, "jane": USER_TOKEN}
        self.known = known

    def play(self, method: str, path: str, body: Any, options: dict[str, Any]) -> tuple[int, str, str]:
        for short, whole in PLACES.items():
            path = path.replace(short, whole)
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        user = options.get("user", "admin")
        if user:
            headers["Authorization"] = f"Bearer {self._users.get(user, user)}"
        headers |= {name: value for name, value in options.items() if name not in ("user", "Content-Type")}
        headers["Content-Type"] = options.get("Content-Type", "application/json")
        data = self._filled(body)
        sent = {name: value for name, value in headers.items() if value is not None}
        self._connection.request(method, self._text(path), data, sent)
        response = self._connection.getresponse()
        text = response.read()
        return response.status, *self._read(text)

    def _filled(self, body: Any) -> bytes | None:
        if body is None:
            return None
        text = body["raw"] if isinstance(body, dict) and set(body) == {"raw"} else json.dumps(body)
        return self._text(text).encode()

    def _text(self, text: str) -> str:
        for name, value in self.known.items():
            text = text.replace("{" + name + "}", value)
        return text

    def _read(self, text: bytes) -> tuple[str, str]:
        try:
            answer = json.loads(text)
        except ValueError:
            return "TEXT", text.decode("utf-8", "replace")
        if not isinstance(answer, dict):
            return "", ""
        meta = answer.get("metadata")
        for name, field in (("rv", "resourceVersion"), ("uid", "uid"), ("continue", "continue")):
            if isinstance(meta, dict) and meta.get(field):
                self.known[name] = str(meta[field])
        return (
            (str(answer.get("reason", "")), str(answer.get("message", "")))
            if "status" in answer
            else ("", "")
        )


@pytest.fixture
def player(admin: Api, namespace: str) -> Player:
    return Player(admin, {"ns": namespace, "rv": "", "uid": ""})


def changed(base: Any, changes: dict[str, Any]) -> Any:
    """``base`` with values at dotted paths; None takes a field away."""
    fresh = copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = path.split(".")
        at = fresh
        for part in parents:
            if isinstance(at, list):
                at += [{} for _ in range(int(part) + 1 - len(at))]
                at = at[int(part)]
            else:
                at = at.setdefault(part, {})
        if isinstance(at, list):
            at += [{} for _ in range(int(last) + 1 - len(at))]
            at[int(last)] = value
        elif value is None:
            at.pop(last, None)
        else:
            at[last] = value
    return fresh


def differs(got: tuple[int, str, str], code: int, reason: str, words: str = "") -> bool:
    there = got[1] if got[0] >= 400 else ""
    return (got[0], there) != (code, reason) or words not in got[2].replace("\n", " ")


@pytest.mark.parametrize("name", ["virtual_machines", "pods", "claims"])
def test_a_spec_is_taken_or_refused_as_a_real_cluster_does(player: Player, name: str) -> None:
    family = table(name)
    wrong = []
    for row, (changes, *answer) in family["rows"].items():
        body = {**family["head"], "spec": changed(family["base"], changes)}
        # A rehearsal is answered as the write itself, and leaves nothing.
        got = player.play("POST", f"{family['path']}?dryRun=All", body, {})
        if differs(got, *answer):
            wrong.append((row, answer, got))
    assert not wrong


@pytest.mark.parametrize("name", ["objects", "writes", "reads", "rights"])
def test_requests_are_answered_as_by_a_real_server(admin: Api, player: Player, name: str) -> None:
    wrong = []
    for row, steps in table(name).items():
        player.known |= {"ns": f"t-{uuid.uuid4().hex[:8]}", "rv": "", "uid": ""}
        meta = {"metadata": {"name": "{ns}"}}
        assert player.play("POST", "/api/v1/namespaces", meta, {})[0] == 201
        for number, (method, path, body, options, *answer) in enumerate(steps):
            got = player.play(method, path, body, options)
            if differs(got, *answer):
                wrong.append((row, number, answer, got))
        player.play("DELETE", "/api/v1/namespaces/{ns}", None, {})
    assert not wrong
