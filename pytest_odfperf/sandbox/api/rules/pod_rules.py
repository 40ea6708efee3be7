"""What a Pod's spec may hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_odfperf.sandbox.api.rules.bounds_rules import resource_amounts
from pytest_odfperf.sandbox.api.rules.field_rules import (
    Problem,
    Rule,
    at_most_one,
    between,
    both,
    duplicate,
    forbidden,
    invalid,
    matches,
    missing,
    number_of,
    one_of,
    required,
    unique,
    unsupported,
)
from pytest_odfperf.sandbox.api.rules.name_forms import dns_label, dns_subdomain, label_map, port_name

_VOLUMES = (
    "persistentVolumeClaim", "emptyDir", "hostPath", "secret", "configMap", "downwardAPI", "projected",
    "ephemeral", "csi", "nfs", "iscsi", "rbd", "cephfs", "fc", "image",
)  # fmt: skip
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOST_PATHS = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip
_PORT = between(1, 65535, "must be between 1 and 65535, inclusive")


def _names(spec: Any) -> Iterator[Problem]:
    """Containers of both sorts share their names."""
    seen = set()
    for field in ("containers", "initContainers"):
        for number, container in enumerate(spec.get(field) or ()):
            name = container.get("name")
            if name in seen:
                yield duplicate(name, f"{field}[{number}].name")
            seen.add(name)


def _mounts(spec: Any) -> Iterator[Problem]:
    volumes = {volume.get("name"): volume for volume in spec.get("volumes") or ()}
    for field in ("containers", "initContainers"):
        for number, container in enumerate(spec.get(field) or ()):
            below, seen = f"{field}[{number}]", set()
            for at, mount in enumerate(container.get("volumeMounts") or ()):
                path = mount.get("mountPath")
                if mount.get("name") not in volumes:
                    yield Problem(
                        "FieldValueNotFound",
                        f'Not found: "{mount.get("name")}"',
                        f"{below}.volumeMounts[{at}].name",
                    )
                if path in seen:
                    yield invalid(path, "must be unique", f"{below}.volumeMounts[{at}].mountPath")
                seen.add(path)
                if str(mount.get("subPath", "")).startswith("/"):
                    yield invalid(
                        mount["subPath"], "must be a relative path", f"{below}.volumeMounts[{at}].subPath"
                    )
            for at, device in enumerate(container.get("volumeDevices") or ()):
                name, place = device.get("name"), f"{below}.volumeDevices[{at}].name"
                if name not in volumes:
                    yield Problem("FieldValueNotFound", f'Not found: "{name}"', place)
                elif not {"persistentVolumeClaim", "ephemeral"} & set(volumes[name]):
                    problem = (
                        "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
                    )
                    yield invalid(name, problem, place)


def _resources(value: Any) -> Iterator[Problem]:
    limits, requests = value.get("limits") or {}, value.get("requests") or {}
    for field, amounts in (("limits", limits), ("requests", requests)):
        yield from resource_amounts(amounts, "containers", field)
    for name, asked in requests.items():
        most = number_of(limits.get(name))
        fixed = "/" in name or name.startswith("hugepages-")
        if fixed and name not in limits:
            yield missing("limits", "Limit must be set for non overcommitable resources")
        elif name in limits and most is not None and (number_of(asked) or 0) > most:
            problem = f"must be less than or equal to {name} limit of {limits[name]}"
            yield invalid(str(asked), problem, "requests")
    names = set(limits) | set(requests)
    if any(name.startswith("hugepages-") for name in names) and not names & {"cpu", "memory"}:
        yield forbidden("HugePages require cpu or memory")


def toleration(value: Any) -> Iterator[Problem]:
    operator, effect = value.get("operator") or "Equal", value.get("effect") or ""
    if not value.get("key") and operator != "Exists":
        problem = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        yield invalid(operator, problem, "operator")
    if operator not in ("Equal", "Exists"):
        yield unsupported(operator, ("Equal", "Exists"), "operator")
    if operator == "Exists" and value.get("value"):
        yield invalid(value["value"], "value must be empty when `operator` is 'Exists'", "operator")
    if effect not in ("", "NoSchedule", "PreferNoSchedule", "NoExecute"):
        yield unsupported(effect, ("NoSchedule", "PreferNoSchedule", "NoExecute"), "effect")


def node_requirement(value: Any) -> Iterator[Problem]:
    """Of a NodeSelectorRequirement: as many values as its operator wants."""
    operator, values = value.get("operator"), value.get("values") or []
    if operator in ("In", "NotIn") and not values:
        yield missing("values", "must be specified when `operator` is 'In' or 'NotIn'")
    if operator in ("Exists", "DoesNotExist") and values:
        yield forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'", "values")
    if operator in ("Gt", "Lt") and len(values) != 1:
        yield missing("values", "must be specified single value when `operator` is 'Lt' or 'Gt'")


def _probe(value: Any) -> Iterator[Problem]:
    if not set(_HANDLERS) & set(value):
        yield missing("", "must specify a handler type")
    yield from at_most_one("handler type", _HANDLERS)(value)


def _host_ports(spec: Any) -> Iterator[Problem]:
    for number, container in enumerate(spec.get("containers") or () if spec.get("hostNetwork") else ()):
        for at, port in enumerate(container.get("ports") or ()):
            if port.get("hostPort") not in (None, port.get("containerPort")):
                problem = "must match `containerPort` when `hostNetwork` is true"
                yield invalid(port["hostPort"], problem, f"containers[{number}].ports[{at}].hostPort")


def _dns(spec: Any) -> Iterator[Problem]:
    if spec.get("dnsPolicy") == "None" and not (spec.get("dnsConfig") or {}).get("nameservers"):
        yield missing("dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None")


def _of_containers() -> Iterator[Rule]:
    for at in ("spec.containers[*]", "spec.initContainers[*]"):
        yield f"{at}.name", dns_label
        yield f"{at}.image", matches(r"\S(.*\S)?", "must not have leading or trailing whitespace")
        yield at, required("image")
        yield f"{at}.resources", _resources
        yield f"{at}.ports", unique("name")
        yield f"{at}.ports[*]", lambda port: [] if port.get("containerPort") else [missing("containerPort")]
        yield f"{at}.ports[*].containerPort", lambda port: _PORT(port) if port else ()
        yield f"{at}.ports[*].name", port_name
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            yield f"{at}.{probe}", _probe
        for probe in ("livenessProbe", "startupProbe"):
            yield f"{at}.{probe}.successThreshold", between(1, 1, "must be 1")


POD: tuple[Rule, ...] = (
    *_of_containers(),
    ("spec", both(_names, _mounts, _host_ports, _dns)),
    ("spec.volumes", unique("name")),
    ("spec.volumes[*].name", dns_label),
    ("spec.volumes[*]", at_most_one("volume type", _VOLUMES)),
    ("spec.volumes[*].hostPath.type", one_of(*_HOST_PATHS)),
    ("spec.volumes[*].hostPath.path", matches(r"(?!(.*/)?\.\.(/|$)).*", "must not contain '..'")),
    ("spec.volumes[*].secret", required("secretName")),
    ("spec.volumes[*].configMap", required("name")),
    (
        "spec.volumes[*].emptyDir.sizeLimit",
        lambda size: (
            [forbidden("SizeLimit field must be a valid resource quantity")]
            if (number_of(size) or 0) < 0
            else []
        ),
    ),
    ("spec.activeDeadlineSeconds", between(1, 2147483647, "must be between 1 and 2147483647, inclusive")),
    ("spec.nodeSelector", label_map),
    ("spec.nodeName", dns_subdomain),
    ("spec.hostname", dns_label),
    ("spec.subdomain", dns_label),
    ("spec.tolerations[*]", toleration),
    (
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[*]"
        ".matchExpressions[*]",
        node_requirement,
    ),
)
