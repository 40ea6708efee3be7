"""While pools are made, their setup gives signs of life, so that no cleanup takes them away meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pytest_odfperf.errors import ClusterError, InterruptedRunError
from pytest_odfperf.matrix.model import Pool
from pytest_odfperf.run.heartbeat import Heartbeat
from pytest_odfperf.storage.pool_plan import PlannedPool
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.cluster.pools.setup_lease import SetupLease
    from pytest_odfperf.storage.site import StorageSite


_RELEASE_S = 5.0
#: The last request, whose answer is often there before it is awaited.
_INTERRUPTED_S = 1.0


@contextmanager
def held_setup(
    cluster: Cluster,
    namespace: str,
    sites: Mapping[StorageSite, Sequence[tuple[PlannedPool, Pool]]],
    stop: Stop,
    say: Callable[[str], None],
) -> Generator[None]:
    """Hold what the planned pools of ``sites`` are made of; that it can not be held is told, and no failure.

    Raises `InterruptedRunError`.
    """
    from pytest_odfperf.cluster.pools.setup_lease import SetupLease
    from pytest_odfperf.cluster.runs.run_lease import BEATS

    planned = [(site.namespace, plan) for site, members in sites.items() for plan, _ in members]
    planned = [(place, plan) for place, plan in planned if plan.fate in ("make", "there") and plan.makes]
    objects = [(kind, place, name) for place, plan in planned for kind, name in plan.awaited]
    lease = SetupLease(
        cluster,
        namespace,
        ceph_objects=dict.fromkeys(objects),
        storage_classes=dict.fromkeys(plan.storage_class for _, plan in planned),
    )
    heartbeat: Heartbeat | None = None
    try:
        try:
            lease.take(stop)
            heartbeat = Heartbeat(lease, lease.duration_s / BEATS, say)
        except InterruptedRunError:
            raise
        except ClusterError as error:
            say(f"note: others do not see that these pools are being made, and may remove them: {error}")
        yield
    finally:
        if heartbeat is not None:
            heartbeat.close()
        # Nobody waits for a server that does not answer: without signs of life the Lease ends by itself.
        release = threading.Thread(target=_released, args=(lease,), name="odfperf-setup", daemon=True)
        release.start()
        release.join(_INTERRUPTED_S if stop.is_set() else _RELEASE_S)


def _released(lease: SetupLease) -> None:
    with suppress(ClusterError):
        lease.release()
