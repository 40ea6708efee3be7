"""Takes out of an object of the API what nobody may read on disk: user data, keys, tokens."""

from __future__ import annotations

from typing import Any

from pytest_odfperf.redaction import HIDDEN, redact

#: Fields whose values are never written: cloud-init data that stands in an object itself.
_FIELDS = frozenset(
    {"userData", "userDataBase64", "networkData", "networkDataBase64", "password", "token", "stringData"}
)
_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"


def redacted_object(found: Any) -> Any:
    """An object of the API without user data, values of environment variables, and managed fields."""
    if isinstance(found, dict):
        return {
            name: _field(name, value)
            for name, value in found.items()
            if name not in ("managedFields", _ANNOTATION)
        }
    if isinstance(found, list):
        return [redacted_object(entry) for entry in found]
    return redact(found) if isinstance(found, str) else found


def _field(name: str, value: Any) -> Any:
    if name in _FIELDS:
        return HIDDEN
    if name == "env" and isinstance(value, list):
        return [{**entry, "value": HIDDEN} if "value" in entry else entry for entry in value]
    return redacted_object(value)
