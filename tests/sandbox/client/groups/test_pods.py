"""Groups of pods through ``pods/exec``: the exchange, what the API server refuses, what becomes of pods."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
import websocket
from kubernetes.client.exceptions import ApiException

from pytest_odfperf.cluster.client.kinds import POD
from pytest_odfperf.errors import GroupError, GuestError
from pytest_odfperf.guest.all_guests import run_on_all
from pytest_odfperf.guest.api_websocket import TunnelError, open_websocket
from pytest_odfperf.guest.pod_exec import SUBPROTOCOLS, PodChannel
from pytest_odfperf.vm.pod_manifest import command

PODS: dict[str, Any] = {"machine": "pod", "image": "quay.io/example/fio"}
LIMITS: Any = {"deadline_s": 60, "prepare_s": 60}
REDIRECT = 5.0


@pytest.fixture
def pods(bench: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bench whose groups are of pods."""
    of_vms = type(bench).spec
    monkeypatch.setattr(type(bench), "spec", lambda self, *a, **more: of_vms(self, *a, **{**PODS, **more}))
    return bench


def test_guests_in_pods_run_jobs_together_and_leave_nothing(pods: Any) -> None:
    guests = pods.connected("good", 3)
    assert {guest.facts["marking"] for guest in guests} == {"SIMULATED"}
    assert len({guest.boot_id for guest in guests}) == 3
    for token in ("t-1", "t-2"):
        runs: dict[str, Any] = run_on_all(guests, b"", token, stop=pods.stop, **LIMITS)
        assert {run.exit_code for run in runs.values()} == {0}
        assert all(json.loads(run.fio_json)["jobs"] for run in runs.values())
        # As well as a clock of 10 ms tells.
        assert all(run.common.clock_uncertainty_ms < 50 for run in runs.values())
        assert all(run.common.late_ms is not None for run in runs.values())
    taken, refused = guests[0].check([pods.spec().job.encode(), b"[x]\nrwx=1\n"], check_s=30)
    assert taken == (0, "")
    assert refused[0] != 0
    assert {guest.handshakes for guest in guests} == {1}
    (group,) = pods.groups
    assert len(pods.left(POD)) == 3
    group.delete(delete_s=20, stop=pods.stop)
    assert pods.left() + pods.left(POD) == []


def test_a_connection_that_is_lost_while_fio_runs_is_opened_again(pods: Any) -> None:
    (guest,) = pods.connected("cut")
    (run,) = run_on_all([guest], b"", "t-1", stop=pods.stop, **LIMITS).values()
    assert (run.exit_code, run.reconnects) == (0, 1)


@pytest.mark.parametrize(
    ("pool", "reason"),
    [
        ("no-guest", "protocol"),
        ("no-disk", "wrong_device"),
        ("no-fio", "missing_dependency"),
        ("says-text", "protocol"),
        ("says-line", "protocol"),
        ("says-endless", "protocol"),
        ("says-size", "protocol"),
    ],
)
def test_what_a_pod_answers_is_never_believed(pods: Any, pool: str, reason: str) -> None:
    try:
        (guest,) = pods.connected(pool)
        (run,) = run_on_all([guest], b"", "t-1", stop=pods.stop, **LIMITS).values()
    except GuestError as error:
        run = error
    assert isinstance(run, GuestError)
    assert run.reason == reason
    assert "\n" not in str(run)


def test_a_pod_that_crashes_or_is_deleted_is_lost(pods: Any) -> None:
    (guest,) = pods.connected("crash")
    (group,) = pods.groups
    (run,) = run_on_all([guest], b"", "t-1", stop=pods.stop, **LIMITS).values()
    assert isinstance(run, GuestError)
    (why,) = group.lost().values()
    assert "exit code 137, Error: simulated crash (fault)" in why
    (other,) = pods.group("good").vms
    pods.calls.delete(POD, other.name, pods.namespace)
    pods.stop.sleep(0.5)
    assert pods.groups[1].lost() == {other.name: "its instance is gone"}


