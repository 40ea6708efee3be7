"""Which StorageClasses are left out of a proposal, and why: those without volumes for VMs, and IBM Cloud's.

IBM Cloud makes some 30 classes of the same few services. Each filter stands by itself:

- ``metro``: the volume is made where its VM is, else as the class without it. In a cluster of one zone that
  is the same; over several zones it is another path, so it stays.
- ``retain``: the same service; but what is deleted stays behind, and is paid for.
- ``regional`` (profile ``rfs``): for accounts on a list of IBM.
- ``eit``: encryption in transit needs packages that RHCOS does not take.
- ``min-iops``: some 100 IOPS at 150Gi, too few for a file system to be filled, or for SSH to answer.

Block volumes do not attach to bare metal. Where the filters would leave nothing of a service, it stays whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_odfperf.cluster.client.calls import JsonObject

IbmService = Literal["file", "block", "pool"]

#: Ends of names of provisioners that give no volumes for the disk of a VM.
NO_VOLUMES: Mapping[str, str] = {
    "kubernetes.io/no-provisioner": "no volumes are made on demand; those that an administrator made have a "
    "volume_mode of their own, and each VM needs one",
    "noobaa.io/obc": "buckets of an object store, no volumes",
    "ceph.rook.io/bucket": "buckets of an object store, no volumes",
    "objectbucket.io": "buckets of an object store, no volumes",
    "ibm.io/ibmc-s3fs": "an object store behind a file system",
    "cos.s3.csi.ibm.io": "an object store behind a file system",
    "mountpoint-s3-csi-driver": "an object store behind a file system",
    "s3.csi.aws.com": "an object store behind a file system",
    "blob.csi.azure.com": "an object store behind a file system",
    "gcsfuse.csi.storage.gke.io": "an object store behind a file system",
}
_ZONE = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
_MACHINE = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
_CLASSIC_FILE = ("ibmc-file", "file-gold", "file-silver", "file-bronze")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the filters must know of the nodes that VMs run on; None: it is not known."""

    zones: int | None = None
    bare_metal: bool | None = None

    @classmethod
    def of(cls, nodes: Sequence[JsonObject]) -> Place:
        zones = {zone for node in nodes if (zone := _label(node, _ZONE))}
        machines = [machine for node in nodes if (machine := _label(node, _MACHINE))]
        return cls(
            zones=len(zones) or None,
            bare_metal=all("metal" in machine for machine in machines) if machines else None,
        )


def no_volumes(provisioner: str) -> str | None:
    """Why nothing can be measured on volumes of it; None if nothing is known against it."""
    for name, why in NO_VOLUMES.items():
        if provisioner == name or provisioner.endswith(f".{name}"):
            return why
    return None


def ibm_service(name: str, provisioner: str) -> IbmService | None:
    """Which of IBM Cloud's storage services a StorageClass is of; None: of none."""
    if "vpc-file-pool" in provisioner or "vpc.file.pool" in provisioner:
        return "pool"
    if "vpc.file.csi" in provisioner:
        return "file"
    if "vpc.block.csi" in provisioner:
        return "block"
    # What older drivers than those for VPC make has these names.
    if provisioner.startswith("ibm.io/") and any(part in name for part in _CLASSIC_FILE):
        return "file"
    return None


def ibm_left_out(classes: Mapping[str, JsonObject], place: Place) -> tuple[dict[str, str], dict[str, str]]:
    """The classes that are left out, and those that stay since nothing else would: each with its reason."""
    out: dict[str, str] = {}
    kept: dict[str, str] = {}
    services: dict[IbmService, list[str]] = {}
    for name, one in classes.items():
        if service := ibm_service(name, str(one.get("provisioner", ""))):
            services.setdefault(service, []).append(name)
    for service, names in services.items():
        if service == "block" and place.bare_metal:
            out |= dict.fromkeys(names, "VPC block volumes do not attach to bare metal, and all workers are")
            continue
        found = {name: why for name in names if (why := _filtered(name, classes[name], service, place))}
        (kept if len(found) == len(names) else out).update(found)
    return out, kept


@dataclass(frozen=True, slots=True)
class _Filter:
    services: tuple[IbmService, ...]
    fits: Callable[[str, Mapping[str, str], JsonObject], bool]
    #: Why, or None where it does not hold.
    why: Callable[[Place], str | None]


def _one_zone(place: Place) -> str | None:
    if (place.zones or 1) > 1:
        return None
    known = "this cluster has one zone" if place.zones else "the zones are not known, one is assumed"
    return f"metro: the same as the class without it where there is one zone ({known})"


_FILTERS = (
    _Filter(
        ("file",),
        lambda name, given, _: "-regional" in name or "-rfs" in name or given.get("profile") == "rfs",
        lambda _: "regional: profile rfs is for accounts on a list of IBM",
    ),
    _Filter(
        ("file",),
        lambda name, given, _: _has(name, "eit") or given.get("isEITEnabled", "").lower() == "true",
        lambda _: "eit: encryption in transit needs packages on the nodes that RHCOS does not take",
    ),
    _Filter(
        ("file",),
        lambda name, _, __: "-min-iops" in name,
        lambda _: "min-iops: some 100 IOPS at 150Gi, too few to fill a disk or for SSH to answer",
    ),
    _Filter(
        ("file", "block"),
        lambda name, _, one: _has(name, "retain") or one.get("reclaimPolicy") == "Retain",
        lambda _: "retain: the same service, and volumes that are deleted stay and are paid for",
    ),
    _Filter(("file", "block"), lambda name, _, __: _has(name, "metro"), _one_zone),
)


def _filtered(name: str, one: JsonObject, service: IbmService, place: Place) -> str | None:
    given = {key: str(value) for key, value in (one.get("parameters") or {}).items()}
    reasons = [
        why
        for each in _FILTERS
        if service in each.services and each.fits(name, given, one) and (why := each.why(place))
    ]
    return "; ".join(reasons) or None


def _has(name: str, word: str) -> bool:
    """Whether a part of the name, between its dashes, is this word."""
    return word in name.split("-")


def _label(node: JsonObject, names: Sequence[str]) -> str | None:
    labels = node["metadata"].get("labels") or {}
    return next((str(labels[name]) for name in names if labels.get(name)), None)
