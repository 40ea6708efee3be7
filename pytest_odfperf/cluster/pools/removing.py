"""Removes pools that the plugin made: the StorageClass, and when nothing is left of its volumes, the pool."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import (
    CEPH_BLOCK_POOL,
    CEPH_FILESYSTEM,
    LEASE,
    SNAPSHOT_CONTENT,
    STORAGE_CLASS,
    VOLUME,
    Kind,
)
from pytest_odfperf.cluster.facts.ceph.mgr_metrics import read_metrics
from pytest_odfperf.cluster.facts.rights import GRANT_SETUP
from pytest_odfperf.cluster.pools.setup_lease import is_setup, made_by, remove_dead_setups
from pytest_odfperf.cluster.runs.run_holder import Holder
from pytest_odfperf.cluster.runs.run_lease import STORAGE_CLASSES, SignOfLife
from pytest_odfperf.errors import ClusterError
from pytest_odfperf.prometheus_text import read_samples
from pytest_odfperf.storage.made_labels import SELECTOR, is_ours
from pytest_odfperf.storage.object_words import blocked_words
from pytest_odfperf.storage.pool_removal import Removal, Storage, plan_removal
from pytest_odfperf.vm.labels import RUN
from pytest_odfperf.waiting import Deadline, Stop

_POLL_S = 1.0
_KINDS = {kind.name: kind for kind in (STORAGE_CLASS, CEPH_BLOCK_POOL, CEPH_FILESYSTEM)}

Plan = tuple[Removal, ...]


class PoolRemoval:
    """One removal of pools. ``wanted`` are names of pools of a matrix; None: all that the plugin made."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        stop: Stop,
        wanted: Iterable[str] | None = None,
        account: str | None = None,
    ) -> None:
        """``namespace`` is where runs are looked for, if those of others may not be read.

        With an ``account`` only what that made is removed.
        """
        self._account = account
        self._cluster = cluster
        self._calls = Calls(cluster, stop)
        self._namespace = namespace
        self._stop = stop
        self._wanted = None if wanted is None else list(wanted)
        self.notes: list[str] = []

    def plan(self) -> Plan:
        """What would go, and what stays and why. Raises `ClusterError` if that can not be known."""
        return plan_removal(self._storage(), self._wanted, self._account)

    def remove(self, deadline_s: float, say: Callable[[str], None]) -> bool:
        """Remove what nothing keeps; whether all that should go is gone. ``say`` is told of each object."""
        remove_dead_setups(self._calls, self._namespace)
        deadline = Deadline("the pools to be gone", deadline_s)
        plan = self._when_settled(deadline)
        for one in plan:
            if one.kind == STORAGE_CLASS.name and one.kept is None:
                self._delete(one)
        # A volume may have been made of a class until it was gone: only what is seen after that counts.
        after = self._when_settled(deadline)
        asked = [one for one in after if one.kept is None and one.kind != STORAGE_CLASS.name]
        for one in asked:
            self._delete(one)
        gone = [one for one in plan if one.kind == STORAGE_CLASS.name and one.kept is None]
        kept = {str(one): one for one in (*plan, *after) if one.kept is not None and one not in gone}
        left = self._until_gone([*gone, *asked], deadline)
        complete = True
        for one in (*gone, *asked):
            why = left.get(str(one))
            complete = complete and why is None
            say(f"{one}: {'removed' if why is None else f'could not be removed: {why}'}")
        for one in kept.values():
            complete = complete and one.alive
            say(one.line)
        return complete

    def _when_settled(self, deadline: Deadline) -> Plan:
        """The plan, once what is on its way out is gone, or the time is over."""
        while True:
            plan = self.plan()
            if deadline.passed() or not any(one.going for one in plan):
                return plan
            self._stop.sleep(min(_POLL_S, max(0.05, deadline.left_s())))

    def _delete(self, one: Removal) -> None:
        """Ask for it, if it still is ours; that it is gone is seen later."""
        kind = _KINDS[one.kind]
        try:
            there = self._calls.get(kind, one.name, one.namespace)
            if is_ours(there):
                self._calls.delete(kind, one.name, one.namespace)
        except ApiError as error:
            if error.status == 403:
                raise ClusterError(f"{error}; {GRANT_SETUP}") from error
            if error.status != 404:
                raise

    def _until_gone(self, asked: Sequence[Removal], deadline: Deadline) -> dict[str, str]:
        """What is still there when the time is over, and why."""
        left = list(asked)
        while True:
            there = {str(one): found for one in left if (found := self._get(one)) is not None}
            left = [one for one in left if str(one) in there]
            if not left:
                return {}
            if deadline.passed():
                return {name: blocked_words(found) for name, found in there.items()}
            self._stop.sleep(min(_POLL_S, max(0.05, deadline.left_s())))

    def _get(self, one: Removal) -> JsonObject | None:
        try:
            return self._calls.get(_KINDS[one.kind], one.name, one.namespace)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def _storage(self) -> Storage:
        ceph = {kind.name: self._list(kind) for kind in (CEPH_BLOCK_POOL, CEPH_FILESYSTEM)}
        places = {
            str(found["metadata"].get("namespace", ""))
            for items in ceph.values()
            for found in items
            if is_ours(found)
        }
        in_use, being_made = self._in_use()
        return Storage(
            classes=self._list(STORAGE_CLASS),
            ceph=ceph,
            volumes=self._list(VOLUME),
            snapshots=self._list(SNAPSHOT_CONTENT),
            in_use=in_use,
            being_made=being_made,
            stored_bytes={
                (place, name): size for place in places for name, size in self._stored_bytes(place).items()
            },
        )

    def _list(self, kind: Kind) -> list[JsonObject]:
        try:
            return self._calls.items(kind)
        except ApiError as error:
            if error.status == 404:  # the cluster has no such kind, so nothing of it
                return []
            if error.status == 403:
                raise ClusterError(
                    f"whose data is in a pool is not known: the {kind.plural} can not be read: "
                    f"{error.message}; {GRANT_SETUP}"
                ) from error
            raise

    def _in_use(self) -> tuple[dict[str, str], dict[tuple[str, str, str], str]]:
        """What living runs measure on, and living setups make: by StorageClass, and by Ceph object."""
        try:
            leases = self._calls.items(LEASE, label_selector=SELECTOR)
        except ApiError as error:
            if error.status != 403:
                raise
            self._note(f"runs of other namespaces than {self._namespace} are not seen: {error.message}")
            leases = self._calls.items(LEASE, self._namespace, label_selector=SELECTOR)
        me, now = Holder.of_this_process(), self._calls.date or datetime.now(tz=UTC)
        found: dict[str, str] = {}
        made: dict[tuple[str, str, str], str] = {}
        for lease in leases:
            sign = SignOfLife.of(lease, now)
            if not sign.alive(me):
                continue
            metadata = lease["metadata"]
            who = f"run {(metadata.get('labels') or {}).get(RUN)} of {sign.holder.account} measures on it"
            if is_setup(lease):
                who = f"a setup of {sign.holder.account} makes it"
                made |= dict.fromkeys(made_by(lease), who)
            for name in str((metadata.get("annotations") or {}).get(STORAGE_CLASSES, "")).split(","):
                found.setdefault(name, who)
        return found, made

    def _stored_bytes(self, place: str) -> dict[str, float]:
        try:
            samples = read_samples(
                read_metrics(self._cluster, place), ("ceph_pool_metadata", "ceph_pool_stored")
            )
        except ApiError as error:
            self._note(f"what pools hold beside PersistentVolumes is not known: {error}")
            return {}
        names = {
            one.labels.get("pool_id"): one.labels.get("name", "")
            for one in samples
            if one.name == "ceph_pool_metadata"
        }
        return {
            names[one.labels.get("pool_id")]: one.value
            for one in samples
            if one.name == "ceph_pool_stored" and one.labels.get("pool_id") in names
        }

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
