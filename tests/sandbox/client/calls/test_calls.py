"""Calls and watches against an API server of their own, one that is stopped, throttles and forbids."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.cluster.client.api_request import RefusedRequestError
from pytest_odfperf.cluster.client.calls import ApiError, Calls
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import CONFIG_MAP, SECRET
from pytest_odfperf.cluster.groups.removal import remove
from pytest_odfperf.vm.labels import run_labels, run_selector
from pytest_odfperf.waiting import Deadline, Stop


def config_map(name: str, run_id: str = "r1") -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": run_labels(run_id)}, "data": {}}


def test_a_refusal_carries_the_servers_words_and_is_not_repeated(server: Any, bench_user: Cluster) -> None:
    with pytest.raises(ApiError, match=r'403 Forbidden: secrets .*is forbidden: User "bench"') as caught:
        Calls(bench_user, Stop()).create(SECRET, "ns", config_map("s"))
    assert caught.value.status == 403
    assert server.running.requests["bench", "create", "secrets"] == 1


def test_a_collection_is_deleted_one_by_one_without_the_right_to_delete_it_whole(
    server: Any, admin: Cluster, bench_user: Cluster
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
    connections = admin.client.rest_client.pool_manager
    whole = connections.request

    def lost(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(connections, "request", whole)
        whole(*arguments, **options)
        raise ConnectionResetError("the answer was lost")

    monkeypatch.setattr(connections, "request", lost)
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
    connections = admin.client.rest_client.pool_manager
    whole = connections.request
    answers = [429, 503, 504]

    def busy(*arguments: Any, **options: Any) -> Any:
        if answers:
            raise RefusedRequestError(answers.pop(0), "busy", {}, b"")
        return whole(*arguments, **options)

    monkeypatch.setattr(connections, "request", busy)
    assert Calls(admin, Stop()).items(CONFIG_MAP, "ns")[:0] == []
    assert answers == []


def test_a_stop_ends_the_pauses(server: Any, admin: Cluster) -> None:
    from pytest_odfperf.errors import InterruptedRunError

    admin.configuration.host = "https://127.0.0.1:1"
    stop = Stop()
    stop.set()
    with pytest.raises(InterruptedRunError):
        Calls(admin, stop).items(CONFIG_MAP, "ns")
