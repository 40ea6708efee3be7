"""An API server that throttles, breaks, loses answers, freezes and restarts: calls and watches outlast it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pytest_odfperf.cluster.client import calls as calls_module
from pytest_odfperf.cluster.client import outages as outages_module
from pytest_odfperf.cluster.client import watch as watch_module
from pytest_odfperf.cluster.client.calls import ApiError, Calls
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import CONFIG_MAP, SECRET
from pytest_odfperf.cluster.client.outages import Outage
from pytest_odfperf.cluster.client.watch import Objects
from pytest_odfperf.cluster.groups.removal import remove
from pytest_odfperf.errors import InterruptedRunError
from pytest_odfperf.vm.labels import run_labels, run_selector
from pytest_odfperf.waiting import Deadline, Stop


def config_map(name: str, run_id: str = "r1") -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": run_labels(run_id)}, "data": {}}


def names(cluster: Cluster) -> list[str]:
    found = (item["metadata"]["name"] for item in Calls(cluster, Stop()).items(CONFIG_MAP, "ns"))
    return [name for name in found if name != "kube-root-ca.crt"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses, for tests that are about what is repeated and not when."""
    monkeypatch.setattr(calls_module, "_FIRST_PAUSE_S", 0.02)


@pytest.fixture
def outages(admin: Cluster) -> list[Outage]:
    found: list[Outage] = []
    admin.outages.listeners.append(found.append)
    return found


# -- calls


def test_a_throttled_call_waits_as_long_as_it_is_asked_to(
    server: Any, admin: Cluster, outages: list[Outage]
) -> None:
    server.fault(verbs=["list"], times=1, status=429, retry_after_s=2)
    began_s = time.monotonic()
    assert names(admin) == []
    assert time.monotonic() - began_s >= 2
    assert server.hits() == [1]
    (outage,) = outages
    assert (outage.why, outage.failures) == ("429 TooManyRequests", 1)
    assert str(outage).startswith("API server in trouble for ")


def test_no_server_can_ask_for_more_time_than_there_is(server: Any, admin: Cluster) -> None:
    server.fault(verbs=["list"], status=429, retry_after_s=3600)
    began_s = time.monotonic()
    with pytest.raises(ApiError, match=r"429 TooManyRequests.*tried for \d+ s, 2 times"):
        Calls(admin, Stop(), outage_s=1).items(CONFIG_MAP, "ns")
    with pytest.raises(ApiError, match="429 TooManyRequests"):
        Calls(admin, Stop(), deadline=Deadline("x", 1)).items(CONFIG_MAP, "ns")
    assert time.monotonic() - began_s < 60


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 502},
        {"status": 503},
        {"status": 504},
        {"reset": True},
        {"lost": True},
    ],
    ids=lambda fault: "-".join(map(str, *fault.items())),
)
def test_every_verb_outlasts_trouble(server: Any, admin: Cluster, quick: None, fault: dict[str, Any]) -> None:
    for verb in ("create", "get", "list", "delete", "deletecollection"):
        server.fault(verbs=[verb], times=2, **fault)
    calls = Calls(admin, Stop())
    calls.create(CONFIG_MAP, "ns", config_map("a"))
    calls.create(CONFIG_MAP, "ns", config_map("b"))
    assert calls.get(CONFIG_MAP, "a", "ns")["metadata"]["name"] == "a"
    calls.delete(CONFIG_MAP, "a", "ns")
    assert names(admin) == ["b"]
    calls.delete_collection(CONFIG_MAP, "ns", run_selector("r1"))
    assert names(admin) == []
    assert server.hits() == [2] * 5


def test_what_we_did_wrong_is_not_repeated(server: Any, admin: Cluster) -> None:
    server.fault(verbs=["create"], status=422, message="no such field")
    with pytest.raises(ApiError, match=r"422 Invalid: no such field$"):
        Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map("a"))
    assert server.hits() == [1]


