"""What KubeVirt's webhooks say of a guest's CPUs, memory and resources, in their words (KubeVirt 1.9)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from pytest_odfperf.sandbox.api.rules.field_rules import Problem, Rule, number_of
from pytest_odfperf.sandbox.api.rules.vm_disk_rules import INVALID, NOT_SUPPORTED, REQUIRED

_FORM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_ZERO = Decimal(0)


def amounts_of(spec: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    resources = (spec.get("domain") or {}).get("resources") or {}
    requests, limits = dict(resources.get("requests") or {}), dict(resources.get("limits") or {})
    if limits.get("cpu") and not requests.get("cpu"):
        requests["cpu"] = limits["cpu"]
    return requests, limits


def value_of(text: Any) -> Decimal:
    return (number_of(text) if text is not None else None) or _ZERO


def _resources(spec: Any) -> Iterator[Problem]:
    requests, limits = amounts_of(spec)
    at = "domain.resources"
    for name, of in (("requests", requests), ("limits", limits)):
        for resource in ("memory", "cpu"):
            if value_of(of.get(resource)) < 0:
                words = f"{{at}} '{of[resource]}': must be greater than or equal to 0."
                yield Problem(INVALID, words, f"{at}.{name}.{resource}")
    if 0 < value_of(requests.get("memory")) < 1_000_000:
        words = f"{{at}} '{requests['memory']}': must be greater than or equal to 1M."
        yield Problem(INVALID, words, f"{at}.requests.memory")
    for resource in ("memory", "cpu"):
        if 0 < value_of(limits.get(resource)) < value_of(requests.get(resource)):
            most = f"{{root}}.{at}.limits.{resource} '{limits[resource]}'"
            words = f"{{at}} '{requests[resource]}' is greater than {most}"
            yield Problem(INVALID, words, f"{at}.requests.{resource}")


def _memory(spec: Any) -> Iterator[Problem]:
    memory = (spec.get("domain") or {}).get("memory") or {}
    requests, limits = amounts_of(spec)
    pages, guest = memory.get("hugepages"), memory.get("guest")
    if pages is not None:
        text = pages.get("pageSize") or ""
        size, at = number_of(text), "domain.memory.hugepages.pageSize"
        if size is None or not text:
            yield Problem(INVALID, f"{{at}} '{text}': {_FORM}", at)
        else:
            asked = value_of(requests.get("memory")) or value_of(guest) or value_of(limits.get("memory"))
            below = "domain.resources.requests.memory"
            told, page = f"{{at}} '{requests.get('memory', 0)}'", f"page size {{root}}.{at} '{text}'"
            if asked and asked < size:
                yield Problem(INVALID, f"{told} must be equal to or larger than {page}", below)
            elif size and asked % size:
                yield Problem(INVALID, f"{told} is not a multiple of the {page}", below)


def _cpu(spec: Any) -> Iterator[Problem]:
    cpu = (spec.get("domain") or {}).get("cpu") or {}
    dedicated = bool(cpu.get("dedicatedCpuPlacement"))
    if dedicated:
        yield from _dedicated(spec, cpu)
    numa = (cpu.get("numa") or {}).get("guestMappingPassthrough")
    place, numa_place = "domain.cpu.dedicatedCpuPlacement", "domain.cpu.numa.guestMappingPassthrough"
    if numa is not None:
        when = f"when NUMA topology strategy is set in {{root}}.{numa_place}"
        if not dedicated:
            yield Problem(INVALID, f"{{root}}.{place} must be set to true {when}", numa_place)
        if ((spec["domain"].get("memory") or {}).get("hugepages")) is None:
            yield Problem(INVALID, f"{{root}}.domain.memory.hugepages must be requested {when}", numa_place)
    if cpu.get("isolateEmulatorThread") and not dedicated:
        words = "IsolateEmulatorThread should be only set in combination with DedicatedCPUPlacement"
        yield Problem(INVALID, words, "domain.cpu.isolateEmulatorThread")
    for number, feature in enumerate(cpu.get("features") or ()):
        if feature.get("policy") not in (None, "", "force", "require", "optional", "disable", "forbid"):
            words = (
                f"CPU feature {feature.get('name')} uses policy {feature['policy']} that is not supported."
            )
            yield Problem(NOT_SUPPORTED, words, f"domain.cpu.features[{number}].policy")
    if 0 < (cpu.get("maxSockets") or 0) < (cpu.get("sockets") or 0):
        words = "Number of sockets in CPU topology is greater than the maximum sockets allowed"
        yield Problem(INVALID, words, "domain.cpu.sockets")
    if cpu.get("realtime") is not None:
        used = "{root}.domain.cpu.realtime is used"
        if not dedicated:
            yield Problem(REQUIRED, f"{{at}} must be set to true when {used}", place)
        if numa is None:
            yield Problem(REQUIRED, f"{{at}} must be defined when {used}", numa_place)


def _dedicated(spec: Any, cpu: Any) -> Iterator[Problem]:
    requests, limits = amounts_of(spec)
    at, when = "{root}.domain.resources", "when DedicatedCPUPlacement is true "
    memory = (spec["domain"].get("memory")) or {}
    place = "domain.cpu.dedicatedCpuPlacement"
    if not any(
        (value_of(limits.get("memory")), value_of(requests.get("memory")), value_of(memory.get("guest")))
    ) and not memory.get("hugepages"):
        places = f"{at}.requests.memory, {at}.limits.memory, {{root}}.domain.memory.hugepages"
        words = f"{places} or {{root}}.domain.memory.guest should be provided"
        yield Problem(INVALID, words, "domain.resources.limits.memory")
    asked, most = value_of(requests.get("cpu")), value_of(limits.get("cpu"))
    for name, amount in (("requests", asked), ("limits", most)):
        if amount > 0 and amount != amount.to_integral_value():
            words = f"provided resources CPU {name} must be an interger"
            yield Problem(INVALID, words, f"domain.resources.{name}.cpu")
    least_memory, most_memory = value_of(requests.get("memory")), value_of(limits.get("memory"))
    if least_memory > 0 and most_memory > 0 and least_memory != most_memory:
        words = f"{{at}} must be equal to {at}.limits.memory"
        yield Problem(INVALID, words, "domain.resources.requests.memory")
    if asked > 0 and most > 0 and asked != most:
        words = f"{at}.requests.cpu or {at}.limits.cpu must be equal {when}"
        yield Problem(INVALID, words, place)
    parts = [cpu.get(name) or 0 for name in ("cores", "sockets", "threads")]
    vcpus = 0
    if any(parts):
        vcpus = max(parts[0], 1) * max(parts[1], 1) * max(parts[2], 1)
    if (asked > 0 or most > 0) and vcpus and vcpus not in (asked, most):
        words = f"{at}.requests.cpu or {at}.limits.cpu must not be provided at the same time with"
        yield Problem(INVALID, f"{words} {{root}}.domain.cpu.cores {when}", place)
    if parts[2] > 2:
        told = f"Not more than two threads must be provided at {{root}}.domain.cpu.threads (got {parts[2]})"
        yield Problem(INVALID, f"{told} {when.strip()}", place)


#: From the spec of a guest on.
COMPUTE_RULES: tuple[Rule, ...] = (("", _resources), ("", _memory), ("", _cpu))
