"""Makes the pools of a selection: what is there is used as it is, what is missing is made, and awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_odfperf.errors import ClusterError, InterruptedRunError, one_line
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix, Pool
from pytest_odfperf.run.before.selection import Selection
from pytest_odfperf.schedule.jobs import Jobs, groups_of, job_of, layout_bytes
from pytest_odfperf.storage.feasibility import Need
from pytest_odfperf.storage.pool_plan import PlannedPool, plan_pools
from pytest_odfperf.storage.recipe_check import check_recipes, with_needed
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.storage.site import StorageSite

Say = Callable[[str], None]

#: What is older is not new to the autoscaler, which looks once a minute.
_NEW_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """What becomes of the pools that have a recipe, by Ceph cluster. ``notes``: what could not be read."""

    sites: Mapping[StorageSite, tuple[tuple[PlannedPool, Pool], ...]]
    notes: tuple[str, ...] = ()

    @property
    def pools(self) -> list[PlannedPool]:
        return [plan for _, plan in self.by_site]

    @property
    def by_site(self) -> list[tuple[StorageSite, PlannedPool]]:
        return [(site, plan) for site, members in self.sites.items() for plan, _ in members]

    @property
    def lines(self) -> list[str]:
        """For people: each pool's fate, and what could not be read."""
        return [*(plan.line for plan in self.pools), *(f"note: {note}" for note in self.notes)]


