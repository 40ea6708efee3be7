"""Whether a pod may go to a node: taints and tolerations, node selector, node affinity.

As Kubernetes' scheduler decides it (docs: Assigning Pods to Nodes; Taints and Tolerations). Room is another
question. Values are plain JSON, as the API has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

JsonObject = Mapping[str, Any]

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def untolerated(taints: Sequence[JsonObject], tolerations: Sequence[JsonObject]) -> JsonObject | None:
    """The first taint that keeps a pod with these tolerations away; None if none does."""
    return next(
        (
            taint
            for taint in taints
            if taint.get("effect") != "PreferNoSchedule"
            and not any(tolerates(toleration, taint) for toleration in tolerations)
        ),
        None,
    )


def tolerates(toleration: JsonObject, taint: JsonObject) -> bool:
    """Whether one toleration is for one taint."""
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    key = toleration.get("key")
    if toleration.get("operator") == "Exists":
        return key in (None, "", taint.get("key"))
    return key == taint.get("key") and (toleration.get("value") or "") == (taint.get("value") or "")


def taint_text(taint: JsonObject) -> str:
    """``bench=yes:NoSchedule``, as ``kubectl taint`` has it."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint.get('key')}{value}:{taint.get('effect')}"


def has_labels(labels: Mapping[str, str], selector: Mapping[str, str] | None) -> bool:
    """Whether a node's labels are what a node selector wants."""
    return all(labels.get(name) == value for name, value in (selector or {}).items())


def has_affinity(name: str, labels: Mapping[str, str], affinity: JsonObject | None) -> bool:
    """Whether a node matches what a node affinity requires: one of its terms as a whole."""
    required = ((affinity or {}).get("nodeAffinity") or {}).get(_REQUIRED)
    if required is None:
        return True
    return any(_matches(term, name, labels) for term in required.get("nodeSelectorTerms") or ())


def _matches(term: JsonObject, name: str, labels: Mapping[str, str]) -> bool:
    expressions = [(one, labels) for one in term.get("matchExpressions") or ()]
    expressions += [(one, {"metadata.name": name}) for one in term.get("matchFields") or ()]
    # A term without any expression matches no node.
    return bool(expressions) and all(_holds(one, values) for one, values in expressions)


def _holds(expression: JsonObject, labels: Mapping[str, str]) -> bool:
    operator, values = expression.get("operator"), expression.get("values") or ()
    found = labels.get(str(expression.get("key")))
    if operator == "In":
        return found in values
    if operator == "NotIn":
        return found not in values
    if operator == "Exists":
        return found is not None
    if operator == "DoesNotExist":
        return found is None
    if operator in ("Gt", "Lt") and found is not None and values:
        try:
            node, wanted = int(found), int(next(iter(values)))
        except ValueError:
            return False
        return node > wanted if operator == "Gt" else node < wanted
    return False
