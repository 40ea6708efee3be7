"""What objects of the built-in kinds may hold, beyond their shape. Pods and amounts have their own modules.

Words and order are those of kube-apiserver 1.36.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_odfperf.sandbox.api.rules.bounds_rules import LIMIT_RANGE, RESOURCE_QUOTA
from pytest_odfperf.sandbox.api.rules.field_rules import (
    Problem,
    Rule,
    at_most_one,
    between,
    forbidden,
    invalid,
    keys,
    matches,
    missing,
    number_of,
    required,
    unsupported,
)
from pytest_odfperf.sandbox.api.rules.name_forms import (
    dns_subdomain,
    finalizer,
    qualified_name,
)
from pytest_odfperf.sandbox.api.rules.pod_rules import POD, node_requirement
from pytest_odfperf.sandbox.api.rules.rbac_rules import RBAC_RULES
from pytest_odfperf.sandbox.api.rules.rook_rules import ROOK_RULES
from pytest_odfperf.sandbox.api.rules.snapshot_rules import SNAPSHOT_RULES

_LARGEST_DATA_BYTES = 1 << 20
_LARGEST_PARAMETERS_BYTES = 256 << 10
_KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
#: What the data of a Secret of some type must hold.
_SECRET_KEYS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_ACCOUNT = "kubernetes.io/service-account.name"
_VOLUME_SOURCES = ("csi", "hostPath", "local", "nfs", "rbd", "cephfs", "iscsi", "fc")
_HIGHEST_PRIORITY = 1_000_000_000


def _config_key(key: Any) -> Iterator[Problem]:
    if len(key) > 253:
        yield invalid(key, "must be no more than 253 characters")
    yield from matches("[-._a-zA-Z0-9]+", _KEY)(key)
    if key in (".", ".."):
        yield invalid(key, f"must not be '{key}'")
    elif key.startswith(".."):
        yield invalid(key, "must not start with '..'")


def _config_map(obj: Any) -> Iterator[Problem]:
    for key in sorted(set(obj.get("data") or ()) & set(obj.get("binaryData") or ())):
        yield invalid(key, "duplicate of key present in binaryData", f"data[{key}]")
    plain, encoded = obj.get("data") or {}, obj.get("binaryData") or {}
    if _bytes(plain) + _encoded_bytes(encoded) > _LARGEST_DATA_BYTES:
        yield Problem(
            "FieldValueTooLong", f"Too long: may not be more than {_LARGEST_DATA_BYTES} bytes", "[]"
        )


def _secret(obj: Any) -> Iterator[Problem]:
    data, kind = obj.get("data") or {}, obj.get("type")
    if _encoded_bytes(data) > _LARGEST_DATA_BYTES:
        words = f"Too long: may not be more than {_LARGEST_DATA_BYTES} bytes"
        yield Problem("FieldValueTooLong", words, "data")
    for key in _SECRET_KEYS.get(str(kind), ()):
        if key not in data:
            yield missing(f"data[{key}]")
        elif key.startswith(".docker"):
            try:
                json.loads(base64.b64decode(data[key]))
            except (ValueError, binascii.Error):
                problem = '"<secret contents redacted>": invalid character looking for beginning of value'
                yield Problem("FieldValueInvalid", f"Invalid value: {problem}", f"data[{key}]")
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & set(data):
        yield missing("data[username]")
        yield missing("data[password]")
    annotations = obj["metadata"].get("annotations") or {}
    if kind == "kubernetes.io/service-account-token" and not annotations.get(_ACCOUNT):
        yield missing(f"metadata.annotations[{_ACCOUNT}]")


def _bytes(texts: Mapping[str, Any]) -> int:
    return sum(len(text.encode()) for text in texts.values())


def _encoded_bytes(texts: Mapping[str, Any]) -> int:
    return sum(len(text) * 3 // 4 - text[-2:].count("=") for text in texts.values())


def _event(event: Any) -> Iterator[Problem]:
    about = (event.get("involvedObject") or {}).get("namespace") or ""
    namespace = event["metadata"].get("namespace") or ""
    # Of what has no namespace the events are in "default".
    if about != namespace and not (not about and namespace == "default"):
        yield invalid(about, "does not match event.namespace", "involvedObject.namespace")
    if event.get("eventTime"):
        yield from _new_event(event, "reportingComponent")


def _new_event(event: Any, controller: str) -> Iterator[Problem]:
    """What an event with an ``eventTime`` needs."""
    name = event.get("reportingComponent") or ""
    if not name:
        yield missing(controller)
    for problem in qualified_name(name):
        yield Problem(problem.reason, problem.words, controller)
    for field, longest in (("reportingInstance", 128), ("action", 128), ("reason", 128)):
        if not event.get(field):
            yield missing(field)
        elif len(event[field]) > longest:
            yield invalid("", f"can have at most {longest} characters", field)
    if len(event.get("message") or "") > 1024:
        yield invalid("", "can have at most 1024 characters", "message")


def new_event(event: Any) -> Iterator[Problem]:
    """Of an event in the core's words that is written by ``events.k8s.io``."""
    if not event.get("eventTime"):
        yield missing("eventTime")
    yield from _new_event(event, "reportingController")
    if event.get("type") not in ("Normal", "Warning"):
        yield invalid("", f"has invalid value: {event.get('type')}", "type")
    for field in ("count", "firstTimestamp", "lastTimestamp"):
        if event.get(field):
            yield invalid("", "needs to be unset", field)
    if event.get("source"):
        yield invalid("", "needs to be unset", "source")


