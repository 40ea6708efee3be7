"""Dataclasses to plain JSON types and, strictly, back."""

from __future__ import annotations

import dataclasses
import math
import types
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Dataclasses become objects, tuples lists; anything else must be a JSON scalar already."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: type[T], plain: Any, where: str, **ready: Any) -> T:
    """``plain`` as a ``kind``, whose fields in ``ready`` are decoded already.

    Raises `ValueError` that names the field: unknown and missing fields, wrong types, and numbers that
    are none are refused.
    """
    value: T = _decode_object(kind, plain, where, **ready)
    return value


def _decode(kind: Any, plain: Any, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if plain is None and type(None) in arguments:
            return None
        return _decode(next(one for one in arguments if one is not type(None)), plain, where)
    if origin is Literal:
        if plain in arguments:
            return plain
        raise ValueError(f"{where} is {plain!r:.60}, not one of {', '.join(map(str, arguments))}")
    if origin is tuple:
        if not isinstance(plain, list):
            raise ValueError(f"{where} is not a list")
        return tuple(_decode(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(plain))
    if dataclasses.is_dataclass(kind):
        return _decode_object(kind, plain, where)
    if kind is float and type(plain) is int:
        return float(plain)
    if type(plain) is not kind or (kind is float and not math.isfinite(plain)):
        raise ValueError(f"{where} is {plain!r:.60}, not {kind.__name__}")
    return plain


def _decode_object(kind: Any, plain: Any, where: str, **ready: Any) -> Any:
    if not isinstance(plain, dict):
        raise ValueError(f"{where} is not an object")
    names = {field.name for field in dataclasses.fields(kind)} - set(ready)
    if names != set(plain):
        missing, unknown = sorted(names - set(plain)), sorted(map(str, set(plain) - names))
        raise ValueError(f"{where}: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    hints = get_type_hints(kind)
    return kind(**ready, **{name: _decode(hints[name], plain[name], f"{where}.{name}") for name in names})