@dataclass(kw_only=True)
class SetUp:
    """How it ended. ``problems`` are the pools that can not be measured, and why."""

    problems: dict[str, str] = field(default_factory=dict)
    #: Pools that should be there and are not: a pool that the cluster can not have is none.
    failed: list[str] = field(default_factory=list)
    ready: int = 0
    #: All that were to be there.
    pools: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As run.json keeps it."""
        return {"pools": self.pools, "failed": self.failed, "problems": self.problems}


def pools_with_recipes(selection: Selection) -> list[Pool]:
    """The selected pools that have a recipe, each after those that it needs.

    Raises `InputError` for recipes that can not be made.
    """
    selected = {key.pool for key in selection.keys}
    pools = with_needed([pool for pool in selection.matrix.pools if pool.name in selected], selection.matrix)
    check_recipes(pools)
    return [pool for pool in pools if pool.recipe is not None]


def plan_setup(cluster: Cluster, selection: Selection, stop: Stop) -> PoolPlan:
    """Ask the cluster what becomes of the pools; nothing is made. Raises `OdfError`."""
    from pytest_odfperf.cluster.pools.site_reading import read_sites

    pools = pools_with_recipes(selection)
    if not any(pool.recipe is not None and pool.recipe.makes for pool in pools):
        return PoolPlan(sites={})
    needs = _needs(selection.matrix, selection.jobs, selection.keys)
    sites = {}
    notes: list[str] = []
    for site, members in read_sites(cluster, pools, stop).items():
        by_name = {pool.name: pool for pool in members}
        planned = plan_pools(members, site, needs, _account())
        sites[site] = tuple((plan, by_name[plan.pool]) for plan in planned)
        notes += site.notes
    return PoolPlan(sites=sites, notes=tuple(dict.fromkeys(notes)))


def set_up(
    cluster: Cluster, selection: Selection, stop: Stop, say: Say, held: ExitStack | None = None
) -> SetUp:
    """Make the pools of ``selection`` that are missing, and wait until they can be measured.

    What fails is one pool's alone: the others go on. Raises `OdfError` if nothing can be made at all, and
    `InterruptedRunError`; what was made until then stays, and another setup goes on with it. No
    cleanup removes the pools until ``held`` is closed, or without one until this returns.
    """
    from pytest_odfperf.run.before.setup.held_setup import held_setup

    plan = plan_setup(cluster, selection, stop)
    done = SetUp(pools=[planned.pool for planned in plan.pools if planned.makes])
    for line in plan.lines:
        say(line)
    for planned in plan.pools:
        if planned.fate in ("skipped", "refused"):
            done.problems[planned.pool] = f"it was not made: {planned.why}"
            if planned.fate == "refused":
                done.failed.append(planned.pool)
    with ExitStack() as own:
        if any(one.fate == "make" or _is_new(one, site) for site, one in plan.by_site):
            hold = held_setup(cluster, selection.matrix.namespace, plan.sites, stop, say)
            (held or own).enter_context(hold)
        for site, members in plan.sites.items():
            _make(cluster, site, members, selection.matrix, stop, say, done)
    done.problems = {pool: one_line(why) for pool, why in done.problems.items()}
    done.ready = sum(planned.pool not in done.problems for planned in plan.pools)
    return done


def _make(
    cluster: Cluster,
    site: StorageSite,
    members: Iterable[tuple[PlannedPool, Pool]],
    matrix: Matrix,
    stop: Stop,
    say: Say,
    done: SetUp,
) -> None:
    from pytest_odfperf.cluster.pools.making import make_pools
    from pytest_odfperf.cluster.pools.settling import settle

    wanted = [one for one in members if one[0].fate == "make"]
    deadline_s = float(matrix.timeouts.setup_s)
    try:
        failed = make_pools(cluster, site.namespace, wanted, deadline_s=deadline_s, stop=stop, say=say)
    except InterruptedRunError:
        raise
    except ClusterError as error:
        failed = {plan.pool: str(error) for plan, _ in wanted}
    fresh = [plan for plan, _ in members if plan.fate == "make" or _is_new(plan, site)]
    fresh = [plan for plan in fresh if plan.pool not in failed and plan.ceph_pools]
    unsettled: dict[str, str] = {}
    if fresh:
        pools = [name for plan in fresh for name in plan.ceph_pools]
        fixed = [name for plan in fresh if plan.fixed for name in plan.ceph_pools]
        say(_awaited(pools, fixed, deadline_s))
        unsettled, unknown = settle(
            cluster, site.namespace, pools, fixed, deadline_s=deadline_s, stop=stop, say=say
        )
        if unknown is not None:
            say(
                f"whether placement groups are settled is not known: {unknown}; pg_num in a recipe fixes them"
            )
    for plan in fresh:
        if whys := [f"{name}: {unsettled[name]}" for name in plan.ceph_pools if name in unsettled]:
            failed[plan.pool] = f"its placement groups are not settled: {'; '.join(whys)}"
    for plan, _ in members:
        if (why := failed.get(plan.pool)) is not None:
            done.problems[plan.pool] = why
            done.failed.append(plan.pool)
            say(f"pool {plan.pool} FAILED: {why}")
        elif plan.fate == "make":
            say(f"pool {plan.pool} is ready: StorageClass {plan.storage_class}")


def _awaited(pools: Sequence[str], fixed: Sequence[str], deadline_s: float) -> str:
    """What is waited for now, and how long it may take."""
    from pytest_odfperf.cluster.pools.settling import quiet_s

    names = list(dict.fromkeys(pools))
    text = f"waits until the placement groups of {', '.join(names)} are settled, at most {deadline_s:.0f} s"
    if open_yet := [name for name in names if name not in fixed]:
        text += (
            f"; their number in {', '.join(open_yet)} must stay the same for {quiet_s():.0f} s, since the "
            "autoscaler splits them (pg_num in a recipe fixes it)"
        )
    return text


def _is_new(plan: PlannedPool, site: StorageSite) -> bool:
    """Whether something behind a pool that is there was made so lately that its PGs may not be settled."""
    for kind, name in plan.awaited:
        made = ((site.objects(kind).get(name) or {}).get("metadata") or {}).get("creationTimestamp")
        try:
            age = datetime.now(tz=UTC) - datetime.fromisoformat(str(made))
        except (ValueError, TypeError):
            continue
        if age.total_seconds() < _NEW_S:
            return True
    return False


def _needs(matrix: Matrix, jobs: Jobs, keys: Iterable[Key]) -> dict[str, Need]:
    """What the largest VM group of each pool writes."""
    needs: dict[str, int] = {}
    for group, members in groups_of(keys).items():
        shared = layout_bytes(matrix, jobs, members)
        one = max(
            job_of(jobs, key).device_bytes
            or max(shared + job_of(jobs, key).own_files_bytes, job_of(jobs, key).files_bytes)
            for key in members
        )
        needs[group.pool] = max(needs.get(group.pool, 0), group.concurrency * one)
    return {pool: Need(written) for pool, written in needs.items()}


def _account() -> str:
    from pytest_odfperf.cluster.runs.run_holder import Holder

    return Holder.of_this_process().account
