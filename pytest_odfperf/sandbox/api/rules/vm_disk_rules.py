"""What KubeVirt's webhooks say of a guest's disks and volumes, in their words (KubeVirt 1.9)."""

from __future__ import annotations

import base64
import binascii
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.sandbox.api.rules.field_rules import Problem, Rule, both, sources
from pytest_odfperf.sandbox.api.rules.name_forms import LABEL_WORDS, is_label

INVALID = "FieldValueInvalid"
REQUIRED = "FieldValueRequired"
NOT_SUPPORTED = "FieldValueNotSupported"

#: Inline cloud-init data that KubeVirt takes, in bytes after decoding.
_INLINE_LIMIT_BYTES = 2048
_BLOCK_BYTES = (512, 2 << 20)
_LONGEST_SERIAL = 256
_PCI = re.compile(r"([\da-fA-F]{4}):([\da-fA-F]{2}):([\da-fA-F]{2})\.([0-7])", re.ASCII)
_SOURCES = (
    "persistentVolumeClaim", "sysprep", "cloudInitNoCloud", "cloudInitConfigDrive", "containerDisk",
    "ephemeral", "emptyDisk", "hostDisk", "dataVolume", "configMap", "secret", "downwardAPI",
    "serviceAccount", "downwardMetrics", "memoryDump", "containerPath",
)  # fmt: skip
_TARGETS = ("disk", "lun", "cdrom")
#: Of a volume: the field that its source must have.
_NAMED = {"configMap": "name", "secret": "secretName", "serviceAccount": "serviceAccountName"}
#: Of a disk: what a field may hold, the reason of the refusal, and its words.
_CHOICES: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "cache": (("none", "writethrough", "writeback"), INVALID, "{at} has invalid value {value}"),
    "io": (
        ("native", "threads"),
        NOT_SUPPORTED,
        "Disk IO mode for {disks} is not supported. Supported modes are: native, threads.",
    ),
    "errorPolicy": (
        ("stop", "ignore", "report", "enospace"), INVALID, '{at} has invalid value "{value}"',
    ),
}  # fmt: skip


def is_pci_address(text: str) -> bool:
    return _PCI.fullmatch(text) is not None


def label_problems(name: str, below: str) -> Iterator[Problem]:
    """As the API server's own words for a label, without the value."""
    if "." in name:
        yield Problem(INVALID, "must not contain dots", below)
    elif len(name) > 63:
        yield Problem(INVALID, "must be no more than 63 characters", below)
    elif not is_label(name):
        yield Problem(INVALID, LABEL_WORDS, below)


def _bus_of(disk: Any) -> tuple[str, str]:
    target = next((name for name in _TARGETS if disk.get(name) is not None), "")
    return target, (disk.get(target) or {}).get("bus") or ""


def _bus(disk: Any) -> Iterator[Problem]:
    target, bus = _bus_of(disk)
    below = f"{target}.bus"
    if bus == "ide":
        yield Problem(INVALID, "IDE bus is not supported", below)
    elif bus == "virtio" and target == "cdrom":
        yield Problem(INVALID, f"Bus type {bus} is invalid for CD-ROM device", below)
    elif bus == "sata" and target == "disk" and disk["disk"].get("readonly"):
        yield Problem(INVALID, f"{bus} hard-disks do not support read-only.", below)
    elif bus not in ("", "virtio", "sata", "scsi", "usb"):
        known = "must be one of: [virtio scsi sata usb]"
        yield Problem(INVALID, f"{{place}} is set with an unrecognized bus {bus}, {known}", below)
    if disk.get("dedicatedIOThread") and bus not in ("", "virtio"):
        yield Problem(NOT_SUPPORTED, f"IOThreads are not supported for disks on a {bus} bus")