def test_a_pod_that_is_not_the_one_that_was_made_is_lost(pods: Any) -> None:
    made = pods.group("good")
    (pod,) = made.vms
    body = pods.calls.get(POD, pod.name, pods.namespace)
    pods.calls.delete(POD, pod.name, pods.namespace)
    pods.stop.sleep(0.5)
    kept = {name: body["metadata"][name] for name in ("name", "namespace", "labels", "ownerReferences")}
    spec = {name: value for name, value in body["spec"].items() if name != "nodeName"}
    pods.calls.create(POD, pods.namespace, {"metadata": kept, "spec": spec})
    assert made.lost() == {pod.name: "it was restarted"}


def test_a_pod_that_no_node_takes_is_named(pods: Any) -> None:
    with pytest.raises(GroupError) as caught:
        pods.group("good", vcpus=64, memory_bytes=1 << 30)
    assert caught.value.cause == "unschedulable"
    assert "Insufficient cpu" in str(caught.value)
    assert pods.left() + pods.left(POD) == []


# -- the subresource, as the API server does it


def exec_path(bench: Any, pod: str, *query: tuple[str, str]) -> str:
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query)
    return f"/api/v1/namespaces/{bench.namespace}/pods/{pod}/exec?{asked}"


@pytest.mark.parametrize("protocol", SUBPROTOCOLS)
def test_each_version_of_the_protocol_has_its_channels_and_its_end(pods: Any, protocol: str) -> None:
    (pod,) = pods.group("good").vms
    words = [("command", word) for word in command("bad-verb")]
    path = exec_path(pods, pod.name, ("container", "fio"), *words, ("stdout", "true"), ("stderr", "true"))
    client = open_websocket(pods.cluster, path, [protocol], timeout_s=REDIRECT)
    assert client.getsubprotocol() == protocol
    messages: dict[int, bytes] = {}
    while True:
        opcode, data = client.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            break
        messages[data[0]] = messages.get(data[0], b"") + data[1:]
    assert messages[1] == b"error bad_request known: facts, check, run, attach TOKEN\n"
    status = json.loads(messages[3])
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "1"}]
    client.close()


def test_stdin_ends_by_a_message_of_version_five(pods: Any) -> None:
    (pod,) = pods.group("good").vms
    channel = PodChannel.run(pods.cluster, pods.namespace, pod.name, command("run"), timeout_s=REDIRECT)
    assert not channel.status_event.wait(0.3)
    channel._websocket.send_binary(bytes((255, 0)))
    assert channel.status_event.wait(10)
    assert (channel.exit_status, channel.recv(10)) == (0, b"")
    channel.close()


@pytest.mark.parametrize(
    ("query", "protocols", "status", "words"),
    [
        ([("container", "x"), ("command", "ls")], SUBPROTOCOLS, 400, "container x is not valid for pod"),
        ([("container", "fio")], SUBPROTOCOLS, 400, "you must specify at least 1 command"),
        ([("command", "ls")], ["v9.channel.k8s.io"], 400, "subprotocol"),
        ([("command", "sh")], SUBPROTOCOLS, 404, 'pods "nobody" not found'),
    ],
)
def test_what_is_wrong_is_told_before_the_upgrade(
    pods: Any, query: Any, protocols: Any, status: int, words: str
) -> None:
    (pod,) = pods.group("good").vms
    name = "nobody" if status == 404 else pod.name
    with pytest.raises(TunnelError) as caught:
        open_websocket(pods.cluster, exec_path(pods, name, *query), protocols, timeout_s=REDIRECT)
    assert caught.value.status == status
    assert words in str(caught.value)
    with pytest.raises(ApiException) as plain:
        pods.cluster.api("CoreV1Api").connect_get_namespaced_pod_exec(
            pod.name, pods.namespace, command=["ls"], container="fio", _request_timeout=REDIRECT
        )
    assert plain.value.status == 400
    assert "Upgrade request required" in plain.value.body


def test_a_command_that_is_not_there_has_its_own_exit_code(pods: Any) -> None:
    (pod,) = pods.group("good").vms
    channel = PodChannel.run(pods.cluster, pods.namespace, pod.name, ("sh", "/nowhere"), timeout_s=REDIRECT)
    assert channel.status_event.wait(10)
    assert channel.exit_status == 127
    assert b"cannot open /nowhere" in channel.recv_stderr(100)
    assert channel.ended
    channel.close()
