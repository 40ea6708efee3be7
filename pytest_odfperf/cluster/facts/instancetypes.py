"""Instancetypes of a matrix's VM sizes: whether they are there, and give what the matrix says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_odfperf.cluster.client.calls import ApiError, Calls
from pytest_odfperf.cluster.client.kinds import INSTANCETYPES
from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.model import Matrix, VmSize
from pytest_odfperf.quantity import format_bytes, to_bytes


@dataclass(frozen=True, slots=True)
class InstancetypeFacts:
    """By VM size: the specs that could be read, and why VMs can not be made as the matrix says."""

    specs: Mapping[str, Mapping[str, Any]]
    problems: Mapping[str, str]
    #: By the plural of the kind: the server's words.
    forbidden: Mapping[str, str]


def read_instancetypes(calls: Calls, matrix: Matrix) -> InstancetypeFacts:
    """Read the instancetype of each VM size that has one."""
    specs: dict[str, Mapping[str, Any]] = {}
    problems: dict[str, str] = {}
    forbidden: dict[str, str] = {}
    for size in matrix.vm_sizes:
        if size.instancetype is None:
            continue
        kind, name = INSTANCETYPES[size.instancetype.kind], size.instancetype.name
        try:
            found = calls.get(kind, name, None if "Cluster" in kind.name else matrix.namespace)
        except ApiError as error:
            if error.status == 403:
                forbidden[kind.plural] = error.message
            elif error.status == 404:
                problems[size.label] = f"VM size {size.label}: {kind} {name} does not exist"
            else:
                raise
            continue
        specs[size.label] = found.get("spec") or {}
        if (why := _differs(size, name, specs[size.label])) is not None:
            problems[size.label] = why
    return InstancetypeFacts(specs, problems, forbidden)


def _differs(size: VmSize, name: str, spec: Mapping[str, Any]) -> str | None:
    vcpus, memory = (spec.get("cpu") or {}).get("guest"), (spec.get("memory") or {}).get("guest")
    try:
        same = vcpus == size.vcpus and to_bytes(str(memory)) == size.memory_bytes
    except InputError:
        same = False
    if same:
        return None
    return (
        f"VM size {size.label} has {size.vcpus} vCPUs and {format_bytes(size.memory_bytes)}, but its "
        f"instancetype {name} gives {vcpus} and {memory}: write vcpus: {vcpus}, memory: {memory}"
    )


def other_size(instance: Mapping[str, Any], vcpus: int, memory_bytes: int) -> str | None:
    """What a VM that runs has, where that is not what the matrix says; None if it is, or is not told."""
    domain = (instance.get("spec") or {}).get("domain") or {}
    cpu, memory = domain.get("cpu") or {}, (domain.get("memory") or {}).get("guest")
    found = 1
    for part in ("sockets", "cores", "threads"):
        found *= int(cpu.get(part) or 1)
    if memory is None or (found == vcpus and to_bytes(str(memory)) == memory_bytes):
        return None
    return (
        f"has {found} vCPUs and {memory}, but its VM size says {vcpus} and {format_bytes(memory_bytes)}; "
        f"next: write vcpus: {found}, memory: {memory}"
    )
