"""Volumes that are attached against those that are in use, node by node, and attachments that hang.

The attach/detach controller writes down what it attached to a node (``status.volumesAttached``), the kubelet
what its pods use (``status.volumesInUse``). A kubelet that uses what nobody attached has lost track: pods on
that node can wait for their disks for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pytest_odfperf.preflight.check import Check, JsonObject, Unread, doubtful, failed, not_checked, passed
from pytest_odfperf.preflight.storage.ages import age_s, minutes

#: For a volume to be attached, mounted, or let go of.
PATIENCE_S = 300.0
#: What names of drivers' volumes begin with.
_CSI = "kubernetes.io/csi/"
_WHAT = "attached volumes"
_NODE_STEP = (
    "oc describe node {node}; its kubelet has lost track: drain the node and restart it, or leave it out "
    "(vm: affinity)"
)


def attached_volumes(
    nodes: Sequence[JsonObject], attachments: Sequence[JsonObject] | Unread, now: datetime | None
) -> Iterator[Check]:
    """Nodes that could not be read are none."""
    found = [check for node in nodes for check in _node(node)]
    if not isinstance(attachments, Unread):
        found += [check for node in nodes for check in _counted(node, attachments)]
        found += _attachments(attachments, {str(node["metadata"]["name"]) for node in nodes}, now)
    elif attachments.status == 403:
        found.append(not_checked("volume attachments", attachments))
    yield from found
    if not found and nodes:
        in_use = sum(len(_names(node, "volumesInUse")) for node in nodes)
        yield passed(_WHAT, f"{in_use} are in use on {len(nodes)} nodes, and each is attached there")


def _node(node: JsonObject) -> Iterator[Check]:
    name = str(node["metadata"]["name"])
    in_use, attached = _names(node, "volumesInUse"), _names(node, "volumesAttached")
    what = f"{_WHAT} of node {name}"
    if stale := sorted(in_use - attached):
        yield failed(
            what,
            f"{len(stale)} of {len(in_use)} in use are not attached ({_few(stale)})",
            _NODE_STEP.format(node=name),
        )
    elif unused := sorted(attached - in_use):
        yield doubtful(
            what,
            f"{len(unused)} of {len(attached)} attached are not in use ({_few(unused)})",
            "look again in a minute: pods that start or end look so; else oc get volumeattachment",
        )


def _counted(node: JsonObject, attachments: Sequence[JsonObject]) -> Iterator[Check]:
    """Drivers' volumes only: those that Kubernetes attaches itself have no VolumeAttachment."""
    name = str(node["metadata"]["name"])
    told = sum(one.startswith(_CSI) for one in _names(node, "volumesAttached"))
    there = sum(
        bool((one.get("status") or {}).get("attached"))
        for one in attachments
        if (one.get("spec") or {}).get("nodeName") == name
    )
    if told != there:
        yield doubtful(
            f"{_WHAT} of node {name}",
            f"the node has {told} of drivers, and {there} VolumeAttachments say so",
            "look again in a minute; else oc get volumeattachment; oc describe node " + name,
        )


def _attachments(found: Sequence[JsonObject], nodes: set[str], now: datetime | None) -> Iterator[Check]:
    hanging: dict[str, list[str]] = {}
    for one in found:
        name, spec, status = str(one["metadata"]["name"]), one.get("spec") or {}, one.get("status") or {}
        volume = str((spec.get("source") or {}).get("persistentVolumeName") or name)
        of = f"{volume} on node {spec.get('nodeName')}"
        age = age_s(one["metadata"].get("deletionTimestamp") or one["metadata"].get("creationTimestamp"), now)
        for word, error in (("attached", status.get("attachError")), ("detached", status.get("detachError"))):
            if message := (error or {}).get("message"):
                hanging.setdefault(f"can not be {word}", []).append(f"{of}: {message}")
        if nodes and spec.get("nodeName") not in nodes:
            hanging.setdefault("are attached to nodes that are gone", []).append(of)
        elif age is not None and age > PATIENCE_S:
            if one["metadata"].get("deletionTimestamp"):
                hanging.setdefault("are not let go of", []).append(f"{of}, since {minutes(age)}")
            elif not status.get("attached") and not status.get("attachError"):
                hanging.setdefault("are not attached yet", []).append(f"{of}, since {minutes(age)}")
    for words, which in hanging.items():
        yield failed(
            "volume attachments",
            f"{len(which)} {words} ({_few(which)})",
            "oc describe volumeattachment; see the CSI driver's controller (csi-attacher)",
        )


def _names(node: JsonObject, field: str) -> set[str]:
    """``volumesInUse`` are names, ``volumesAttached`` objects with one."""
    listed: Any = (node.get("status") or {}).get(field) or ()
    return {str(one.get("name") if isinstance(one, Mapping) else one) for one in listed}


def _few(names: Sequence[str]) -> str:
    return ", ".join([*(name[-80:] for name in names[:2]), *(["..."] if len(names) > 2 else [])])
