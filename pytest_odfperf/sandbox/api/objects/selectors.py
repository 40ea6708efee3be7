"""Label and field selectors, as query parameters give them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.status import bad_request

Obj = dict[str, Any]
Predicate = Callable[[Obj], bool]

_KEY = r"(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)", re.ASCII)
_EQUALS = re.compile(rf"({_KEY})\s*(!=|==|=|>|<)\s*({_VALUE})", re.ASCII)
_EXISTS = re.compile(rf"(!?)\s*({_KEY})", re.ASCII)

_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)

#: Field selectors beside metadata.name and metadata.namespace; custom resources have none.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "Pod": ("spec.nodeName", "status.phase", "spec.restartPolicy", "status.podIP"),
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase",),
    "Secret": ("type",),
    "Event": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "type",
        "source",
        "reportingComponent",
    ),
}


def label_selector(text: str) -> Predicate:
    """The predicate of ``labelSelector``. Raises a 400 `StatusError`."""
    terms = [_label_term(term.strip()) for term in _split(text)] if text.strip() else []
    return lambda obj: all(term(obj["metadata"].get("labels") or {}) for term in terms)


def _split(text: str) -> list[str]:
    """At commas outside parentheses."""
    return re.split(r",(?![^(]*\))", text)


def _label_term(term: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET.fullmatch(term):
        key, operator, listed = found.groups()
        _check_key(key, term)
        values = {value.strip() for value in listed.split(",")}
        for value in values:
            _check_value(value, term)
        if operator == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUALS.fullmatch(term):
        key, operator, value = found.groups()
        _check_key(key, term)
        if operator in (">", "<"):
            return _compared(key, operator, value)
        _check_value(value, term)
        if operator == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.fullmatch(term):
        absent, key = found.groups()
        _check_key(key, term)
        return lambda labels: (key in labels) != bool(absent)
    raise bad_request(f"unable to parse requirement: {term!r}")


def _check_key(key: str, term: str) -> None:
    prefix, _, name = key.rpartition("/")
    if len(name) > 63 or len(prefix) > 253:
        raise bad_request(
            f"unable to parse requirement: key: Invalid value: {key!r} in {term!r}: it is too long"
        )


def _compared(key: str, operator: str, value: str) -> Callable[[Mapping[str, str]], bool]:
    if not _NUMBER.fullmatch(value):
        raise bad_request(
            f"unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer: {value!r}"
        )
    bound = int(value)

    def holds(labels: Mapping[str, str]) -> bool:
        there = labels.get(key, "")
        if not _NUMBER.fullmatch(there):
            return False
        return int(there) > bound if operator == ">" else int(there) < bound

    return holds


def _check_value(value: str, term: str) -> None:
    if len(value) > 63 or not re.fullmatch(_VALUE, value, re.ASCII):
        raise bad_request(f"unable to parse requirement: values: invalid value {value!r} in {term!r}")


def field_selector(text: str, resource: Resource) -> Predicate:
    """The predicate of ``fieldSelector``. Raises a 400 `StatusError` for a field that is not indexed."""
    terms = []
    known = ("metadata.name", "metadata.namespace", *_FIELDS.get(resource.kind, ()))
    for term in filter(None, text.split(",")):
        found = re.fullmatch(r"([A-Za-z.]+)(!=|==|=)(.*)", term)
        if found is None:
            raise bad_request(f"invalid field selector: {term!r}")
        path, operator, value = found.groups()
        if path not in known:
            if resource.custom or resource.kind in _FIELDS:
                raise bad_request(f"field label not supported: {path}")
            raise bad_request(
                f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'
            )
        terms.append((path.split("."), operator != "!=", value))
    return lambda obj: all((_at(obj, path) == value) == wanted for path, wanted, value in terms)


def named_by(text: str) -> str:
    """The name that a field selector asks for; empty if it does not."""
    for term in text.split(","):
        path, equals, name = term.partition("=")
        if equals and path == "metadata.name":
            return name.removeprefix("=")
    return ""


def _at(obj: Obj, path: list[str]) -> str:
    found: Any = obj
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    if found is None:
        return "false" if path[-1] == "unschedulable" else ""
    return str(found).lower() if isinstance(found, bool) else str(found)
