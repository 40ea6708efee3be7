"""What KubeVirt's webhooks say of a guest, in their words (KubeVirt 1.9).

Disks and networks have modules of their own. Feature gates are off, as KubeVirt's defaults have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pytest_odfperf.sandbox.api.rules.field_rules import Problem, Rule, sources
from pytest_odfperf.sandbox.api.rules.pod_rules import node_requirement
from pytest_odfperf.sandbox.api.rules.vm_compute_rules import COMPUTE_RULES, amounts_of, value_of
from pytest_odfperf.sandbox.api.rules.vm_disk_rules import (
    DISK_RULES,
    INVALID,
    NOT_SUPPORTED,
    REQUIRED,
)
from pytest_odfperf.sandbox.api.rules.vm_network_rules import NETWORK_RULES

_MACHINES = re.compile("(pc-)?q35.*")
#: What is behind a feature gate that is off: place, whose place is told, words.
_GATED = (
    (
        "domain.devices.hostDevices", "HostDevices",
        "Host Devices feature gate is not enabled in kubevirt-config",
    ),
    (
        "domain.devices.downwardMetrics", "domain.devices.downwardMetrics",
        "downwardMetrics virtio serial is not allowed: DownwardMetrics feature gate is not enabled",
    ),
    (
        "domain.memory.reservedOverhead", "domain.memory.reservedOverhead",
        "Reserved overhead memlock feature gate is not enabled in kubevirt-config",
    ),
    (
        "utilityVolumes", "utilityVolumes",
        "cannot create VMI with utility volumes in spec, utility volumes can only be added via hotplug",
    ),
)  # fmt: skip


def _gate(where: str, words: str) -> Rule:
    parent, _, field = where.rpartition(".")
    return parent, lambda value: [Problem(INVALID, words, field)] if value.get(field) is not None else []


def _domain(spec: Any) -> Iterator[Problem]:
    domain = spec.get("domain") or {}
    machine = (domain.get("machine") or {}).get("type")
    amd64 = spec.get("architecture") in (None, "", "amd64")
    if machine and amd64 and not _MACHINES.fullmatch(machine):
        words = f"{{at}} is not supported: {machine} (allowed values: [q35* pc-q35*])"
        yield Problem(INVALID, words, "domain.machine.type")
    policy = domain.get("ioThreadsPolicy")
    if policy is not None and policy not in ("shared", "auto", "supplementalPool"):
        yield Problem(INVALID, f"Invalid IOThreadsPolicy ({policy})", "domain.ioThreadsPolicy")
    if (
        policy == "supplementalPool"
        and ((domain.get("ioThreads") or {}).get("supplementalPoolThreadCount") or 0) < 1
    ):
        words = "the number of iothreads needs to be set and positive for the dedicated policy"
        yield Problem(INVALID, words, "domain.ioThreads.count")
    firmware = domain.get("firmware") or {}
    loader = firmware.get("bootloader") or {}
    efi = loader.get("efi")
    if efi is not None and loader.get("bios") is not None:
        words = "{at} has both EFI and BIOS configured, but they are mutually exclusive."
        yield Problem(INVALID, words, "domain.firmware.bootloader")
    smm = (domain.get("features") or {}).get("smm")
    if (
        efi is not None
        and efi.get("secureBoot") is not False
        and (smm is None or smm.get("enabled") is False)
    ):
        words = "{at} has EFI SecureBoot enabled. SecureBoot requires SMM, which is currently disabled."
        yield Problem(INVALID, words, "domain")
    boot = firmware.get("kernelBoot") or {}
    if boot.get("kernelArgs") and boot.get("container") is None:
        words = "kernel arguments cannot be provided without an external kernel"
        yield Problem(INVALID, words, "domain.firmware.kernelBoot.kernelArgs")
    acpi = firmware.get("acpi")
    if acpi is not None and not (acpi.get("slicNameRef") or acpi.get("msdmNameRef")):
        yield Problem(INVALID, "ACPI was set but no SLIC nor MSDM volume reference was set", "acpi")


def _launch_security(spec: Any) -> Iterator[Problem]:
    security = (spec.get("domain") or {}).get("launchSecurity")
    if security is None:
        return
    kinds = sources(("sev", "snp", "tdx"), security)
    loader = ((spec["domain"].get("firmware") or {}).get("bootloader")) or {}
    if len(kinds) != 1:
        yield Problem(
            "FieldValueForbidden", "One and only one launchSecurity type can be set", "launchSecurity"
        )
    elif loader.get("efi") is None:
        yield Problem(INVALID, f"{kinds[0].upper()} requires OVMF (UEFI)", "launchSecurity")
    elif kinds[0] != "tdx" and loader["efi"].get("secureBoot") is not False:
        words = f"{kinds[0].upper()} does not work along with SecureBoot"
        yield Problem(INVALID, words, "launchSecurity")


def _devices(spec: Any) -> Iterator[Problem]:
    devices = (spec.get("domain") or {}).get("devices") or {}
    at = "domain.devices"
    for number, entry in enumerate(devices.get("inputs") or ()):
        if entry.get("bus") not in (None, "", "virtio", "usb"):
            words = "Input device can have only virtio or usb bus."
            yield Problem(INVALID, words, f"{at}.inputs[{number}].bus")
        if entry.get("type") != "tablet":
            words = "Input device can have only tablet type."
            yield Problem(INVALID, words, f"{at}.inputs[{number}].type")
    sound = devices.get("sound")
    if sound is not None and sound.get("model") not in (None, "", "ich9", "ac97"):
        yield Problem(INVALID, "Sound device type is not supported. Options: 'ich9' or 'ac97'", "Sound")
    if sound is not None and not sound.get("name"):
        yield Problem(INVALID, "Sound device requires a name field.", "Sound")
    if devices.get("video") is not None and devices.get("autoattachGraphicsDevice") is False:
        words = "Video configuration is not allowed when autoattachGraphicsDevice is set to false"
        yield Problem(INVALID, words, "video")
    if devices.get("autoattachVSOCK"):
        words = "VSOCK feature gate is not enabled in kubevirt-config"
        yield Problem(INVALID, words, f"{at}.autoattachVSOCK")
    for number, device in enumerate(devices.get("panicDevices") or ()):
        if device.get("model") not in (None, "hyperv", "isa", "pvpanic"):
            words = f"invalid PanicDeviceModel({device['model']})"
            yield Problem(INVALID, words, f"{at}.panicDevices[{number}].model")
    volumes = {volume.get("name"): volume for volume in spec.get("volumes") or ()}
    for system in devices.get("filesystems") or ():
        if sources(("persistentVolumeClaim", "dataVolume"), volumes.get(system.get("name")) or {}):
            words = "virtiofs is not allowed: virtiofs feature gate is not enabled for PVC"
            yield Problem(INVALID, words, f"{at}.filesystems")


def _life(spec: Any) -> Iterator[Problem]:
    start = spec.get("startStrategy")
    if start is not None and start != "Paused":
        words = f"{{at}} is set with an unrecognized option: {start}"
        yield Problem(INVALID, words, "startStrategy")
    elif start is not None and spec.get("livenessProbe") is not None:
        words = "either {at} or {root}.livenessProbe should be provided."
        yield Problem(INVALID, f"{words}Pausing VMI with LivenessProbe is not supported", "startStrategy")
    evict = spec.get("evictionStrategy")
    if evict is not None and evict not in ("LiveMigrate", "LiveMigrateIfPossible", "None", "External"):
        words = f"{{at}} is set with an unrecognized option: {evict}"
        yield Problem(INVALID, words, "evictionStrategy")


def _credentials(spec: Any) -> Iterator[Problem]:
    volumes = spec.get("volumes") or ()
    for number, given in enumerate(spec.get("accessCredentials") or ()):
        at = f"accessCredentials[{number}]"
        kinds = sources(("sshPublicKey", "userPassword"), given)
        for kind in kinds:
            place = f"{at}.{kind}.propagationMethod"
            method = given[kind].get("propagationMethod") or {}
            for way, volume in (("noCloud", "cloudInitNoCloud"), ("configDrive", "cloudInitConfigDrive")):
                if method.get(way) is not None and not any(volume in one for one in volumes):
                    told = f"requires a {way} volume to exist when the {way} propagationMethod is in use."
                    yield Problem(INVALID, f"{{root}}.{at} {told}", place)
            agent = method.get("qemuGuestAgent")
            if kind == "sshPublicKey" and agent is not None and not agent.get("users"):
                told = "requires at least one user to be present in the users list"
                yield Problem(INVALID, f"{{root}}.{at} {told}", place)
            if (given[kind].get("source") or {}).get("secret") is None:
                yield Problem(
                    INVALID, f"{{root}}.{at} must have exactly one source set", f"{at}.{kind}.source"
                )
            if len(sources(("noCloud", "configDrive", "qemuGuestAgent"), method)) != 1:
                yield Problem(INVALID, f"{{root}}.{at} must have exactly one propagationMethod set", place)
        if len(kinds) != 1:
            yield Problem(INVALID, "{at} must have exactly one access credential type set", at)


def _placement(spec: Any) -> Iterator[Problem]:
    """Kubernetes' own checks, of which KubeVirt has a copy; it leaves ``affinity`` out of the place."""
    affinity = spec.get("affinity") or {}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    node = affinity.get("nodeAffinity") or {}
    if node.get(required) is not None:
        at, terms = (
            f"nodeAffinity.{required}.nodeSelectorTerms",
            node[required].get("nodeSelectorTerms") or [],
        )
        if not terms:
            words = "{at}: Required value: must have at least one node selector term"
            yield Problem(INVALID, words, at)
        for number, term in enumerate(terms):
            for index, expression in enumerate(term.get("matchExpressions") or ()):
                for problem in node_requirement(expression):
                    below = f"{at}[{number}].matchExpressions[{index}].{problem.below}"
                    yield Problem(INVALID, f"{{at}}: {problem.words}", below)
    for kind in ("nodeAffinity", "podAffinity", "podAntiAffinity"):
        for number, term in enumerate((affinity.get(kind) or {}).get(preferred) or ()):
            if not 1 <= (term.get("weight") or 0) <= 100:
                told = f"Invalid value: {term.get('weight')}: must be in the range 1-100"
                yield Problem(INVALID, f"{{at}}: {told}", f"{kind}.{preferred}[{number}].weight")
        if kind == "nodeAffinity":
            continue
        for number, term in enumerate((affinity.get(kind) or {}).get(required) or ()):
            if not term.get("topologyKey"):
                words = "{at}: Required value: can not be empty"
                yield Problem(INVALID, words, f"{kind}.{required}[{number}].topologyKey")
    for number, spread in enumerate(spec.get("topologySpreadConstraints") or ()):
        at = f"topologySpreadConstraints[{number}]"
        if (spread.get("maxSkew") or 0) <= 0:
            told = f"Invalid value: {spread.get('maxSkew')}: must be greater than zero"
            yield Problem(INVALID, f"{{at}}: {told}", f"{at}.maxSkew")
        if not spread.get("topologyKey"):
            yield Problem(INVALID, "{at}: Required value: can not be empty", f"{at}.topologyKey")


