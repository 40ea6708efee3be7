"""The objects that a cluster has before anybody makes one: namespaces, roles, priorities, CRDs, APIServices.

Roles are those of kube-apiserver's bootstrap policy, for the kinds that are here, with what KubeVirt and CDI
add to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_odfperf.sandbox.api.front.openapi import as_openapi
from pytest_odfperf.sandbox.api.objects.object_store import Obj, Store, timestamp
from pytest_odfperf.sandbox.api.objects.paths import SUBRESOURCES
from pytest_odfperf.sandbox.api.objects.resources import BY_PATH, RESOURCES, Resource
from pytest_odfperf.sandbox.api.shapes.schema import shape_of

_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_APPS = ["daemonsets", "deployments", "replicasets", "statefulsets"]
_HELD = [
    "configmaps", "persistentvolumeclaims", "replicationcontrollers", "serviceaccounts", "services",
]  # fmt: skip
_VIRT = ["virtualmachines", "virtualmachineinstances"]


def _rule(groups: str, resources: list[str], verbs: list[str]) -> Obj:
    return {"apiGroups": groups.split(","), "resources": resources, "verbs": verbs}


_VIEW = [
    _rule("", [*_HELD, "endpoints", "persistentvolumeclaims/status", "pods", "services/status"], _READ),
    _rule("", ["limitranges", "namespaces", "namespaces/status", "pods/log", "pods/status"], _READ),
    _rule("", ["resourcequotas", "resourcequotas/status"], _READ),
    _rule(",events.k8s.io", ["events"], _READ),
    _rule("apps", _APPS, _READ),
    _rule("batch", ["cronjobs", "jobs"], _READ),
    _rule("kubevirt.io", _VIRT, _READ),
    _rule(SUBRESOURCES, ["virtualmachineinstances/guestosinfo"], ["get"]),
    _rule("cdi.kubevirt.io", ["datavolumes", "datasources"], _READ),
]
_EDIT = [
    *_VIEW,
    _rule("", ["secrets"], _READ),
    _rule("", ["serviceaccounts"], ["impersonate"]),
    _rule("", [*_HELD, "pods", "secrets"], _WRITE),
    _rule("", ["pods/eviction", "serviceaccounts/token"], ["create"]),
    _rule(",events.k8s.io", ["events"], _WRITE),
    _rule("apps", _APPS, _WRITE),
    _rule("batch", ["cronjobs", "jobs"], _WRITE),
    _rule("coordination.k8s.io", ["leases"], _READ + _WRITE),
    _rule("kubevirt.io", _VIRT, _WRITE),
    _rule(SUBRESOURCES, [f"{_VIRT[0]}/{verb}" for verb in ("start", "stop", "restart")], ["update"]),
    _rule(SUBRESOURCES, [f"{kind}/portforward" for kind in _VIRT], ["get"]),
    _rule("cdi.kubevirt.io", ["datavolumes", "datasources"], _WRITE),
    _rule("cdi.kubevirt.io", ["datavolumes/source"], ["create"]),
]
_ADMIN = [
    *_EDIT,
    _rule("authorization.k8s.io", ["localsubjectaccessreviews"], ["create"]),
    _rule(_RBAC, ["roles", "rolebindings"], _READ + _WRITE),
]
_INFO = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_DISCOVERY = [*_INFO, "/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"]
_CLUSTER_ROLES: dict[str, list[Obj]] = {
    "cluster-admin": [_rule("*", ["*"], ["*"]), {"nonResourceURLs": ["*"], "verbs": ["*"]}],
    "admin": _ADMIN,
    "edit": _EDIT,
    "view": _VIEW,
    "system:basic-user": [
        _rule("authorization.k8s.io", ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
        _rule("authentication.k8s.io", ["selfsubjectreviews"], ["create"]),
    ],
    "system:discovery": [{"nonResourceURLs": _DISCOVERY, "verbs": ["get"]}],
    "system:public-info-viewer": [{"nonResourceURLs": _INFO, "verbs": ["get"]}],
}
_BOUND = {
    "cluster-admin": ("system:masters",),
    "system:basic-user": ("system:authenticated",),
    "system:discovery": ("system:authenticated",),
    "system:public-info-viewer": ("system:authenticated", "system:unauthenticated"),
}
_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


def create_builtins(store: Store) -> None:
    """Put all of them into an empty store."""
    for resource, obj in (*_core(), *_roles(), *_definitions()):
        obj = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
        store.create(resource, obj)


def _core() -> Iterator[tuple[Resource, Obj]]:
    for name in _NAMESPACES:
        yield (
            BY_PATH["", "v1", "namespaces"],
            {
                "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            },
        )
    for name, value in _PRIORITIES.items():
        meta: dict[str, Any] = {"name": name}
        obj = {"metadata": meta, "value": value, "preemptionPolicy": "PreemptLowerPriority"}
        yield BY_PATH["scheduling.k8s.io", "v1", "priorityclasses"], obj
    meta = {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver"}}
    port = {"name": "https", "port": 443, "protocol": "TCP"}
    spec = {"type": "ClusterIP", "clusterIP": "10.96.0.1", "ports": [port]}
    yield BY_PATH["", "v1", "services"], {"metadata": meta, "spec": spec}


def _roles() -> Iterator[tuple[Resource, Obj]]:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    for name, rules in _CLUSTER_ROLES.items():
        meta = {"name": name, "labels": dict(labels)}
        yield BY_PATH[_RBAC, "v1", "clusterroles"], {"metadata": meta, "rules": rules}
    for name, groups in _BOUND.items():
        meta = {"name": name, "labels": dict(labels)}
        subjects = [{"kind": "Group", "apiGroup": _RBAC, "name": group} for group in groups]
        reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name}
        obj = {"metadata": meta, "roleRef": reference, "subjects": subjects}
        yield BY_PATH[_RBAC, "v1", "clusterrolebindings"], obj


def _definitions() -> Iterator[tuple[Resource, Obj]]:
    """The CRDs of the custom kinds, and an APIService for each group and version."""
    definitions = BY_PATH["apiextensions.k8s.io", "v1", "customresourcedefinitions"]
    for resource in RESOURCES:
        if not resource.custom:
            continue
        names: Obj = {"kind": resource.kind, "listKind": f"{resource.kind}List", "plural": resource.plural}
        names |= {"singular": resource.kind.lower(), "shortNames": list(resource.short)}
        version = {
            "name": resource.version,
            "served": True,
            "storage": True,
            "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": as_openapi(shape_of(resource), custom=True)},
        }
        spec: Obj = {
            "group": resource.group,
            "names": names,
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "versions": [version],
        }
        status = {
            "acceptedNames": names,
            "conditions": [_condition("NamesAccepted"), _condition("Established")],
            "storedVersions": [resource.version],
        }
        yield definitions, {"metadata": {"name": resource.full_name}, "spec": spec, "status": status}
    services = BY_PATH["apiregistration.k8s.io", "v1", "apiservices"]
    served = sorted({(resource.group, resource.version) for resource in RESOURCES} | {(SUBRESOURCES, "v1")})
    for group, name in served:
        spec = {"group": group, "version": name, "groupPriorityMinimum": 1000, "versionPriority": 15}
        if group == SUBRESOURCES:
            spec["service"] = {"name": "virt-api", "namespace": "openshift-cnv", "port": 443}
        status = {"conditions": [_condition("Available")]}
        yield services, {"metadata": {"name": f"{name}.{group}"}, "spec": spec, "status": status}


def _condition(kind: str) -> Obj:
    return {"type": kind, "status": "True", "lastTransitionTime": timestamp()}
