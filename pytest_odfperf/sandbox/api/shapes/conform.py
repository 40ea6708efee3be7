"""Whether an object has the shape of its kind: wrong types, unknown fields, what is missing, defaults.

As the real thing does it: of the kinds that Kubernetes itself defines a wrong type is a 400, of custom
resources a 422. Unknown fields are refused (``fieldValidation=Strict``), or dropped, with a warning or not.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from pytest_odfperf.sandbox.api.objects.resources import Resource
from pytest_odfperf.sandbox.api.objects.status import bad_request, cause, denied, refused, undecodable
from pytest_odfperf.sandbox.api.shapes.quantities import QUANTITY, canonical, is_quantity
from pytest_odfperf.sandbox.api.shapes.schema import Shape, shape_of

Obj = dict[str, Any]
#: A place in an object: the place above, and a field's name or a number; None is the object itself.
Where = tuple[Any, Any] | None

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d\.\d{6}([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_MOST_WARNINGS = 8

_NO_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
#: JSON's names of Python's types: as Go's decoder says them, as OpenAPI does.
_GO = {str: "string", int: "number", float: "number", bool: "bool", dict: "object", list: "array"}
_OPENAPI = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", list: "array"}
_GO_TYPES = {
    "integer": "int64",
    "int32": "int32",
    "uint32": "uint32",
    "number": "float64",
    "boolean": "bool",
    "map": "map[string]string",
}


def path_of(where: Where) -> str:
    parts: list[str] = []
    while where is not None:
        where, part = where
        parts.append(f"[{part}]" if isinstance(part, int) else f".{part}")
    return "".join(reversed(parts)).lstrip(".")


class _Check:
    """One walk through an object. Places that are the same object as in ``before`` are known to be right."""

    def __init__(self, *, custom: bool, partial: bool) -> None:
        self._custom = custom
        self._partial = partial
        self.unknown: list[str] = []
        #: What can not be read at all.
        self.unreadable: list[str] = []
        self.causes: list[dict[str, str]] = []
        #: The same as a webhook of KubeVirt says it.
        self.told: list[str] = []
        #: What such a webhook can not read into its own types.
        self.undecodable: list[str] = []

    def walk(self, shape: Shape, value: Any, where: Where, before: Any) -> Any:
        """``value`` as it is kept; objects are changed in place."""
        if value is before and before is not None:
            return value
        if shape.accepts and type(value) not in shape.accepts:
            if not (value is None and shape.nullable):
                self._wrong(shape, value, where)
            return value
        sort = shape.sort
        if sort == "object":
            if shape.fields or not shape.open:
                self._object(shape, value, where, before if type(before) is dict else {})
        elif sort == "map":
            below = shape.below
            assert below is not None
            there = before if type(before) is dict else {}
            dropped = [name for name, entry in value.items() if entry is None]
            for name in dropped:
                del value[name]
            for name, entry in value.items():
                if type(entry) not in below.plain:
                    value[name] = self.walk(below, entry, (where, name), there.get(name))
        elif sort == "array":
            below = shape.below
            assert below is not None
            for number, entry in enumerate(value):
                value[number] = self.walk(below, entry, (where, number), None)
        elif shape.choices:
            if value not in shape.choices and value != "":
                choices = sorted(shape.choices)
                known = ", ".join(f'"{choice}"' for choice in choices)
                self._refuse(
                    "FieldValueNotSupported",
                    where,
                    f'Unsupported value: "{value}": supported values: {known}',
                    f"in body should be one of [{' '.join(choices)}]",
                )
        elif sort in _LEAF_CHECKS:
            return _LEAF_CHECKS[sort](self, value, where)
        return value

    def _object(self, shape: Shape, value: Obj, where: Where, before: Obj) -> None:
        fields = shape.fields
        dropped: list[str] = []
        for name, entry in value.items():
            below = fields.get(name)
            if below is None:
                if shape.closed:
                    problem = "Forbidden: unknown field"
                    self._refuse(
                        "FieldValueForbidden", (where, name), problem, "in body is a forbidden property"
                    )
                elif not shape.open:
                    self.unknown.append(path_of((where, name)))
                    dropped.append(name)
            elif type(entry) in below.plain:
                continue
            elif entry is None and not below.nullable:
                dropped.append(name)
            else:
                kept = self.walk(below, entry, (where, name), before.get(name))
                if kept is not entry:
                    value[name] = kept
        for name in dropped:
            del value[name]
        if self._partial:
            return
        for name in shape.required:
            # A field of a built-in kind that is empty counts as missing: Go does not tell the two apart.
            if name not in value or (not self._custom and value[name] in ("", [])):
                self._refuse("FieldValueRequired", (where, name), "Required value", "in body is required")
        for name in shape.filled:
            if name not in value:
                value[name] = fields[name].default

    def _refuse(self, reason: str, where: Where, problem: str, told: str = "") -> None:
        path = path_of(where)
        self.causes.append(cause(reason, path, problem))
        self.told.append(f"{_struct(path)} {told}" if told else problem)

    def _wrong(self, shape: Shape, value: Any, where: Where) -> None:
        path = path_of(where)
        if self._custom and not path.startswith("metadata"):
            found = _OPENAPI.get(type(value), "null")
            wanted = (
                "object"
                if shape.sort == "map"
                else "string"
                if shape.sort.endswith("time")
                else "integer"
                if shape.sort.endswith("int32")
                else shape.sort
            )
            problem = f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
            self._refuse("FieldValueTypeInvalid", where, problem, _told_type(type(value), wanted))
            return
        found = _GO.get(type(value), "null")
        wanted = _GO_TYPES.get(shape.sort, shape.sort)
        self.unreadable.append(
            f"json: cannot unmarshal {found} into Go struct field {_struct(path)} of type {wanted}"
        )

    def quantity(self, value: Any, where: Where) -> Any:
        if is_quantity(str(value)):
            return value if self._custom else canonical(str(value))
        self.undecodable.append(_NO_QUANTITY)
        if self._custom:
            path = path_of(where)
            problem = f"{path} in body should match '{QUANTITY.pattern}'"
            self._refuse("FieldValueInvalid", where, f'Invalid value: "{value}": {problem}')
            self.told[-1] = _NO_QUANTITY
        else:
            self.unreadable.append(_NO_QUANTITY)
        return value

    def whole_number(self, value: int, where: Where, least: int, most: int, kind: str) -> int:
        """A number that Go's type for it can hold."""
        if not least <= value <= most:
            told = f"json: cannot unmarshal number {value} into Go struct field {_struct(path_of(where))}"
            (self.undecodable if self._custom else self.unreadable).append(f"{told} of type {kind}")
        return value

    def int32(self, value: int, where: Where) -> int:
        return self.whole_number(value, where, -(1 << 31), (1 << 31) - 1, "int32")

    def uint32(self, value: int, where: Where) -> int:
        return self.whole_number(value, where, 0, (1 << 32) - 1, "uint32")

    def time(self, value: str, where: Where, pattern: re.Pattern[str] = _TIME) -> str:
        if not pattern.fullmatch(value):
            form = "2006-01-02T15:04:05Z07:00" if pattern is _TIME else "2006-01-02T15:04:05.000000Z07:00"
            if self._custom and not path_of(where).startswith("metadata"):
                self._refuse(
                    "FieldValueInvalid", where, f'Invalid value: "{value}": must be of type date-time'
                )
            else:
                self.unreadable.append(f'parsing time "{value}" as "{form}": cannot parse "{value}"')
        return value

    def micro_time(self, value: str, where: Where) -> str:
        return self.time(value, where, _MICRO_TIME)

    def base64(self, value: str, where: Where) -> str:
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            self.unreadable.append(f"{path_of(where)}: illegal base64 data")
        return value


