"""Why a guest will never answer again, asked of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_odfperf.errors import InterruptedRunError, OdfError
from pytest_odfperf.waiting import Stop

if TYPE_CHECKING:
    from pytest_odfperf.cluster.groups.vm_group import VmGroup


def why_gone(group: VmGroup, stop: Stop, vm: str) -> str | None:
    """Why ``vm`` will never answer again, if no sentinel sees it. A server that is silent leaves it open."""
    try:
        return group.lost(stop=stop).get(vm)
    except InterruptedRunError:
        raise
    except OdfError:
        return None
