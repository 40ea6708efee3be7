"""Bodies of requests: JSON, YAML, and protobuf of some kinds."""

from __future__ import annotations

import base64
import json
from typing import Any

import yaml

from pytest_odfperf.sandbox.api.formats import protobuf
from pytest_odfperf.sandbox.api.objects.status import StatusError, bad_request

_TYPES = ("application/json", "application/yaml", protobuf.CONTENT_TYPE)


def decode(body: bytes, content_type: str) -> Any:
    """A body in JSON or YAML, or of some kinds in protobuf. Raises a 400 or 415 `StatusError`."""
    # A body without a type counts as JSON.
    if content_type not in (*_TYPES, "application/octet-stream", "application/apply-patch+yaml", "yaml"):
        known = ", ".join(_TYPES)
        message = f"the body of the request was in an unknown format - accepted media types include: {known}"
        raise StatusError(415, "UnsupportedMediaType", message)
    if content_type == protobuf.CONTENT_TYPE:
        return protobuf.decode(body)
    try:
        return yaml.safe_load(body) if "yaml" in content_type else json.loads(body or b"{}")
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in JSON; raises `ValueError` for a field that is there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f'duplicate field "{twice}"')
    return found


def check_duplicates(body: bytes, kind: str) -> None:
    """Raises a 400 `StatusError` for JSON in which a field is twice."""
    try:
        json.loads(body or b"{}", object_pairs_hook=_no_duplicates)
    except ValueError as error:
        head = f'{kind} in version "v1" cannot be handled as a {kind}'
        raise bad_request(f"{head}: strict decoding error: {error}") from error


def encode_texts(obj: dict[str, Any]) -> None:
    """Of a Secret: its texts among the rest of its data."""
    for name, text in (obj.pop("stringData", None) or {}).items():
        obj.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()
