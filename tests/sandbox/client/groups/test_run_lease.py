"""The Lease of a run: who holds it, who may take it, and by whose clock."""

from __future__ import annotations

import datetime
import subprocess
import threading
import time
from functools import partial
from typing import Any

import pytest

from pytest_odfperf.cluster.client.kinds import CONFIG_MAP, LEASE, RESOURCE_QUOTA
from pytest_odfperf.cluster.runs import run_lease
from pytest_odfperf.cluster.runs.found_runs import find_runs
from pytest_odfperf.cluster.runs.run_holder import Holder
from pytest_odfperf.cluster.runs.run_lease import LeaseLostError, RunAliveError, RunLease
from pytest_odfperf.cluster.runs.run_object import create_run, delete_run
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.run.heartbeat import Heartbeat
from pytest_odfperf.waiting import Stop

ME = Holder.of_this_process()
OTHER = Holder("somebody@else:1/x", "")
LONG_AGO = "2020-01-01T00:00:00.000001Z"


def held(bench: Any, holder: Holder) -> RunLease:
    lease = RunLease(bench.cluster, bench.namespace, bench.run_id, holder, bench.owner)
    lease.take(Stop())
    return lease


def change(bench: Any, **spec: Any) -> None:
    body = bench.calls.get(LEASE, bench.owner.name, bench.namespace)
    body["spec"].update(spec)
    bench.calls.replace(LEASE, bench.namespace, body)


def spec(bench: Any) -> Any:
    return bench.calls.get(LEASE, bench.owner.name, bench.namespace)["spec"]


def test_a_lease_of_a_living_holder_is_not_taken(bench: Any) -> None:
    held(bench, OTHER)
    with pytest.raises(RunAliveError, match="is alive: somebody@else:1/x gave a sign of life"):
        held(bench, ME)
    assert spec(bench)["holderIdentity"] == OTHER.identity


@pytest.mark.parametrize("counted", ["leases.coordination.k8s.io", "configmaps"])
def test_a_quota_is_told_as_a_quota_and_not_as_a_right_that_is_missing(bench: Any, counted: str) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {f"count/{counted}": "0"}}}
    bench.calls.create(RESOURCE_QUOTA, bench.namespace, quota)
    make = (
        partial(create_run, bench.cluster, bench.namespace, "another", {})
        if counted == "configmaps"
        else partial(held, bench, ME)
    )
    try:
        with pytest.raises(ClusterError, match="exceeded quota: none") as caught:
            make()
    finally:
        bench.calls.delete(RESOURCE_QUOTA, "none", bench.namespace)
    assert "next: ask for a larger quota" in str(caught.value)
    assert "deploy/" not in str(caught.value)


def test_a_lease_that_has_run_out_is_taken_and_its_old_holder_notices(bench: Any) -> None:
    old = held(bench, OTHER)
    change(bench, renewTime=LONG_AGO)
    held(bench, ME).renew(Stop())
    assert spec(bench)["leaseTransitions"] == 1
    with pytest.raises(LeaseLostError, match=f"taken over by {ME.identity}"):
        old.renew(Stop())


def test_of_two_who_want_a_dead_run_one_gets_it(bench: Any) -> None:
    held(bench, OTHER)
    change(bench, renewTime=LONG_AGO)
    refused: list[Exception] = []

    def take(number: int) -> None:
        try:
            held(bench, Holder(f"somebody@else:{number}/y", ""))
        except RunAliveError as error:
            refused.append(error)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(refused) == 5


def test_a_process_of_ours_that_is_gone_holds_nothing(bench: Any) -> None:
    place = ME.process.partition("/")[0]
    with subprocess.Popen(["true"]) as process:
        process.wait()
    gone = Holder(f"{ME.account}:{process.pid}/x", f"{place}/{process.pid}/1")
    held(bench, gone)
    # One with its number that began later is another one.
    reused = Holder(ME.identity, f"{ME.process.rpartition('/')[0]}/1")
    assert reused.has_ended(ME)
    assert gone.has_ended(ME)
    # What can not be seen from here is not known to have ended.
    assert not Holder(gone.identity, gone.process.replace(place, "other.1")).has_ended(ME)
    assert not Holder("somebody@else:1/x", gone.process).has_ended(ME)
    held(bench, ME)


def test_the_servers_clock_decides(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return super().now(tz) + datetime.timedelta(days=3)

    monkeypatch.setattr(run_lease, "datetime", Late)
    held(bench, OTHER)
    with pytest.raises(RunAliveError):
        held(bench, ME)
    (found,) = find_runs(bench.cluster, bench.namespace, ME, Stop())
    assert found.alive
    assert found.age_s < 60


def test_a_lease_that_only_went_missing_is_put_back(bench: Any) -> None:
    lease = held(bench, ME)
    bench.calls.delete(LEASE, bench.owner.name, bench.namespace)
    lease.renew(Stop())
    assert spec(bench)["holderIdentity"] == ME.identity


def test_a_run_whose_object_was_deleted_is_lost_and_its_lease_follows(bench: Any) -> None:
    lease = held(bench, ME)
    delete_run(bench.cluster, bench.namespace, bench.run_id)
    end = time.monotonic() + 20
    while bench.left(LEASE, CONFIG_MAP):
        assert time.monotonic() < end
        time.sleep(0.05)
    with pytest.raises(LeaseLostError, match="was removed"):
        lease.renew(Stop())


def test_the_heartbeat_goes_on_after_an_outage(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = held(bench, ME)
    lost: list[str] = []
    host = bench.cluster.configuration.host
    heartbeat = Heartbeat(lease, 0.1, lost.append)
    try:
        # Nobody listens there.
        bench.cluster.configuration.host = "https://127.0.0.1:9"
        time.sleep(1.0)
        bench.cluster.configuration.host = host
        change(bench, renewTime=LONG_AGO)
        end = time.monotonic() + 30
        while spec(bench)["renewTime"] == LONG_AGO:
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        bench.cluster.configuration.host = host
        heartbeat.close()
    assert lost == []


def test_a_run_between_its_two_objects_counts_as_alive(bench: Any) -> None:
    (found,) = find_runs(bench.cluster, bench.namespace, ME, Stop())
    assert (found.run_id, found.alive, found.count) == (bench.run_id, True, 1)
