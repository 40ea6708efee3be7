"""``vm:`` of a matrix, of a VM size and of a pool: where VMs are placed, and how they are shaped.

Words inside of affinity and tolerations are Kubernetes' own. What its API would drop without a word, or
refuse only when a VM is made, is refused here, with the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.model import AccessMode, ApiName, VmSettings
from pytest_odfperf.matrix.reading import fields
from pytest_odfperf.matrix.reading.patch_check import check_patch
from pytest_odfperf.matrix.reading.yaml_marks import Marked
from pytest_odfperf.matrix.vm_patch import own_label

VM = (
    "node_selector", "affinity", "tolerations", "preference", "labels", "annotations", "access_mode", "patch",
)  # fmt: skip
ACCESS_MODES: tuple[AccessMode, ...] = ("ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod")
#: The kinds that an instancetype and a preference can be of, the usual one first.
KINDS = {
    "instancetype": ("VirtualMachineClusterInstancetype", "VirtualMachineInstancetype"),
    "preference": ("VirtualMachineClusterPreference", "VirtualMachinePreference"),
}

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_TOLERATION = ("key", "operator", "value", "effect", "tolerationSeconds")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_AFFINITY = ("nodeAffinity", "podAffinity", "podAntiAffinity")
_POD_TERM = (
    "labelSelector", "namespaceSelector", "namespaces", "topologyKey", "matchLabelKeys", "mismatchLabelKeys",
)  # fmt: skip
#: Operators of an expression over labels, and how many values each takes: from, to.
_MANY = 1000
_OPERATORS = {"In": (1, _MANY), "NotIn": (1, _MANY), "Exists": (0, 0), "DoesNotExist": (0, 0)}
_NODE_OPERATORS = {**_OPERATORS, "Gt": (1, 1), "Lt": (1, 1)}
#: Kubernetes' limit for all annotations of an object.
_ANNOTATIONS_BYTES = 256 << 10


def read_vm(item: Marked, of: str) -> VmSettings:
    """One ``vm:`` section; ``of`` is where it stands, for messages. Raises `InputError`."""
    what = f"vm of {of}"
    if "instancetype" in fields.mapping(item, what):
        raise InputError(
            f"{what} can not have an instancetype: it is the size of the VM; write it into vm_sizes",
            place=item.key_place("instancetype"),
        )
    values = fields.fields(item, what, VM)
    readers: Mapping[str, Callable[[Marked, str], Any]] = {
        "node_selector": read_labels,
        "affinity": _affinity,
        "tolerations": _tolerations,
        "preference": lambda entry, name: read_api_name(entry, name, "preference"),
        "labels": _extra_labels,
        "annotations": _annotations,
        "access_mode": lambda entry, name: fields.choice(entry, name, ACCESS_MODES),
        "patch": check_patch,
    }
    return VmSettings(**{name: readers[name](entry, f"{name} of {what}") for name, entry in values.items()})


def read_api_name(item: Marked, what: str, sort: str) -> ApiName:
    """An instancetype or preference: its name, or ``{name, kind}``."""
    usual, own = KINDS[sort]
    if isinstance(item.value, str):
        return ApiName(kind=usual, name=fields.subdomain(item, what))
    values = fields.fields(item, what, ("name", "kind"), required=("name",))
    kind = fields.choice(values["kind"], f"kind of {what}", (usual, own)) if "kind" in values else usual
    return ApiName(kind=kind, name=fields.subdomain(values["name"], what))


def read_labels(item: Marked, what: str) -> dict[str, str]:
    """Labels, or what a node's labels must be."""
    labels = {}
    for name, entry in fields.mapping(item, what).items():
        _label_name(name, what, item.key_place(name))
        labels[name] = _label_value(entry, f"{what}: {name}")
    return labels


def _extra_labels(item: Marked, what: str) -> dict[str, str]:
    labels = read_labels(item, what)
    for name in labels:
        if why := own_label(name):
            raise InputError(f"{what}: {name!r} can not be set: {why}", place=item.key_place(name))
    return labels


def _annotations(item: Marked, what: str) -> dict[str, str]:
    annotations = {}
    for name, entry in fields.mapping(item, what).items():
        _label_name(name, what, item.key_place(name))
        annotations[name] = _text(entry, f"{what}: {name}")
    if sum(len(name) + len(value.encode()) for name, value in annotations.items()) > _ANNOTATIONS_BYTES:
        raise InputError(f"{what} are more than {_ANNOTATIONS_BYTES >> 10} KiB", place=item.place)
    return annotations


def _text(item: Marked, what: str) -> str:
    """A text, which may be empty."""
    return "" if item.value == "" else fields.text(item, what)


def _label_name(name: str, what: str, place: str) -> str:
    prefix, slash, own = name.rpartition("/")
    if slash:
        fields.check_subdomain(f"{what}: the prefix of {name[:80]!r},", prefix, place=place)
    if not _NAME.fullmatch(own):
        raise InputError(
            f"{what}: {name[:80]!r} is no label name: 1 to 63 of letters, digits, '.', '_' and '-', the "
            "first and last a letter or digit, after an optional PREFIX/",
            place=place,
        )
    return name


def _label_value(item: Marked, what: str) -> str:
    value = _text(item, what)
    if value and not _NAME.fullmatch(value):
        raise InputError(
            f"{what} {value[:70]!r} is no label value: at most 63 of letters, digits, '.', '_' and '-', the "
            "first and last a letter or digit",
            place=item.place,
        )
    return value


def _tolerations(item: Marked, what: str) -> tuple[dict[str, Any], ...]:
    if item.value == []:
        return ()
    return tuple(_toleration(entry, "toleration") for entry in fields.items(item, what))


