"""The Lease beside a run's object: the sign of life of its controller.

All times are the API server's (the ``Date`` of its answers): clocks of the machines that look at a lease
differ. No controller of Kubernetes deletes an expired Lease.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_odfperf.cluster.causes.refusals import advice
from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import CONFIG_MAP, LEASE
from pytest_odfperf.cluster.runs.run_holder import Holder
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.vm.labels import run_labels, run_selector
from pytest_odfperf.vm.names import run_object_name
from pytest_odfperf.vm.spec import Owner
from pytest_odfperf.waiting import Stop

#: Seconds without a sign of life after which a run counts as dead.
DURATION_S = 60
#: Signs of life within that time.
BEATS = 6
#: An annotation: which process holds it.
PROCESS = "odfperf/process"
#: An annotation: what the run measures on, with commas between.
STORAGE_CLASSES = "odfperf/storage-classes"


def duration_s() -> int:
    """The duration of the leases of this process."""
    return max(1, int(os.environ.get("ODFPERF_LEASE_S", DURATION_S)))


class RunAliveError(ClusterError):
    """The run is held by a process that lives, as far as anybody can tell."""


class LeaseLostError(ClusterError):
    """The run is not ours any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOfLife:
    """What a Lease says. ``age_s``: since its last renewal, on the server's clock."""

    holder: Holder
    age_s: float
    duration_s: float

    @classmethod
    def of(cls, lease: JsonObject, now: datetime) -> SignOfLife:
        spec, metadata = lease.get("spec") or {}, lease["metadata"]
        renewed = _time(spec.get("renewTime")) or created(lease, now)
        annotations = metadata.get("annotations") or {}
        return cls(
            holder=Holder(str(spec.get("holderIdentity") or "nobody"), str(annotations.get(PROCESS, ""))),
            age_s=max(0.0, (now - renewed).total_seconds()),
            duration_s=float(spec.get("leaseDurationSeconds") or DURATION_S),
        )

    def alive(self, me: Holder) -> bool:
        return self.age_s <= self.duration_s and not self.holder.has_ended(me)