def _claim(spec: Any) -> Iterator[Problem]:
    modes = spec.get("accessModes") or []
    if not modes:
        yield missing("accessModes", "at least 1 access mode is required")
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        yield forbidden("may not use ReadWriteOncePod with other access modes", "accessModes")
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if size is None:
        yield missing("resources[storage]")
    elif (number_of(size) or 0) <= 0:
        yield invalid(str(size), "must be greater than zero", "resources[storage]")
    if spec.get("volumeMode") == "":
        yield unsupported("", ("Block", "Filesystem"), "volumeMode")
    if spec.get("storageClassName"):
        for problem in dns_subdomain(spec["storageClassName"]):
            yield Problem(problem.reason, problem.words, "storageClassName")
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    for field, named in (("dataSource", source), ("dataSourceRef", reference)):
        yield from _source(field, named or {})
    names = ("apiGroup", "kind", "name")
    if source and reference and any((source.get(n) or "") != (reference.get(n) or "") for n in names):
        yield invalid({}, "must match dataSourceRef")


def _source(field: str, named: Any) -> Iterator[Problem]:
    """Of what a claim is filled with."""
    if not named:
        return
    for name in ("name", "kind"):
        if not named.get(name):
            yield missing(f"{field}.{name}")
    group = named.get("apiGroup") or ""
    if not group and named.get("kind") != "PersistentVolumeClaim":
        words = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        yield invalid(str(named.get("kind")), words, field)
    for problem in dns_subdomain(group) if group else ():
        yield Problem(problem.reason, problem.words, f"{field}.apiGroup")


def _volume(spec: Any) -> Iterator[Problem]:
    capacity = spec.get("capacity") or {}
    if not capacity:
        yield missing("capacity")
    if set(capacity) != {"storage"}:
        yield unsupported(capacity or None, ("storage",), "capacity")
    if not spec.get("accessModes"):
        yield missing("accessModes")
    if "storage" in capacity and (number_of(capacity["storage"]) or 0) <= 0:
        yield invalid(str(capacity["storage"]), "must be greater than zero", "capacity[storage]")
    there = [name for name in _VOLUME_SOURCES if name in spec]
    if not there:
        yield missing("", "must specify a volume type")
    yield from at_most_one("volume type", _VOLUME_SOURCES)(spec)
    if spec.get("storageClassName"):
        for problem in dns_subdomain(spec["storageClassName"]):
            yield Problem(problem.reason, problem.words, "storageClassName")


def _parameters(parameters: Any) -> Iterator[Problem]:
    if "" in parameters:
        yield invalid("", "field can not be empty.")
    if sum(len(key) + len(text) for key, text in parameters.items()) > _LARGEST_PARAMETERS_BYTES:
        words = f"Too long: may not be more than {_LARGEST_PARAMETERS_BYTES} bytes"
        yield Problem("FieldValueTooLong", words)


def _priority(obj: Any) -> Iterator[Problem]:
    name = str(obj["metadata"].get("name"))
    known = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
    if name.startswith("system-"):
        if name not in known:
            yield forbidden(
                f"priority class names with 'system-' prefix are reserved for system use only. error: {name} "
                "is not a known system priority class",
                "metadata.name",
            )
    elif (obj.get("value") or 0) > _HIGHEST_PRIORITY:
        yield forbidden(f"maximum allowed value of a user defined priority is {_HIGHEST_PRIORITY}", "value")
    if obj.get("preemptionPolicy") not in (None, "PreemptLowerPriority", "Never"):
        yield unsupported(obj["preemptionPolicy"], ("PreemptLowerPriority", "Never"), "preemptionPolicy")


#: By kind.
CORE_RULES: Mapping[str, tuple[Rule, ...]] = {
    "Pod": POD,
    "ConfigMap": (
        ("data", keys(_config_key)),
        ("binaryData", keys(_config_key)),
        ("", _config_map),
    ),
    "Secret": (("data", keys(_config_key)), ("", _secret)),
    "Event": (("", _event),),
    # An Event as events.k8s.io takes it, in the core's words.
    "NewEvent": (("", new_event),),
    "PersistentVolumeClaim": (
        ("spec", _claim),
        ("spec.selector.matchExpressions[*]", node_requirement),
    ),
    "PersistentVolume": (
        ("spec", _volume),
        ("spec.csi.driver", dns_subdomain),
        ("spec.nodeAffinity.required", required("nodeSelectorTerms")),
    ),
    "LimitRange": LIMIT_RANGE,
    "ResourceQuota": RESOURCE_QUOTA,
    "Lease": (
        ("spec.leaseDurationSeconds", between(1, None, "must be greater than 0")),
        ("spec.leaseTransitions", between(0, None, "must be greater than or equal to 0")),
    ),
    "Namespace": (("spec.finalizers[*]", finalizer),),
    "StorageClass": (
        ("provisioner", lambda name: qualified_name(name.lower())),
        ("parameters", _parameters),
    ),
    "PriorityClass": (("", _priority),),
    **RBAC_RULES,
    **ROOK_RULES,
    **SNAPSHOT_RULES,
    "ServiceAccount": (("secrets[*].name", dns_subdomain),),
}
