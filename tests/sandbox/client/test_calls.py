"""Calls and watches against an API server of their own, one that is stopped, throttles and forbids."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from pytest_odfperf.cluster.calls import ApiError, Calls
from pytest_odfperf.cluster.connect import Cluster, connect
from pytest_odfperf.cluster.kinds import CONFIG_MAP, DATA_VOLUME, EVENT, SECRET
from pytest_odfperf.cluster.removal import remove
from pytest_odfperf.cluster.watch import Objects
from pytest_odfperf.errors import ClusterError, DeadlineError
from pytest_odfperf.sandbox.api.server import ApiConfig, serve
from pytest_odfperf.vm.labels import run_labels, run_selector
from pytest_odfperf.waiting import Deadline, Stop

RULES = [
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch", "create", "delete"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]},
]


class OwnServer:
    """An API server without controllers, with a user of few rights."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        config = ApiConfig(directory=directory, users={"bench": "bench-token"})
        self.running = self._do(serve(config))
        self.port = int(self.running.url.rpartition(":")[2])

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def client(self, token: str) -> Cluster:
        configuration = Configuration()
        configuration.host = self.running.url
        configuration.ssl_ca_cert = str(self.running.ca_file)
        configuration.api_key = {"authorization": f"Bearer {token}"}
        configuration.retries = False
        return Cluster(ApiClient(configuration))

    def close(self) -> None:
        self._do(self.running.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnServer]:
    own = OwnServer(tmp_path)
    admin = own.client(own.running.admin_token)
    admin.api("CoreV1Api").create_namespace({"metadata": {"name": "ns"}}, _request_timeout=5)
    rbac = admin.api("RbacAuthorizationV1Api")
    rbac.create_namespaced_role("ns", {"metadata": {"name": "few"}, "rules": RULES}, _request_timeout=5)
    binding = {
        "metadata": {"name": "few"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "few"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bench"}],
    }
    rbac.create_namespaced_role_binding("ns", binding, _request_timeout=5)
    yield own
    admin.close()
    own.close()


@pytest.fixture
def admin(server: OwnServer) -> Iterator[Cluster]:
    cluster = server.client(server.running.admin_token)
    yield cluster
    cluster.close()


@pytest.fixture
def bench_user(server: OwnServer) -> Iterator[Cluster]:
    cluster = server.client("bench-token")
    yield cluster
    cluster.close()


def config_map(name: str, run_id: str = "r1") -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": run_labels(run_id)}, "data": {}}


def test_a_refusal_carries_the_servers_words_and_is_not_repeated(
    server: OwnServer, bench_user: Cluster
) -> None:
    with pytest.raises(ApiError, match=r'403 Forbidden: secrets .*is forbidden: User "bench"') as caught:
        Calls(bench_user, Stop()).create(SECRET, "ns", config_map("s"))
    assert caught.value.status == 403
    assert server.running.requests["bench", "create", "secrets"] == 1


def test_a_collection_is_deleted_one_by_one_without_the_right_to_delete_it_whole(
    server: OwnServer, admin: Cluster, bench_user: Cluster
) -> None:
    for name in ("a", "b"):
        Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map(name))
    Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map("other", "r2"))
    deadline = Deadline("nothing to be left", 10)
    assert remove(bench_user, "ns", run_selector("r1"), (CONFIG_MAP,), deadline, Stop()) == ()
    left = [item["metadata"]["name"] for item in Calls(admin, Stop()).items(CONFIG_MAP, "ns")]
    assert "other" in left
    assert not {"a", "b"} & set(left)
    assert server.running.requests["bench", "deletecollection", "configmaps"] == 1
    assert server.running.requests["bench", "delete", "configmaps"] == 2


def test_an_empty_selector_deletes_nothing(admin: Cluster) -> None:
    with pytest.raises(ValueError, match="everything in the namespace"):
        Calls(admin, Stop()).delete_collection(CONFIG_MAP, "ns", "")
    with pytest.raises(ValueError, match="everything in the namespace"):
        remove(admin, "ns", "", (CONFIG_MAP,), Deadline("x", 1), Stop())


