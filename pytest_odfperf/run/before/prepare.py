"""From a selection to a plan: the cluster is asked, once, and everything that workers need is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_odfperf.errors import ClusterError
from pytest_odfperf.matrix.definition import definition
from pytest_odfperf.matrix.serial import to_json
from pytest_odfperf.plain import to_plain
from pytest_odfperf.redaction import Hidden
from pytest_odfperf.run.before.earlier_results import Earlier
from pytest_odfperf.run.before.selection import Selection
from pytest_odfperf.run.plan import Plan
from pytest_odfperf.schedule.backends import apart_by_isolation, by_matrix, most_at_once
from pytest_odfperf.schedule.capacity import AutoScale, auto_scale, demands, shapes
from pytest_odfperf.schedule.estimate import pool_estimates_s
from pytest_odfperf.schedule.jobs import groups_of
from pytest_odfperf.schedule.repeat_blocks import seed_of

if TYPE_CHECKING:
    from pytest_odfperf.cluster.facts.cluster_facts import ClusterFacts
    from pytest_odfperf.guest.ssh_keys import KeyPair

#: As the API calls them.
NODES = "nodes"
#: Of pools that can not run, in a message.
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """How many pools run at once, and why. ``count`` 0: one after the other, in this process."""

    count: int
    why: str


def choose_workers(selection: Selection, facts: ClusterFacts | None) -> Workers:
    """The number of pools that run at once.

    ``facts`` may be None unless the cluster's capacity decides. Raises `ClusterError` if no node is usable.
    """
    problems = facts.pool_problems if facts else {}
    runnable = [key for key in selection.keys if key.pool not in problems]
    pools = len(dict.fromkeys(key.pool for key in runnable or selection.keys))
    wanted = selection.parallel
    backends = facts.backends if facts is not None else by_matrix(selection.matrix)
    apart = apart_by_isolation(selection.isolation, backends)
    able = pools
    if apart is not None:
        able = most_at_once(list(dict.fromkeys(key.pool for key in runnable or selection.keys)), apart)
    if wanted is None:
        return Workers(count=0, why="sequential (--odf)")
    if wanted == "auto":
        assert facts is not None
        if (why := facts.forbidden.get(NODES)) is not None:
            raise ClusterError(
                f"how many pools fit the nodes is not known, since they can not be read ({why}); "
                "give the number: --odf-parallel=N"
            )
        groups = [key.group for key in runnable or selection.keys]
        matrix = selection.matrix
        scaled: AutoScale = auto_scale(facts.nodes, demands(matrix, groups), pools, shapes(matrix, groups))
        if scaled.workers > able:
            return Workers(count=able, why=f"{scaled}, reduced to {able} by {_isolated(selection)}")
        return Workers(count=scaled.workers, why=str(scaled))
    count = int(wanted)
    if able < min(count, pools):
        return Workers(count=able, why=f"{count} asked for, reduced to {able} by {_isolated(selection)}")
    if count > pools:
        return Workers(count=pools, why=f"{count} asked for, reduced to the pools that can run: {pools}")
    return Workers(count=count, why=f"{count} asked for")


def _isolated(selection: Selection) -> str:
    return f"--odf-isolation {selection.isolation}"


def check_runnable(selection: Selection, facts: ClusterFacts) -> None:
    """Raise `ClusterError` if no pool of the selection can run, or VMs are not what the matrix says.

    Skipped tests are no failure, so a run without any other would end as if all were well.
    """
    for size in dict.fromkeys(key.size for key in selection.keys):
        if (why := facts.size_problems.get(size)) is not None:
            raise ClusterError(why)
    for pool, size in dict.fromkeys((key.pool, key.size) for key in selection.keys):
        raw = selection.matrix.target_of(pool) == "block" and facts.volume_modes.get(pool) == "Filesystem"
        if raw and selection.matrix.vm_size(size).machine == "pod":
            raise ClusterError(
                f"VM size {size} is a pod, and pool {pool} has the target block, but its volumes are file "
                "systems (volume_mode Filesystem): a pod has no disk on them; measure files there (target: "
                "file), or leave the size out: only.vm_sizes of the pool"
            )
    pools = dict.fromkeys(key.pool for key in selection.keys)
    problems = [f"{pool}: {facts.pool_problems[pool]}" for pool in pools if pool in facts.pool_problems]
    if len(problems) == len(pools):
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise ClusterError(f"no pool can run: {'; '.join(problems[:_SHOWN])}{more}")


def needs_cluster_to_scale(selection: Selection) -> bool:
    return selection.parallel == "auto"


def asks_for_backends(selection: Selection) -> bool:
    """Whether the cluster could say more of the backends that are kept apart than the matrix does."""
    pools = dict.fromkeys(key.pool for key in selection.keys)
    named = [selection.matrix.pool(pool).backend for pool in pools]
    isolated = selection.isolation == "backend" and selection.parallel is not None
    return isolated and len(pools) > 1 and None in named


def make_plan(
    selection: Selection,
    facts: ClusterFacts | None,
    *,
    run_id: str,
    run_dir: Path | None,
    checkpoint_dir: Path | None,
    earlier: Earlier,
    kubeconfig: str | None = None,
    owner: Mapping[str, str] | None = None,
    client_key: KeyPair | None = None,
    other_runs: Mapping[str, str] | None = None,
) -> Plan:
    """The plan of a run; without ``facts`` one that can only be collected."""
    every = [key for key in selection.keys for _ in range(selection.repeats)]
    matrix = selection.matrix
    storage: dict[str, Mapping[str, Any]] = {}
    if facts is not None:
        storage = {pool.name: facts.storage_facts(pool) for pool in matrix.pools}
    instancetypes = facts.instancetypes if facts is not None else {}
    definitions = {
        str(key): definition(key, matrix, storage.get(key.pool), instancetypes.get(key.size))
        for key in selection.keys
    }
    return Plan(
        run_id=run_id,
        run_dir=str(run_dir or ""),
        checkpoint_dir=str(checkpoint_dir or ""),
        matrix_json=to_json(matrix),
        selected=tuple(str(key) for key in selection.keys),
        definitions=definitions,
        done=earlier.done(definitions) if facts else earlier.presumably_done(definitions),
        pool_problems=dict(facts.pool_problems) if facts else {},
        pool_notes=dict(facts.pool_notes) if facts else {},
        estimates_s=pool_estimates_s(
            matrix, selection.jobs, every, dict.fromkeys(groups_of(every), selection.rounds)
        ),
        kubeconfig=kubeconfig,
        owner=owner or {},
        volume_modes=dict(facts.volume_modes) if facts else {},
        marking=facts.marking if facts else None,
        repeats=selection.repeats,
        rounds=selection.rounds,
        seed=selection.seed if selection.seed or not run_id else seed_of(run_id),
        backends={pool: to_plain(found) for pool, found in facts.backends.items()} if facts else {},
        root_backend=to_plain(facts.root_backend) if facts else None,
        caps={pool.name: facts.caps(pool) for pool in matrix.pools} if facts else {},
        ceph={pool: to_plain(found) for pool, found in facts.health.storage.items()} if facts else {},
        other_runs=other_runs or {},
        client_key_private=client_key.private if client_key else Hidden(""),
        client_key_public=client_key.public if client_key else "",
    )


def facts_json(facts: ClusterFacts) -> dict[str, Any]:
    """What was found, for run.json."""
    return asdict(facts)
