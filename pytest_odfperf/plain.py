"""Dataclasses to plain JSON types and, strictly, back."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

_LARGEST = 2**63


def to_plain(value: Any) -> Any:
    """Dataclasses become objects, tuples lists; anything else must be a JSON scalar already."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type[T], plain: Any, where: str, *, defaults: bool = False, **ready: Any) -> T:
    """``plain`` as a ``kind``, whose fields in ``ready`` are decoded already.

    Raises `ValueError` that names the field: unknown and missing fields, wrong types, and numbers that
    are none are refused. With ``defaults``, fields that have one may be missing, at any depth.
    """
    value: T = _decode_object(kind, plain, where, defaults, **ready)
    return value


def _decode(kind: Any, plain: Any, where: str, defaults: bool) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if plain is None and type(None) in arguments:
            return None
        return _decode(next(one for one in arguments if one is not type(None)), plain, where, defaults)
    if origin is Mapping:
        if not isinstance(plain, dict):
            raise ValueError(f"{where} is not an object")
        return plain
    if origin is Literal:
        if isinstance(plain, str) and plain in arguments:
            return plain
        raise ValueError(f"{where} is {plain!r:.60}, not one of {', '.join(map(str, arguments))}")
    if origin is tuple:
        if not isinstance(plain, list):
            raise ValueError(f"{where} is not a list")
        return tuple(
            _decode(arguments[0], item, f"{where}[{number}]", defaults) for number, item in enumerate(plain)
        )
    if dataclasses.is_dataclass(kind):
        return _decode_object(kind, plain, where, defaults)
    # Numbers of other programs can be of any length; then they can not be calculated with.
    if type(plain) is int and abs(plain) >= _LARGEST:
        raise ValueError(f"{where} is not below 2^63")
    if kind is float and type(plain) is int:
        return float(plain)
    if type(plain) is not kind or (kind is float and not math.isfinite(plain)):
        raise ValueError(f"{where} is {plain!r:.60}, not {kind.__name__}")
    return plain


def _decode_object(kind: Any, plain: Any, where: str, defaults: bool, **ready: Any) -> Any:
    if not isinstance(plain, dict):
        raise ValueError(f"{where} is not an object")
    names = {field.name for field in dataclasses.fields(kind)} - set(ready)
    missing, unknown = sorted(names - set(plain)), sorted(map(str, set(plain) - names))
    if defaults:
        missing = [name for name in missing if not _has_default(kind, name)]
    if missing or unknown:
        raise ValueError(f"{where}: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    hints = get_type_hints(kind)
    given = {
        name: _decode(hints[name], plain[name], f"{where}.{name}", defaults)
        for name in names
        if name in plain
    }
    return kind(**ready, **given)


def _has_default(kind: Any, name: str) -> bool:
    field = next(field for field in dataclasses.fields(kind) if field.name == name)
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
