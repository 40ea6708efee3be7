"""Affinity to pods and against them: what the scheduler requires of a node for the sake of others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_odfperf.node_matching import has_labels
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import Obj

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def pods_refusal(node: Obj, pod: Obj, placed: Sequence[tuple[Obj, Obj]]) -> str | None:
    """Why ``pod`` can not be on ``node`` beside the pods that are ``placed`` (with their nodes)."""
    for term in _terms(pod, "podAffinity"):
        others = _others(term, pod, placed)
        # The first of those that want to be together is its own company.
        if not (_near(term, node, others) if others else _selects(term, pod, pod)):
            return "node(s) didn't match pod affinity rules"
    if any(_near(term, node, _others(term, pod, placed)) for term in _terms(pod, "podAntiAffinity")):
        return "node(s) didn't match pod anti-affinity rules"
    for other, where in placed:
        terms = _terms(other, "podAntiAffinity")
        if any(_selects(term, other, pod) and _near(term, node, [where]) for term in terms):
            return "node(s) didn't satisfy existing pods anti-affinity rules"
    return None


def _terms(pod: Obj, sort: str) -> list[Obj]:
    return ((pod["spec"].get("affinity") or {}).get(sort) or {}).get(_REQUIRED) or []


def _others(term: Obj, pod: Obj, placed: Iterable[tuple[Obj, Obj]]) -> list[Obj]:
    """The nodes of the pods that a term of ``pod`` speaks of."""
    return [node for other, node in placed if _selects(term, pod, other)]


def _selects(term: Obj, pod: Obj, other: Obj) -> bool:
    """Whether a term of ``pod`` speaks of ``other``: by labels, in its namespace unless it names others."""
    namespaces = term.get("namespaces") or [pod["metadata"]["namespace"]]
    if term.get("namespaceSelector") != {} and other["metadata"]["namespace"] not in namespaces:
        return False
    selector, labels = term.get("labelSelector"), other["metadata"].get("labels") or {}
    if selector is None or not has_labels(labels, selector.get("matchLabels")):
        return False
    return all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(expression: Obj, labels: dict[str, str]) -> bool:
    found, values = labels.get(expression["key"]), expression.get("values") or ()
    holds: dict[str, bool] = {
        "In": found in values,
        "NotIn": found not in values,
        "Exists": found is not None,
        "DoesNotExist": found is None,
    }
    return holds[expression["operator"]]


def _near(term: Obj, node: Obj, others: Iterable[Obj]) -> bool:
    """Whether ``node`` is in the same place as one of ``others``, by the label that the term names."""
    key = term["topologyKey"]
    here = (node["metadata"].get("labels") or {}).get(key)
    return here is not None and any(
        (other["metadata"].get("labels") or {}).get(key) == here for other in others
    )
