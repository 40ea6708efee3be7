"""What roles and bindings may hold. Words are those of kube-apiserver 1.36."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.sandbox.api.rules.field_rules import (
    Problem,
    Rule,
    invalid,
    missing,
    one_of,
    unsupported,
)
from pytest_odfperf.sandbox.api.rules.name_forms import dns_subdomain, path_segment

_RBAC = "rbac.authorization.k8s.io"


def _rule(rule: Any) -> Iterator[Problem]:
    """Of a Role or ClusterRole."""
    urls = rule.get("nonResourceURLs")
    if urls:
        if any(rule.get(name) for name in ("apiGroups", "resources", "resourceNames")):
            problem = "rules cannot apply to both regular resources and non-resource URLs"
            yield invalid(urls, problem, "nonResourceURLs")
        return
    if not rule.get("apiGroups"):
        yield missing("apiGroups", "resource rules must supply at least one api group")
    if not rule.get("resources"):
        yield missing("resources", "resource rules must supply at least one resource")


def _of_role(rule: Any) -> Iterator[Problem]:
    if rule.get("nonResourceURLs"):
        problem = "namespaced rules cannot apply to non-resource URLs"
        yield invalid(rule["nonResourceURLs"], problem, "nonResourceURLs")
        return
    yield from _rule(rule)


def _subject(subject: Any) -> Iterator[Problem]:
    if subject.get("kind") == "ServiceAccount":
        for problem in dns_subdomain(subject.get("name") or ""):
            yield Problem(problem.reason, problem.words, "name")
        if subject.get("apiGroup"):
            yield unsupported(subject["apiGroup"], ("",), "apiGroup")
    elif subject.get("apiGroup", _RBAC) != _RBAC:
        yield unsupported(subject["apiGroup"], (_RBAC,), "apiGroup")


_BINDING: tuple[Rule, ...] = (("roleRef.apiGroup", one_of(_RBAC)), ("subjects[*]", _subject))
_SEGMENT: Rule = ("metadata.name", path_segment)

#: By kind.
RBAC_RULES: Mapping[str, tuple[Rule, ...]] = {
    "Role": (_SEGMENT, ("rules[*]", _of_role)),
    "ClusterRole": (
        _SEGMENT,
        ("rules[*]", _rule),
        (
            "aggregationRule",
            lambda rule: (
                []
                if rule.get("clusterRoleSelectors")
                else [
                    missing(
                        "clusterRoleSelectors",
                        "at least one clusterRoleSelector required if aggregationRule is non-nil",
                    )
                ]
            ),
        ),
    ),
    "RoleBinding": (_SEGMENT, *_BINDING),
    "ClusterRoleBinding": (_SEGMENT, ("roleRef.kind", one_of("ClusterRole")), *_BINDING),
}