def _block_size(disk: Any) -> Iterator[Problem]:
    block = disk.get("blockSize") or {}
    custom, match = block.get("custom"), block.get("matchVolume")
    if custom is None:
        return
    logical, physical = custom.get("logical") or 0, custom.get("physical") or 0
    discard = custom.get("discardGranularity")
    where = "blockSize.custom.{}"
    if match is not None and match.get("enabled") is not False:
        yield Problem(
            INVALID, "Block size matching can't be enabled together with a custom value", "blockSize"
        )
    elif logical > physical:
        words = f"Logical size {logical} must be the same or less than the physical size of {physical}"
        yield Problem(INVALID, words, where.format("logical"))
    elif _bus_of(disk)[1] == "sata" and logical != _BLOCK_BYTES[0]:
        words = f"Logical size {logical} must be {_BLOCK_BYTES[0]} for SATA devices"
        yield Problem(INVALID, words, where.format("logical"))
    elif discard is not None and logical and discard % logical:
        words = f"Discard granularity {discard} must be multiples of logical size {logical}"
        yield Problem(INVALID, words, where.format("discardGranularity"))
    else:
        for name, size in (("logical", logical), ("physical", physical)):
            if size < _BLOCK_BYTES[0]:
                words = f"is less than the supported minimum size of {_BLOCK_BYTES[0]}"
            elif size > _BLOCK_BYTES[1]:
                words = f"is greater than the supported maximum size of {_BLOCK_BYTES[1]}"
            elif size & (size - 1):
                words = "is not a power of 2"
            else:
                continue
            yield Problem(INVALID, f"Provided size of {size} {words}", where.format(name))


def _disk(disk: Any) -> Iterator[Problem]:
    if len(sources(_TARGETS, disk)) > 1:
        yield Problem(INVALID, "{at} can only have a single target type defined")
    address = (disk.get("disk") or {}).get("pciAddress")
    if address:
        if disk["disk"].get("bus") != "virtio":
            words = "setting a PCI address is only possible with bus type virtio."
            yield Problem(INVALID, f"disk {{place}} - {words}", "disk.pciAddress")
        if not is_pci_address(address):
            words = f"disk {{place}} has malformed PCI address ({address})."
            yield Problem(INVALID, words, "disk.pciAddress")
    order = disk.get("bootOrder")
    if order is not None and order < 1:
        yield Problem(INVALID, "{place} must have a boot order > 0, if supplied", "bootOrder")
    yield from _bus(disk)
    serial = disk.get("serial") or ""
    if serial and not re.fullmatch(r"[A-Za-z0-9_.+-]+", serial, re.ASCII):
        words = "must be made up of the following characters [A-Za-z0-9_.+-], if specified"
        yield Problem(INVALID, f"{{place}} {words}", "serial")
    if len(serial) > _LONGEST_SERIAL:
        words = f"must be less than or equal to {_LONGEST_SERIAL} in length, if specified"
        yield Problem(INVALID, f"{{place}} {words}", "serial")
    for field, (known, reason, words) in _CHOICES.items():
        if disk.get(field) and disk[field] not in known:
            yield Problem(reason, words.replace("{value}", disk[field]), field)
    yield from label_problems(disk.get("name") or "", "name")
    yield from _block_size(disk)


def _disk_places(spec: Any) -> Iterator[Problem]:
    """The disks one by one; the messages name the place of the disk."""
    disks = (spec.get("domain") or {}).get("devices", {}).get("disks") or ()
    for number, disk in enumerate(disks):
        at = f"domain.devices.disks[{number}]"
        for problem in _disk(disk):
            words = problem.words.replace("{place}", f"{{root}}.{at}")
            words = words.replace("{disks}", "{root}.domain.devices.disks")
            yield Problem(problem.reason, words, f"{at}.{problem.below}".rstrip("."))


def _names(spec: Any) -> Iterator[Problem]:
    """Disks have volumes, no two have a name or a boot order in common."""
    devices = (spec.get("domain") or {}).get("devices", {})
    volumes = {volume.get("name"): volume for volume in spec.get("volumes") or ()}
    seen: dict[str, int] = {}
    orders = set()
    for number, disk in enumerate(devices.get("disks") or ()):
        at, name = f"domain.devices.disks[{number}]", disk.get("name") or ""
        if name not in volumes and disk.get("cdrom") is None:
            yield Problem(INVALID, f"{{root}}.{at}.Name '{name}' not found.", f"{at}.name")
        if disk.get("lun") is not None and name in volumes:
            if not sources(("persistentVolumeClaim", "dataVolume"), volumes[name]):
                words = "can only be mapped to a DataVolume or PersistentVolumeClaim volume."
                yield Problem(INVALID, f"{{at}} {words}", f"{at}.lun")
            if disk["lun"].get("reservation"):
                yield Problem(INVALID, "persistent reservation is not enabled in kubevirt config", at)
        if name in seen:
            first = f"{{root}}.domain.devices.disks[{seen[name]}]"
            words = f"{{root}}.{at} and {first} must not have the same Name."
            yield Problem(INVALID, words, f"{at}.name")
        seen.setdefault(name, number)
        if disk.get("bootOrder") in orders:
            yield Problem(
                INVALID, "Boot order for {at} already set for a different device.", f"{at}.bootOrder"
            )
        orders.add(disk.get("bootOrder") or object())
    for number, interface in enumerate(devices.get("interfaces") or ()):
        order, at = interface.get("bootOrder"), f"domain.devices.interfaces[{number}].bootOrder"
        if order is not None and order < 1:
            yield Problem(INVALID, f"{{root}}[{number}] must have a boot order > 0, if supplied", at)
        elif order in orders:
            yield Problem(INVALID, "Boot order for {at} already set for a different device.", at)
        orders.add(order or object())


