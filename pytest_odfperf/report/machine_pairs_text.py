"""The price of virtualisation in words and columns, for the page and for summary.md."""

from __future__ import annotations

from pytest_odfperf.matrix.values.limit import METRICS
from pytest_odfperf.measure.limits.limit_judgement import text_of
from pytest_odfperf.measure.machine_pairs import MachinePair, machine_pairs, mean_ratio
from pytest_odfperf.report.content.run_content import RunContent

HEADING = "Price of virtualisation"
HEADS = ("Key in VMs", "In pods", "Figure", "VM", "Pod", "VM / pod", "95 % interval", "Repeats")
_UNITS = {"rate": METRICS["iops"], "lat_p99": METRICS["p99"]}
_ROWS_OF = (("rate", "rate"), ("lat_p99", "p99"))


def pairs_of(content: RunContent) -> tuple[MachinePair, ...]:
    """All pairs of a run; none where nothing was measured in both."""
    return machine_pairs(content.records, content.matrix)


def in_one_line(content: RunContent) -> str:
    """The geometric means over all pairs; empty without pairs."""
    pairs = content.once(pairs_of)
    means = [(name, mean_ratio(pairs, metric)) for metric, name in _ROWS_OF]
    said = [f"{mean:.0%} of the {name}" for name, mean in means if mean is not None]
    keys = len({(pair.vm.key, pair.pod.key) for pair in pairs})
    of = "1 pair of keys" if keys == 1 else f"{keys} pairs of keys"
    return f"Over {of} VMs have {' and '.join(said)} of pods with the same CPUs and memory." if said else ""


def columns(pair: MachinePair) -> list[str]:
    """The cells after the two keys."""
    unit = _UNITS[pair.vm.metric]
    known = pair.low is not None and pair.high is not None
    counts = dict.fromkeys((pair.of_vm.count, pair.of_pod.count))
    return [
        pair.vm.what,
        text_of(pair.of_vm.geometric_mean, unit),
        text_of(pair.of_pod.geometric_mean, unit),
        f"{pair.ratio:.1%}",
        f"{pair.low:.1%} to {pair.high:.1%}" if known else "",
        " and ".join(map(str, counts)),
    ]
