"""Waits until the placement groups of pools are settled, as far as Ceph's manager can be asked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence

from pytest_odfperf.cluster.client.calls import ApiError
from pytest_odfperf.cluster.client.configured_client import Cluster
from pytest_odfperf.cluster.facts.ceph.mgr_metrics import read_metrics
from pytest_odfperf.prometheus_text import read_samples
from pytest_odfperf.storage.pg_settling import METRICS, QUIET_S, Settling, look_of
from pytest_odfperf.waiting import Deadline, Stop

#: The manager collects its metrics every 15 s; what it is asked between answers from what it has.
POLL_S = 2.0
#: In which the metrics may be away, as while the manager changes.
_AWAY_S = 20.0
#: Between two lines on what is awaited.
_TELL_S = 15.0


def quiet_s() -> float:
    """How long the number of PGs must stay the same."""
    return max(0.0, float(os.environ.get("ODFPERF_PG_QUIET_S", QUIET_S)))


def settle(
    cluster: Cluster,
    namespace: str,
    pools: Sequence[str],
    fixed: Iterable[str],
    *,
    deadline_s: float,
    stop: Stop,
    say: Callable[[str], None],
) -> tuple[dict[str, str], str | None]:
    """Wait for the PGs of ``pools``, as Ceph calls them: those not settled in time, and in what state.

    Beside it, why nothing is known of PGs, if so. ``say`` is told now and then what is awaited.
    Raises `InterruptedRunError`.
    """
    settling = Settling(pools, fixed, quiet_s())
    deadline = Deadline("the placement groups to be settled", deadline_s)
    heard_s = told_s = time.monotonic()
    while True:
        stop.check()
        try:
            look = look_of(read_samples(read_metrics(cluster, namespace), METRICS))
        except ApiError as error:
            refused = error.status in (403, 404)
            if refused or time.monotonic() - heard_s > min(_AWAY_S, deadline_s):
                return {}, str(error)
        else:
            heard_s = time.monotonic()
            left = settling.unsettled(look, heard_s)
            if not left:
                return {}, None
            if heard_s - told_s > _TELL_S:
                told_s = heard_s
                name, why = next(iter(left.items()))
                more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
                say(f"not settled yet: {name}: {why}{more}; {deadline.left_s():.0f} s are left")
            if deadline.passed() or settling.is_hopeless(look, heard_s):
                return left, None
        stop.sleep(min(POLL_S, max(0.05, deadline.left_s())))
