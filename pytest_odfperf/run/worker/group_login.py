"""Logs in to all guests of a group that runs, unless the API shows that one will never answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_odfperf.errors import GuestError, InterruptedRunError, OdfError
from pytest_odfperf.run.plan import Plan
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.causes.cause_table import Patience
    from pytest_odfperf.cluster.client.configured_client import Cluster
    from pytest_odfperf.cluster.groups.sentinel import Sentinel
    from pytest_odfperf.cluster.groups.vm_group import VmGroup
    from pytest_odfperf.guest.guest import Guest

#: What no new group would mend, though its VMs ran.
CLOUD_INIT = "cloud_init"
#: The API tells of a lost VM a moment after its connection does.
SETTLE_S = 1.0


def log_in(
    cluster: Cluster, plan: Plan, group: VmGroup, sentinel: Sentinel, patience: Patience
) -> tuple[Guest, ...]:
    """All guests of ``group``, connected. Raises `OdfError`; of a group that is lost, the reason of that."""
    from pytest_odfperf.cluster.groups.guest_console import ConsoleWatch
    from pytest_odfperf.guest.all_guests import connect_all

    with ConsoleWatch(cluster, group.spec, group.seen, sentinel, patience) as consoles:
        try:
            return connect_all(
                cluster,
                group.vms,
                plan.client_key_private,
                ssh_s=plan.matrix.timeouts.ssh_s,
                stop=sentinel.stop,
                gone=partial(_why_gone, group, sentinel.stop),
            )
        except (InterruptedRunError, GuestError) as error:
            if (lost := sentinel.settle(SETTLE_S)) is not None:
                raise lost from error
            if consoles.known:
                error.cause = CLOUD_INIT
            raise


def _why_gone(group: VmGroup, stop: Stop, vm: str) -> str | None:
    """Why ``vm`` will never answer again, if no sentinel sees it. A server that is silent leaves it open."""
    try:
        return group.lost(stop=stop).get(vm)
    except InterruptedRunError:
        raise
    except OdfError:
        return None
