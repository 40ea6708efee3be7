"""The columns that kubectl shows of each kind, as the real servers define them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pytest_odfperf.sandbox.api.formats.ages import human_age
from pytest_odfperf.sandbox.api.formats.snapshot_fields import SNAPSHOT_FIELDS

Obj = Mapping[str, Any]

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


@dataclass(frozen=True, slots=True)
class Column:
    """``read`` gets the object and the time; columns of priority 1 are for ``-o wide``."""

    name: str
    read: Callable[[Obj, datetime], Any]
    type: str = "string"
    priority: int = 0

    def cell(self, obj: Obj, now: datetime) -> Any:
        return self.read(obj, now)

    def definition(self) -> dict[str, Any]:
        shape = "name" if self.name == "Name" else ""
        return {
            "name": self.name,
            "type": self.type,
            "format": shape,
            "description": "",
            "priority": self.priority,
        }


def columns_of(kind: str) -> tuple[Column, ...]:
    return _COLUMNS.get(kind, (_NAME, _AGE))


def at(obj: Any, path: str, missing: Any = "") -> Any:
    """The value at a dotted path."""
    for name in path.split("."):
        obj = obj.get(name) if isinstance(obj, Mapping) else None
    return missing if obj is None else obj


def _since(text: Any, now: datetime) -> str:
    if not text:
        return "<unknown>"
    try:
        return human_age((now - datetime.fromisoformat(str(text))).total_seconds())
    except (ValueError, TypeError):
        return "<invalid>"


def _field(name: str, path: str, *, missing: Any = "", wide: bool = False, kind: str = "string") -> Column:
    return Column(name, lambda obj, _: at(obj, path, missing), kind, int(wide))


def _shown(name: str, read: Callable[[Obj], Any], *, wide: bool = False, kind: str = "string") -> Column:
    return Column(name, lambda obj, _: read(obj), kind, int(wide))


def _condition(name: str, wanted: str, *, wide: bool = False) -> Column:
    def read(obj: Obj) -> str:
        for condition in at(obj, "status.conditions", ()):
            if condition.get("type") == wanted:
                return str(condition.get("status", ""))
        return ""

    return _shown(name, read, wide=wide)


def _pod_ready(pod: Obj) -> str:
    states = at(pod, "status.containerStatuses", [])
    return f"{sum(bool(one.get('ready')) for one in states)}/{len(at(pod, 'spec.containers', []))}"


def _pod_status(pod: Obj) -> str:
    if at(pod, "metadata.deletionTimestamp"):
        return "Terminating"
    for one in at(pod, "status.containerStatuses", []):
        reason = at(one, "state.waiting.reason") or at(one, "state.terminated.reason")
        if reason:
            return str(reason)
    return str(at(pod, "status.reason") or at(pod, "status.phase"))


def _pod_restarts(pod: Obj) -> str:
    return str(sum(int(one.get("restartCount", 0)) for one in at(pod, "status.containerStatuses", [])))


def _node_status(node: Obj) -> str:
    ready = next((c for c in at(node, "status.conditions", ()) if c.get("type") == "Ready"), None)
    shown = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    return f"{shown},SchedulingDisabled" if at(node, "spec.unschedulable", False) else shown


def _node_roles(node: Obj) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = at(node, "metadata.labels", {})
    return ",".join(sorted(key[len(prefix) :] for key in labels if key.startswith(prefix))) or "<none>"


def _node_address(kind: str) -> Callable[[Obj], str]:
    return lambda node: next(
        (a["address"] for a in at(node, "status.addresses", ()) if a.get("type") == kind), "<none>"
    )


def _modes(path: str) -> Callable[[Obj], str]:
    return lambda obj: ",".join(_MODES.get(mode, mode) for mode in at(obj, path, ()))


def _phase(obj: Obj) -> str:
    gone = at(obj, "metadata.deletionTimestamp")
    return "Terminating" if gone else str(at(obj, "status.phase"))


def _class_name(obj: Obj) -> str:
    marks = at(obj, "metadata.annotations", {})
    is_default = marks.get("storageclass.kubernetes.io/is-default-class") == "true"
    return f"{obj['metadata']['name']} (default)" if is_default else str(obj["metadata"]["name"])


def _claim(obj: Obj) -> str:
    claim = at(obj, "spec.claimRef", None)
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def _involved(event: Obj) -> str:
    return f"{at(event, 'involvedObject.kind').lower()}/{at(event, 'involvedObject.name')}"


def _size(path: str) -> Callable[[Obj], int]:
    return lambda obj: len(at(obj, path, ()))


def _address(obj: Obj) -> str:
    interfaces = at(obj, "status.interfaces", ())
    return str(interfaces[0].get("ipAddress", "")) if interfaces else ""


def _used(part: str) -> Callable[[Obj], str]:
    def read(quota: Obj) -> str:
        hard, used = at(quota, "status.hard", {}), at(quota, "status.used", {})
        limits = part == "limits."
        names = sorted(name for name in hard if name.startswith("limits.") == limits)
        return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in names)

    return read


_NAME = _field("Name", "metadata.name")
_AGE = Column("Age", lambda obj, now: _since(at(obj, "metadata.creationTimestamp"), now))
_CREATED = _field("Created At", "metadata.creationTimestamp")
_STATUS = _shown("Status", _phase)
_ROLE = _shown("Role", lambda obj: f"{at(obj, 'roleRef.kind')}/{at(obj, 'roleRef.name')}")
_CLASS = _field("StorageClass", "spec.storageClassName")
_VOLUME_MODE = _field("VolumeMode", "spec.volumeMode", wide=True)
_PHASE = _field("Phase", "status.phase")

_COLUMNS: Mapping[str, tuple[Column, ...]] = {
    **{
        kind: (_NAME, *(_field(name, path, kind=sort) for name, path, sort in fields), _AGE)
        for kind, fields in SNAPSHOT_FIELDS.items()
    },
    "Namespace": (_NAME, _STATUS, _AGE),
    "Node": (
        _NAME,
        _shown("Status", _node_status),
        _shown("Roles", _node_roles),
        _AGE,
        _field("Version", "status.nodeInfo.kubeletVersion"),
        _shown("Internal-IP", _node_address("InternalIP"), wide=True),
        _shown("External-IP", _node_address("ExternalIP"), wide=True),
        _field("OS-Image", "status.nodeInfo.osImage", missing="<unknown>", wide=True),
        _field("Kernel-Version", "status.nodeInfo.kernelVersion", missing="<unknown>", wide=True),
        _field(
            "Container-Runtime", "status.nodeInfo.containerRuntimeVersion", missing="<unknown>", wide=True
        ),
    ),
    "Pod": (
        _NAME,
        _shown("Ready", _pod_ready),
        _shown("Status", _pod_status),
        _shown("Restarts", _pod_restarts),
        _AGE,
        _field("IP", "status.podIP", missing="<none>", wide=True),
        _field("Node", "spec.nodeName", missing="<none>", wide=True),
        _field("Nominated Node", "status.nominatedNodeName", missing="<none>", wide=True),
        _shown("Readiness Gates", lambda _: "<none>", wide=True),
    ),
    "Event": (
        Column("Last Seen", lambda obj, now: _since(at(obj, "lastTimestamp") or at(obj, "eventTime"), now)),
        _field("Type", "type"),
        _field("Reason", "reason"),
        _shown("Object", _involved),
        _field("Message", "message"),
    ),
    "Secret": (_NAME, _field("Type", "type"), _shown("Data", _size("data"), kind="integer"), _AGE),
    "ConfigMap": (_NAME, _shown("Data", _size("data"), kind="integer"), _AGE),
    "ServiceAccount": (_NAME, _shown("Secrets", _size("secrets"), kind="integer"), _AGE),
    "PersistentVolumeClaim": (
        _NAME,
        _STATUS,
        _field("Volume", "spec.volumeName"),
        _field("Capacity", "status.capacity.storage"),
        _shown("Access Modes", _modes("status.accessModes")),
        _CLASS,
        _field("VolumeAttributesClass", "spec.volumeAttributesClassName", missing="<unset>"),
        _AGE,
        _VOLUME_MODE,
    ),
    "PersistentVolume": (
        _NAME,
        _field("Capacity", "spec.capacity.storage"),
        _shown("Access Modes", _modes("spec.accessModes")),
        _field("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"),
        _STATUS,
        _shown("Claim", _claim),
        _CLASS,
        _field("VolumeAttributesClass", "spec.volumeAttributesClassName", missing="<unset>"),
        _field("Reason", "status.reason"),
        _AGE,
        _VOLUME_MODE,
    ),
    "ResourceQuota": (_NAME, _shown("Request", _used("")), _shown("Limit", _used("limits.")), _AGE),
    "LimitRange": (_NAME, _CREATED),
    "Lease": (_NAME, _field("Holder", "spec.holderIdentity"), _AGE),
    "StorageClass": (
        _shown("Name", _class_name),
        _field("Provisioner", "provisioner"),
        _field("ReclaimPolicy", "reclaimPolicy", missing="Delete"),
        _field("VolumeBindingMode", "volumeBindingMode", missing="Immediate"),
        _field("AllowVolumeExpansion", "allowVolumeExpansion", missing=False, kind="boolean"),
        _AGE,
    ),
    "Role": (_NAME, _CREATED),
    "ClusterRole": (_NAME, _CREATED),
    "RoleBinding": (_NAME, _ROLE, _AGE),
    "ClusterRoleBinding": (_NAME, _ROLE, _AGE),
    "VirtualMachine": (_NAME, _AGE, _field("Status", "status.printableStatus"), _condition("Ready", "Ready")),
    "VirtualMachineInstance": (
        _NAME,
        _AGE,
        _PHASE,
        _shown("IP", _address),
        _field("NodeName", "status.nodeName"),
        _condition("Ready", "Ready"),
        _condition("Live-Migratable", "LiveMigratable", wide=True),
        _condition("Paused", "Paused", wide=True),
    ),
    "KubeVirt": (_NAME, _AGE, _PHASE),
    "DataVolume": (
        _NAME,
        _PHASE,
        _field("Progress", "status.progress"),
        _field("Restarts", "status.restartCount", kind="integer"),
        _AGE,
    ),
    "CephCluster": (
        _NAME,
        _field("DataDirHostPath", "spec.dataDirHostPath"),
        _field("MonCount", "spec.mon.count"),
        _AGE,
        _PHASE,
        _field("Message", "status.message"),
        _field("Health", "status.ceph.health"),
        _field("External", "spec.external.enable"),
        _field("FSID", "status.ceph.fsid"),
    ),
    "CephBlockPool": (
        _NAME,
        _PHASE,
        _field("Type", "status.info.type"),
        _field("FailureDomain", "status.info.failureDomain"),
        _field("Replication", "spec.replicated.size", wide=True, kind="integer"),
        _field("EC-CodingChunks", "spec.erasureCoded.codingChunks", wide=True, kind="integer"),
        _field("EC-DataChunks", "spec.erasureCoded.dataChunks", wide=True, kind="integer"),
        _AGE,
    ),
    "CephFilesystem": (_NAME, _field("ActiveMDS", "spec.metadataServer.activeCount"), _AGE, _PHASE),
    "StorageCluster": (
        _NAME,
        _AGE,
        _PHASE,
        _field("External", "spec.externalStorage.enable"),
        _CREATED,
        _field("Version", "status.version"),
    ),
}
