"""Access reviews in protobuf: newer kubectls send them so, and no other kind that they write here.

The layout is that of k8s.io/api/authorization/v1/generated.proto inside a runtime.Unknown.
"""

from __future__ import annotations

from typing import Any

from pytest_odfperf.sandbox.api.status import StatusError, bad_request

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_RESOURCE = {1: "namespace", 2: "verb", 3: "group", 4: "version", 5: "resource", 6: "subresource", 7: "name"}
_PATH = {1: "path", 2: "verb"}


def decode_review(body: bytes) -> dict[str, Any]:
    """The review in ``body`` as its JSON form. Raises a 400 or, for other kinds, a 415 `StatusError`."""
    if not body.startswith(_MAGIC):
        raise bad_request("the provided data does not appear to be a protobuf message, expected prefix k8s")
    unknown = _fields(body[len(_MAGIC) :])
    meta = _texts(unknown.get(1, b""), {1: "apiVersion", 2: "kind"})
    spec = _fields(_fields(unknown.get(2, b"")).get(2, b""))
    kind = meta.get("kind")
    if kind == "SelfSubjectRulesReview":
        return {**meta, "spec": {"namespace": spec.get(1, b"").decode()}}
    if kind != "SelfSubjectAccessReview":
        raise StatusError(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json, application/yaml",
        )
    asked: dict[str, Any] = {}
    if 1 in spec:
        asked["resourceAttributes"] = _texts(spec[1], _RESOURCE)
    if 2 in spec:
        asked["nonResourceAttributes"] = _texts(spec[2], _PATH)
    return {**meta, "spec": asked}


def _texts(message: bytes, names: dict[int, str]) -> dict[str, str]:
    try:
        return {
            names[number]: value.decode() for number, value in _fields(message).items() if number in names
        }
    except UnicodeDecodeError as error:
        raise bad_request(f"protobuf: a text is not UTF-8: {error}") from error


def _fields(message: bytes) -> dict[int, bytes]:
    """The length-delimited fields of a message by number; the last of a number counts."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 0:
            _, at = _varint(message, at)
        elif tag & 7 == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise bad_request("protobuf: unexpected EOF")
            found[tag >> 3] = message[at : at + length]
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
