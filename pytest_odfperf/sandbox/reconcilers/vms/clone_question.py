"""virt-controller's question before it makes a DataVolume: may the VM's account clone its source?

CDI, ``pkg/apis/core/v1beta1/authorize_utils.go``. It is asked for the service account of the VM, not for who
made the VM.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from pytest_odfperf.sandbox.reconcilers.api_client import Api
from pytest_odfperf.sandbox.reconcilers.reconciled_kinds import DATA_SOURCE, Obj
from pytest_odfperf.sandbox.reconcilers.reconciler import Caches

_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_CDI = "cdi.kubevirt.io"
#: A right that amounts to the one on ``datavolumes/source``, by the kind of the source: all of them.
_INSTEAD = {"pvc": ("pods",), "snapshot": ("pods", "pvcs")}


async def refusal(api: Api, caches: Caches, vm: Obj, spec: Obj, *, by_template: bool) -> str | None:
    """Why the disk ``spec`` of ``vm`` may not be cloned; None if it may, or if nothing is cloned.

    ``by_template``: a ``serviceAccountName`` of the template goes before a volume that names an account.
    """
    namespace = vm["metadata"]["namespace"]
    user = f"system:serviceaccount:{namespace}:{_account(vm, by_template=by_template)}"
    async for sort, name, place in _sources(caches, spec, namespace):
        if place != namespace and not await _allowed(api, user, namespace, sort, name, place):
            return f"User {user} has insufficient permissions in clone source namespace {place}"
    return None


def _account(vm: Obj, *, by_template: bool) -> str:
    spec = vm["spec"]["template"]["spec"]
    if by_template and spec.get("serviceAccountName"):
        return str(spec["serviceAccountName"])
    volumes = [v["serviceAccount"] for v in spec.get("volumes") or () if v.get("serviceAccount")]
    return str(volumes[-1].get("serviceAccountName")) if volumes else "default"


async def _sources(caches: Caches, spec: Obj, namespace: str) -> AsyncIterator[tuple[str, str, str]]:
    """Kind, name and namespace of what is cloned."""
    found = spec.get("source")
    if found is None and (reference := spec.get("sourceRef")):
        namespace = reference.get("namespace") or namespace
        source = caches[DATA_SOURCE].get(namespace, reference.get("name", "")) or {}
        wanted = (source.get("spec") or {}).get("source") or {}
        # A DataSource may lead to another one; its status has what that comes to.
        found = (source.get("status") or {}).get("source") if "dataSource" in wanted else wanted
    for sort in _INSTEAD:
        if place := (found or {}).get(sort):
            yield sort, str(place.get("name")), str(place.get("namespace") or namespace)


async def _allowed(api: Api, user: str, namespace: str, sort: str, name: str, place: str) -> bool:
    async def may(group: str, resource: str, subresource: str = "") -> bool:
        attributes = {"namespace": place, "verb": "create", "group": group, "resource": resource}
        attributes |= {"subresource": subresource, "name": name}
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
        spec = {"user": user, "groups": groups, "resourceAttributes": attributes}
        kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
        answer = await api.call("POST", _REVIEWS, {**kind, "spec": spec})
        return bool(answer["status"]["allowed"])

    if await may(_CDI, "datavolumes", "source"):
        return True
    for resource in _INSTEAD[sort]:
        if not await may("", resource):
            return False
    return True
