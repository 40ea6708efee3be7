"""Discovery: which groups, versions and kinds there are."""

from __future__ import annotations

from typing import Any

from pytest_odfperf.sandbox.api.objects.paths import SUBRESOURCES
from pytest_odfperf.sandbox.api.objects.resources import RESOURCES

VERSION = {
    "major": "1",
    "minor": "34",
    "gitVersion": "v1.34.0+odfperf-sandbox",
    "platform": "linux/amd64",
}

#: KubeVirt's own API and the RBAC verb of each part.
_KUBEVIRT = {
    "virtualmachineinstances/guestosinfo": "get",
    "virtualmachineinstances/portforward": "get",
    "virtualmachines/portforward": "get",
    "virtualmachines/restart": "update",
    "virtualmachines/start": "update",
    "virtualmachines/stop": "update",
}


def discovery(path: str) -> dict[str, Any] | None:
    """The document at ``path``, or None."""
    path = path.rstrip("/")
    if not path:
        under = sorted({f"/apis/{resource.group}" for resource in RESOURCES if resource.group})
        return {"paths": ["/api", "/api/v1", "/apis", *under, "/healthz", "/openapi/v2", "/version"]}
    if path == "/version":
        return VERSION
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    versions = {resource.group: resource.version for resource in RESOURCES if resource.group}
    versions[SUBRESOURCES] = "v1"
    if path == "/apis":
        groups = [_group(group, version) for group, version in versions.items()]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    parts = path.strip("/").split("/")
    if parts == ["api", "v1"]:
        return _resources("", "v1")
    if parts[0] == "apis" and len(parts) == 2 and parts[1] in versions:
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(parts[1], versions[parts[1]])}
    if parts[0] == "apis" and len(parts) == 3 and versions.get(parts[1]) == parts[2]:
        return _resources(parts[1], parts[2])
    return None


def _group(group: str, version: str) -> dict[str, Any]:
    entry = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [entry], "preferredVersion": entry}


def _resources(group: str, version: str) -> dict[str, Any]:
    listed = [
        entry
        for resource in RESOURCES
        if (resource.group, resource.version) == (group, version)
        for entry in resource.discovery()
    ]
    if group == SUBRESOURCES:
        listed = [_subresource(name, verb) for name, verb in _KUBEVIRT.items()]
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}


def _subresource(name: str, verb: str) -> dict[str, Any]:
    kind = "VirtualMachineInstance" if name.startswith("virtualmachineinstances") else "VirtualMachine"
    return {"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": [verb]}