def test_lost_answers_make_no_object_twice_and_lose_none(server: Any, admin: Cluster, quick: None) -> None:
    server.fault(verbs=["create"], resources=["configmaps"], probability=0.5, seed=3, lost=True)
    made = {}

    def create(number: int) -> None:
        name = f"c-{number}"
        made[name] = Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map(name))["metadata"]["uid"]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(40)))
    found = Calls(admin, Stop()).items(CONFIG_MAP, "ns", label_selector=run_selector("r1"))
    there = {item["metadata"]["name"]: item["metadata"]["uid"] for item in found}
    assert there == made
    assert len(made) == 40
    assert server.hits()[0] > 5


def test_what_another_run_made_meanwhile_is_not_ours(server: Any, admin: Cluster) -> None:
    Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map("c", "r2"))
    server.fault(verbs=["create"], times=1, status=500)
    with pytest.raises(ApiError, match="409 AlreadyExists"):
        Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map("c", "r1"))


def test_what_is_being_deleted_is_not_ours_any_more(server: Any, admin: Cluster) -> None:
    body = config_map("c")
    body["metadata"]["finalizers"] = ["example.com/held"]
    Calls(admin, Stop()).create(CONFIG_MAP, "ns", body)
    Calls(admin, Stop()).delete(CONFIG_MAP, "c", "ns")
    server.fault(verbs=["create"], times=1, status=500)
    with pytest.raises(ApiError, match="409 AlreadyExists"):
        Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map("c"))


def test_a_server_that_never_answers_is_asked_again(
    server: Any, admin: Cluster, monkeypatch: pytest.MonkeyPatch, outages: list[Outage]
) -> None:
    monkeypatch.setattr(calls_module, "TIMEOUT_S", (5.0, 1.0))
    monkeypatch.setattr(outages_module, "WORTH_SAYING_S", 0.5)
    server.fault(verbs=["list"], times=1, hang=True)
    assert names(admin) == []
    assert [outage.why for outage in outages] == ["no answer"]
    assert outages[0].back
    server.sandbox("DELETE", "faults")


def test_a_restart_is_outlasted_by_all_threads_and_is_one_outage(
    server: Any,
    admin: Cluster,
    outages: list[Outage],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outages_module, "_SAID_AFTER_S", 1.0)
    names(admin)
    server.sandbox("POST", "restart", {"seconds": 4})
    time.sleep(0.3)
    with ThreadPoolExecutor(10) as pool:
        made = list(
            pool.map(
                lambda number: Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map(f"c-{number}")),
                range(10),
            )
        )
    assert len({item["metadata"]["uid"] for item in made}) == 10
    (outage,) = outages
    assert outage.why == "connection refused"
    assert outage.seconds > 0.5
    assert outage.back
    text = "\n".join(caplog.messages)
    assert "connection refused), waiting" in text
    assert "connection refused), back" in text


def test_an_outage_that_does_not_end_is_given_up_in_time(
    server: Any, admin: Cluster, outages: list[Outage]
) -> None:
    server.sandbox("POST", "restart", {"seconds": 120})
    time.sleep(0.3)
    with pytest.raises(ApiError, match=r"refused.*tried for \d+ s, \d+ times") as caught:
        Calls(admin, Stop(), outage_s=2).items(CONFIG_MAP, "ns")
    assert caught.value.status is None
    assert [outage.back for outage in outages] == [False]
    assert str(outages[0]).endswith("(connection refused), given up")


def test_an_interrupt_ends_the_wait_for_a_server_at_once(server: Any, admin: Cluster) -> None:
    server.fault(status=429, retry_after_s=3600)
    stop = Stop()
    timer = threading.Timer(0.5, stop.set)
    timer.start()
    with pytest.raises(InterruptedRunError):
        Calls(admin, stop).items(CONFIG_MAP, "ns")
    timer.join()


class Gate:
    """Stands before a server and ends the first connections in the middle of the TLS handshake."""

    def __init__(self, target: int, bad: int) -> None:
        self.left = bad
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.left:
                    self.left -= 1
                    near.recv(1)
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._target))
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        # Closing alone does not wake the thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def test_a_tls_handshake_that_breaks_is_tried_again(server: Any, admin: Cluster) -> None:
    gate = Gate(server.port, 3)
    admin.configuration.host = gate.url
    assert names(admin) == []
    assert gate.left == 0
    gate.close()


