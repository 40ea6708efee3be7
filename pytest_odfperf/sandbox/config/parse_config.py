"""The ``sandbox:`` mapping of a matrix file as values, checked: a wrong name or type is one clear line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from pytest_odfperf.errors import InputError
from pytest_odfperf.sandbox.config.ceph_rules import read_ceph
from pytest_odfperf.sandbox.config.config_values import (
    CEPH_BACKEND,
    IMAGES_NAMESPACE,
    KUBEVIRT_VERSIONS,
    STORAGE_NAMESPACE,
    BindingMode,
    CephConfig,
    CephObject,
    CephStatus,
    MachineKind,
    ModelConfig,
    NodeConfig,
    SandboxConfig,
    SharedBackend,
    StorageClassConfig,
    VolumeMode,
)
from pytest_odfperf.sandbox.config.fault_rules import read_api_faults
from pytest_odfperf.sandbox.config.guest_faults import Faults, read_guest_faults
from pytest_odfperf.sandbox.config.mapping_reader import Reader
from pytest_odfperf.sandbox.config.operator_rules import read_operators
from pytest_odfperf.sandbox.config.trouble_rules import Webhook, read_troubles, read_webhook

__all__ = [
    "IMAGES_NAMESPACE",
    "ROOT_CLASS",
    "STORAGE_NAMESPACE",
    "BindingMode",
    "CephConfig",
    "CephObject",
    "CephStatus",
    "Faults",
    "MachineKind",
    "ModelConfig",
    "NodeConfig",
    "SandboxConfig",
    "SharedBackend",
    "StorageClassConfig",
    "VolumeMode",
    "parse_config",
]

#: The class that root disks come from unless the matrix names another.
ROOT_CLASS = "sandbox-root"
_USER = re.compile(r"[a-z0-9][a-z0-9-]{0,30}", re.ASCII)


def parse_config(raw: Any, *, place: str = "sandbox") -> SandboxConfig:
    """Check the ``sandbox:`` mapping; `InputError` names the place and the known names."""
    read = Reader({} if raw is None else raw, place)
    nodes = _nodes(read.value("nodes", {"count": 3}), f"{place}.nodes")
    classes = tuple(_storage_class(n, v, p) for n, v, p in read.mappings("storage_classes"))
    if not any(sc.default for sc in classes):
        classes = (*classes, StorageClassConfig(name=ROOT_CLASS, default=True, format="qcow2"))
    config = SandboxConfig(
        machine=read.choice("machine", "qemu", get_args(MachineKind)),
        image=read.text("image", "minimal"),
        qemu=read.mapping("qemu"),
        nodes=nodes,
        seed=read.integer("seed", 1, at_least=0),
        speed=read.number("speed", 10.0, above=0.0),
        boot_s=read.number("boot_s", 0.3),
        clone_s=read.number("clone_s", 0.2),
        cpu_allocation_ratio=read.integer("cpu_allocation_ratio", 10, at_least=1),
        kubevirt_version=_kubevirt_version(read.value("kubevirt_version", KUBEVIRT_VERSIONS[-1]), place),
        storage_classes=classes,
        backends={n: _backend(v, p) for n, v, p in read.mappings("backends")},
        ceph=read_ceph(read.mapping("ceph"), f"{place}.ceph"),
        data_sources=_data_sources(read),
        namespaces=read.texts("namespaces"),
        instancetypes={name: spec for name, spec, _ in read.mappings("instancetypes")},
        preferences={name: spec for name, spec, _ in read.mappings("preferences")},
        api_faults=read_api_faults(read.value("api_faults", []), f"{place}.api_faults"),
        users=_users(read, f"{place}.users"),
        operators=read_operators(read.mapping("operators"), f"{place}.operators"),
        webhooks=_webhooks(read.value("webhooks", []), f"{place}.webhooks"),
    )
    read.end()
    if config.ceph.model is not None and CEPH_BACKEND not in config.backends:
        usual = SharedBackend(iops=160_000.0, bandwidth=float(12 << 30))
        config = replace(config, backends={**config.backends, CEPH_BACKEND: usual})
    for sc in classes:
        if sc.model.backend is not None and sc.model.backend not in config.backends:
            known = ", ".join(sorted(config.backends)) or "none"
            raise InputError(
                f"backend {sc.model.backend!r} is not one of {place}.backends ({known})",
                place=f"{place}.storage_classes.{sc.name}.model",
            )
    return config


_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def _kubevirt_version(value: Any, place: str) -> str:
    # YAML takes 1.9 for a number.
    if str(value) not in KUBEVIRT_VERSIONS or isinstance(value, bool):
        known = ", ".join(KUBEVIRT_VERSIONS)
        raise InputError(f"{value!r} is not one of {known}", place=f"{place}.kubevirt_version")
    return str(value)


def _nodes(raw: Any, place: str) -> tuple[NodeConfig, ...]:
    if isinstance(raw, list):
        nodes = tuple(_node(entry, f"{place}[{i}]", f"node-{i + 1}")[0] for i, entry in enumerate(raw))
    else:
        nodes = tuple(_node(raw, place, None))
    if not nodes:
        raise InputError("at least one node is needed", place=place)
    names = [node.name for node in nodes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"node {twice!r} is there twice", place=place)
    return nodes


def _node(raw: Any, place: str, name: str | None) -> list[NodeConfig]:
    read = Reader(raw, place)
    names = (
        [f"node-{i + 1}" for i in range(read.integer("count", 3, at_least=1))]
        if name is None
        else [read.text("name", name)]
    )
    shape = {
        "cpu_milli": read.quantity("cpu", 96, thousandths=True),
        "memory_bytes": read.quantity("memory", "512Gi"),
        "pods": read.integer("pods", 250, at_least=1),
    }
    ready = read.flag("ready", True)
    unschedulable = read.flag("unschedulable", False)
    in_use, attached = read.texts("volumes_in_use"), read.texts("volumes_attached")
    labels, taints = dict(read.strings("labels")), _taints(read.value("taints", []), f"{place}.taints")
    read.end()
    return [
        NodeConfig(
            name=n,
            ready=ready,
            unschedulable=unschedulable,
            labels=labels,
            taints=taints,
            volumes_in_use=in_use,
            volumes_attached=attached,
            **shape,
        )
        for n in names
    ]


def _taints(raw: Any, place: str) -> tuple[Mapping[str, str], ...]:
    if not isinstance(raw, list):
        raise InputError(f"{raw!r} is not a list", place=place)
    taints = []
    for number, entry in enumerate(raw):
        read = Reader(entry, f"{place}[{number}]")
        taint = {"key": read.text("key", ""), "effect": read.choice("effect", "NoSchedule", _EFFECTS)}
        if value := read.value("value", ""):
            taint["value"] = str(value)
        read.end()
        taints.append(taint)
    return tuple(taints)


def _backend(raw: Mapping[str, Any], place: str) -> SharedBackend:
    read = Reader(raw, place)
    backend = SharedBackend(
        iops=read.optional_quantity("iops"), bandwidth=read.optional_quantity("bandwidth")
    )
    read.end()
    return backend


def _storage_class(name: str, raw: Mapping[str, Any], place: str) -> StorageClassConfig:
    read = Reader(raw, place)
    backend = Reader(read.mapping("backend"), f"{place}.backend")
    formats = ("raw", "qcow2")
    caches = ("none", "writeback", "writethrough", "directsync", "unsafe")
    config = StorageClassConfig(
        name=name,
        provisioner=read.text("provisioner", "sandbox.odfperf/file"),
        binding_mode=read.choice("binding_mode", "Immediate", get_args(BindingMode)),
        volume_mode=read.choice("volume_mode", None, (*get_args(VolumeMode), None)),
        default=read.flag("default", False),
        parameters=read.strings("parameters"),
        annotations=read.strings("annotations"),
        format=backend.choice("format", "raw", formats),
        cache=backend.choice("cache", "none", caches),
        iops=backend.optional_quantity("iops"),
        bandwidth_bytes_per_s=backend.optional_quantity("bandwidth"),
        directory=backend.optional_text("directory"),
        model=_model(read.mapping("model"), f"{place}.model"),
        faults=read_guest_faults(read.mapping("faults"), f"{place}.faults"),
        provisioning_error=read.optional_text("provisioning_error"),
        troubles=read_troubles(read.mapping("troubles"), f"{place}.troubles"),
    )
    backend.end()
    read.end()
    return config


def _model(raw: Mapping[str, Any], place: str) -> ModelConfig:
    read = Reader(raw, place)
    usual = ModelConfig()
    model = ModelConfig(
        read_lat_us=read.number("read_lat_us", usual.read_lat_us, above=0.0),
        write_lat_us=read.number("write_lat_us", usual.write_lat_us, above=0.0),
        read_iops=read.number("read_iops", usual.read_iops, above=0.0),
        write_iops=read.number("write_iops", usual.write_iops, above=0.0),
        read_bandwidth=read.optional_quantity("read_bandwidth") or usual.read_bandwidth,
        write_bandwidth=read.optional_quantity("write_bandwidth") or usual.write_bandwidth,
        read_sigma=read.number("read_sigma", usual.read_sigma),
        write_sigma=read.number("write_sigma", usual.write_sigma),
        noise=read.number("noise", usual.noise),
        jitter=read.number("jitter", usual.jitter),
        backend=read.optional_text("backend"),
        vm_lat_us=read.number("vm_lat_us", usual.vm_lat_us),
        vm_part=read.number("vm_part", usual.vm_part, above=0.0),
    )
    read.end()
    return model


def _users(read: Reader, place: str) -> Mapping[str, str]:
    users = read.strings("users")
    for name in users:
        if not _USER.fullmatch(name):
            raise InputError(
                f"{name!r} is part of a file name: lower-case letters, digits and -", place=place
            )
    return users


def _webhooks(raw: Any, place: str) -> tuple[Webhook, ...]:
    if not isinstance(raw, list):
        raise InputError(f"{raw!r} is not a list of webhooks", place=place)
    return tuple(read_webhook(entry, f"{place}[{number}]") for number, entry in enumerate(raw))


def _data_sources(read: Reader) -> tuple[tuple[str, str], ...]:
    names = read.texts("data_sources") or ("centos-stream9",)
    split = [name.rpartition("/") for name in names]
    return tuple((namespace or IMAGES_NAMESPACE, name) for namespace, _, name in split)