def _cloud_init(source: Any) -> Iterator[Problem]:
    count = 0
    for data, secret, kind, many in (
        ("userData", "secretRef", "userdata", "userdatasource"),
        ("networkData", "networkDataSecretRef", "networkdata", "networkdata source"),
    ):
        given = [
            bool((source.get(secret) or {}).get("name")),
            bool(source.get(f"{data}Base64")),
            bool(source.get(data)),
        ]
        count += sum(given)
        text = (source.get(data) or "").encode()
        if given[1]:
            try:
                text = text or base64.b64decode(source[f"{data}Base64"], validate=True)
            except (binascii.Error, ValueError):
                yield Problem(INVALID, "{at} is not a valid base64 value.", f"{data}Base64")
        if sum(given) > 1:
            yield Problem(INVALID, f"{{at}} must have only one {many} set.")
        if len(text) > _INLINE_LIMIT_BYTES:
            told = f"exceeds {_INLINE_LIMIT_BYTES} byte limit"
            reference = f"{data[0].upper()}{data[1:]}SecretRef"
            yield Problem(INVALID, f"{{at}} {kind} {told}. Should use {reference} for larger data.")
    if not count:
        yield Problem(INVALID, "{at} must have at least one userdatasource or one networkdatasource set.")


def _volume(volume: Any) -> Iterator[Problem]:
    if len(sources(_SOURCES, volume)) != 1:
        yield Problem(INVALID, "{at} must have exactly one source type set")
    if volume.get("dataVolume") is not None and not volume["dataVolume"].get("name"):
        yield Problem(REQUIRED, "DataVolume 'name' must be set", "name")
    for source, field in _NAMED.items():
        if volume.get(source) is not None and not volume[source].get(field):
            yield Problem(INVALID, "{at} is a required field", f"{source}.{field}")
    if volume.get("hostDisk") is not None:
        yield Problem(INVALID, "HostDisk feature gate is not enabled")
    if volume.get("downwardMetrics") is not None:
        told = "DownwardMetrics feature gate is not enabled."
        yield Problem(INVALID, f"downwardMetrics disks are not allowed: {told}")
    path = (volume.get("containerDisk") or {}).get("path")
    if path == "/":
        yield Problem(INVALID, "{at} must not point to root", "containerDisk")
    elif path and posixpath.normpath(posixpath.join("/", path)) != path.removesuffix("/"):
        words = "must be an absolute path to a file without relative components"
        yield Problem(INVALID, f"{{at}} {words}", "containerDisk")


def _volumes(volumes: Any) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for number, volume in enumerate(volumes):
        name = volume.get("name") or ""
        if name in seen:
            words = f"{{root}}.volumes[{number}] and {{root}}.volumes[{seen[name]}]"
            yield Problem(INVALID, f"{words} must not have the same Name.", f"[{number}].name")
        seen.setdefault(name, number)
    for source, kind in (("serviceAccount", "serviceAccount"), ("memoryDump", "memory dump")):
        if sum(volume.get(source) is not None for volume in volumes) > 1:
            yield Problem(INVALID, f"{{at}} must have max one {kind} volume set")


#: From the spec of a guest on.
DISK_RULES: tuple[Rule, ...] = (
    ("", both(_names, _disk_places)),
    ("volumes", _volumes),
    ("volumes[*]", _volume),
    ("volumes[*].cloudInitNoCloud", _cloud_init),
    ("volumes[*].cloudInitConfigDrive", _cloud_init),
)
