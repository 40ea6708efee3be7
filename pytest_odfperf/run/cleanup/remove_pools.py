"""``--odf-cleanup --odf-pools``: removes pools that the plugin made, and none that holds anybody's data."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_odfperf.matrix.reading.load import load_matrix
from pytest_odfperf.run.before.cluster_choice import connect_for_cleanup
from pytest_odfperf.run.before.selection import DEFAULT_MATRIX
from pytest_odfperf.schedule.plan_text import count_text
from pytest_odfperf.waiting import Stop

ALL_GONE, SOMETHING_STAYS = 0, 1


def remove_pools(
    *,
    matrix: str | None,
    pools: Sequence[str],
    cluster: str | None,
    whoever: bool,
    only_show: bool,
    stop: Stop,
    say: Callable[[str], None],
) -> int:
    """Remove them; the exit code. ``matrix`` and ``pools`` say which pools, and with ``whoever`` all that the
    plugin made are meant; else those that this account made.

    Raises `InputError` and `ClusterError`.
    """
    from pytest_odfperf.cluster.pools.removing import PoolRemoval
    from pytest_odfperf.cluster.runs.run_holder import Holder

    loaded = load_matrix(matrix or DEFAULT_MATRIX)
    connected = connect_for_cleanup(cluster or loaded.cluster or "kubeconfig", stop)
    wanted = list(pools) or ([pool.name for pool in loaded.pools] if matrix else None)
    account = None if whoever or wanted is not None else Holder.of_this_process().account
    removal = PoolRemoval(connected, loaded.namespace, stop, wanted, account)
    plan = removal.plan()
    of = "" if wanted is None else f" for {', '.join(wanted[:5])}{' and others' if len(wanted) > 5 else ''}"
    say(f"cluster {connected.server}: {count_text(plan, 'object')} of storage made by the plugin{of}")
    for note in removal.notes:
        say(f"note: {note}")
    if only_show:
        for one in plan:
            say(one.line)
        return ALL_GONE
    return ALL_GONE if removal.remove(loaded.timeouts.delete_s, say) else SOMETHING_STAYS
