"""Watches against an API server of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_odfperf.cluster.client.calls import Calls
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import CONFIG_MAP, DATA_VOLUME, EVENT, SECRET
from pytest_odfperf.cluster.client.watch import Objects
from pytest_odfperf.errors import ClusterError, DeadlineError
from pytest_odfperf.vm.labels import run_labels, run_selector
from pytest_odfperf.waiting import Deadline, Stop


def config_map(name: str, run_id: str = "r1") -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": run_labels(run_id)}, "data": {}}


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
    with Objects(bench_user, "ns", run_selector("r1"), (CONFIG_MAP,), events_of="Failed") as objects:
        assert objects.wait(lambda: "ok", Deadline("x", 10), Stop(), lambda: "") == "ok"
        assert objects.of(EVENT) == {}


def test_watches_end_with_their_threads(admin: Cluster) -> None:
    # Groups of other tests of this process may still be watched.
    before = set(threading.enumerate())

    def watching() -> list[str]:
        new = set(threading.enumerate()) - before
        return [thread.name for thread in new if thread.name.startswith("watch-")]

    with Objects(admin, "ns", run_selector("r1"), (CONFIG_MAP, SECRET)) as objects:
        objects.wait(lambda: True, Deadline("x", 10), Stop(), lambda: "")
        assert len(watching()) == 2
    deadline = Deadline("the watches to end", 60)
    while watching():
        deadline.check(str(watching()))
        time.sleep(0.01)


def test_another_server_at_the_same_place_is_watched_again(make_server: Callable[[str], Any]) -> None:
    """All resource versions of the first server mean nothing to the second."""
    first = make_server("one")
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
        second = make_server("two")
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
