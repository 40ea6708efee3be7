"""One VM group at a time in each process: made for its first key, deleted before another group's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from pytest_odfperf.errors import (
    GroupError,
    InterruptedRunError,
    OdfError,
    StoreError,
    cause_of,
)
from pytest_odfperf.fio.job import Job
from pytest_odfperf.matrix.keys import GroupKey, Key
from pytest_odfperf.run.outage_journal import OutageJournal
from pytest_odfperf.run.plan import Plan
from pytest_odfperf.run.pool_log import LOGGER, PoolLog
from pytest_odfperf.run.undeleted_journal import UndeletedJournal
from pytest_odfperf.run.worker.diagnosis_files import write_diagnosis
from pytest_odfperf.run.worker.failed_groups import FailedGroups
from pytest_odfperf.run.worker.group_login import CLOUD_INIT, SETTLE_S, log_in
from pytest_odfperf.run.worker.job_check import Refused, ask_guest_fio
from pytest_odfperf.run.worker.key_surroundings import Around
from pytest_odfperf.schedule.jobs import groups_of, job_of, layout_bytes, render_jobs
from pytest_odfperf.schedule.plan_text import count_text
from pytest_odfperf.vm.spec import GroupSpec, Owner
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.causes.cause_table import Patience
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.cluster.groups.pool_watch import PoolWatch
    from pytest_odfperf.cluster.groups.sentinel import Sentinel
    from pytest_odfperf.cluster.groups.vm_group import VmGroup
    from pytest_odfperf.guest.guest import Guest

#: The process that measures alone, in a run of one pool after the other.
MAIN = "main"
#: Seconds that a worker without its controller waits for the answers to its deletes.
ABANDON_S = 8.0
#: Causes that the cluster has no part in.
_NO_DIAGNOSIS = ("config",)
#: Attempts at a group in a round: the VMs of each have names of their own.
_ATTEMPTS = 10_000


class GroupSlot:
    """The VM group that this process holds now, with its guests connected.

    A group that another worker lost is made anew, after what was left of its pool is deleted.
    """

    def __init__(self, plan: Plan, stop: Stop, process: str = MAIN) -> None:
        self.plan = plan
        self._stop = stop
        self._jobs = render_jobs(plan.matrix, plan.keys)
        self._groups = groups_of(plan.keys)
        self._log = PoolLog(plan.run_path)
        self._outages = OutageJournal(plan.run_path, process)
        self._undeleted = UndeletedJournal(plan.run_path, process)
        self.around = Around(plan, process, alone=process == MAIN)
        self._cluster: Cluster | None = None
        #: Of the pool whose groups come now.
        self._watch: PoolWatch | None = None
        self._group: VmGroup | None = None
        self._guests: tuple[Guest, ...] = ()
        self._spec: GroupSpec | None = None
        self._sentinel: Sentinel | None = None
        #: The job that is baked into the guests of the current group, until the first measurement.
        self.baked: Job | None = None
        self._refused: Refused = {}
        self._attempts: dict[GroupKey, int] = {}
        self._failures = FailedGroups()
        self._round = 1
        #: Why the current group is of no use for another key.
        self._spoiled: str | None = None

    def job(self, key: Key) -> Job:
        return job_of(self._jobs, key)

    @property
    def group(self) -> VmGroup:
        assert self._group is not None
        return self._group

    @property
    def stop(self) -> Stop:
        """Set when the run is told to stop, and when the group that is held is lost."""
        return self._sentinel.stop if self._sentinel else self._stop

    def refusal(self, key: Key) -> str | None:
        """Why the fio of the current group would not run ``key``'s job; None: it would, or was not asked."""
        return self._refused.get(self.job(key).text)

    def failure(self, group: GroupKey) -> str | None:
        """Why ``group`` could not be made in this process."""
        return self._failures.why(group)

    def begin_round(self, number: int) -> None:
        """From here on groups are of round ``number``; the one before holds none any more."""
        if number != self._round:
            self._round = number
            self._failures.new_round()

    def differs(self, key: Key | None) -> bool:
        """Whether a group is held that is not ``key``'s, or of no use for it."""
        lost = self._spoiled is not None or (self._sentinel is not None and self._sentinel.error is not None)
        return self._group is not None and (key is None or key.group != self._group.spec.key or lost)

    def spoil(self, why: str) -> None:
        """The current group lost a guest: the next key gets it made anew, unless that happens too often."""
        if self._spoiled is not None:
            return
        self._spoiled = why
        self._failures.lost(self.group.spec.key, why)

    def measured(self) -> None:
        """The current group is of use: what was lost before counts no more."""
        self._failures.measured(self.group.spec.key)

    def ensure(self, key: Key) -> tuple[Guest, ...]:
        """The guests of ``key``'s group, made and connected if need be. Raises `OdfError`."""
        if self._group is not None and not self.differs(key):
            return self._guests
        self.release(next_pool=key.pool)
        self._log.switch(key.pool)
        try:
            self._make(key)
        except InterruptedRunError:
            raise
        except OdfError as error:
            self._witness(error, str(key.group))
            LOGGER.error("%s", error)
            if self._sentinel is not None and error is self._sentinel.error and error.cause != CLOUD_INIT:
                # It ran, and was lost before its guests answered.
                self.spoil(str(error))
            else:
                self._failures.failed(key.group, str(error))
            self._discard()
            raise
        return self._guests

    def failed(self, key: Key, error: OdfError) -> OdfError:
        """What ``key`` failed with, given that its measurement ended with ``error``.

        The loss of the group explains it, if there was one; the next key gets a new group then. What the
        cluster shows is written down.
        """
        if self._stop.is_set() or self._sentinel is None:
            return error
        lost = self._sentinel.settle(SETTLE_S)
        if lost is None and isinstance(error, InterruptedRunError):
            return error
        self._witness(lost or error, str(key))
        if lost is None:
            return error
        self.spoil(str(lost))
        return lost

    def _witness(self, error: OdfError, about: str) -> None:
        """Write down what the cluster shows now; the first error is never hidden by what goes wrong here."""
        if error.diagnosis is not None or self._spec is None or self._cluster is None:
            return
        if isinstance(error, StoreError) or cause_of(error) in _NO_DIAGNOSIS:
            return
        from pytest_odfperf.cluster.causes.group_diagnosis import collect

        try:
            files = collect(self._cluster, self._spec, stop=self._stop)
            error.diagnosis = write_diagnosis(self.plan, self._spec.key, error, about, files)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the group's own error matters more
            LOGGER.error("no diagnosis of %s: %s", about, problem)

    @property
    def _patience(self) -> Patience:
        from pytest_odfperf.cluster.causes.cause_table import Patience

        timeouts = self.plan.matrix.timeouts
        return Patience(stall_s=timeouts.stall_s, schedule_s=timeouts.schedule_s)

    def _make(self, key: Key) -> None:
        from pytest_odfperf.cluster.client.connect import connect
        from pytest_odfperf.cluster.groups.pool_watch import PoolWatch
        from pytest_odfperf.cluster.groups.sentinel import Sentinel
        from pytest_odfperf.cluster.groups.vm_group import VmGroup
        from pytest_odfperf.guest.ssh_keys import host_key

        plan, matrix = self.plan, self.plan.matrix
        self._spec = None
        if self._cluster is None:
            self._cluster = connect(
                plan.kubeconfig, stop=self._stop, outage_s=matrix.timeouts.api_s, in_mid_run=True
            )
            self._cluster.outages.listeners.append(self._outages.add)
        attempt = self._attempts[key.group] = self._attempts.get(key.group, 0) + 1
        job = self.job(key)
        members = self._groups.get(key.group, [key])  # a step of --odf-ramp has its group for itself
        self._spec = spec = GroupSpec.of(
            matrix,
            key.group,
            run_id=plan.run_id,
            owner=Owner.from_json(plan.owner),
            volume_mode=cast(Literal["Block", "Filesystem"], plan.volume_modes[key.pool]),
            client_key_public=plan.client_key_public,
            job=job.text,
            layout_bytes=layout_bytes(matrix, self._jobs, members),
            # Another worker may have made the group of the round before.
            attempt=(self._round - 1) * _ATTEMPTS + attempt,
        )
        self._watch = self._watch or PoolWatch.of(self._cluster, spec)
        LOGGER.info(
            "VM group %s: making %s",
            key.group,
            count_text(range(key.concurrency), "VM" if spec.machine == "vm" else "pod"),
        )
        self.around.says(key.pool, "booting")
        self._group = VmGroup.create(
            self._cluster,
            spec,
            host_keys=host_key,
            boot_s=matrix.timeouts.boot_s,
            delete_s=matrix.timeouts.delete_s,
            stop=self._stop,
            watch=self._watch,
            adopt=True,
            patience=self._patience,
            witness=lambda error: self._witness(error, str(key.group)),
        )
        LOGGER.info("VM group %s: running, connecting", key.group)
        vms, seen = self._group.vms, self._group.seen
        self._sentinel = Sentinel(seen, spec, vms, self._stop, self._patience).start()
        self._guests = log_in(self._cluster, plan, self._group, self._sentinel, self._patience)
        self.baked = job
        LOGGER.info("VM group %s: all guests answer", key.group)
        # They lay out their files from the boot on.
        self.around.says(key.pool, "working")
        try:
            self._refused = ask_guest_fio(self._guests[0], map(self.job, members), matrix)
        except InterruptedRunError as error:
            # The group may have been lost meanwhile: then it is not the run that ends.
            if (lost := self._sentinel.settle(SETTLE_S)) is not None:
                raise lost from error
            raise

    def _discard(self) -> None:
        """Delete a group that failed; what can not be deleted is in the log, and left to the sweep."""
        try:
            self.release(next_pool=self._log.pool)
        except InterruptedRunError:
            raise
        except OdfError as error:
            LOGGER.error("%s", error)

    def release(self, next_pool: str | None = None) -> None:
        """Close the guests and delete the group, and end the watch of another pool than ``next_pool``.

        Returns when the group is gone. Raises `GroupError`.
        """
        try:
            self._release()
        finally:
            if self._watch is not None and self._watch.pool != next_pool:
                self._watch.close()
                self._watch = None

    def _release(self) -> None:
        group, self._group = self._group, None
        guests, self._guests = self._guests, ()
        self.baked = None
        self._spoiled = None
        sentinel, self._sentinel = self._sentinel, None
        if sentinel is not None:
            sentinel.close()
        for guest in guests:
            guest.close()
        if group is not None:
            LOGGER.info("VM group %s: deleting", group.spec.key)
            self.around.says(group.spec.key.pool, "deleting")
            try:
                group.delete(delete_s=self.plan.matrix.timeouts.delete_s, stop=self._stop)
            except GroupError as error:
                self._undeleted.add(str(group.spec.key), str(error))
                self._witness(error, f"the end of {group.spec.key}")
                raise
            LOGGER.info("VM group %s: gone", group.spec.key)
        self.around.says(self._log.pool, None)

    def abandon(self) -> None:
        """Ask for the deletion of all that this process's pool has; called from any thread."""
        from pytest_odfperf.cluster.runs.sweep import abandon_pool

        if self._cluster is not None and self._log.pool is not None:
            matrix, run_id = self.plan.matrix, self.plan.run_id
            abandon_pool(self._cluster, matrix.namespace, run_id, self._log.pool, ABANDON_S)
