"""A run's hold on the cluster: its ConfigMap and its Lease, from before the first VM to after the last."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_odfperf.errors import ClusterError, InterruptedRunError, OdfError
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.run.before.cluster_choice import OpenedCluster
from pytest_odfperf.run.cleanup import orphans
from pytest_odfperf.run.heartbeat import Heartbeat
from pytest_odfperf.run.interrupt import Interrupt
from pytest_odfperf.store.run_dir import RunDir
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.runs.run_holder import Holder
    from pytest_odfperf.vm.spec import Owner

#: Answers to the deletes that were sent at the interrupt are awaited so long before the sweep.
_EARLY_S = 5.0


@dataclass(frozen=True, slots=True)
class Ending:
    """What was deleted (by kind, how many), what was not, and why the cluster could not be asked, if so."""

    deleted: Mapping[str, int]
    left: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Others:
    """Other runs of the namespace: what is said of them, and which may load the storage, and why, by id."""

    lines: tuple[str, ...]
    loading: Mapping[str, str]


class HeldRun:
    """The run object of this run, kept alive by a heartbeat."""

    def __init__(
        self, opened: OpenedCluster, matrix: Matrix, run_dir: RunDir, interrupt: Interrupt, owner: Owner
    ) -> None:
        self.owner = owner
        self._cluster = opened.cluster
        self._opened = opened
        self._matrix = matrix
        self._run_dir = run_dir
        self._interrupt = interrupt
        self._heartbeat: Heartbeat | None = None
        self._ended = False

    def start(self, holder: Holder, storage_classes: Iterable[str]) -> None:
        """Take the run's Lease, and keep it. Raises `RunAliveError` while somebody else does."""
        from pytest_odfperf.cluster.runs.run_lease import BEATS, RunLease
        from pytest_odfperf.cluster.runs.sweep import EarlyDelete
        from pytest_odfperf.vm.labels import run_selector

        run_id = self._run_dir.run_id
        lease = RunLease(
            self._cluster,
            self._matrix.namespace,
            run_id,
            holder,
            self.owner,
            storage_classes=storage_classes,
        )
        lease.take(self._interrupt.stop)
        self._heartbeat = Heartbeat(lease, lease.duration_s / BEATS, self._interrupt.lose)
        self._interrupt.early_delete = lambda: EarlyDelete(
            self._cluster, self._matrix.namespace, run_selector(run_id)
        )
        self._interrupt.last_words = f"Finish the cleanup with: {self.cleanup_command}" if self.lasts else ""

    @property
    def lasts(self) -> bool:
        """Whether the cluster is still there when the run has ended."""
        return self._opened.lasts

    @property
    def cleanup_command(self) -> str:
        """What removes all that this run may have left."""
        return f"pytest --odf-cleanup {self._run_dir.run_id}{self._results_option}"

    @property
    def resume_command(self) -> str:
        return f"pytest --odf-resume {self._run_dir.run_id}{self._results_option}"

    @property
    def _results_option(self) -> str:
        results = self._run_dir.results.absolute()
        return "" if results == Path.cwd() / "results" else f" --odf-results {shlex.quote(str(results))}"

    def look_for_others(self, options: str, *, reap: bool) -> Others:
        """Living runs of the namespace, and what dead ones left; with ``reap`` that is removed."""
        from pytest_odfperf.cluster.client.kinds import POD, VM

        cluster, namespace, stop = self._cluster, self._matrix.namespace, self._interrupt.stop
        try:
            found = [
                run for run in orphans.find(cluster, namespace, stop) if run.run_id != self._run_dir.run_id
            ]
            dead = [run for run in found if not run.alive]
            if reap:
                lines = orphans.reap(
                    cluster, namespace, stop, dead, deadline_s=self._matrix.timeouts.delete_s
                )
            else:
                lines = orphans.orphan_lines(dead, options)
        except InterruptedRunError:
            raise
        except ClusterError as error:
            return Others((f"what earlier runs left could not be looked for: {error}",), {})
        alive = [run for run in found if run.alive]
        lines += [
            f"{orphans.describe(run)}: it is measured in this namespace too, and every result says so"
            for run in alive
        ]
        loading = {
            run.run_id: "it was alive in this namespace at this run's start, and what it loads is not known"
            for run in alive
        }
        for run in () if reap else dead:
            if machines := sum(run.objects.get(kind.name, 0) for kind in (VM, POD)):
                loading[run.run_id] = f"it is dead, and fio may still run in {machines} of its VMs and pods"
        return Others(tuple(lines), loading)

    def end(self) -> Ending:
        """Delete everything of this run and wait until it is gone, unless it is somebody else's now."""
        if self._ended:
            return Ending({}, ())
        self._ended = True
        from pytest_odfperf.cluster.runs.sweep import sweep

        if self._interrupt.lost is not None:
            self.let_go()
            return Ending({}, ())
        early = self._interrupt.deleted
        if early is not None:
            early.join(_EARLY_S)
        try:
            swept = sweep(
                self._cluster,
                self._matrix.namespace,
                self._run_dir.run_id,
                self._matrix.timeouts.delete_s,
                before_release=self.let_go,
            )
        except OdfError as error:
            return Ending({}, (str(error),), f"the cluster could not be cleaned: {error}")
        finally:
            self.let_go()
        if early is not None:
            swept = swept.with_found(early.found)
        return Ending(swept.deleted, swept.left)

    def last_lines(self, ending: Ending) -> list[str]:
        """The last lines of the terminal; none if the run ended by itself and left nothing."""
        cause = self._interrupt.cause
        if cause is None and not ending.left:
            return []
        if self._interrupt.lost is not None:
            return [f"odfperf: ended: {cause}; nothing was deleted"]
        lines = []
        if cause is not None:
            lines.append(f"odfperf: ended by {cause}" if self._interrupt.signum else "odfperf: ended early")
        if ending.problem is None:
            counts = ", ".join(f"{number} {kind}" for kind, number in ending.deleted.items() if number)
            lines.append(f"odfperf: deleted {counts or 'nothing'}")
            lines += [f"odfperf: could not be deleted: {what}" for what in ending.left]
        else:
            lines.append(f"odfperf: {ending.problem}")
        if cause is not None:
            lines.append(f"odfperf: go on with: {self.resume_command}")
        if self.lasts:
            when = "if anything is left" if not ending.left else "when what holds it is gone"
            lines.append(f"odfperf: clean up with: {self.cleanup_command} ({when})")
        return lines

    def let_go(self) -> None:
        """Give no more signs of life."""
        heartbeat, self._heartbeat = self._heartbeat, None
        if heartbeat is not None:
            heartbeat.close()


@contextmanager
def hold_run(
    opened: OpenedCluster,
    matrix: Matrix,
    run_dir: RunDir,
    interrupt: Interrupt,
    storage_classes: Iterable[str] = (),
) -> Generator[HeldRun]:
    """Make the run object and hold it; everything of the run is gone at the end. Raises `ClusterError`.

    ``storage_classes`` are those that it measures on.
    """
    from pytest_odfperf.cluster.runs.run_holder import Holder
    from pytest_odfperf.cluster.runs.run_lease import RunAliveError
    from pytest_odfperf.cluster.runs.run_object import ACCOUNT, create_run, delete_run

    me = Holder.of_this_process()
    data = {"matrix": matrix.name, ACCOUNT: me.account}
    interrupt.stop.check()
    owner = create_run(opened.cluster, matrix.namespace, run_dir.run_id, data, stop=interrupt.stop)
    held = HeldRun(opened, matrix, run_dir, interrupt, owner)
    try:
        held.start(me, storage_classes)
    except RunAliveError:
        raise
    except BaseException:
        held.let_go()
        with suppress(OdfError):
            delete_run(opened.cluster, matrix.namespace, run_dir.run_id, stop=Stop())
        raise
    try:
        yield held
    finally:
        held.end()