_LEAF_CHECKS: dict[str, Callable[[_Check, Any, Where], Any]] = {
    "quantity": _Check.quantity,
    "time": _Check.time,
    "micro-time": _Check.micro_time,
    "base64": _Check.base64,
    "int32": _Check.int32,
    "uint32": _Check.uint32,
}


def _told_type(found: type, wanted: str) -> str:
    """A wrong type as KubeVirt's webhook tells it."""
    if (found, wanted) == (float, "integer"):
        return 'in body must be of type int64: "float64"'
    name = "number" if found in (int, float) else _OPENAPI.get(found, "null")
    return f'in body must be of type {wanted}: "{name}"'


def _struct(path: str) -> str:
    """As Go's decoder names a field: without the numbers of lists."""
    return re.sub(r"\[\d+\]", "", path)


def conform(
    resource: Resource, obj: Obj, validation: str, before: Obj | None = None, *, partial: bool = False
) -> list[str]:
    """Bring ``obj`` into its kind's shape: unknown fields go, defaults come. Returns the warnings.

    ``validation`` is Strict, Warn or Ignore. What is the same object in ``before`` is not looked at again. A
    ``partial`` object may lack anything, and gets no defaults. Raises a 400 or 422 `StatusError`.
    """
    check = _Check(custom=resource.custom, partial=partial)
    check.walk(shape_of(resource), obj, None, before)
    if not (check.unreadable or check.unknown or check.causes or check.undecodable):
        return []
    head = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
    if check.unreadable:
        raise bad_request(f"{head}: {check.unreadable[0]}")
    unknown = [f'unknown field "{path}"' for path in check.unknown]
    if unknown and validation == "Strict":
        raise bad_request(f"{head}: strict decoding error: {', '.join(unknown)}")
    name = str(obj["metadata"].get("name", ""))
    if resource.mutator:
        told = [
            {**one, "message": words}
            for one, words in zip(check.causes, check.told, strict=True)
            if words not in check.undecodable
        ]
        if told:
            raise denied(resource.mutator, name, resource.kind, told)
    if resource.mutator and check.undecodable:
        raise undecodable(resource.mutator, check.undecodable[0])
    if check.causes:
        raise refused(resource, name, check.causes)
    return unknown[:_MOST_WARNINGS] if validation == "Warn" else []
