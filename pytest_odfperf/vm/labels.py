"""Labels that every object of a run carries, and the selectors that find them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_odfperf.matrix.keys import GroupKey

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "pytest-odfperf"
RUN = "odfperf/run-id"
POOL = "odfperf/pool"
VM_SIZE = "odfperf/vm-size"
PVC_SIZE = "odfperf/pvc-size"
CONCURRENCY = "odfperf/concurrency"
#: Which VM an object was made for.
VM = "odfperf/vm"
#: On pods that keys are measured in. The launcher pods of VMs carry all the other labels too.
MACHINE = "odfperf/machine"
#: A node's word that its figures are not real measurements.
MARKING = "odfperf/marking"


def run_labels(run_id: str) -> dict[str, str]:
    return {MANAGED_BY: MANAGER, RUN: _given("run id", run_id)}


def group_labels(run_id: str, group: GroupKey) -> dict[str, str]:
    return {
        **run_labels(run_id),
        POOL: group.pool,
        VM_SIZE: group.size,
        PVC_SIZE: group.pvc,
        CONCURRENCY: str(group.concurrency),
    }


def run_selector(run_id: str) -> str:
    """What selects every object of a run. `ValueError` without a run id: it would select everything."""
    return f"{RUN}={_given('run id', run_id)}"


def pool_selector(run_id: str, pool: str) -> str:
    """What selects the objects of one pool of a run; the object that owns the run is not among them."""
    return f"{run_selector(run_id)},{POOL}={_given('pool', pool)}"


def group_selector(run_id: str, group: GroupKey) -> str:
    labels = group_labels(run_id, group)
    return ",".join(f"{name}={value}" for name, value in labels.items() if name != MANAGED_BY)


def own_pods(selector: str) -> str:
    """What selects the pods that a run made itself, among what ``selector`` selects."""
    return f"{_given('selector', selector)},{MACHINE}=pod"


def is_own_pod(pod: Mapping[str, Any]) -> bool:
    """Whether keys are measured in ``pod``: it is no launcher of a VM."""
    return (pod["metadata"].get("labels") or {}).get(MACHINE) == "pod"


def _given(what: str, value: str) -> str:
    if not value:
        raise ValueError(f"a {what} is needed: an empty one would select everything in the namespace")
    return value
