"""Objects in protobuf: what kubectl's own ``create`` commands and its access reviews send, and answers.

The layouts are those of the generated.proto files of k8s.io/api, inside a runtime.Unknown; only the kinds and
fields that kubectl writes so are here. An answer of which some field is not here has its JSON in the Unknown,
which says so (``contentType``).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"

#: A field by its number: its name, and ``text``, ``bytes``, ``number``, ``flag``, ``quantity``, ``time`` or
#: the fields of a message; ``*`` before the name marks a list, ``%`` a map of such values by text.
_Layout = Mapping[int, tuple[str, Any]]

_META: _Layout = {
    1: ("name", "text"),
    2: ("generateName", "text"),
    3: ("namespace", "text"),
    5: ("uid", "text"),
    6: ("resourceVersion", "text"),
    7: ("generation", "number"),
    8: ("creationTimestamp", "time"),
    11: ("%labels", "text"),
    12: ("%annotations", "text"),
    14: ("*finalizers", "text"),
}
_LIST_META: _Layout = {
    2: ("resourceVersion", "text"),
    3: ("continue", "text"),
    4: ("remainingItemCount", "number"),
}
_STATUS: _Layout = {
    1: ("metadata", _LIST_META),
    2: ("status", "text"),
    3: ("message", "text"),
    4: ("reason", "text"),
    5: (
        "details",
        {
            1: ("name", "text"),
            2: ("group", "text"),
            3: ("kind", "text"),
            4: ("*causes", {1: ("reason", "text"), 2: ("message", "text"), 3: ("field", "text")}),
            5: ("retryAfterSeconds", "number"),
            6: ("uid", "text"),
        },
    ),
    6: ("code", "number"),
}
_RULE: _Layout = {
    1: ("*verbs", "text"),
    2: ("*apiGroups", "text"),
    3: ("*resources", "text"),
    4: ("*resourceNames", "text"),
    5: ("*nonResourceURLs", "text"),
}
_SUBJECT: _Layout = {
    1: ("kind", "text"),
    2: ("apiGroup", "text"),
    3: ("name", "text"),
    4: ("namespace", "text"),
}
_ROLE: _Layout = {1: ("metadata", _META), 2: ("*rules", _RULE)}
_BINDING: _Layout = {
    1: ("metadata", _META),
    2: ("*subjects", _SUBJECT),
    3: ("roleRef", {1: ("apiGroup", "text"), 2: ("kind", "text"), 3: ("name", "text")}),
}
_ASKED: _Layout = {
    1: ("namespace", "text"),
    2: ("verb", "text"),
    3: ("group", "text"),
    4: ("version", "text"),
    5: ("resource", "text"),
    6: ("subresource", "text"),
    7: ("name", "text"),
}
_KINDS: Mapping[str, _Layout] = {
    "Status": _STATUS,
    "PartialObjectMetadata": {1: ("metadata", _META)},
    "Namespace": {1: ("metadata", _META)},
    "ServiceAccount": {1: ("metadata", _META)},
    "ConfigMap": {
        1: ("metadata", _META),
        2: ("%data", "text"),
        3: ("%binaryData", "bytes"),
        4: ("immutable", "flag"),
    },
    "Secret": {
        1: ("metadata", _META),
        2: ("%data", "bytes"),
        3: ("type", "text"),
        4: ("%stringData", "text"),
        5: ("immutable", "flag"),
    },
    "ResourceQuota": {
        1: ("metadata", _META),
        2: ("spec", {1: ("%hard", "quantity"), 2: ("*scopes", "text")}),
    },
    "Role": _ROLE,
    "ClusterRole": _ROLE,
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "TokenRequest": {
        1: ("metadata", _META),
        2: ("spec", {1: ("*audiences", "text"), 4: ("expirationSeconds", "number")}),
    },
    "SelfSubjectRulesReview": {2: ("spec", {1: ("namespace", "text")})},
    "SelfSubjectAccessReview": {
        2: (
            "spec",
            {
                1: ("resourceAttributes", _ASKED),
                2: ("nonResourceAttributes", {1: ("path", "text"), 2: ("verb", "text")}),
            },
        )
    },
}


def decode(body: bytes) -> dict[str, Any]:
    """The object in ``body`` as its JSON form. Raises a 400 or, for other kinds, a 415 `StatusError`."""
    if not body.startswith(_MAGIC):
        raise bad_request("the provided data does not appear to be a protobuf message, expected prefix k8s")
    unknown: _Layout = {1: ("head", {1: ("apiVersion", "text"), 2: ("kind", "text")}), 2: ("raw", None)}
    parts = _message(body[len(_MAGIC) :], unknown)
    head = parts.get("head") or {}
    layout = _KINDS.get(head.get("kind", ""))
    if layout is None:
        raise StatusError(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json, application/yaml",
        )
    return {**head, **_message(parts.get("raw", b""), layout)}


def _message(message: bytes, layout: _Layout) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, raw in _fields(message):
        if number not in layout:
            continue
        name, sort = layout[number]
        if raw == b"" and sort == "text" and name[0] not in "*%":
            # Go writes texts that are not set too.
            continue
        if name[0] == "%":
            entry = _message(raw if isinstance(raw, bytes) else b"", {1: ("key", "text"), 2: ("value", sort)})
            empty = "" if isinstance(sort, str) else {}
            found.setdefault(name[1:], {})[entry.get("key", "")] = entry.get("value", empty)
        elif name[0] == "*":
            found.setdefault(name[1:], []).append(_value(raw, sort))
        else:
            found[name] = _value(raw, sort)
    return found


def _value(raw: bytes | int, sort: Any) -> Any:
    if isinstance(raw, int):
        return bool(raw) if sort == "flag" else raw
    if sort is None:
        return raw
    if sort == "bytes":
        return base64.b64encode(raw).decode()
    if sort == "quantity":
        return _message(raw, {1: ("string", "text")}).get("string", "0")
    if sort == "time":
        seconds = _message(raw, {1: ("seconds", "number")}).get("seconds", 0)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    if sort != "text":
        return _message(raw, sort)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise bad_request(f"protobuf: a text is not UTF-8: {error}") from error


def _fields(message: bytes) -> list[tuple[int, bytes | int]]:
    """The fields of a message in their order: numbers, and length-delimited ones as bytes."""
    found: list[tuple[int, bytes | int]] = []
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 0:
            number, at = _varint(message, at)
            found.append((tag >> 3, number))
        elif tag & 7 == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise bad_request("protobuf: unexpected EOF")
            found.append((tag >> 3, message[at : at + length]))
            at += length
        else:
            raise bad_request(f"protobuf: wire type {tag & 7} is not expected here")
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(message):
            raise bad_request("protobuf: unexpected EOF")
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise bad_request("protobuf: integer overflow")


def encode(obj: Mapping[str, Any]) -> bytes:
    """An object, a list of objects or a Status. managedFields, which no layout here has, are left out."""
    kind = str(obj.get("kind", ""))
    layout = _KINDS.get(kind)
    if layout is None and (of := _KINDS.get(kind.removesuffix("List"))) is not None:
        layout = {1: ("metadata", _LIST_META), 2: ("*items", of)}
    head = _written(
        {"apiVersion": obj.get("apiVersion"), "kind": kind}, {1: ("apiVersion", "text"), 2: ("kind", "text")}
    )
    raw = None if layout is None else _written(_plain(obj), layout)
    if raw is None:
        content = json.dumps(obj, separators=(",", ":")).encode()
        return _MAGIC + _field(1, head or b"") + _field(2, content) + _field(4, b"application/json")
    return _MAGIC + _field(1, head or b"") + _field(2, raw)


def _plain(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the head says, and without managedFields."""
    found = {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}
    if isinstance(found.get("metadata"), dict):
        found["metadata"] = {k: v for k, v in found["metadata"].items() if k != "managedFields"}
    if isinstance(found.get("items"), list):
        found["items"] = [_plain(item) for item in found["items"]]
    return found


