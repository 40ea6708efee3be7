"""Which object a URL path names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from pytest_odfperf.sandbox.api.objects.resources import BY_PATH, RESOURCES, Resource
from pytest_odfperf.sandbox.api.objects.status import no_such_path, not_served

SUBRESOURCES = "subresources.kubevirt.io"

_PATH = re.compile(
    r"/(?:api/(?P<core>[^/]+)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]*)(?=/))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>.+))?"
)
#: Parts of a namespace, which look like kinds in it.
_OF_NAMESPACES = ("status", "finalize")
_SERVED = {(resource.group, resource.version): resource.custom for resource in RESOURCES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a path says, whether there is such a thing or not."""

    group: str
    version: str
    namespace: str
    plural: str
    name: str
    sub: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A collection (no name), an object, or a subresource of it."""

    resource: Resource
    namespace: str
    name: str
    sub: str
    #: True for the path of KubeVirt's own API (portforward, start, ...).
    kubevirt: bool = False


def place_of(path: str) -> Place | None:
    """The place of a resource's ``path``; None for any other."""
    found = _PATH.fullmatch(path.rstrip("/"))
    if found is None:
        return None
    parts = {name: unquote(value) if value else "" for name, value in found.groupdict().items()}
    group, version = ("", parts["core"]) if parts["core"] else (parts["group"], parts["version"])
    namespace, plural, name, sub = (parts[part] for part in ("namespace", "plural", "name", "sub"))
    if not group and namespace and plural in _OF_NAMESPACES and not name:
        namespace, plural, name, sub = "", "namespaces", namespace, plural
    return Place(group=group, version=version, namespace=namespace, plural=plural, name=name, sub=sub)


def target_of(place: Place) -> Target:
    """What is at a place. Raises a 404 `StatusError`."""
    group = "kubevirt.io" if place.group == SUBRESOURCES else place.group
    kubevirt = place.group == SUBRESOURCES
    custom = _SERVED.get((group, place.version))
    if custom is None and (place.group or place.version != "v1"):
        raise not_served() if place.group else no_such_path()
    resource = BY_PATH.get((group, place.version, place.plural))
    wrong = (
        resource is None
        or (place.namespace and not resource.namespaced)
        or (kubevirt and not place.sub)
        or (place.name and resource.namespaced and not place.namespace)
    )
    if wrong or resource is None:
        # Groups of CRDs are not the server's own: it has nothing to say of what is not in them.
        raise not_served() if custom else no_such_path()
    return Target(
        resource=resource,
        namespace=place.namespace,
        name=place.name,
        sub=place.sub,
        kubevirt=kubevirt,
    )


def parse_path(path: str) -> Target:
    """The target of ``path``. Raises a 404 `StatusError`."""
    place = place_of(path)
    if place is None:
        raise no_such_path()
    return target_of(place)
