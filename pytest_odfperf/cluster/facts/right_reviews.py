"""Asks the API server whether this user may do something (SelfSubjectAccessReview); makes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_odfperf.cluster.client.calls import Calls
from pytest_odfperf.cluster.client.kinds import ACCESS_REVIEW
from pytest_odfperf.cluster.facts.rights import Place, Right


def missing_rights(
    calls: Calls, rights: Iterable[Right], namespaces: Mapping[Place, str | None]
) -> tuple[Right, ...]:
    """Those of ``rights`` that this user does not have. Raises `ApiError`."""
    return tuple(right for right in rights if not _is_granted(calls, right, namespaces[right.place]))


def _is_granted(calls: Calls, right: Right, namespace: str | None) -> bool:
    resource, _, sub = right.resource.partition("/")
    attributes = {"verb": right.verb, "group": right.group, "resource": resource, "subresource": sub}
    if namespace is not None:
        attributes["namespace"] = namespace
    if right.name:
        attributes["name"] = right.name
    if resource == "namespaces" and namespace is not None:
        attributes["name"] = namespace
    answer = calls.review(ACCESS_REVIEW, {"resourceAttributes": attributes})
    return bool((answer.get("status") or {}).get("allowed"))
