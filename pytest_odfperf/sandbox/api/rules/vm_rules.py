"""What KubeVirt's webhooks say of a VirtualMachine around its guest, in their words (KubeVirt 1.9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_odfperf.sandbox.api.rules.field_rules import Problem, Rule, sources
from pytest_odfperf.sandbox.api.rules.vm_compute_rules import value_of
from pytest_odfperf.sandbox.api.rules.vm_disk_rules import INVALID, NOT_SUPPORTED, REQUIRED

_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_VOLUME_MODES = ("Block", "Filesystem", "FromStorageProfile")
_RUN_STRATEGIES = ("Halted", "Manual", "Always", "RerunOnFailure", "Once", "WaitAsReceiver")
#: Labels that only KubeVirt itself may give.
RESERVED_LABELS = {
    f"kubevirt.io/{name}"
    for name in (
        "created-by", "migrationJobUID", "nodeName", "migrationTargetNodeName", "schedulable",
        "install-strategy",
    )
}  # fmt: skip


def guest_labels(meta: Any) -> Iterator[Problem]:
    """Of the metadata of a guest."""
    if RESERVED_LABELS & set(meta.get("labels") or ()):
        words = "creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited"
        yield Problem(NOT_SUPPORTED, words, "labels")
    annotations = meta.get("annotations") or {}
    for name, gate in (
        ("kubevirt.io/ignitiondata", "ExperimentalIgnitionSupport"),
        ("hooks.kubevirt.io/hookSidecars", "sidecar"),
    ):
        if annotations.get(name):
            told = f"{gate} feature gate is not enabled in kubevirt-config, invalid entry"
            yield Problem(INVALID, f"{told} {{at}}.{name}", "annotations")


def _run_strategy(spec: Any) -> Iterator[Problem]:
    strategy = spec.get("runStrategy")
    if spec.get("running") is not None and strategy is not None:
        words = "Running and RunStrategy are mutually exclusive. Note that Running is deprecated, please use"
        yield Problem(INVALID, f"{words} RunStrategy instead", "running")
    if spec.get("running") is None and strategy is None:
        yield Problem(INVALID, "RunStrategy must be specified", "running")
    if strategy is not None and strategy not in _RUN_STRATEGIES:
        yield Problem(INVALID, f"Invalid RunStrategy ({strategy})", "runStrategy")


def _templates(spec: Any) -> Iterator[Problem]:
    used = set()
    for volume in (spec["template"].get("spec") or {}).get("volumes") or ():
        used.add((volume.get("dataVolume") or {}).get("name"))
        used.add((volume.get("persistentVolumeClaim") or {}).get("claimName"))
    for number, template in enumerate(spec.get("dataVolumeTemplates") or ()):
        at = f"dataVolumeTemplate[{number}]"
        name = (template.get("metadata") or {}).get("name")
        stores = sources(("pvc", "storage"), template.get("spec") or {})
        if not name:
            words = "'name' field must not be empty for DataVolumeTemplate entry {at}."
            yield Problem(REQUIRED, words, f"{at}.name")
        elif not stores:
            yield Problem(INVALID, "Missing Data volume PVC or Storage", f"{at}.PVC.Storage")
        elif len(stores) > 1:
            words = "Duplicate storage definition, both target storage and target pvc defined"
            yield Problem(INVALID, words, f"{at}.PVC.Storage")
        elif not sources(("source", "sourceRef"), template["spec"]) and not sources(
            ("dataSource", "dataSourceRef"), template["spec"][stores[0]]
        ):
            words = "Data volume should have either Source, SourceRef, or be externally populated"
            yield Problem(INVALID, words, f"{at}.source")
        elif len(template["spec"].get("source") or {}) > 1:
            yield Problem(INVALID, "Multiple dataVolume sources", f"{at}.source")
        elif name not in used:
            words = "DataVolumeTemplate entry {at} must be referenced in the VMI template's 'volumes' list"
            yield Problem(REQUIRED, words, at)


def _claims(template: Any) -> Iterator[Problem]:
    """The claims in DataVolumeTemplates; no list's numbers are told."""
    at = "{root}.dataVolumeTemplates.spec"
    for name in ("pvc", "storage"):
        claim = (template.get("spec") or {}).get(name) or {}
        if set(claim.get("accessModes") or ()) - set(_ACCESS_MODES):
            words = f"in body should be one of [{' '.join(_ACCESS_MODES)}]"
            yield Problem(NOT_SUPPORTED, f"{at}.{name}.accessModes {words}")
        if claim.get("volumeMode", "Block") not in _VOLUME_MODES:
            words = f"in body should be one of [{' '.join(_VOLUME_MODES)}]"
            yield Problem(NOT_SUPPORTED, f"{at}.{name}.volumeMode {words}")


def _matchers(spec: Any) -> Iterator[Problem]:
    for name, kind in (("instancetype", "InstancetypeMatcher"), ("preference", "PreferenceMatcher")):
        if spec.get(name) is not None and not sources(("name", "inferFromVolume"), spec[name]):
            yield Problem(
                INVALID, f"Either Name or InferFromVolume should be provided within the {kind}", name
            )


def _live_memory(spec: Any) -> Iterator[Problem]:
    memory = ((spec["template"].get("spec") or {}).get("domain") or {}).get("memory") or {}
    if memory.get("maxGuest") is not None and value_of(memory.get("guest")) > value_of(memory["maxGuest"]):
        words = "Guest memory is greater than the configured maxGuest memory"
        yield Problem(INVALID, words, "template.spec.domain.memory.guest")


#: What the mutating webhook says, from the spec of a VirtualMachine on.
MUTATOR_RULES: tuple[Rule, ...] = (("dataVolumeTemplates[*]", _claims), ("", _matchers))
#: From the spec of a VirtualMachine on.
VM_RULES: tuple[Rule, ...] = (
    ("", _run_strategy),
    ("template.metadata", guest_labels),
    ("", _templates),
    ("", _live_memory),
)
