"""The Lease of a setup: while it lives, nobody's cleanup takes away what it makes.

A run has its own (`pytest_odfperf.cluster.runs.run_lease`); pools are made before there is one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import LEASE
from pytest_odfperf.cluster.runs.run_holder import Holder
from pytest_odfperf.cluster.runs.run_lease import PROCESS, STORAGE_CLASSES, SignOfLife, duration_s
from pytest_odfperf.vm.labels import MANAGED_BY, MANAGER
from pytest_odfperf.waiting import Stop

#: A label, on nothing else.
SETUP = "odfperf/setup"
#: An annotation: ``KIND/NAMESPACE/NAME`` of Ceph objects, with commas between.
_CEPH_OBJECTS = "odfperf/ceph-objects"


class SetupLease:
    """The Lease of one setup that makes ``ceph_objects`` (kind, namespace, name) and ``storage_classes``."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        *,
        ceph_objects: Iterable[tuple[str, str, str]],
        storage_classes: Iterable[str],
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._name = f"odfperf-setup-{uuid.uuid4().hex[:12]}"
        self._holder = Holder.of_this_process()
        self._annotations = {
            PROCESS: self._holder.process,
            STORAGE_CLASSES: ",".join(storage_classes),
            _CEPH_OBJECTS: ",".join(map("/".join, ceph_objects)),
        }
        self.duration_s = duration_s()

    def take(self, stop: Stop) -> None:
        """Make it, and remove those of setups that are dead. Raises `ApiError`."""
        calls = Calls(self._cluster, stop)
        calls.create(LEASE, self._namespace, self._body(calls))
        remove_dead_setups(calls, self._namespace)

    def renew(self, stop: Stop) -> None:
        """Give a sign of life. Raises `ApiError`; the next one is another attempt."""
        calls = Calls(self._cluster, stop, outage_s=0)
        try:
            lease = calls.get(LEASE, self._name, self._namespace)
        except ApiError as error:
            if error.status != 404:
                raise
            calls.create(LEASE, self._namespace, self._body(calls))
            return
        lease["spec"]["renewTime"] = _text(calls)
        calls.replace(LEASE, self._namespace, lease)

    def release(self) -> None:
        """Remove it, also when all else was told to stop. Raises `ApiError`."""
        Calls(self._cluster, Stop(), outage_s=0).delete(LEASE, self._name, self._namespace)

    def _body(self, calls: Calls) -> dict[str, Any]:
        now = _text(calls)
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self._name,
                "namespace": self._namespace,
                "labels": {MANAGED_BY: MANAGER, SETUP: "true"},
                "annotations": self._annotations,
            },
            "spec": {
                "holderIdentity": self._holder.identity,
                "leaseDurationSeconds": self.duration_s,
                "acquireTime": now,
                "renewTime": now,
            },
        }


def is_setup(lease: JsonObject) -> bool:
    """Whether a Lease is that of a setup, and not of a run."""
    return SETUP in (lease["metadata"].get("labels") or {})


def made_by(lease: JsonObject) -> list[tuple[str, str, str]]:
    """Kind, namespace and name of the Ceph objects that the setup of ``lease`` makes."""
    annotations: Mapping[str, Any] = lease["metadata"].get("annotations") or {}
    named = (one.split("/") for one in str(annotations.get(_CEPH_OBJECTS, "")).split(","))
    return [(kind, place, name) for kind, place, name in (parts for parts in named if len(parts) == 3)]


def remove_dead_setups(calls: Calls, namespace: str) -> None:
    """Remove the Leases that killed setups left in ``namespace``; what may not be removed stays."""
    try:
        me, now = Holder.of_this_process(), calls.date or datetime.now(tz=UTC)
        for lease in calls.items(LEASE, namespace, label_selector=SETUP):
            if not SignOfLife.of(lease, now).alive(me):
                calls.delete(LEASE, lease["metadata"]["name"], namespace)
    except ApiError:
        return


def _text(calls: Calls) -> str:
    """The server's clock as MicroTime; a server that does not tell it is taken to agree with ours."""
    return (calls.date or datetime.now(tz=UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
