"""Which nodes a VM may go to: taints, selectors and affinities as Kubernetes reads them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_odfperf.matrix.model import VmShape
from pytest_odfperf.node_matching import has_affinity, has_labels, tolerates, untolerated
from pytest_odfperf.schedule.capacity import GroupDemand, NodeCapacity, auto_scale

TAINT = {"key": "bench", "value": "yes", "effect": "NoSchedule"}
LABELS = {"zone": "a", "cores": "16", "empty": ""}


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "bench", "operator": "Exists"}, True),
        ({"key": "bench", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"key": "bench", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "bench", "value": "yes"}, True),
        ({"key": "bench", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}, True),
        ({"key": "bench", "value": "no"}, False),
        ({"key": "bench"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_tolerations(toleration: dict[str, Any], expected: bool) -> None:
    assert tolerates(toleration, TAINT) == expected
    assert (untolerated([TAINT], [toleration]) is None) == expected


def test_a_taint_that_only_prefers_keeps_nobody_away() -> None:
    assert untolerated([{**TAINT, "effect": "PreferNoSchedule"}], []) is None
    other = {"key": "b", "effect": "NoExecute"}
    assert untolerated([TAINT, other], [{"key": "bench", "operator": "Exists"}]) == other


@pytest.mark.parametrize(
    ("key", "operator", "values", "expected"),
    [
        ("zone", "In", ["a", "b"], True),
        ("zone", "In", ["b"], False),
        ("none", "In", ["b"], False),
        ("zone", "NotIn", ["b"], True),
        ("none", "NotIn", ["b"], True),
        ("zone", "NotIn", ["a"], False),
        ("zone", "Exists", None, True),
        ("none", "Exists", None, False),
        ("none", "DoesNotExist", None, True),
        ("zone", "DoesNotExist", None, False),
        ("cores", "Gt", ["8"], True),
        ("cores", "Gt", ["16"], False),
        ("cores", "Lt", ["17"], True),
        ("none", "Lt", ["17"], False),
        ("zone", "Gt", ["1"], False),
    ],
)
def test_expressions(key: str, operator: str, values: list[str] | None, expected: bool) -> None:
    expression = {"key": key, "operator": operator, **({"values": values} if values else {})}
    assert has_affinity("w1", LABELS, required({"matchExpressions": [expression]})) == expected


def required(*terms: dict[str, Any]) -> dict[str, Any]:
    rule = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    return {"nodeAffinity": rule}


def test_terms_are_ored_and_their_parts_are_anded() -> None:
    yes = {"key": "zone", "operator": "In", "values": ["a"]}
    no = {"key": "zone", "operator": "In", "values": ["b"]}
    name = {"key": "metadata.name", "operator": "In", "values": ["w1"]}
    assert has_affinity("w1", LABELS, required({"matchExpressions": [no]}, {"matchExpressions": [yes]}))
    assert not has_affinity("w1", LABELS, required({"matchExpressions": [yes, no]}))
    assert has_affinity("w1", LABELS, required({"matchExpressions": [yes], "matchFields": [name]}))
    assert not has_affinity("w2", LABELS, required({"matchExpressions": [yes], "matchFields": [name]}))
    assert not has_affinity("w1", LABELS, required({}))
    assert has_affinity("w1", LABELS, {"podAffinity": {}})


def test_a_selector_wants_all_of_its_labels() -> None:
    assert has_labels(LABELS, {"zone": "a", "empty": ""})
    assert not has_labels(LABELS, {"zone": "a", "none": ""})
    assert has_labels(LABELS, None)


def node(name: str, **changes: Any) -> NodeCapacity:
    usual: dict[str, Any] = {"cpu": "96", "memory": "512Gi", "ready": True, "schedulable": True}
    return NodeCapacity(name=name, **{**usual, **changes})


def test_only_nodes_where_the_vms_may_go_count() -> None:
    nodes = [
        node("w0"),
        node("w1", taints=(TAINT,), labels={"bench": "yes"}),
        node("infra", worker=False, labels={"bench": "yes"}),
    ]
    demand = [GroupDemand(1, 2, 4 << 30)]
    usual = auto_scale(nodes, demand, 9)
    assert (usual.nodes, usual.left_out) == (1, ("w1: tainted bench=yes:NoSchedule",))
    bench = VmShape(node_selector={"bench": "yes"}, tolerations=({"key": "bench", "operator": "Exists"},))
    placed = auto_scale(nodes, demand, 9, [bench])
    assert (placed.nodes, placed.left_out) == (2, ("w0: not of the node_selector",))
    assert auto_scale(nodes, demand, 9, [VmShape(), bench]).nodes == 3
