"""Which object a URL path names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from pytest_odfperf.sandbox.api.objects.resources import BY_PATH, Resource
from pytest_odfperf.sandbox.api.objects.status import no_such_path

SUBRESOURCES = "subresources.kubevirt.io"

_PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>.+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A collection (no name), an object, or a subresource of it."""

    resource: Resource
    namespace: str
    name: str
    sub: str
    #: True for the path of KubeVirt's own API (portforward, start, ...).
    kubevirt: bool = False


def parse_path(path: str) -> Target:
    """The target of ``path``. Raises a 404 `StatusError`."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise no_such_path()
    parts = {name: unquote(value) if value else "" for name, value in found.groupdict().items()}
    group, version = ("", "v1") if parts["core"] else (parts["group"], parts["version"])
    kubevirt = group == SUBRESOURCES
    if kubevirt:
        group = "kubevirt.io"
    resource = BY_PATH.get((group, version, parts["plural"]))
    if resource is None or (parts["namespace"] and not resource.namespaced):
        raise no_such_path()
    if (kubevirt and not parts["sub"]) or (parts["name"] and resource.namespaced and not parts["namespace"]):
        raise no_such_path()
    return Target(
        resource=resource,
        namespace=parts["namespace"],
        name=parts["name"],
        sub=parts["sub"],
        kubevirt=kubevirt,
    )
