"""Bulk cleanup, and the object that owns a run."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.cluster.client.kinds import CONFIG_MAP
from pytest_odfperf.cluster.runs.run_object import create_run, delete_run
from pytest_odfperf.cluster.runs.sweep import sweep
from pytest_odfperf.errors import ClusterError


def test_a_sweep_leaves_nothing_of_the_run_and_all_of_others(bench: Any) -> None:
    bench.group("good", vms=2)
    bench.group("rbd")
    other = create_run(bench.cluster, bench.namespace, "other-run", {})
    found = sweep(bench.cluster, bench.namespace, bench.run_id, 20)
    assert found.left == ()
    assert found.deleted == {
        "VirtualMachine": 3,
        "DataVolume": 3,
        "PersistentVolumeClaim": 6,
        "Secret": 3,
        "ConfigMap": 1,
        "Lease": 0,
    }
    assert bench.left() == []
    assert f"ConfigMap {other.name}" in bench.left(CONFIG_MAP)
    assert delete_run(bench.cluster, bench.namespace, "other-run")


def test_a_sweep_of_a_run_that_is_gone_finds_nothing(bench: Any) -> None:
    sweep(bench.cluster, bench.namespace, bench.run_id, 20)
    assert set(sweep(bench.cluster, bench.namespace, bench.run_id, 20).deleted.values()) == {0}


def test_a_sweep_without_a_run_id_is_refused(bench: Any) -> None:
    with pytest.raises(ValueError, match="would select everything"):
        sweep(bench.cluster, bench.namespace, "", 20)


def test_what_stays_is_named(bench: Any) -> None:
    api = bench.cluster.api("CoreV1Api")

    def hold(finalizers: list[str] | None) -> None:
        owner = api.read_namespaced_config_map(bench.owner.name, bench.namespace, _request_timeout=(5, 10))
        owner.metadata.finalizers = finalizers
        owner.metadata.resource_version = None
        api.replace_namespaced_config_map(bench.owner.name, bench.namespace, owner, _request_timeout=(5, 10))

    hold(["example.com/held"])
    try:
        left = sweep(bench.cluster, bench.namespace, bench.run_id, 1).left
        assert left == (f"ConfigMap {bench.owner.name} (Terminating; example.com/held)",)
    finally:
        hold(None)


def test_deleting_the_run_object_lets_everything_follow(bench: Any) -> None:
    bench.group(vms=2)
    assert delete_run(bench.cluster, bench.namespace, bench.run_id)
    # Nothing is deleted here any more; the garbage collector has it all.
    assert sweep(bench.cluster, bench.namespace, bench.run_id, 20).left == ()
    assert not delete_run(bench.cluster, bench.namespace, bench.run_id)


def test_a_run_that_is_resumed_takes_its_object_over(bench: Any) -> None:
    assert create_run(bench.cluster, bench.namespace, bench.run_id, {}) == bench.owner


def test_a_config_map_of_somebody_else_is_not_taken_over(bench: Any) -> None:
    body = {"metadata": {"name": "odfperf-taken"}, "data": {}}
    bench.calls.create(CONFIG_MAP, bench.namespace, body)
    with pytest.raises(ClusterError, match="is not this run's"):
        create_run(bench.cluster, bench.namespace, "taken", {})


def test_a_namespace_that_is_not_there_is_said_so(bench: Any) -> None:
    with pytest.raises(ClusterError, match="namespace nowhere does not exist"):
        create_run(bench.cluster, "nowhere", "r", {})
