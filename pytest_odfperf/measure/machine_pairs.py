"""The price of virtualisation: figures of keys that were measured in VMs, beside those of the same in pods.

Two keys are the same but for their machine if pool, PVC size, number of machines, profile and block size are,
and CPUs and memory of their VM sizes. The ratio is of geometric means; its interval is Welch's on logarithms
(Welch 1947, with Satterthwaite's degrees of freedom).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix
from pytest_odfperf.measure.compare.compared_figures import Cell, RunFigures, figures_of
from pytest_odfperf.measure.record import Record
from pytest_odfperf.measure.statistics.spread import CONFIDENCE, Spread, spread_of
from pytest_odfperf.measure.statistics.t_distribution import t_quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePair:
    """One figure in VMs and in pods; ``ratio`` is the VMs' over the pods'."""

    vm: Cell
    pod: Cell
    #: IOPS or ns.
    of_vm: Spread
    of_pod: Spread
    ratio: float
    #: The 95 % interval of the ratio; None unless both have repeats.
    low: float | None = None
    high: float | None = None
    #: By what one of the results is doubted; empty: by nothing.
    suspect: str = ""


def machine_pairs(records: Iterable[Record], matrix: Matrix) -> tuple[MachinePair, ...]:
    """All figures that there are in both, in the order of the VMs' keys. Nothing of an invalid result."""
    twins = _twins(matrix)
    if not twins:
        return ()
    figures = figures_of(records)
    return tuple(_pairs(figures, twins))


def mean_ratio(pairs: Iterable[MachinePair], metric: str) -> float | None:
    """The geometric mean of the ratios of one metric; None where there are none."""
    ratios = [pair.ratio for pair in pairs if pair.vm.metric == metric]
    return math.exp(statistics.fmean(map(math.log, ratios))) if ratios else None


def _twins(matrix: Matrix) -> Mapping[str, Sequence[str]]:
    """VM sizes of VMs, and of pods that are as large."""
    found = {
        size.label: [
            pod.label
            for pod in matrix.vm_sizes
            if pod.machine == "pod" and (pod.vcpus, pod.memory_bytes) == (size.vcpus, size.memory_bytes)
        ]
        for size in matrix.vm_sizes
        if size.machine == "vm"
    }
    return {vm: pods for vm, pods in found.items() if pods}


def _pairs(figures: RunFigures, twins: Mapping[str, Sequence[str]]) -> Iterator[MachinePair]:
    for cell, values in figures.values.items():
        for size in twins.get(cell.key.size, ()):
            twin = replace(cell, key=replace(cell.key, size=size))
            if (others := figures.values.get(twin)) is not None:
                yield _pair(cell, values, twin, others, figures.suspect)


def _pair(
    vm: Cell, in_vm: Sequence[float], pod: Cell, in_pod: Sequence[float], suspect: Mapping[Key, str]
) -> MachinePair:
    of_vm, of_pod = spread_of(in_vm), spread_of(in_pod)
    ratio = of_vm.geometric_mean / of_pod.geometric_mean
    reach = _reach(in_vm, in_pod)
    doubts = [suspect[key] for key in (vm.key, pod.key) if suspect.get(key)]
    return MachinePair(
        vm=vm,
        pod=pod,
        of_vm=of_vm,
        of_pod=of_pod,
        ratio=ratio,
        low=None if reach is None else ratio * math.exp(-reach),
        high=None if reach is None else ratio * math.exp(reach),
        suspect="; ".join(dict.fromkeys(doubts)),
    )


def _reach(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Half of the interval's width, as a logarithm."""
    if min(len(one), len(other)) < 2:
        return None
    parts = [
        (statistics.variance([math.log(value) for value in values]) / len(values), len(values) - 1)
        for values in (one, other)
    ]
    whole = sum(part for part, _ in parts)
    if whole == 0:
        return 0.0
    freedom = whole**2 / sum(part**2 / free for part, free in parts)
    # As far as numbers reach: two repeats that lie far apart allow nearly anything.
    return min(300.0, t_quantile((1 + CONFIDENCE) / 2, freedom) * math.sqrt(whole))
