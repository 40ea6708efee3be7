"""How many pools can run at once: the cluster's allocatable capacity over the average group's demand.

The formula and its truncation to whole GiB and cores are those of the bash suite that this plugin replaces
(``calculate_max_parallel_pools``), so that both choose the same number. It is a coarse bound over the whole
cluster; whether a single VM fits a node is for the scheduler of the cluster to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from pytest_odfperf.errors import ClusterError, InputError
from pytest_odfperf.matrix.keys import GroupKey
from pytest_odfperf.matrix.model import Matrix, VmShape
from pytest_odfperf.node_matching import has_affinity, has_labels, taint_text, untolerated
from pytest_odfperf.quantity import parse_quantity

#: Percent of the allocatable capacity that test VMs may have; the rest is for ODF, KubeVirt and others.
USABLE_PERCENT = 60

_GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCapacity:
    """A worker node as the API shows it; ``cpu`` and ``memory`` are quantities of ``status.allocatable``."""

    name: str
    cpu: str
    memory: str
    ready: bool
    schedulable: bool
    #: The node's word that its figures are not real measurements (``SIMULATED``).
    marking: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, Any], ...] = ()
    #: Whether it is a worker; others count only for VMs that say themselves where they go.
    worker: bool = True

    def refusal(self, shape: VmShape) -> str | None:
        """Why a VM of this shape can not be here, whatever room there is; None if it can."""
        reasons = [] if self.ready else ["not Ready"]
        if not self.schedulable:
            reasons.append("not schedulable")
        # Kubernetes marks both of these by taints too.
        taint = untolerated(self.taints, shape.tolerations)
        if taint is not None and not reasons:
            reasons.append(f"tainted {taint_text(taint)}")
        if not has_labels(self.labels, shape.node_selector):
            reasons.append("not of the node_selector")
        if not has_affinity(self.name, self.labels, shape.affinity):
            reasons.append("not of the affinity")
        if not self.worker and not (shape.node_selector or shape.affinity or shape.tolerations):
            reasons.append("not a worker")
        return " and ".join(reasons) or None


@dataclass(frozen=True, slots=True)
class GroupDemand:
    """What all VMs of one group ask for together."""

    vms: int
    vcpus: int
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoScale:
    """The number of pools to run at once, and every figure on the way to it."""

    nodes: int
    left_out: tuple[str, ...]
    total_memory_gib: int
    total_cores: int
    usable_memory_gib: int
    usable_cores: int
    average_memory_gib: int
    average_cores: int
    fit_by_memory: int
    fit_by_cpu: int
    pools: int
    workers: int

    def __str__(self) -> str:
        left_out = f" ({len(self.left_out)} left out)" if self.left_out else ""
        return (
            f"nodes {self.nodes} Ready{left_out}: {self.total_memory_gib} GiB, {self.total_cores} cores; "
            f"{USABLE_PERCENT} %: {self.usable_memory_gib} GiB, {self.usable_cores} cores; "
            f"average group {self.average_memory_gib} GiB, {self.average_cores} cores; "
            f"fit: {self.fit_by_memory} by memory, {self.fit_by_cpu} by CPU, "
            f"{self.pools} {'pool' if self.pools == 1 else 'pools'} -> {self.workers}"
        )


def demand(matrix: Matrix, group: GroupKey) -> GroupDemand:
    """What ``group`` asks for: its VMs times their size."""
    size = matrix.vm_size(group.size)
    return GroupDemand(
        group.concurrency, group.concurrency * size.vcpus, group.concurrency * size.memory_bytes
    )


def demands(matrix: Matrix, groups: Iterable[GroupKey]) -> tuple[GroupDemand, ...]:
    """The demand of each different group."""
    return tuple(demand(matrix, group) for group in dict.fromkeys(groups))


def shapes(matrix: Matrix, groups: Iterable[GroupKey]) -> tuple[VmShape, ...]:
    """The shapes of the VMs of ``groups``."""
    return tuple(
        matrix.shape_of(pool, size) for pool, size in dict.fromkeys((one.pool, one.size) for one in groups)
    )


def auto_scale(
    nodes: Sequence[NodeCapacity],
    groups: Sequence[GroupDemand],
    pools: int,
    shapes: Sequence[VmShape] = (VmShape(),),
) -> AutoScale:
    """How many of ``pools`` pools can run at once; ``groups`` are all that will run, in any order.

    A node counts if VMs of one of the ``shapes`` can be there.
    Raises `ClusterError` if no node can take a VM, and says of each node why.
    """
    if not groups or pools < 1:
        raise ValueError("no group runs, so there is nothing to scale")
    refusals = {node.name: [node.refusal(shape) for shape in shapes] for node in nodes}
    usable = [node for node in nodes if None in refusals[node.name]]
    left_out = tuple(
        f"{node.name}: {refusals[node.name][0]}" for node in nodes if node not in usable and node.worker
    )
    if not usable:
        reasons = "; ".join(left_out) or "the cluster has no worker node"
        raise ClusterError(
            f"no worker node can take a VM ({reasons}); uncordon one, or give a number: --odf-parallel=N"
        )
    total_memory_gib = round(Fraction(sum(_allocatable(node, "memory") for node in usable), _GIB))
    total_cores = round(sum(_allocatable(node, "cpu") for node in usable))
    usable_memory_gib = total_memory_gib * USABLE_PERCENT // 100
    usable_cores = total_cores * USABLE_PERCENT // 100
    average_memory_gib = max(1, sum(group.memory_bytes for group in groups) // len(groups) // _GIB)
    average_cores = max(1, sum(group.vcpus for group in groups) // len(groups))
    fit_by_memory = usable_memory_gib // average_memory_gib
    fit_by_cpu = usable_cores // average_cores
    return AutoScale(
        nodes=len(usable),
        left_out=left_out,
        total_memory_gib=total_memory_gib,
        total_cores=total_cores,
        usable_memory_gib=usable_memory_gib,
        usable_cores=usable_cores,
        average_memory_gib=average_memory_gib,
        average_cores=average_cores,
        fit_by_memory=fit_by_memory,
        fit_by_cpu=fit_by_cpu,
        pools=pools,
        workers=max(1, min(fit_by_memory, fit_by_cpu, pools)),
    )


def _allocatable(node: NodeCapacity, resource: str) -> Fraction:
    try:
        return Fraction(parse_quantity(getattr(node, resource)))
    except InputError as error:
        raise ClusterError(f"node {node.name}: allocatable {resource}: {error}") from error
