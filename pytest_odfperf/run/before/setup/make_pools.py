"""``--odf-setup``: makes the pools of a selection, or shows what would be made, and measures nothing."""

from __future__ import annotations

from collections.abc import Callable

from pytest_odfperf.errors import ClusterError, InterruptedRunError, one_line
from pytest_odfperf.run.before.cluster_choice import open_access
from pytest_odfperf.run.before.selection import Selection
from pytest_odfperf.run.before.setup.pool_setup import plan_setup, pools_with_recipes, set_up
from pytest_odfperf.schedule.plan_text import count_text
from pytest_odfperf.waiting import Stop

_REMOVE = "remove what was made with: pytest --odf-cleanup --odf-pools"

ALL_THERE, NOT_ALL_THERE = 0, 1


def make_pools(
    selection: Selection, stop: Stop, say: Callable[[str], None], *, only_show: bool = False
) -> int:
    """Make them; the exit code. A pool that the cluster can not have is no failure, unless all are so.

    Raises `OdfError` if nothing can be made at all.
    """
    pools = [pool for pool in pools_with_recipes(selection) if pool.recipe is not None and pool.recipe.makes]
    if not pools:
        say("no selected pool has a recipe that says how it is made: nothing to do (docs/pools.md)")
        return ALL_THERE
    with open_access(selection, stop) as (cluster, _):
        if only_show:
            for line in plan_setup(cluster, selection, stop).lines:
                say(line)
            return ALL_THERE
        try:
            done = set_up(cluster, selection, stop, say)
        except (InterruptedRunError, KeyboardInterrupt):
            say(f"interrupted: what was made stays, and --odf-setup goes on with it; {_REMOVE}")
            raise
    skipped = len(done.problems) - len(done.failed)
    ready = count_text(range(done.ready), "pool")
    say(f"{ready} ready, {skipped} skipped, {len(done.failed)} failed; nothing was measured; {_REMOVE}")
    return NOT_ALL_THERE if done.failed or not done.ready else ALL_THERE


def planned_lines(selection: Selection, stop: Stop) -> list[str]:
    """What a run would make first, for a dry run; that it is not known, if the cluster could not be asked."""
    try:
        with open_access(selection, stop) as (cluster, _):
            lines = plan_setup(cluster, selection, stop).lines
    except ClusterError as error:
        return [one_line(f"what would be made first is not known: {error}")]
    return ["made first (odf_setup):", *(f"  {one_line(line)}" for line in lines)] if lines else []
