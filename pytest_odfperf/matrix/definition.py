"""The hash of everything that decides the number of a key, so that a resume trusts only what is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pytest_odfperf.matrix.keys import Key
from pytest_odfperf.matrix.model import Matrix, VmShape

#: Changed when the measurement itself changes, so that older numbers are not taken for today's.
METHOD = 2

#: What the sandbox's guests and disks are; the rest of its settings decides when, not how fast.
_SANDBOX = ("machine", "image", "qemu", "seed", "backends")


def definition(
    key: Key,
    matrix: Matrix,
    storage_class_facts: Mapping[str, Any] | None = None,
    instancetype: Mapping[str, Any] | None = None,
) -> str:
    """Hex SHA-256 of `definition_facts`. The same inputs hash alike on every Python version."""
    facts = definition_facts(key, matrix, storage_class_facts, instancetype)
    text = json.dumps(facts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def definition_facts(
    key: Key,
    matrix: Matrix,
    storage_class_facts: Mapping[str, Any] | None = None,
    instancetype: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What decides ``key``'s number: the job, the VMs, the disks, the StorageClass.

    ``storage_class_facts`` are the cluster's own words on the pool's StorageClass (provisioner,
    parameters, volume mode), ``instancetype`` the spec of that of the VM size, in plain JSON types.
    """
    pool = matrix.pool(key.pool)
    size = matrix.vm_size(key.size)
    guest = matrix.guest
    facts: dict[str, Any] = {
        "method": METHOD,
        "job": _job(key, matrix),
        "vms": key.concurrency,
        "vcpus": size.vcpus,
        "memory_bytes": size.memory_bytes,
        "pvc_bytes": matrix.pvc_size(key.pvc).size_bytes,
        "storage_class": pool.storage_class,
        "volume_mode": pool.volume_mode,
        "recipe": pool.recipe.deciding() if pool.recipe is not None else None,
        "storage_class_facts": storage_class_facts,
        "guest": {
            "data_source": guest.data_source,
            "data_source_namespace": guest.data_source_namespace,
            "packages": sorted(guest.packages),
            "root_size_bytes": guest.root_size_bytes,
            "root_storage_class": guest.root_storage_class,
        },
        "sandbox": _sandbox(matrix, pool.storage_class),
    }
    # Only what differs from what every VM was before there was a choice, so that older hashes stay.
    if shape := _shape(matrix.shape_of(key.pool, key.size)):
        facts["vm"] = shape
    if size.machine == "pod":
        # Nothing of the VMs' image and root disk is in a pod.
        facts |= {"machine": size.machine, "image": size.image, "guest": None}
    if instancetype is not None:
        facts["instancetype"] = instancetype
    if matrix.asks_capacity:
        facts["capacity"] = asdict(matrix.capacity) if matrix.capacity is not None else None
    if matrix.target_of(key.pool) != "file":
        facts["target"] = matrix.target_of(key.pool)
    return facts


def _job(key: Key, matrix: Matrix) -> dict[str, Any]:
    """What the rendered job depends on; comments and settings that the template does not use do not count."""
    lines = [line.strip() for line in matrix.profile(key.profile).template.splitlines()]
    template = [line for line in lines if line and line[0] not in "#;"]
    fio = matrix.fio_of(key.profile)
    settings: dict[str, int | str] = {
        "RUNTIME": fio.runtime_s,
        "RAMP_TIME": fio.ramp_s,
        "IODEPTH": fio.iodepth,
        "NUMJOBS": fio.numjobs,
        "BLOCK_SIZE": key.block_size,
    }
    used = {
        name: value for name, value in settings.items() if any(f"${{{name}}}" in line for line in template)
    }
    # The file is laid out by the guest, even for a template that fixes the size that it reads.
    job: dict[str, Any] = {"template": template, "settings": used, "file_size_bytes": fio.file_size_bytes}
    if fio.rate_iops is not None:
        job |= {"rate_iops": fio.rate_iops, "open_loop_depth": fio.open_loop_depth}
    return job


def _shape(shape: VmShape) -> dict[str, Any]:
    """What of the VMs' shape is not as usual.

    Labels are for finding and billing. They count where something could go by them: an affinity to pods
    with labels, or a patch, which can hold one.
    """
    facts = asdict(shape)
    if not shape.patches and not {"podAffinity", "podAntiAffinity"} & set(shape.affinity):
        facts["labels"] = {}
    usual = asdict(VmShape())
    return {name: value for name, value in facts.items() if value != usual[name]}


def _sandbox(matrix: Matrix, storage_class: str) -> dict[str, Any] | None:
    if matrix.sandbox is None:
        return None
    classes = matrix.sandbox.get("storage_classes")
    own = classes.get(storage_class) if isinstance(classes, Mapping) else None
    return {**{name: matrix.sandbox.get(name) for name in _SANDBOX}, "storage_class": own}
