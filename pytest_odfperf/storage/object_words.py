"""What Rook's operator says of an object: in its conditions and in its events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_odfperf.errors import one_line

_LONGEST = 400


def state_words(found: Mapping[str, Any] | None) -> str:
    """The phase of an object, and what its conditions say."""
    if found is None:
        return "is not there"
    status = _mapping(found.get("status"))
    words = _conditions(status)
    return f"is {status.get('phase') or 'without a phase'}" + (f" ({words})" if words else "")


def warning_words(found: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> str | None:
    """The last warning of an object; None if there is none of this very object."""
    uid = found["metadata"].get("uid")
    warnings = [
        event
        for event in events
        if event.get("type") == "Warning" and uid and _mapping(event.get("involvedObject")).get("uid") == uid
    ]
    return _short(max(warnings, key=_time).get("message")) if warnings else None


def failure_words(found: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> str:
    """Why the operator could not make it: its last warning, else what the conditions say."""
    if (words := warning_words(found, events)) is not None:
        return words
    return _conditions(_mapping(found.get("status"))) or "the operator does not say why: oc describe it"


def blocked_words(found: Mapping[str, Any]) -> str:
    """Why its deletion waits: what the conditions say of it, else its finalizers."""
    said = [
        _short(one.get("message"))
        for one in _list(_mapping(found.get("status")).get("conditions"))
        if str(one.get("type", "")).endswith("DeletionIsBlocked") and one.get("status") == "True"
    ]
    held = ", ".join(map(str, found["metadata"].get("finalizers") or ())) or "no finalizers"
    return "; ".join(dict.fromkeys(said)) or held


def _conditions(status: Mapping[str, Any]) -> str:
    said = [
        _short(one.get("message") or one.get("reason"))
        for one in _list(status.get("conditions"))
        if one.get("type") != "Ready" or one.get("status") != "True"
    ]
    return "; ".join(dict.fromkeys(word for word in said if word))[:_LONGEST]


def _time(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _short(text: Any) -> str:
    return one_line(" ".join(str(text or "").split()), _LONGEST)


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