def test_deleting_what_is_not_there_is_no_error(admin: Cluster) -> None:
    assert Calls(admin, Stop()).delete(CONFIG_MAP, "absent", "ns") is False


def test_a_create_whose_answer_was_lost_finds_its_own_object(
    admin: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = admin.api("CoreV1Api")
    whole = api.create_namespaced_config_map

    def lost(**options: Any) -> Any:
        monkeypatch.setattr(api, "create_namespaced_config_map", whole)
        whole(**options)
        raise ConnectionResetError("the answer was lost")

    monkeypatch.setattr(api, "create_namespaced_config_map", lost)
    made = Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map("c"))
    assert made["metadata"]["name"] == "c"
    assert made["metadata"]["uid"]


def test_an_object_of_another_run_is_not_taken_for_ours(admin: Cluster) -> None:
    calls = Calls(admin, Stop())
    calls.create(CONFIG_MAP, "ns", config_map("c", "r1"))
    with pytest.raises(ApiError, match="409 AlreadyExists"):
        calls.create(CONFIG_MAP, "ns", config_map("c", "r2"))


def test_calls_pause_and_are_repeated_while_the_server_is_busy(
    admin: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.client.exceptions import ApiException

    api = admin.api("CoreV1Api")
    whole = api.list_namespaced_config_map
    answers = [429, 503, 504]

    def busy(**options: Any) -> Any:
        if answers:
            raise ApiException(status=answers.pop(0), reason="busy")
        return whole(**options)

    monkeypatch.setattr(api, "list_namespaced_config_map", busy)
    assert Calls(admin, Stop()).items(CONFIG_MAP, "ns")[:0] == []
    assert answers == []


def test_a_stop_ends_the_pauses(server: OwnServer, admin: Cluster) -> None:
    from pytest_odfperf.errors import InterruptedRunError

    admin.configuration.host = "https://127.0.0.1:1"
    stop = Stop()
    stop.set()
    with pytest.raises(InterruptedRunError):
        Calls(admin, stop).items(CONFIG_MAP, "ns")


def test_a_watch_sees_what_is_made_changed_and_deleted(admin: Cluster) -> None:
    calls = Calls(admin, Stop())
    calls.create(CONFIG_MAP, "ns", config_map("before"))
    with Objects(admin, "ns", run_selector("r1"), (CONFIG_MAP,)) as objects:

        def names() -> set[str]:
            return set(objects.of(CONFIG_MAP))

        def until(wanted: set[str]) -> None:
            objects.wait(
                lambda: True if names() == wanted else None,
                Deadline("names", 10),
                Stop(),
                lambda: str(names()),
            )

        until({"before"})
        calls.create(CONFIG_MAP, "ns", config_map("after"))
        calls.create(CONFIG_MAP, "ns", config_map("foreign", "r2"))
        until({"before", "after"})
        calls.delete(CONFIG_MAP, "before", "ns")
        until({"after"})


def test_a_wait_that_is_over_says_the_last_state(admin: Cluster) -> None:
    with (
        Objects(admin, "ns", run_selector("r1"), (CONFIG_MAP,)) as objects,
        pytest.raises(DeadlineError, match="waited 1 s for a miracle; last state: none yet"),
    ):
        objects.wait(lambda: None, Deadline("a miracle", 1), Stop(), lambda: "none yet")


def test_a_watch_that_is_forbidden_is_an_error_at_once(bench_user: Cluster) -> None:
    began = time.monotonic()
    with (
        Objects(bench_user, "ns", run_selector("r1"), (DATA_VOLUME,)) as objects,
        pytest.raises(ClusterError, match="list datavolumes: 403 Forbidden"),
    ):
        objects.wait(lambda: None, Deadline("x", 600), Stop(), lambda: "")
    assert time.monotonic() - began < 60


def test_events_that_are_forbidden_are_done_without(bench_user: Cluster) -> None:
    with Objects(bench_user, "ns", run_selector("r1"), (CONFIG_MAP,), events="Failed") as objects:
        assert objects.wait(lambda: "ok", Deadline("x", 10), Stop(), lambda: "") == "ok"
        assert objects.of(EVENT) == {}


def test_watches_end_with_their_threads(admin: Cluster) -> None:
    def watching() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("watch-")]

    with Objects(admin, "ns", run_selector("r1"), (CONFIG_MAP, SECRET)) as objects:
        objects.wait(lambda: True, Deadline("x", 10), Stop(), lambda: "")
        assert len(watching()) == 2
    deadline = Deadline("the watches to end", 10)
    while watching():
        deadline.check(str(watching()))
        time.sleep(0.01)


