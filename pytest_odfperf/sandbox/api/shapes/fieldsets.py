"""Sets of fields as managedFields holds them (FieldsV1), and objects changed by such sets.

A set is a tree of dicts: ``f:name`` is a field, ``k:{...}`` an entry of a list by its keys, ``v:...`` an
entry of a set by its value. An empty dict is a field that is owned as a whole; ``.`` says that the entry
itself is owned.
The rules are those of sigs.k8s.io/structured-merge-diff, written anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_odfperf.sandbox.api.shapes.schema import ANY, Shape

FieldSet = dict[str, Any]
SELF = "."


def _below(shape: Shape, name: str) -> Shape:
    if shape.sort == "map":
        assert shape.below is not None
        return shape.below
    return shape.fields.get(name, ANY)


def _element(shape: Shape, entry: Any) -> str:
    if shape.keys == ("*",):
        return "v:" + json.dumps(entry)
    below = shape.below
    assert below is not None
    keys = {key: entry.get(key, _below(below, key).default) for key in sorted(shape.keys)}
    return "k:" + json.dumps(keys, separators=(",", ":"))


def _entries(shape: Shape, value: Any) -> dict[str, Any]:
    """The parts of a value that are owned one by one; none of what is owned as a whole."""
    if isinstance(value, dict):
        return {f"f:{name}": entry for name, entry in value.items()}
    if isinstance(value, list) and shape.keys:
        return {
            _element(shape, entry): entry for entry in value if isinstance(entry, dict) or "*" in shape.keys
        }
    return {}


def _shape_at(shape: Shape, element: str) -> Shape:
    if element.startswith("f:"):
        return _below(shape, element[2:])
    return shape.below or ANY


def fields_of(shape: Shape, value: Any) -> FieldSet:
    """All fields of ``value``."""
    found: FieldSet = {}
    if type(value) is dict:
        for name, entry in value.items():
            deep = type(entry) is dict or type(entry) is list
            found[f"f:{name}"] = fields_of(_below(shape, name), entry) if deep else {}
    elif shape.keys:
        for element, entry in _entries(shape, value).items():
            below = fields_of(shape.below or ANY, entry)
            found[element] = {SELF: {}, **below} if element[0] == "k" else below
    return found


def changed(shape: Shape, before: Any, after: Any) -> tuple[FieldSet, FieldSet]:
    """The fields of ``after`` that are new or other than in ``before``, and those that are gone."""
    new: FieldSet = {}
    gone: FieldSet = {}
    old_entries, new_entries = _entries(shape, before), _entries(shape, after)
    for element in old_entries.keys() - new_entries.keys():
        gone[element] = {}
    for element, entry in new_entries.items():
        below = _shape_at(shape, element)
        if element not in old_entries:
            fields = fields_of(below, entry)
            new[element] = {SELF: {}, **fields} if element[0] == "k" else fields
            continue
        old = old_entries[element]
        if old is entry or old == entry:
            continue
        if not (_entries(below, entry) and _entries(below, old)):
            new[element] = fields_of(below, entry)
            gone |= {} if _entries(below, entry) else {element: {}}
            continue
        deeper_new, deeper_gone = changed(below, old, entry)
        if deeper_new:
            new[element] = deeper_new
        if deeper_gone:
            gone[element] = deeper_gone
    return new, gone


def is_field_set(given: Any) -> bool:
    """Whether a client's fieldsV1 can be read."""
    if not isinstance(given, dict):
        return False
    for element, below in given.items():
        if element[:2] in ("k:", "v:"):
            try:
                keys = json.loads(element[2:])
            except ValueError:
                return False
            if element[0] == "k" and not isinstance(keys, dict):
                return False
        elif element != SELF and element[:2] not in ("f:", "i:"):
            return False
        if not is_field_set(below):
            return False
    return True


def union(one: FieldSet, other: FieldSet) -> FieldSet:
    found = dict(one)
    for element, below in other.items():
        found[element] = union(found[element], below) if element in found else below
    return found


def minus(one: FieldSet, other: FieldSet) -> FieldSet:
    """What of ``one`` is not in ``other``; a whole field takes all that is in it along."""
    found: FieldSet = {}
    for element, below in one.items():
        if element not in other:
            found[element] = below
        elif below and other[element] and (rest := minus(below, other[element])):
            found[element] = rest
    return found


def whole_fields(fields: FieldSet, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for element, below in fields.items():
        if element == SELF:
            continue
        if below:
            yield from whole_fields(below, (*path, element))
        else:
            yield (*path, element)


def owns(fields: FieldSet, path: Sequence[str]) -> bool:
    """Whether the field at ``path``, something in it, or something that it is in, is in the set."""
    for element in path:
        if element not in fields:
            return False
        fields = fields[element]
        if not fields:
            return True
    return True


_NOTHING = object()


def value_at(shape: Shape, value: Any, path: Sequence[str]) -> Any:
    """The value at ``path``, or an object that is equal to nothing."""
    for element in path:
        value = _entries(shape, value).get(element, _NOTHING)
        if value is _NOTHING:
            return value
        shape = _shape_at(shape, element)
    return value


def dotted(path: Sequence[str]) -> str:
    """``.spec.containers[name="a"].image``, as messages name a field."""
    shown = []
    for element in path:
        if element.startswith("f:"):
            shown.append(f".{element[2:]}")
        elif element.startswith("v:"):
            shown.append(f"[={element[2:]}]")
        else:
            keys = json.loads(element[2:])
            shown.append("[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items()) + "]")
    return "".join(shown)


def merged(shape: Shape, live: Any, wanted: Any) -> Any:
    """``live`` with all fields of ``wanted`` put in; new where it differs, ``live`` itself else."""
    if isinstance(live, dict) and isinstance(wanted, dict):
        found = dict(live)
        for name, entry in wanted.items():
            found[name] = merged(_below(shape, name), live.get(name), entry)
        return found
    if isinstance(live, list) and isinstance(wanted, list) and shape.keys:
        entries = _entries(shape, live)
        for element, entry in _entries(shape, wanted).items():
            entries[element] = merged(_shape_at(shape, element), entries.get(element), entry)
        return list(entries.values())
    return wanted


def without(shape: Shape, value: Any, fields: FieldSet, kept: Sequence[FieldSet]) -> Any:
    """``value`` less the fields of the set that are in none of ``kept``; None if nothing stays."""
    entries = _entries(shape, value)
    for element, below in fields.items():
        if element == SELF or element not in entries:
            continue
        holders = [one[element] for one in kept if element in one]
        if not holders and (not below or SELF in below):
            del entries[element]
        elif below:
            left = without(_shape_at(shape, element), entries[element], below, holders)
            if left or holders:
                entries[element] = left
            else:
                del entries[element]
    if isinstance(value, dict):
        return {element[2:]: entry for element, entry in entries.items()}
    return list(entries.values()) if shape.keys else value
