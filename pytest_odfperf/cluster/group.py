"""A VM group: made as a whole or not at all, deleted until nothing of it is left."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from pytest_odfperf.cluster.boot import PROVISIONING_FAILED, BootState
from pytest_odfperf.cluster.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.connect import Cluster
from pytest_odfperf.cluster.kinds import CLAIM, DATA_VOLUME, SECRET, VM, VMI
from pytest_odfperf.cluster.removal import NOT_VERIFIED, remove
from pytest_odfperf.cluster.watch import Objects
from pytest_odfperf.errors import DeadlineError, GroupError, InterruptedRunError, OdfError
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.vm import manifests
from pytest_odfperf.vm.cloudinit import user_data
from pytest_odfperf.vm.labels import group_selector, pool_selector
from pytest_odfperf.vm.spec import GroupSpec, RunningVm
from pytest_odfperf.waiting import Deadline, Stop

#: VMs made at the same time. The API server takes more, but answers 429 to all at some point.
_AT_ONCE = 16
#: Makes the host key of a VM: (private as OpenSSH PEM, public as one line).
HostKeys = Callable[[], tuple[Hidden, str]]


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the VMs of a group, by name."""

    #: Why a VM is not the one that was made.
    lost: dict[str, str] = field(default_factory=dict)
    #: From which node to which. The guest went on meanwhile, with a pause.
    moved: dict[str, tuple[str, str]] = field(default_factory=dict)


class VmGroup:
    """The VMs of one group, running. Made by `create`."""

    def __init__(self, cluster: Cluster, spec: GroupSpec, vms: tuple[RunningVm, ...]) -> None:
        self._cluster = cluster
        self.spec = spec
        self.vms = vms

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
        adopt: bool = False,
    ) -> VmGroup:
        """Make the VMs of ``spec`` and return when all run (which is before their SSH answers).

        With ``adopt`` all that an earlier worker left of this pool in this run is deleted first; that is
        sound because a pool is on one worker at a time.

        Raises `GroupError` with the cause, the object, its last state and a next step as soon as the API
        shows that a VM will not run, or after ``boot_s``; what was made is deleted then, in at most
        ``delete_s``. `InterruptedRunError` leaves what was made to the sweep.
        """
        if adopt:
            selector = pool_selector(spec.run_id, spec.key.pool)
            _remove(cluster, spec, selector, f"leftovers of pool {spec.key.pool}", delete_s, stop)
        deadline = Deadline(f"VM group {spec.key} to run", boot_s)
        try:
            vms = _make(cluster, spec, host_keys, deadline, stop)
        except InterruptedRunError:
            raise
        except OdfError as error:
            raise _given_up(cluster, spec, error, delete_s, stop) from error
        return cls(cluster, spec, vms)

    def lost(self, *, stop: Stop | None = None) -> dict[str, str]:
        """The VMs that are not the ones that were made any more, and what became of them.

        A VM that restarted or stopped invalidates what was measured on it.
        """
        return self.changes(stop=stop).lost

    def changes(self, *, stop: Stop | None = None) -> Changes:
        """What became of the VMs since this was last asked, or since they were made."""
        calls = Calls(self._cluster, stop or Stop())
        selector = group_selector(self.spec.run_id, self.spec.key)
        instances = {
            item["metadata"]["name"]: item
            for item in calls.items(VMI, self.spec.namespace, label_selector=selector)
        }
        found = Changes()
        for vm in self.vms:
            instance = instances.get(vm.name)
            if problem := _problem(vm, instance):
                found.lost[vm.name] = problem
            elif instance is not None and (moved := _moved(vm, instance)) is not None:
                found.moved[vm.name] = (vm.node, moved.node)
                self.vms = tuple(moved if other is vm else other for other in self.vms)
        return found

    def delete(self, *, delete_s: float, stop: Stop) -> None:
        """Delete the group; returns when its VMs, instances, disks and Secrets are gone.

        Raises `GroupError` that names what stays after ``delete_s``, with its finalizers.
        """
        selector = group_selector(self.spec.run_id, self.spec.key)
        _remove(self._cluster, self.spec, selector, f"VM group {self.spec.key}", delete_s, stop)


def _make(
    cluster: Cluster, spec: GroupSpec, host_keys: HostKeys, deadline: Deadline, stop: Stop
) -> tuple[RunningVm, ...]:
    names = spec.vm_names
    keys = {name: host_keys() for name in names}
    selector = group_selector(spec.run_id, spec.key)
    watched = (VM, VMI, DATA_VOLUME, CLAIM)
    with Objects(cluster, spec.namespace, selector, watched, events=PROVISIONING_FAILED) as objects:
        _create_all(cluster, spec, keys, stop)
        state = BootState(str(spec.key), names, objects.of)
        try:
            instances = objects.wait(lambda: state.running(time.monotonic()), deadline, stop, state.summary)
        except DeadlineError as error:
            raise GroupError(
                f"VM group {spec.key} did not run within {error.seconds:.0f} s: {error.last_state}; "
                "next: look at what the VMs wait for, or raise timeouts.boot"
            ) from error
    return tuple(
        RunningVm(
            name=name,
            namespace=spec.namespace,
            user=spec.guest.user,
            host_key_public=keys[name][1],
            node=str(instances[name]["status"].get("nodeName", "")),
            uid=str(instances[name]["metadata"]["uid"]),
            migration=migration_of(instances[name]),
        )
        for name in names
    )