# -- watches


class Watched:
    """A watch of the run's ConfigMaps, and what it should see."""

    def __init__(self, cluster: Cluster, objects: Objects) -> None:
        self.cluster = cluster
        self.objects = objects

    def make(self, name: str) -> None:
        Calls(self.cluster, Stop()).create(CONFIG_MAP, "ns", config_map(name))

    def sees(self, *wanted: str, within_s: float = 30) -> None:
        self.objects.wait(
            lambda: True if set(self.objects.of(CONFIG_MAP)) == set(wanted) else None,
            Deadline(f"{wanted}", within_s),
            Stop(),
            lambda: str(set(self.objects.of(CONFIG_MAP))),
        )


@pytest.fixture
def watched(admin: Cluster) -> Iterator[Watched]:
    with Objects(admin, "ns", run_selector("r1"), (CONFIG_MAP,)) as objects:
        made = Watched(admin, objects)
        made.make("first")
        made.sees("first")
        yield made


def lists(server: Any) -> int:
    return int(server.running.requests["admin", "list", "configmaps"])


@pytest.mark.parametrize("fault", ["cut", "expire"])
def test_a_watch_that_is_cut_or_expired_lists_again(server: Any, watched: Watched, fault: str) -> None:
    server.until_streaming()
    before = lists(server)
    server.fault(verbs=["watch"], times=1, **{fault: True})
    server.until_hit(1)
    deadline = Deadline("another list", 20)
    while lists(server) == before:
        deadline.check("none")
        time.sleep(0.05)
    watched.make("second")
    watched.sees("first", "second")


def test_expired_watches_lose_nothing_that_happened_meanwhile(server: Any, watched: Watched) -> None:
    server.until_streaming()
    server.fault(verbs=["watch"], times=3, expire=True)
    server.fault(verbs=["watch"], times=1, status=410)
    made = ["first"]
    while sum(server.hits()) < 4:
        made.append(f"c-{len(made)}")
        watched.make(made[-1])
        assert len(made) < 1000
    watched.sees(*made)
    Calls(watched.cluster, Stop()).delete_collection(CONFIG_MAP, "ns", run_selector("r1"))
    watched.sees()


def test_a_server_that_says_only_410_is_not_asked_without_a_pause(server: Any, watched: Watched) -> None:
    server.fault(verbs=["watch"], expire=True)
    before = lists(server)
    time.sleep(2)
    assert lists(server) - before < 12


def test_a_watch_outlasts_a_restart(server: Any, watched: Watched) -> None:
    server.sandbox("POST", "restart", {"seconds": 2})
    time.sleep(0.3)
    watched.make("second")
    watched.sees("first", "second")


