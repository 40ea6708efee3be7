"""Removes what earlier runs left on the cluster, and nothing of a run that lives."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_odfperf.errors import ClusterError, InputError, InterruptedRunError
from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.run.before.cluster_choice import connect_for_cleanup
from pytest_odfperf.run.before.selection import DEFAULT_MATRIX, stored_matrix, stored_options
from pytest_odfperf.run.cleanup.orphans import describe, find, remove_run, removed_lines
from pytest_odfperf.schedule.plan_text import count_text
from pytest_odfperf.store.run_dir import RUN_JSON, RunDir
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.cluster.runs.found_runs import FoundRun

#: All dead runs of the namespace; all own runs that are dead.
ORPHANS, ALL = "orphans", "all"

EVERYTHING_GONE, SOMETHING_STAYS = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a run is looked for. ``server`` None: whatever the kubeconfig leads to."""

    cluster: str
    namespace: str
    delete_s: float
    server: str | None = None


def clean_up(
    targets: Sequence[str],
    *,
    results: Path,
    matrix: str | None,
    cluster: str | None,
    only_show: bool,
    stop: Stop,
    say: Callable[[str], None],
) -> int:
    """Remove the runs that ``targets`` name (ids, ``last``, ``orphans``, ``all``); the exit code.

    A run that has its folder in ``results`` is looked for where it ran; others where ``matrix`` and
    ``cluster`` say. Raises `InputError` for an id that nobody knows and for a run that lives, before anything
    is deleted, and `ClusterError`.
    """
    wanted: dict[_Place, dict[str, bool]] = {}
    for target in dict.fromkeys(targets):
        name, place = _where(target, results, matrix, cluster)
        known = place is not None
        wanted.setdefault(place or _given(matrix, cluster), {})[name] = known
    chosen: list[tuple[Cluster, _Place, FoundRun]] = []
    for place, names in wanted.items():
        connected = connect_for_cleanup(place.cluster, stop)
        if place.server not in (None, connected.server):
            raise InputError(
                f"--odf-cleanup {', '.join(names)}: ran on {place.server}, and the kubeconfig leads to "
                f"{connected.server}"
            )
        found = find(connected, place.namespace, stop)
        say(f"cluster {connected.server}, namespace {place.namespace}: {count_text(found, 'run')}")
        chosen += [(connected, place, run) for run in _choose(found, names, place, say)]
    code = EVERYTHING_GONE
    for connected, place, run in chosen:
        say(describe(run))
        if not only_show and not _remove(connected, place, run, stop, say):
            code = SOMETHING_STAYS
    return code


def _where(target: str, results: Path, matrix: str | None, cluster: str | None) -> tuple[str, _Place | None]:
    """The run's id, and where it ran if its folder tells."""
    if target in (ORPHANS, ALL):
        return target, None
    if target != "last" and not (results / target / RUN_JSON).is_file():
        return target, None
    run_dir = RunDir.open(results, target)
    try:
        return run_dir.run_id, _place(run_dir, matrix, cluster)
    except InputError as error:
        if matrix or cluster:
            return run_dir.run_id, None
        raise InputError(
            f"{error}; say where the run was with --odf-matrix (its namespace is looked into)"
        ) from error


def _place(run_dir: RunDir, matrix: str | None, cluster: str | None) -> _Place:
    stored = run_dir.read_run()
    ran, options, found = stored_matrix(run_dir, stored), stored_options(run_dir, stored), stored.get("found")
    server = found.get("server") if isinstance(found, dict) else None
    if not isinstance(server, str):
        raise InputError("found.server is not a text", place=str(run_dir.path / RUN_JSON))
    return _Place(
        cluster=cluster or str(options.get("cluster") or "kubeconfig"),
        namespace=load_matrix(matrix).namespace if matrix else ran.namespace,
        delete_s=ran.timeouts.delete_s,
        server=None if cluster or matrix else server,
    )


def _given(matrix: str | None, cluster: str | None) -> _Place:
    loaded = load_matrix(matrix or DEFAULT_MATRIX)
    return _Place(
        cluster=cluster or loaded.cluster or "kubeconfig",
        namespace=loaded.namespace,
        delete_s=loaded.timeouts.delete_s,
    )


def _choose(
    found: list[FoundRun], names: dict[str, bool], place: _Place, say: Callable[[str], None]
) -> list[FoundRun]:
    """The runs that ``names`` mean; the value says whether the run is known to have been here."""
    by_id = {run.run_id: run for run in found}
    chosen: dict[str, FoundRun] = {}
    for name, known in names.items():
        if name in (ORPHANS, ALL):
            chosen |= {run.run_id: run for run in found if not run.alive and (run.own or name == ORPHANS)}
            for run in found:
                if run.alive:
                    say(f"run {run.run_id} of {run.holder} is alive and is left alone")
        elif name in by_id:
            if by_id[name].alive:
                raise InputError(
                    f"--odf-cleanup {name}: that run is alive ({by_id[name].holder}, last sign of life "
                    f"{by_id[name].age_s:.0f} s ago): end it with Ctrl+C, which deletes what it made"
                )
            chosen[name] = by_id[name]
        elif known:
            say(f"run {name}: nothing is left")
        else:
            shown = ", ".join(by_id) or "none"
            raise InputError(
                f"--odf-cleanup {json.dumps(name)}: namespace {place.namespace} holds nothing of such a run "
                f"(there: {shown}); --odf-matrix names another namespace"
            )
    return list(chosen.values())


def _remove(cluster: Cluster, place: _Place, run: FoundRun, stop: Stop, say: Callable[[str], None]) -> bool:
    try:
        swept = remove_run(cluster, place.namespace, run, place.delete_s, stop)
    except InterruptedRunError:
        raise
    except ClusterError as error:
        say(f"run {run.run_id} could not be removed: {error}")
        return False
    for line in removed_lines(run.run_id, swept):
        say(line)
    return not swept.left
