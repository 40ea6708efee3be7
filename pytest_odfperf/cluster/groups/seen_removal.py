"""Removes a group whose objects are watched: a few deletes, one list, and the watch tells the rest."""

from __future__ import annotations

from pytest_odfperf.cluster.client.calls import Calls
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.client.kinds import SECRET
from pytest_odfperf.cluster.groups.group_kinds import GroupKinds
from pytest_odfperf.cluster.groups.pool_watch import GroupView
from pytest_odfperf.errors import ClusterError, DeadlineError
from pytest_odfperf.waiting import Deadline, Stop

#: A group that is not gone after this, or half of its time, is removed with lists and their errors instead.
_USUAL_S = 10.0


def remove_seen(
    cluster: Cluster,
    seen: GroupView,
    kinds: GroupKinds,
    namespace: str,
    selector: str,
    deadline: Deadline,
    stop: Stop,
) -> bool:
    """Delete a group all of whose objects were ``seen``; whether it is known that nothing of it is left.

    False says nothing of what is there: `remove` has to look. Raises `InterruptedRunError`.
    """
    if not seen.follows(*kinds.watched):
        return False
    calls = Calls(cluster, stop, outage_s=0.0)
    try:
        for kind in kinds.deleted:
            calls.delete_collection(kind, namespace, selector)
        usual = Deadline(deadline.awaited, min(_USUAL_S, deadline.left_s() / 2))
        seen.wait(lambda: _gone(seen, kinds), usual, stop, lambda: "watched")
        return not calls.items(SECRET, namespace, label_selector=selector)
    except (ClusterError, DeadlineError):
        return False


def _gone(seen: GroupView, kinds: GroupKinds) -> bool | None:
    """What a watch that broke no longer shows may still be there."""
    if not seen.follows(*kinds.watched):
        raise ClusterError("a watch broke")
    return True if not any(seen.of(kind) for kind in kinds.watched) else None