def test_a_watch_that_falls_silent_is_noticed(
    server: Any, admin: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch hangs for ever and says nothing; only a list can tell what was made."""
    monkeypatch.setattr(watch_module, "RELIST_S", 1)
    monkeypatch.setattr(watch_module, "_SILENCE_S", 1.0)
    server.fault(verbs=["watch"], times=1, hang=True)
    with Objects(admin, "ns", run_selector("r1"), (CONFIG_MAP,)) as objects:
        watched = Watched(admin, objects)
        watched.sees()
        watched.make("second")
        watched.sees("second")
    server.sandbox("DELETE", "faults")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_after_a_good_list_may_pass(server: Any, watched: Watched, status: int) -> None:
    server.until_streaming()
    server.fault(verbs=["list", "watch"], times=2, status=status)
    server.fault(verbs=["watch"], times=1, cut=True)
    server.until_hit(2, 1)
    watched.make("second")
    watched.sees("first", "second")


# -- cleanup


def test_a_freeze_delays_a_removal_that_is_then_whole(server: Any, admin: Cluster) -> None:
    for name in ("a", "b"):
        Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map(name))
    server.sandbox("POST", "freeze", {"seconds": 3})
    assert remove(admin, "ns", run_selector("r1"), (CONFIG_MAP,), Deadline("x", 60), Stop()) == ()
    assert names(admin) == []


def test_a_removal_under_faults_is_verified_to_the_end(server: Any, admin: Cluster) -> None:
    for number in range(10):
        Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map(f"c-{number}"))
    server.fault(verbs=["deletecollection", "list", "delete"], probability=0.4, seed=1, status=503)
    server.fault(verbs=["deletecollection", "list", "delete"], probability=0.3, seed=2, lost=True)
    server.fault(verbs=["watch"], probability=0.5, seed=3, cut=True)
    assert remove(admin, "ns", run_selector("r1"), (SECRET, CONFIG_MAP), Deadline("x", 60), Stop()) == ()
    server.sandbox("DELETE", "faults")
    assert names(admin) == []


def test_what_was_made_after_the_deletion_is_deleted_too(
    server: Any, admin: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A create that was in flight lands while the removal waits."""
    from pytest_odfperf.cluster.groups import removal

    monkeypatch.setattr(removal, "_ASK_AGAIN_S", 0.5)
    held = config_map("held")
    held["metadata"]["finalizers"] = ["example.com/held"]
    Calls(admin, Stop()).create(CONFIG_MAP, "ns", held)

    def late() -> None:
        Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map("late"))

    timer = threading.Timer(0.5, late)
    timer.start()
    left = remove(admin, "ns", run_selector("r1"), (CONFIG_MAP,), Deadline("x", 3), Stop())
    timer.join()
    assert left == ("ConfigMap held (Terminating; example.com/held)",)
    free = {"metadata": {"finalizers": None}}
    admin.api("CoreV1Api").patch_namespaced_config_map("held", "ns", free, _request_timeout=5)


def test_what_could_not_be_verified_is_named_when_the_server_stays_away(server: Any, admin: Cluster) -> None:
    Calls(admin, Stop()).create(CONFIG_MAP, "ns", config_map("a"))
    server.sandbox("POST", "restart", {"seconds": 120})
    time.sleep(0.3)
    began_s = time.monotonic()
    left = remove(admin, "ns", run_selector("r1"), (SECRET, CONFIG_MAP), Deadline("x", 2), Stop())
    assert time.monotonic() - began_s < 60
    assert [line.partition(" (")[0] for line in left] == [
        f"secrets with {run_selector('r1')}",
        f"configmaps with {run_selector('r1')}",
    ]
    assert all("not verified" in line and "refused" in line for line in left)


def test_what_is_left_is_named_when_the_server_goes_in_the_middle(server: Any, admin: Cluster) -> None:
    held = config_map("held")
    held["metadata"]["finalizers"] = ["example.com/held"]
    Calls(admin, Stop()).create(CONFIG_MAP, "ns", held)
    server.fault(verbs=["watch"], times=1, restart_s=120)
    left = remove(admin, "ns", run_selector("r1"), (CONFIG_MAP,), Deadline("x", 4), Stop())
    assert left[0] == "ConfigMap held (Terminating; example.com/held)"
    assert "not verified" in left[1]
    assert "refused" in left[1]


def test_rules_that_make_no_sense_are_refused(server: Any) -> None:
    import urllib.error

    for rule in (
        {"status": 200},
        {"verbs": ["watches"], "reset": True},
        {"reset": True, "lost": True},
        {"verbs": ["get"]},
        {"resett": True},
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            server.fault(**rule)
        assert caught.value.code == 400
    assert server.hits() == []


def test_the_sandboxs_own_endpoints_are_for_its_administrator(server: Any) -> None:
    for path in ("faults", "requests", "tokens"):
        bench = server.client("bench-token")
        url = f"{server.running.url}/sandbox/{path}"
        answer = bench.client.rest_client.pool_manager.request(
            "GET", url, headers={"Authorization": "Bearer bench-token"}
        )
        assert answer.status == 403
        bench.close()