def _create_all(cluster: Cluster, spec: GroupSpec, keys: dict[str, tuple[Hidden, str]], stop: Stop) -> None:
    """Make the objects of all VMs at once; the first refusal ends it."""
    refused = Stop()

    def create(vm: str) -> None:
        calls = Calls(cluster, stop)
        private, public = keys[vm]
        text = user_data(
            user=spec.guest.user,
            client_key_public=spec.client_key_public,
            host_key_private=private,
            host_key_public=public,
            job=spec.job,
            layout_bytes=spec.layout_bytes,
            packages=spec.guest.packages,
        )
        for kind, body in (
            (SECRET, manifests.secret(spec, vm, text)),
            (CLAIM, manifests.data_claim(spec, vm)),
            (VM, manifests.virtual_machine(spec, vm)),
        ):
            stop.check()
            if refused.is_set():
                return
            calls.create(kind, spec.namespace, body)

    with ThreadPoolExecutor(min(_AT_ONCE, len(keys)), thread_name_prefix="create") as pool:
        futures = [pool.submit(create, vm) for vm in keys]
        wait(futures, return_when=FIRST_EXCEPTION)
        refused.set()
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in sorted(errors, key=lambda error: not isinstance(error, InterruptedRunError)):
        if isinstance(error, ApiError):
            raise GroupError(
                f"VM group {spec.key} could not be made: {error}; next: {_advice(error)}"
            ) from error
        raise error


def _advice(error: ApiError) -> str:
    if error.status == 403 and "quota" in error.message:
        return "ask for a larger quota, or choose smaller VMs, PVCs or a lower concurrency"
    if error.status == 403:
        return "give the account of this kubeconfig the rights that the message names (deploy/)"
    if error.status == 409:
        return "an object of this name is left from before; sweep the run, or take another run id"
    if "insufficient permissions in clone source" in error.message:
        return "give the account the right to clone the image: oc apply -f deploy/clone-role.yaml"
    if error.status in (400, 404, 422):
        return "see the message; is OpenShift Virtualization installed, and does the namespace exist?"
    return "see the message; the API server may be overloaded or away"


def _given_up(cluster: Cluster, spec: GroupSpec, error: OdfError, delete_s: float, stop: Stop) -> GroupError:
    """``error`` as a `GroupError`, after what was made is deleted; says so if something stays."""
    text = str(error) if isinstance(error, GroupError) else f"VM group {spec.key} could not be made: {error}"
    selector = group_selector(spec.run_id, spec.key)
    try:
        _remove(cluster, spec, selector, f"VM group {spec.key}", delete_s, stop)
    except InterruptedRunError:
        raise
    except OdfError as left:
        text += f"; and what was made could not be deleted: {left}"
    return GroupError(text)


def _remove(cluster: Cluster, spec: GroupSpec, selector: str, what: str, delete_s: float, stop: Stop) -> None:
    kinds = (VM, DATA_VOLUME, CLAIM, SECRET)
    deadline = Deadline(f"{what} to be gone", delete_s)
    left = remove(cluster, spec.namespace, selector, kinds, deadline, stop)
    if left and all(NOT_VERIFIED in line for line in left):
        raise GroupError(
            f"whether {what} are gone can not be seen: {_shown(left)}; next: see the message; give the "
            "account the rights that it names (deploy/)"
        )
    if left:
        raise GroupError(
            f"{what} is not gone after {delete_s:.0f} s: {_shown(left)}; next: see what the finalizers wait "
            "for (a NotReady node, a volume that can not be unmapped); they are never removed by force"
        )


def _shown(left: Iterable[str]) -> str:
    lines = sorted(left)
    return "; ".join(lines[:6]) + (f"; and {len(lines) - 6} more" if len(lines) > 6 else "")


def _problem(vm: RunningVm, instance: JsonObject | None) -> str | None:
    if instance is None:
        return "its instance is gone"
    if instance["metadata"]["uid"] != vm.uid:
        return "it was restarted"
    status = instance.get("status") or {}
    if status.get("phase") == "Running":
        return None
    conditions: list[JsonObject] = status.get("conditions") or []
    said = next((str(c["message"]) for c in conditions if c.get("type") == "Ready" and c.get("message")), "")
    return f"it is {status.get('phase')}" + (f": {said}" if said else "")


def migration_of(instance: JsonObject) -> str:
    """Which migration an instance last went through: one that ended where it began is one too."""
    state = (instance.get("status") or {}).get("migrationState") or {}
    return str(state.get("migrationUid") or state.get("startTimestamp") or "")


def _moved(vm: RunningVm, instance: JsonObject) -> RunningVm | None:
    """``vm`` where it is now, None if it stayed."""
    node, migration = str((instance.get("status") or {}).get("nodeName", "")), migration_of(instance)
    if node == vm.node and migration == vm.migration:
        return None
    return dataclasses.replace(vm, node=node, migration=migration)
