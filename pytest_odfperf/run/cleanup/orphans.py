"""Runs whose controller is dead: named, and removed when that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_odfperf.errors import ClusterError, InterruptedRunError
from pytest_odfperf.run.heartbeat import Heartbeat
from pytest_odfperf.schedule.plan_text import time_text
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.cluster.runs.found_runs import FoundRun
    from pytest_odfperf.cluster.runs.sweep import Sweep

#: Longer lists help nobody.
_SHOWN = 5


def find(cluster: Cluster, namespace: str, stop: Stop) -> list[FoundRun]:
    """All runs of ``namespace``, seen from this process. Raises `ClusterError`."""
    from pytest_odfperf.cluster.runs.found_runs import find_runs
    from pytest_odfperf.cluster.runs.run_holder import Holder

    return find_runs(cluster, namespace, Holder.of_this_process(), stop)


def describe(run: FoundRun) -> str:
    """A run in words: of whom, how old, how much."""
    objects = ", ".join(f"{number} {kind}" for kind, number in run.objects.items())
    return f"run {run.run_id} of {run.holder}, last sign of life {time_text(run.age_s)} ago, {objects}"


def orphan_lines(found: list[FoundRun], options: str) -> list[str]:
    """A line for each orphan, with the command that removes it; ``options`` lead to the namespace."""
    lines = [
        f"orphan: {describe(run)}; remove it with: pytest --odf-cleanup {run.run_id}{options}"
        for run in found[:_SHOWN]
    ]
    if len(found) > _SHOWN:
        lines.append(
            f"{len(found) - _SHOWN} more orphans; remove all with: pytest --odf-cleanup orphans{options}"
        )
    return lines


def remove_run(cluster: Cluster, namespace: str, run: FoundRun, deadline_s: float, stop: Stop) -> Sweep:
    """Delete all of a dead run and wait until it is gone.

    Its Lease is taken over first, so that nobody resumes it meanwhile. Raises `RunAliveError` if somebody
    was faster, and `ClusterError`.
    """
    from pytest_odfperf.cluster.runs.run_holder import Holder
    from pytest_odfperf.cluster.runs.run_lease import BEATS, RunLease
    from pytest_odfperf.cluster.runs.run_object import find_owner
    from pytest_odfperf.cluster.runs.sweep import sweep

    owner = find_owner(cluster, namespace, run.run_id, stop=stop)
    if owner is None:
        return sweep(cluster, namespace, run.run_id, deadline_s, stop=stop)
    lease = RunLease(cluster, namespace, run.run_id, Holder.of_this_process(), owner)
    lease.take(stop)
    heartbeat = Heartbeat(lease, lease.duration_s / BEATS, lambda _: None)
    try:
        return sweep(cluster, namespace, run.run_id, deadline_s, stop=stop, before_release=heartbeat.close)
    finally:
        heartbeat.close()


def removed_lines(run_id: str, swept: Sweep) -> list[str]:
    """What became of the objects of a run."""
    counts = ", ".join(f"{number} {kind}" for kind, number in swept.deleted.items() if number)
    lines = [f"run {run_id}: deleted {counts or 'nothing'}"]
    return lines + [f"run {run_id}: could not be deleted: {what}" for what in swept.left]


def reap(
    cluster: Cluster, namespace: str, stop: Stop, dead: list[FoundRun], *, deadline_s: float
) -> list[str]:
    """Remove the runs that are ``dead``; what was done, a line each."""
    lines = []
    for run in dead:
        lines.append(f"orphan: {describe(run)}; odf_reap removes it")
        try:
            lines += removed_lines(run.run_id, remove_run(cluster, namespace, run, deadline_s, stop))
        except InterruptedRunError:
            raise
        except ClusterError as error:
            lines.append(f"run {run.run_id} could not be removed: {error}")
    return lines