def test_a_server_that_comes_back_is_watched_again(tmp_path: Path) -> None:
    """All resource versions of the first server mean nothing to the second."""
    first = OwnServer(tmp_path / "one")
    cluster = first.client(first.running.admin_token)
    cluster.api("CoreV1Api").create_namespace({"metadata": {"name": "ns"}}, _request_timeout=5)
    Calls(cluster, Stop()).create(CONFIG_MAP, "ns", config_map("old"))
    with Objects(cluster, "ns", run_selector("r1"), (CONFIG_MAP,)) as objects:

        def until(name: str) -> None:
            objects.wait(
                lambda: True if name in objects.of(CONFIG_MAP) else None,
                Deadline(name, 20),
                Stop(),
                lambda: str(objects.of(CONFIG_MAP)),
            )

        until("old")
        first.close()
        with pytest.raises(DeadlineError, match=r"watch|list|Connection"):
            objects.wait(lambda: None, Deadline("nothing", 2), Stop(), lambda: "away")
        second = OwnServer(tmp_path / "two")
        fresh = second.client(second.running.admin_token)
        try:
            cluster.configuration.host = second.running.url
            cluster.client.rest_client = fresh.client.rest_client
            cluster.configuration.api_key = fresh.configuration.api_key
            fresh.api("CoreV1Api").create_namespace({"metadata": {"name": "ns"}}, _request_timeout=5)
            Calls(fresh, Stop()).create(CONFIG_MAP, "ns", config_map("new"))
            until("new")
            assert "old" not in objects.of(CONFIG_MAP)
        finally:
            objects.close()
            second.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "file is empty"),
        ("a: [", "while parsing"),
        ("apiVersion: v1", "current-context"),
        ("only text", "no cluster"),
    ],
)
def test_a_kubeconfig_that_can_not_be_used_is_one_line(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(ClusterError, match=words) as caught:
        connect(str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_token_that_was_revoked_is_fetched_anew_from_the_login_plugin(
    server: OwnServer, tmp_path: Path
) -> None:
    from pytest_odfperf.sandbox.api.access import User

    token = tmp_path / "token"
    token.write_text("bench-token")
    plugin = tmp_path / "plugin"
    answer = (
        '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}'
    )
    plugin.write_text(f"#!/bin/sh\nprintf '{answer}' \"$(cat {token})\"\n")
    plugin.chmod(0o755)
    login = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(plugin),
        "interactiveMode": "Never",
    }
    cluster = connect(str(kubeconfig(server, tmp_path, {"exec": login})))
    tokens: dict[str, User] = server.running._tokens  # type: ignore[assignment]
    tokens["fresh-token"] = tokens.pop("bench-token")
    calls = Calls(cluster, Stop())
    with pytest.raises(ApiError, match="401"):
        calls.items(CONFIG_MAP, "ns")
    token.write_text("fresh-token")
    assert calls.items(CONFIG_MAP, "ns") is not None
    cluster.close()


@pytest.mark.parametrize(("token", "words"), [("wrong", "401 Unauthorized.*log in again"), ("right", "")])
def test_a_wrong_token_is_said_when_it_is_connected(
    server: OwnServer, tmp_path: Path, token: str, words: str
) -> None:
    path = kubeconfig(server, tmp_path, {"token": "bench-token" if token == "right" else token})
    if words:
        with pytest.raises(ClusterError, match=words):
            connect(str(path))
    else:
        connect(str(path)).close()


def kubeconfig(server: OwnServer, directory: Path, user: dict[str, Any]) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": server.running.url,
                    "certificate-authority": str(server.running.ca_file),
                },
            }
        ],
        "users": [{"name": "u", "user": user}],
    }
    path = directory / "config"
    path.write_text(json.dumps(config))
    return path
