"""A merge patch (RFC 7386) over the VirtualMachine that the plugin makes, for what has no field of its own.

What the plugin relies on can not be patched. A value that is no mapping replaces or removes everything below
its path, so it is refused too where something below is protected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Path = tuple[str, ...]

#: What the guest sees as /dev/disk/by-id/virtio-odfperfdata.
DATA_SERIAL = "odfperfdata"

_TEMPLATE = ("spec", "template", "spec")
_DOMAIN = (*_TEMPLATE, "domain")

#: Entries of lists that must stay as they are, though more may be beside them and in them.
KEPT: Mapping[Path, tuple[Mapping[str, Any], ...]] = {
    (*_DOMAIN, "devices", "disks"): (
        {"name": "root", "bootOrder": 1, "disk": {"bus": "virtio"}},
        {"name": "data", "serial": DATA_SERIAL, "disk": {"bus": "virtio"}},
        {"name": "cloudinit", "disk": {"bus": "virtio"}},
    ),
    (*_DOMAIN, "devices", "interfaces"): ({"name": "default", "masquerade": {}},),
    (*_TEMPLATE, "networks"): ({"name": "default", "pod": {}},),
}

#: What an entry that must stay may not have beside, by list: the path in the entry, and why.
UNWANTED: Mapping[str, Mapping[Path, str]] = {
    "disks": {("disk", "readonly"): "it could not be written"},
    "interfaces": {("ports",): "only these ports would be open", ("state",): "it could be down"},
    "networks": {},
}

_SIZE = "vcpus and memory of the VM size say it, and the capacity is counted with them"
_FIELD = "vm has a field for it: {}"
SSH = "the plugin logs in over it"

#: Paths that a patch may not touch, and why.
PROTECTED: Mapping[Path, str] = {
    ("apiVersion",): "the plugin makes a VirtualMachine of kubevirt.io/v1",
    ("kind",): "the plugin makes a VirtualMachine of kubevirt.io/v1",
    ("status",): "it is the cluster's word on the VM",
    ("spec", "runStrategy"): "the plugin starts and ends the VMs by it",
    ("spec", "running"): "the plugin starts and ends the VMs by runStrategy",
    ("spec", "dataVolumeTemplates"): "the root disk is made from it; guest has fields for it",
    ("spec", "instancetype"): "the VM size has a field for it: instancetype",
    ("spec", "preference"): _FIELD.format("preference"),
    (*_TEMPLATE, "nodeSelector"): _FIELD.format("node_selector"),
    (*_TEMPLATE, "affinity"): _FIELD.format("affinity"),
    (*_TEMPLATE, "tolerations"): _FIELD.format("tolerations"),
    (*_TEMPLATE, "volumes"): "the disks and the login of each VM are named there",
    (*_TEMPLATE, "accessCredentials"): "the plugin's own key would be overwritten",
    (*_TEMPLATE, "evictionStrategy"): "a VM that is moved while fio runs would be measured all the same",
    (*_TEMPLATE, "startStrategy"): "a VM that is paused never answers",
    (*_DOMAIN, "cpu", "cores"): _SIZE,
    (*_DOMAIN, "cpu", "sockets"): _SIZE,
    (*_DOMAIN, "cpu", "threads"): _SIZE,
    (*_DOMAIN, "cpu", "maxSockets"): _SIZE,
    (*_DOMAIN, "memory", "guest"): _SIZE,
    (*_DOMAIN, "memory", "maxGuest"): _SIZE,
    (*_DOMAIN, "resources", "requests"): _SIZE,
    (*_DOMAIN, "resources", "limits"): _SIZE,
}

#: Objects' metadata: all but labels and annotations is the plugin's and the cluster's.
METADATA: tuple[Path, ...] = (("metadata",), ("spec", "template", "metadata"))
FREE = ("labels", "annotations")
NAMES = "the plugin finds, owns and deletes its objects by it"


def own_label(name: str) -> str | None:
    """Why a label can not be set; None if it can."""
    if name.startswith("odfperf/") or name == "app.kubernetes.io/managed-by":
        return "the plugin finds and deletes its objects by it"
    return None


def merge_patch(target: Any, patch: Any) -> Any:
    """``target`` with ``patch`` applied as RFC 7386 says; neither is changed."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