class RunLease:
    """The Lease of one run, as ``holder`` holds it."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        run_id: str,
        holder: Holder,
        owner: Owner,
        *,
        storage_classes: Iterable[str] = (),
    ) -> None:
        """``storage_classes`` are those that the run measures on: nobody removes their pools meanwhile."""
        self._cluster = cluster
        self._namespace = namespace
        self._run_id = run_id
        self._holder = holder
        self._owner = owner
        self._classes = ",".join(storage_classes)
        #: As the API server answered last; with another version it is somebody else's, or another beat's.
        self._last: JsonObject | None = None
        self._heard: tuple[datetime | None, float] = None, 0.0
        self.duration_s = duration_s()

    def take(self, stop: Stop) -> None:
        """Make the Lease, or take over one whose holder is dead.

        Raises `RunAliveError` while the holder lives, and `ClusterError`, also if it may not be renewed.
        """
        try:
            calls = Calls(self._cluster, stop)
            self._take(calls)
            self._heard = calls.date, time.monotonic()
            self._renew_first(stop)
        except ApiError as error:
            if error.status != 403:
                raise
            raise ClusterError(f"{error}; {advice(error)}") from error

    def _renew_first(self, stop: Stop) -> None:
        """A run that may not give signs of life would be taken for dead, and removed, in its middle."""
        # With all calls that a later sign of life may need.
        self._last = None
        try:
            self.renew(stop)
        except ApiError as error:
            if error.status == 403:
                raise

    def _take(self, calls: Calls) -> None:
        there = calls.items(LEASE, self._namespace, label_selector=run_selector(self._run_id))
        if not there:
            try:
                made = calls.create(LEASE, self._namespace, self._fresh(_now(calls)))
            except ApiError as error:
                if not (error.status == 409 and error.reason == "AlreadyExists"):
                    raise
                made = calls.get(LEASE, run_object_name(self._run_id), self._namespace)
            if self._is_ours(made):
                self._last = made
                return
            there = [made]
        found = SignOfLife.of(there[0], _now(calls))
        if found.alive(self._holder):
            raise RunAliveError(
                f"run {self._run_id} is alive: {found.holder.identity} gave a sign of life "
                f"{found.age_s:.0f} s ago; end that process, or wait until its lease of "
                f"{found.duration_s:.0f} s is over"
            )
        taken = self._fresh(_now(calls))
        taken["metadata"]["resourceVersion"] = there[0]["metadata"]["resourceVersion"]
        taken["spec"]["leaseTransitions"] = int((there[0].get("spec") or {}).get("leaseTransitions") or 0) + 1
        try:
            self._last = calls.replace(LEASE, self._namespace, taken)
        except ApiError as error:
            if error.status not in (404, 409):
                raise
            raise RunAliveError(
                f"run {self._run_id} is taken over or removed by somebody else at this moment: try again"
            ) from error

    def renew(self, stop: Stop) -> None:
        """Give a sign of life. Raises `LeaseLostError` if the run is not ours any more, and `ApiError`."""
        # The beat that follows is another attempt.
        calls = Calls(self._cluster, stop, outage_s=0)
        last, self._last = self._last, None
        if last is not None:
            try:
                self._last = self._renewed(calls, last)
                return
            except ApiError as error:
                if error.status not in (404, 409):
                    raise
        try:
            lease = calls.get(LEASE, run_object_name(self._run_id), self._namespace)
        except ApiError as error:
            if error.status != 404:
                raise
            self._put_back(calls)
            return
        if not self._is_ours(lease):
            taker = SignOfLife.of(lease, _now(calls)).holder.identity
            raise LeaseLostError(f"run {self._run_id} was taken over by {taker}")
        self._last = self._renewed(calls, lease)

    def _renewed(self, calls: Calls, lease: JsonObject) -> JsonObject:
        """``lease`` with a new sign of life; `ApiError` 409 if it is not the last version."""
        renewed = copy.deepcopy(lease)
        renewed["spec"]["renewTime"] = _text(self._server_time(calls))
        answer = calls.replace(LEASE, self._namespace, renewed)
        self._heard = calls.date, time.monotonic()
        return answer

    def _server_time(self, calls: Calls) -> datetime:
        """The server's clock: as it told it now, or at the last sign of life and the time since then."""
        told, heard_s = self._heard
        if calls.date is None and told is not None:
            return told + timedelta(seconds=time.monotonic() - heard_s)
        return _now(calls)

    def _put_back(self, calls: Calls) -> None:
        try:
            owner = calls.get(CONFIG_MAP, self._owner.name, self._namespace)["metadata"]
        except ApiError as error:
            if error.status != 404:
                raise
            owner = {}
        if owner.get("uid") != self._owner.uid or owner.get("deletionTimestamp"):
            raise LeaseLostError(f"run {self._run_id} was removed: its ConfigMap {self._owner.name} is gone")
        calls.create(LEASE, self._namespace, self._fresh(_now(calls)))

    def _is_ours(self, lease: JsonObject) -> bool:
        return (lease.get("spec") or {}).get("holderIdentity") == self._holder.identity

    def _fresh(self, now: datetime) -> dict[str, Any]:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": run_object_name(self._run_id),
                "namespace": self._namespace,
                "labels": run_labels(self._run_id),
                "annotations": {
                    PROCESS: self._holder.process,
                    **({STORAGE_CLASSES: self._classes} if self._classes else {}),
                },
                "ownerReferences": [self._owner.reference()],
            },
            "spec": {
                "holderIdentity": self._holder.identity,
                "leaseDurationSeconds": self.duration_s,
                "acquireTime": _text(now),
                "renewTime": _text(now),
                "leaseTransitions": 0,
            },
        }


def created(item: JsonObject, otherwise: datetime) -> datetime:
    """When an object was made."""
    return _time(item["metadata"].get("creationTimestamp")) or otherwise


def _now(calls: Calls) -> datetime:
    """The server's clock; a server that does not tell it is taken to agree with ours."""
    return calls.date or datetime.now(tz=UTC)


def _text(moment: datetime) -> str:
    """MicroTime, as the API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _time(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
