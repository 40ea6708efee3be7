"""May the account of the VMs clone their image? As KubeVirt asks it, before it makes the first root disk.

KubeVirt asks for the service account of the VM, not for who makes the VM. Up to version 1.4 it does so when
the VM is made, later in virt-controller, which a dry run does not reach. The rights that are enough: CDI,
``pkg/apis/core/v1beta1/authorize_utils.go``.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_odfperf.cluster.client.calls import ApiError, Calls, JsonObject
from pytest_odfperf.cluster.client.kinds import LOCAL_SUBJECT_REVIEW, SUBJECT_REVIEW

_CDI = "cdi.kubevirt.io"
#: Rights that amount to the one on ``datavolumes/source``, by the kind of the source: all of them.
_INSTEAD = {"pvc": ("pods",), "snapshot": ("pods", "pvcs")}


@dataclass(frozen=True, slots=True)
class CloneSource:
    """What a DataSource comes to: a claim (``pvc``) or a ``snapshot``. An empty ``sort``: it is not known."""

    sort: str
    name: str
    namespace: str

    @classmethod
    def of(cls, data_source: JsonObject | None, namespace: str) -> CloneSource | None:
        """The source of a DataSource (None: unread) of ``namespace``; None if nothing is cloned."""
        if data_source is None:
            return cls("", "", namespace)
        wanted = (data_source.get("spec") or {}).get("source") or {}
        if "dataSource" in wanted:  # it leads to another one (CDI 1.63)
            wanted = (data_source.get("status") or {}).get("source") or {}
        for sort in _INSTEAD:
            if place := wanted.get(sort):
                return cls(sort, str(place.get("name", "")), str(place.get("namespace") or namespace))
        return cls("", "", namespace) if not wanted else None

    def __str__(self) -> str:
        kind = {"pvc": "PersistentVolumeClaim", "snapshot": "VolumeSnapshot"}.get(self.sort)
        return f"{f'{kind} {self.name}' if kind else 'images'} of namespace {self.namespace}"


def may_clone(calls: Calls, account: str, namespace: str, source: CloneSource) -> bool:
    """Whether the service account ``account`` of ``namespace`` may clone ``source``.

    Asked in the source's namespace alone, else, as an administrator may, in the cluster. Raises `ApiError`,
    403 if this user may ask neither.
    """
    if source.namespace == namespace:
        return True
    user = f"system:serviceaccount:{namespace}:{account}"
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]

    def may(group: str, resource: str, subresource: str = "") -> bool:
        attributes = {
            "namespace": source.namespace,
            "verb": "create",
            "group": group,
            "resource": resource,
            "subresource": subresource,
            "name": source.name,
        }
        return _ask(calls, {"user": user, "groups": groups, "resourceAttributes": attributes})

    if may(_CDI, "datavolumes", "source"):
        return True
    instead = _INSTEAD.get(source.sort, ())
    return bool(instead) and all(may("", resource) for resource in instead)


def _ask(calls: Calls, spec: JsonObject) -> bool:
    try:
        answer = calls.review(LOCAL_SUBJECT_REVIEW, spec, spec["resourceAttributes"]["namespace"])
    except ApiError as error:
        if error.status != 403:
            raise
        answer = calls.review(SUBJECT_REVIEW, spec)
    return bool((answer.get("status") or {}).get("allowed"))
