"""Bulk cleanup: everything that carries a run's label."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_odfperf.cluster.connect import Cluster
from pytest_odfperf.cluster.kinds import CLAIM, CONFIG_MAP, DATA_VOLUME, SECRET, VM
from pytest_odfperf.cluster.removal import remove
from pytest_odfperf.vm.labels import run_selector
from pytest_odfperf.waiting import Deadline, Stop


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep found, by kind, and what was still there when its time was over."""

    deleted: dict[str, int]
    left: tuple[str, ...]


def sweep(
    cluster: Cluster, namespace: str, run_id: str, deadline_s: float, *, stop: Stop | None = None
) -> Sweep:
    """Delete all objects of the run, and wait until they are gone or ``deadline_s`` is over.

    Takes no part in the run's own stop: it is what runs after one. Raises `ClusterError`, and `ValueError`
    for an empty run id, which would select all runs.
    """
    counts: dict[str, int] = {}
    left = remove(
        cluster,
        namespace,
        run_selector(run_id),
        # The owner last: where the others are gone by then, the garbage collector has nothing to do.
        (VM, DATA_VOLUME, CLAIM, SECRET, CONFIG_MAP),
        Deadline(f"the objects of run {run_id} to be gone", deadline_s),
        stop or Stop(),
        counts,
    )
    return Sweep(counts, left)
