"""What the API server refused while a group was made: the cause, and what to do about it."""

from __future__ import annotations

from typing import NamedTuple

from pytest_odfperf.cluster.client.calls import ApiError
from pytest_odfperf.cluster.facts.rights import GRANT


class Refusal(NamedTuple):
    """A row: the HTTP statuses and the words that it is recognised by (no words: any)."""

    cause: str
    statuses: tuple[int | None, ...]
    marks: tuple[str, ...]
    next_step: str


REFUSALS: tuple[Refusal, ...] = (
    Refusal("quota", (403,), ("exceeded quota",),
            "ask for a larger quota, or choose smaller VMs, PVCs or a lower concurrency"),
    Refusal("namespace_terminating", (403,), ("being terminated", "NamespaceTerminating"),
            "the namespace is being deleted: wait, or take another one"),
    Refusal("limit_range", (403,), ("maximum ", "minimum "),
            "a LimitRange of the namespace refuses this size"),
    Refusal("clone_forbidden", (400, 403, 422), ("insufficient permissions in clone source",),
            "give the account the right to clone the image: oc apply -f deploy/clone-role.yaml"),
    Refusal("webhook_refused", (400, 403, 422), ("admission webhook",),
            "change what the message names, or ask the owner of the webhook"),
    Refusal("pod_security", (403,), ("security context constraint", "violates podsecurity"),
            "the namespace takes no such pod; see the message, and docs/pods.md"),
    Refusal("forbidden", (403,), (),
            "give the account of this kubeconfig the rights that the message names (deploy/)"),
    Refusal("unauthorized", (401,), (),
            "log in again (the token has expired or is wrong)"),
    Refusal("exists", (409,), (),
            "an object of this name is left from before; sweep the run, or take another run id"),
    Refusal("refused", (400, 404, 422), (),
            "see the message; is OpenShift Virtualization installed, and does the namespace exist?"),
    Refusal("webhook_down", (500,), ("failed calling webhook",),
            "a webhook of the control plane does not answer: oc get pods -n openshift-cnv"),
    Refusal("api", (None, 429, 500, 502, 503, 504), (),
            "see the message; the API server may be overloaded or away"),
)  # fmt: skip


def advice(error: ApiError) -> str:
    """What to do about an object of the run that was refused: ``next: ...``."""
    row = refusal(error)
    return GRANT if row.cause == "forbidden" else f"next: {row.next_step}"


def refusal(error: ApiError) -> Refusal:
    """The first row that ``error`` fits; the last one if none does."""
    return next(
        (
            row
            for row in REFUSALS
            if error.status in row.statuses
            and (not row.marks or any(mark.lower() in error.message.lower() for mark in row.marks))
        ),
        REFUSALS[-1],
    )