def _written(value: Mapping[str, Any], layout: _Layout) -> bytes | None:
    """A message; None if it has a field that the layout has not."""
    numbers = {name.lstrip("*%"): (number, name[0], sort) for number, (name, sort) in layout.items()}
    if not value.keys() <= numbers.keys():
        return None
    parts = b""
    for name, (number, mark, sort) in sorted(numbers.items(), key=lambda item: item[1][0]):
        there = value.get(name)
        if there is None:
            continue
        entries: list[Any] = list(there) if mark == "*" else [there]
        if mark == "%":
            pair: _Layout = {1: ("key", "text"), 2: ("value", sort)}
            entries = [_written({"key": key, "value": entry}, pair) for key, entry in there.items()]
        for entry in entries:
            raw = entry if mark == "%" else _raw(entry, sort)
            if raw is None:
                return None
            parts += _tagged(number, raw) if isinstance(raw, int) else _field(number, raw)
    return parts


def _raw(value: Any, sort: Any) -> bytes | int | None:
    if sort in ("number", "flag"):
        return int(value)
    if sort == "text":
        return str(value).encode()
    if sort == "bytes":
        return base64.b64decode(value)
    if sort == "quantity":
        return _written({"string": str(value)}, {1: ("string", "text")})
    if sort == "time":
        seconds = int(datetime.fromisoformat(value).timestamp())
        return _written({"seconds": seconds}, {1: ("seconds", "number")})
    return _written(value, sort)


def _number(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def _tagged(number: int, value: int) -> bytes:
    return _number(number << 3) + _number(value)


def _field(number: int, content: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(content)) + content
