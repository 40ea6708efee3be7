"""What kind of value run.json must have where it is read: it may be of another version, or edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: By place: ``*`` is each name of an object. What is not there, or null, is nothing.
_SHAPE: Mapping[tuple[str, ...], type] = {
    ("run_id",): str,
    ("marking",): str,
    ("started_at",): str,
    ("ended_at",): str,
    ("ended_by",): str,
    ("options",): dict,
    ("matrix",): dict,
    ("definitions",): dict,
    ("versions",): dict,
    ("left",): list,
    ("found",): dict,
    ("found", "nodes"): list,
    ("found", "node_software"): list,
    ("found", "notes"): list,
    ("found", "versions"): dict,
    ("found", "pool_notes"): dict,
    ("found", "pool_problems"): dict,
    ("found", "volume_modes"): dict,
    ("found", "instancetypes"): dict,
    ("found", "backends"): dict,
    ("found", "backends", "*"): dict,
    ("found", "storage_classes"): dict,
    ("found", "storage_classes", "*"): dict,
    ("found", "storage_classes", "*", "parameters"): dict,
    ("found", "storage_classes", "*", "caps"): dict,
}
_WORDS: Mapping[type, str] = {dict: "an object", list: "a list", str: "a text"}


def shape_problem(content: Mapping[str, Any]) -> str | None:
    """``found.pool_notes is not an object``: the first place that is not as it must be, if any."""
    for place, wanted in _SHAPE.items():
        for name, value in _at(content, place):
            if value is not None and not isinstance(value, wanted):
                return f"{name:.200} is not {_WORDS[wanted]}"
    return None


def _at(within: Any, place: tuple[str, ...], name: str = "") -> Iterator[tuple[str, Any]]:
    if not place:
        yield name, within
    elif isinstance(within, Mapping):
        first, *rest = place
        for one in within if first == "*" else (first,):
            yield from _at(within.get(one), tuple(rest), f"{name}.{one}" if name else str(one))
