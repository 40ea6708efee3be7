"""Whether a pod could ever have a node: what it requests against what each node can give at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from pytest_odfperf.cluster.client.calls import JsonObject
from pytest_odfperf.errors import InputError
from pytest_odfperf.node_matching import has_affinity, has_labels, untolerated
from pytest_odfperf.quantity import parse_quantity


def requests_of(pod: JsonObject) -> dict[str, Decimal]:
    """What a launcher pod requests: the sum of its containers and sidecars, and one pod."""
    total: dict[str, Decimal] = {"pods": Decimal(1)}
    spec = pod.get("spec") or {}
    sidecars = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for container in (*sidecars, *(spec.get("containers") or ())):
        for name, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            total[name] = total.get(name, Decimal(0)) + parse_quantity(str(amount))
    return total


def never_fits(pod: JsonObject, nodes: Sequence[JsonObject]) -> str | None:
    """Why no node could hold ``pod`` even if it were empty; None if one could, or if that is not known."""
    short: Counter[str] = Counter()
    try:
        wanted = requests_of(pod)
        if nodes and all(_elsewhere(node, pod) for node in nodes):
            return "no node is of its node selector and node affinity"
        nodes = [node for node in nodes if not _repels(node, pod) and not _elsewhere(node, pod)]
        for node in nodes:
            given = (node.get("status") or {}).get("allocatable") or {}
            lacks = [
                name
                for name, amount in wanted.items()
                if name in given and amount > parse_quantity(str(given[name]))
            ]
            if not lacks:
                return None
            short.update(lacks)
    except InputError:
        return None
    if not nodes:
        return None
    told = ", ".join(f"{name} {_plain(wanted[name])}" for name in sorted(short))
    return f"no node is that large, even if it were empty: it requests {told}"


def _repels(node: JsonObject, pod: JsonObject) -> bool:
    """Whether a taint that somebody put there keeps the pod away; those of Kubernetes itself pass."""
    taints = [
        taint
        for taint in (node.get("spec") or {}).get("taints") or ()
        if not str(taint.get("key")).startswith("node.kubernetes.io/")
    ]
    return untolerated(taints, (pod.get("spec") or {}).get("tolerations") or ()) is not None


def _elsewhere(node: JsonObject, pod: JsonObject) -> bool:
    """Whether the pod's node selector or affinity leaves the node out; KubeVirt's own labels come and go."""
    spec, meta = pod.get("spec") or {}, node["metadata"]
    labels = meta.get("labels") or {}
    selector = {
        name: value
        for name, value in (spec.get("nodeSelector") or {}).items()
        if not name.partition("/")[0].endswith("kubevirt.io")
    }
    return not (has_labels(labels, selector) and has_affinity(meta["name"], labels, spec.get("affinity")))


def _plain(amount: Decimal) -> str:
    for unit, size in (("Gi", 1 << 30), ("Mi", 1 << 20)):
        if amount >= size:
            return f"{amount / size:.1f}{unit}"
    return f"{amount.normalize():f}"
