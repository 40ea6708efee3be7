"""What the preflight says of pools that a run will make first, and of the rights that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_odfperf.errors import ClusterError, InterruptedRunError
from pytest_odfperf.preflight.check import Check, doubtful, failed, passed
from pytest_odfperf.run.before.selection import Selection
from pytest_odfperf.run.before.setup.pool_setup import plan_setup
from pytest_odfperf.storage.pool_plan import PlannedPool
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.cluster.facts.rights import Right

_WHAT = "pools that are made"


def setup_checks(cluster: Cluster, selection: Selection, stop: Stop) -> tuple[dict[str, Check], list[Check]]:
    """A check for each pool that is not simply there, by its name, and further ones. Nothing is made."""
    if not selection.makes_pools:
        return {}, []
    try:
        plan = plan_setup(cluster, selection, stop)
    except InterruptedRunError:
        raise
    except ClusterError as error:
        return {}, [failed(_WHAT, str(error), "make them, or run without odf_setup")]
    notes = [doubtful(_WHAT, note, "docs/pools.md") for note in plan.notes]
    return {one.pool: _check(one) for one in plan.pools if one.fate != "there"}, notes


def _check(plan: PlannedPool) -> Check:
    what = f"pool {plan.pool}"
    if plan.fate == "make":
        made = ", ".join(map(str, plan.missing)) or "nothing, it is awaited"
        return passed(what, f"will be made first: {made}")
    if plan.fate == "skipped":
        return doubtful(
            what, f"will be skipped: {plan.why}", "another recipe, or leave the pool out: --odf-pool"
        )
    return failed(what, plan.why, "see the message")


def rights_of_setup(selection: Selection) -> tuple[Right, ...]:
    """The rights that making the pools takes beside those of a run; none if none are made."""
    from pytest_odfperf.cluster.facts.rights import setup_rights

    if not selection.makes_pools:
        return ()
    # Removal is another command's.
    return tuple(right for right in setup_rights() if right.verb in ("get", "create"))
