"""The runs that a namespace holds something of: alive, or left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import CONFIG_MAP, LEASE, POD, Kind
from pytest_odfperf.cluster.groups.group_kinds import MADE
from pytest_odfperf.cluster.groups.removal import selected
from pytest_odfperf.cluster.runs.run_holder import Holder
from pytest_odfperf.cluster.runs.run_lease import DURATION_S, SignOfLife, created
from pytest_odfperf.cluster.runs.run_object import ACCOUNT
from pytest_odfperf.vm.labels import RUN
from pytest_odfperf.waiting import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRun:
    """What is there of a run. ``age_s``: since its last sign of life, or its youngest object was made."""

    run_id: str
    holder: str
    own: bool
    alive: bool
    age_s: float
    #: The number of objects by kind.
    objects: dict[str, int]

    @property
    def count(self) -> int:
        return sum(self.objects.values())


def find_runs(cluster: Cluster, namespace: str, me: Holder, stop: Stop) -> list[FoundRun]:
    """Every run that something carries the label of, the oldest first. Raises `ClusterError`."""
    calls = Calls(cluster, stop)
    things: dict[str, list[tuple[Kind, JsonObject]]] = {}
    for kind in (CONFIG_MAP, LEASE, *MADE):
        for item in _items(calls, kind, namespace):
            run_id = (item["metadata"].get("labels") or {}).get(RUN)
            if run_id:
                things.setdefault(run_id, []).append((kind, item))
    now = calls.date or datetime.now(tz=UTC)
    found = [_found(run_id, of_run, me, now) for run_id, of_run in things.items()]
    return sorted(found, key=lambda run: run.age_s, reverse=True)


def _items(calls: Calls, kind: Kind, namespace: str) -> list[JsonObject]:
    try:
        return calls.items(kind, namespace, label_selector=selected(kind, RUN))
    except ApiError as error:
        # The cluster has no such kind, so nothing of it; or nobody with this account could measure in pods.
        if error.status == 404 or (error.status == 403 and kind is POD):
            return []
        raise


def _found(run_id: str, things: Iterable[tuple[Kind, JsonObject]], me: Holder, now: datetime) -> FoundRun:
    things = list(things)
    run_object = next((item for kind, item in things if kind is CONFIG_MAP), None)
    lease = next((item for kind, item in things if kind is LEASE), None)
    account = str(((run_object or {}).get("data") or {}).get(ACCOUNT, ""))
    age_s = min((now - created(item, now)).total_seconds() for _, item in things)
    # Between a run's ConfigMap and its Lease there are a few calls. Nothing else is made before both are.
    alive = lease is None and run_object is not None and age_s <= DURATION_S
    if lease is not None:
        sign = SignOfLife.of(lease, now)
        account, age_s, alive = sign.holder.account, sign.age_s, sign.alive(me)
    return FoundRun(
        run_id=run_id,
        holder=account or "nobody",
        own=account == me.account,
        alive=alive,
        age_s=max(0.0, age_s),
        objects=dict(Counter(kind.name for kind, _ in things)),
    )
