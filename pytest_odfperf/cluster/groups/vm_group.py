"""A VM group, of VMs or pods: made as a whole or not at all, deleted until nothing of it is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from pytest_odfperf.cluster.causes.boot import BootState
from pytest_odfperf.cluster.causes.cause_table import Patience
from pytest_odfperf.cluster.causes.changes import Changes, changes_of, migration_of
from pytest_odfperf.cluster.causes.rivals import Rivals
from pytest_odfperf.cluster.client.calls import Calls, JsonObject
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import CLAIM, SECRET
from pytest_odfperf.cluster.facts.instancetypes import other_size
from pytest_odfperf.cluster.groups.group_kinds import GROUP_KINDS, MADE
from pytest_odfperf.cluster.groups.group_objects import HostKeys, create_all, keys_of
from pytest_odfperf.cluster.groups.pool_watch import GroupView, PoolWatch
from pytest_odfperf.cluster.groups.removal import NOT_VERIFIED, remove
from pytest_odfperf.cluster.groups.seen_removal import remove_seen
from pytest_odfperf.errors import DeadlineError, GroupError, InterruptedRunError, OdfError
from pytest_odfperf.vm.labels import group_selector, pool_selector
from pytest_odfperf.vm.names import data_claim_name
from pytest_odfperf.vm.spec import GroupSpec, RunningVm
from pytest_odfperf.waiting import Deadline, Stop

#: Told of an error before what was made is deleted. Raises nothing.
Witness = Callable[[OdfError], None]


class VmGroup:
    """The VMs of one group, running. Made by `create`."""

    def __init__(
        self,
        cluster: Cluster,
        spec: GroupSpec,
        vms: tuple[RunningVm, ...],
        seen: GroupView,
        own: PoolWatch | None = None,
    ) -> None:
        """``own``: a watch that ends with the group."""
        self._cluster = cluster
        self._own = own
        self.spec = spec
        self.vms = vms
        #: What the API server tells of it.
        self.seen = seen

    @classmethod
    def create(
        cls,
        cluster: Cluster,
        spec: GroupSpec,
        *,
        host_keys: HostKeys,
        boot_s: float,
        delete_s: float,
        stop: Stop,
        watch: PoolWatch | None = None,
        adopt: bool = False,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        witness: Witness = lambda _: None,
    ) -> VmGroup:
        """Make the VMs of ``spec`` and return when all run (which is before their SSH answers).

        ``watch`` is that of its pool; None: it gets one of its own, until it is deleted or closed. With
        ``adopt`` all that an earlier worker left of this pool in this run is deleted first; that is sound
        because a pool is on one worker at a time.

        Raises `GroupError` with the cause, the object, its last state and a next step as soon as the API
        shows that a VM will not run (``patience`` says how long states that may pass are waited out), or
        after ``boot_s``; ``witness`` is told, and then what was made is deleted, in at most ``delete_s``.
        `InterruptedRunError` leaves what was made to the sweep.
        """
        own = None if watch is not None else PoolWatch.of(cluster, spec)
        watched = watch or own
        assert watched is not None
        seen = watched.group(spec)
        try:
            if adopt and _any_left(cluster, spec, watched, delete_s, stop):
                selector = pool_selector(spec.run_id, spec.key.pool)
                _remove(cluster, spec, selector, f"leftovers of pool {spec.key.pool}", delete_s, stop)
            deadline = Deadline(f"VM group {spec.key} to run", boot_s)
            try:
                vms = _make(cluster, spec, seen, host_keys, deadline, patience, stop)
            except InterruptedRunError:
                raise
            except OdfError as error:
                witness(error)
                raise _given_up(cluster, spec, error, delete_s, stop) from error
        except BaseException:
            if own is not None:
                own.close()
            raise
        return cls(cluster, spec, vms, seen, own)

    def close(self) -> None:
        """End a watch of its own; the VMs go on."""
        if self._own is not None:
            self._own.close()

    def lost(self, *, stop: Stop | None = None) -> dict[str, str]:
        """The VMs that are not the ones that were made any more, and what became of them.

        A VM that restarted or stopped invalidates what was measured on it.
        """
        found, _ = changes_of(self.vms, self._instances(stop))
        return {name: loss.text for name, loss in found.lost.items()}

    def changes(self, *, stop: Stop | None = None, exact: bool = True) -> Changes:
        """What became of the VMs since this was last asked, or since they were made.

        Not ``exact``: as the watch shows it, if that is open. It may be some milliseconds behind.
        """
        instances = GROUP_KINDS[self.spec.machine].instance
        watched = not exact and self.seen.follows(instances)
        found, self.vms = changes_of(self.vms, self.seen.of(instances) if watched else self._instances(stop))
        return found

    def _instances(self, stop: Stop | None) -> dict[str, JsonObject]:
        calls = Calls(self._cluster, stop or Stop())
        selector = group_selector(self.spec.run_id, self.spec.key)
        kind = GROUP_KINDS[self.spec.machine].instance
        found = calls.items(kind, self.spec.namespace, label_selector=selector)
        return {item["metadata"]["name"]: item for item in found}

    def delete(self, *, delete_s: float, stop: Stop) -> None:
        """Delete the group; returns when its VMs, instances, disks and Secrets are gone.

        Raises `GroupError` that names what stays after ``delete_s``, with its finalizers.
        """
        spec = self.spec
        selector = group_selector(spec.run_id, spec.key)
        deadline = Deadline(f"VM group {spec.key} to be gone", delete_s)
        try:
            kinds = GROUP_KINDS[spec.machine]
            if not remove_seen(self._cluster, self.seen, kinds, spec.namespace, selector, deadline, stop):
                what = f"VM group {spec.key}"
                _remove(self._cluster, spec, selector, what, delete_s, stop, deadline=deadline)
        finally:
            self.close()


def _any_left(cluster: Cluster, spec: GroupSpec, watch: PoolWatch, delete_s: float, stop: Stop) -> bool:
    """Whether an earlier group of the pool left something; where that can not be seen, it may have."""
    try:
        if watch.anything(Deadline(f"what there is of pool {spec.key.pool}", delete_s), stop):
            return True
        # Secrets are not watched. A worker that died may have made no more than them.
        selector = pool_selector(spec.run_id, spec.key.pool)
        return bool(Calls(cluster, stop).items(SECRET, spec.namespace, label_selector=selector))
    except InterruptedRunError:
        raise
    except OdfError:
        return True


def _make(
    cluster: Cluster,
    spec: GroupSpec,
    seen: GroupView,
    host_keys: HostKeys,
    deadline: Deadline,
    patience: Patience,
    stop: Stop,
) -> tuple[RunningVm, ...]:
    names = spec.vm_names
    kinds, keys = GROUP_KINDS[spec.machine], keys_of(spec, host_keys)
    rivals = Rivals(cluster, spec, stop)
    create_all(cluster, spec, keys, stop)
    state = BootState(
        str(spec.key),
        names,
        seen.of,
        patience,
        kinds=(kinds.whole, kinds.instance),
        never_fits=rivals.never_fits,
        alone=rivals.none,
    )

    def running() -> dict[str, JsonObject] | None:
        instances = state.running(time.monotonic())
        # Only what was seen can be seen to be gone.
        claims = set(map(data_claim_name, names))
        made = set(names) <= seen.of(kinds.whole).keys() and claims <= seen.of(CLAIM).keys()
        return instances if made else None

    try:
        instances = seen.wait(running, deadline, stop, state.summary)
    except DeadlineError as error:
        raise GroupError(
            f"VM group {spec.key} did not run within {error.seconds:.0f} s: {error.last_state}; "
            "next: look at what the VMs wait for, or raise timeouts.boot",
            cause=state.last_cause or "boot_deadline",
        ) from error
    if spec.shape.instancetype is not None:
        for name in names:
            if (why := other_size(instances[name], spec.vcpus, spec.memory_bytes)) is not None:
                raise GroupError(f"VM group {spec.key}: VM {name} {why}", cause="vm_size")
    return tuple(
        RunningVm(
            name=name,
            namespace=spec.namespace,
            user=spec.guest.user,
            host_key_public=keys[name][1],
            node=kinds.node(instances[name]),
            uid=str(instances[name]["metadata"]["uid"]),
            migration=migration_of(instances[name]),
            machine=spec.machine,
        )
        for name in names
    )


def _given_up(cluster: Cluster, spec: GroupSpec, error: OdfError, delete_s: float, stop: Stop) -> GroupError:
    """``error`` as a `GroupError`, after what was made is deleted; says so if something stays."""
    text = str(error.args[0])
    if not isinstance(error, GroupError):
        text = f"VM group {spec.key} could not be made: {text}"
    selector = group_selector(spec.run_id, spec.key)
    try:
        _remove(cluster, spec, selector, f"VM group {spec.key}", delete_s, stop)
    except InterruptedRunError:
        raise
    except OdfError as left:
        text += f"; and what was made could not be deleted: {left}"
    made = GroupError(text, cause=error.cause or "api")
    made.diagnosis = error.diagnosis
    return made


def _remove(
    cluster: Cluster,
    spec: GroupSpec,
    selector: str,
    what: str,
    delete_s: float,
    stop: Stop,
    *,
    deadline: Deadline | None = None,
) -> None:
    deadline = deadline or Deadline(f"{what} to be gone", delete_s)
    left = remove(cluster, spec.namespace, selector, MADE, deadline, stop)
    if left and all(NOT_VERIFIED in line for line in left):
        raise GroupError(
            f"whether {what} are gone can not be seen: {_shown(left)}; next: see the message; give the "
            "account the rights that it names (deploy/)"
        )
    if left:
        raise GroupError(
            f"{what} is not gone after {delete_s:.0f} s: {_shown(left)}; next: see what the finalizers wait "
            "for (a NotReady node, a volume that can not be unmapped); they are never removed by force",
            cause="stuck_terminating",
        )


def _shown(left: Iterable[str]) -> str:
    lines = sorted(left)
    return "; ".join(lines[:6]) + (f"; and {len(lines) - 6} more" if len(lines) > 6 else "")