def _toleration(item: Marked, what: str) -> dict[str, Any]:
    values = fields.fields(item, what, _TOLERATION)
    operator = (
        fields.choice(values["operator"], f"{what}: operator", ("Equal", "Exists"))
        if "operator" in values
        else "Equal"
    )
    if "key" in values:
        _label_name(fields.text(values["key"], f"{what}: key"), what, values["key"].place)
    elif operator != "Exists":
        raise InputError(
            f"{what} has no key; one that tolerates every taint has operator: Exists", place=item.place
        )
    if "value" in values:
        _label_value(values["value"], f"{what}: value")
        if operator == "Exists" and values["value"].value:
            raise InputError(
                f"{what} has a value, which operator Exists does not take", place=values["value"].place
            )
    effect = fields.choice(values["effect"], f"{what}: effect", _EFFECTS) if "effect" in values else None
    if "tolerationSeconds" in values:
        fields.whole(values["tolerationSeconds"], f"{what}: tolerationSeconds", 0, 1 << 31)
        if effect != "NoExecute":
            raise InputError(
                f"{what}: tolerationSeconds needs effect: NoExecute", place=values["tolerationSeconds"].place
            )
    return {name: entry.plain() for name, entry in values.items()}


def _affinity(item: Marked, what: str) -> dict[str, Any]:
    values = fields.fields(item, what, _AFFINITY)
    for name, entry in values.items():
        rules = fields.fields(entry, f"{what}: {name}", (_REQUIRED, _PREFERRED))
        if name == "nodeAffinity":
            _node_affinity(rules, f"{what}: {name}")
        else:
            _pod_affinity(rules, f"{what}: {name}")
    return {name: entry.plain() for name, entry in values.items()}


def _node_affinity(rules: Mapping[str, Marked], what: str) -> None:
    if _REQUIRED in rules:
        found = fields.fields(
            rules[_REQUIRED], f"{what}: {_REQUIRED}", ("nodeSelectorTerms",), required=("nodeSelectorTerms",)
        )
        for term in fields.items(found["nodeSelectorTerms"], f"{what}: nodeSelectorTerms"):
            _node_term(term, f"{what}: nodeSelectorTerms")
    if _PREFERRED in rules:
        for entry in fields.items(rules[_PREFERRED], f"{what}: {_PREFERRED}"):
            _node_term(_weighed(entry, f"{what}: {_PREFERRED}", "preference"), f"{what}: preference")


def _pod_affinity(rules: Mapping[str, Marked], what: str) -> None:
    if _REQUIRED in rules:
        for entry in fields.items(rules[_REQUIRED], f"{what}: {_REQUIRED}"):
            _pod_term(entry, f"{what}: {_REQUIRED}")
    if _PREFERRED in rules:
        for entry in fields.items(rules[_PREFERRED], f"{what}: {_PREFERRED}"):
            _pod_term(_weighed(entry, f"{what}: {_PREFERRED}", "podAffinityTerm"), f"{what}: podAffinityTerm")


def _weighed(item: Marked, what: str, term: str) -> Marked:
    values = fields.fields(item, what, ("weight", term), required=("weight", term))
    fields.whole(values["weight"], f"{what}: weight", 1, 100)
    return values[term]


def _node_term(item: Marked, what: str) -> None:
    values = fields.fields(item, what, ("matchExpressions", "matchFields"))
    if not values:
        raise InputError(f"{what}: a term without an expression matches no node", place=item.place)
    for name, entry in values.items():
        for one in fields.items(entry, f"{what}: {name}"):
            _expression(one, f"{what}: {name}", _NODE_OPERATORS)


def _pod_term(item: Marked, what: str) -> None:
    values = fields.fields(item, what, _POD_TERM, required=("topologyKey",))
    _label_name(fields.text(values["topologyKey"], f"{what}: topologyKey"), what, values["topologyKey"].place)
    for name in ("labelSelector", "namespaceSelector"):
        if name in values:
            selector = fields.fields(values[name], f"{what}: {name}", ("matchLabels", "matchExpressions"))
            if "matchLabels" in selector:
                read_labels(selector["matchLabels"], f"{what}: matchLabels")
            if "matchExpressions" in selector:
                for one in fields.items(selector["matchExpressions"], f"{what}: matchExpressions"):
                    _expression(one, f"{what}: matchExpressions", _OPERATORS)
    for name in ("namespaces", "matchLabelKeys", "mismatchLabelKeys"):
        if name in values:
            fields.each(values[name], f"{what}: {name}", name, fields.text)


def _expression(item: Marked, what: str, operators: Mapping[str, tuple[int, int]]) -> None:
    values = fields.fields(item, what, ("key", "operator", "values"), required=("key", "operator"))
    _label_name(fields.text(values["key"], f"{what}: key"), what, values["key"].place)
    operator = fields.choice(values["operator"], f"{what}: operator", tuple(operators))
    low, high = operators[operator]
    given = values["values"].value if "values" in values else []
    if not isinstance(given, list):
        raise fields.wrong(values["values"], f"{what}: values", "a list")
    if not low <= len(given) <= high:
        expected = "no values" if not high else "one value" if high == 1 else "at least one value"
        raise InputError(f"{what}: operator {operator} takes {expected}, not {len(given)}", place=item.place)
    for entry in given:
        _label_value(entry, f"{what}: value")
        if operator in ("Gt", "Lt") and not re.fullmatch(r"-?[0-9]{1,18}", entry.value, re.ASCII):
            raise InputError(
                f"{what}: operator {operator} compares whole numbers, not {entry.value[:40]!r}",
                place=entry.place,
            )