def _instance(spec: Any) -> Iterator[Problem]:
    """What a VM may lack and an instance may not."""
    memory = (spec.get("domain") or {}).get("memory")
    if not value_of(amounts_of(spec)[0].get("memory")) and not sources(("guest", "hugepages"), memory or {}):
        places = "'{root}.domain.memory.guest', '{root}.domain.memory.hugepages.pageSize'"
        words = (
            f"no memory requested, at least one of {places} or '{{root}}.domain.resources.requests.memory'"
        )
        yield Problem(REQUIRED, f"{words} must be set")
    if spec.get("architecture") not in (None, "", "amd64", "arm64", "s390x"):
        yield Problem(INVALID, f"unsupported architecture: {spec['architecture']}", "architecture")
    video = (spec["domain"].get("devices") or {}).get("video")
    if video is not None and video.get("type") not in ("vga", "cirrus", "virtio", "ramfb", "bochs"):
        words = f"video model '{video.get('type')}' is not supported on amd64 architecture"
        yield Problem(NOT_SUPPORTED, words, "domain.devices.video.type")


#: From the spec of a guest on.
GUEST_RULES: tuple[Rule, ...] = (
    *COMPUTE_RULES,
    *(("", check) for check in (_domain, _launch_security, _life, _placement)),
    *NETWORK_RULES,
    *DISK_RULES,
    *(("", check) for check in (_credentials, _devices)),
    *(_gate(where, words) for where, _, words in _GATED),
)
#: From the spec of an instance on.
INSTANCE_RULES: tuple[Rule, ...] = (*GUEST_RULES, ("", _instance))
