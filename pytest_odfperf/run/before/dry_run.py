"""The text of a dry run. Asks the cluster only if its capacity or backends decide what runs at one time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_odfperf.errors import ClusterError
from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.run.before.earlier_results import Earlier
from pytest_odfperf.run.before.prepare import (
    asks_for_backends,
    choose_workers,
    make_plan,
    needs_cluster_to_scale,
)
from pytest_odfperf.run.before.selection import Selection
from pytest_odfperf.run.before.setup.make_pools import planned_lines
from pytest_odfperf.schedule.backends import by_matrix
from pytest_odfperf.schedule.plan_text import plan_text
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.facts.cluster_facts import ClusterFacts

#: The tests that ship with the plugin.
_TEST, _CAPACITY = "test_storage", "test_capacity"


def dry_run_text(selection: Selection, earlier: Earlier, stop: Stop) -> str:
    """What would run, and what it would take. Creates nothing on the cluster.

    Raises `ClusterError` if the workers are to be sized by a cluster that can not be reached.
    """
    facts, why_not = _ask(selection, stop)
    plan = make_plan(selection, facts, run_id="", run_dir=None, checkpoint_dir=None, earlier=earlier)
    workers = choose_workers(selection, facts)
    every = [(key, repeat) for key in selection.keys for repeat in range(1, selection.repeats + 1)]
    test = _CAPACITY if selection.matrix.asks_capacity else _TEST
    todo = [(key, repeat) for key, repeat in every if not plan.is_done(_node(test, key, repeat), key)]
    visits = {(key.group, plan.round_of(repeat)) for key, repeat in todo}
    text = plan_text(
        matrix=selection.matrix,
        keys=[key for key, _ in todo],
        jobs=selection.jobs,
        workers=max(1, workers.count),
        why=workers.why,
        done=len(every) - len(todo),
        repeats=selection.repeats,
        rounds=selection.rounds,
        rounds_left=Counter(group for group, _ in visits),
        pool_problems=plan.pool_problems,
        isolation=selection.isolation,
        backends=facts.backends if facts is not None else by_matrix(selection.matrix, why_not),
    )
    if not selection.makes_pools:
        return text
    return "\n".join([*planned_lines(selection, stop), "", text])


def _ask(selection: Selection, stop: Stop) -> tuple[ClusterFacts | None, str | None]:
    """What the cluster is, and why it could not be asked, where both would be wanted."""
    if not (needs_cluster_to_scale(selection) or asks_for_backends(selection)):
        return None, None
    from pytest_odfperf.run.before.cluster_choice import open_cluster

    try:
        with open_cluster(selection, stop) as opened:
            return opened.facts, None
    except ClusterError as error:
        if needs_cluster_to_scale(selection):
            raise
        return None, f"the cluster could not be asked: {error}"


def _node(test: str, key: Key, repeat: int) -> str:
    return f"odfperf::{test}[{key}]" if repeat == 1 else f"odfperf::{test}[{key}-r{repeat}]"
