"""Dataclasses to plain JSON types and, strictly, back."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

_LARGEST = 2**63
_SCALARS = frozenset({str, int, float, bool, type(None)})


#: Where a value is, for an error: the whole's name and the steps to the value, made to a text only then.
_Place = tuple[Any, str]


def to_plain(value: Any) -> Any:
    """Dataclasses become objects, tuples lists; anything else must be a JSON scalar already."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in _names(type(value))}
    return value


def from_plain(kind: type[T], plain: Any, where: str, *, defaults: bool = False, **ready: Any) -> T:
    """``plain`` as a ``kind``, whose fields in ``ready`` are decoded already.

    Raises `ValueError` that names the field: unknown and missing fields, wrong types, and numbers that
    are none are refused. With ``defaults``, fields that have one may be missing, at any depth.
    """
    dataclass: Any = kind
    try:
        value: T = _quick_object(dataclass, frozenset(ready), defaults)(plain, ready)
    except _UnusualError:
        # What is wrong with it is found out step by step.
        value = _decode_object(kind, plain, (None, where), defaults, **ready)
    return value


def _decode(kind: Any, plain: Any, where: _Place, defaults: bool) -> Any:
    if (own := type(plain)) is kind:
        if own is str or own is bool:
            return plain
        if (own is float and math.isfinite(plain)) or (own is int and -_LARGEST < plain < _LARGEST):
            return plain
    origin, arguments = _parts(kind)
    if origin in (Union, types.UnionType):
        if plain is None and type(None) in arguments:
            return None
        return _decode(next(one for one in arguments if one is not type(None)), plain, where, defaults)
    if origin is Mapping:
        if not isinstance(plain, dict):
            raise ValueError(f"{_shown(where)} is not an object")
        if arguments[1] is float:
            for name, item in plain.items():
                _decode(float, item, (where, f".{name:.60}"), defaults)
        return plain
    if origin is Literal:
        if isinstance(plain, str) and plain in arguments:
            return plain
        raise ValueError(f"{_shown(where)} is {plain!r:.60}, not one of {', '.join(map(str, arguments))}")
    if origin is tuple:
        if not isinstance(plain, list):
            raise ValueError(f"{_shown(where)} is not a list")
        kind = arguments[0]
        return tuple(
            [_decode(kind, item, (where, f"[{number}]"), defaults) for number, item in enumerate(plain)]
        )
    if _is_dataclass(kind):
        return _decode_object(kind, plain, where, defaults)
    # Numbers of other programs can be of any length; then they can not be calculated with.
    if type(plain) is int and abs(plain) >= _LARGEST:
        raise ValueError(f"{_shown(where)} is not below 2^63")
    if kind is float and type(plain) is int:
        return float(plain)
    if type(plain) is not kind or (kind is float and not math.isfinite(plain)):
        raise ValueError(f"{_shown(where)} is {plain!r:.60}, not {kind.__name__}")
    return plain


def _decode_object(kind: Any, plain: Any, where: _Place, defaults: bool, **ready: Any) -> Any:
    if not isinstance(plain, dict):
        raise ValueError(f"{_shown(where)} is not an object")
    hints = _hints(kind)
    names = hints.keys() - ready.keys() if ready else hints.keys()
    if names != plain.keys():
        missing, unknown = sorted(names - plain.keys()), sorted(map(str, plain.keys() - names))
        if defaults:
            missing = [name for name in missing if not _has_default(kind, name)]
        if missing or unknown:
            problem = f"missing {missing or 'nothing'}, unknown {unknown or 'nothing'}"
            raise ValueError(f"{_shown(where)}: {problem}")
    given = {
        name: _decode(hints[name], value, (where, f".{name}"), defaults) for name, value in plain.items()
    }
    return kind(**ready, **given)


def _shown(where: _Place) -> str:
    above, step = where
    return step if above is None else _shown(above) + step


class _UnusualError(Exception):
    """A value is not simply what its type says."""


# A run's records have millions of fields. Nearly all are as they should be: what is to be asked of a type's
# values is made a function once, which does not know where it is.


@cache
def _quick(kind: Any, defaults: bool) -> Callable[[Any], Any]:
    """The function that decodes a ``kind``. Raises `_UnusualError`."""
    origin, arguments = _parts(kind)
    if origin in (Union, types.UnionType):
        one = _quick(next(argument for argument in arguments if argument is not type(None)), defaults)
        return (lambda plain: None if plain is None else one(plain)) if type(None) in arguments else one
    if origin is Mapping:
        return _quick_numbers if arguments[1] is float else _quick_scalar(dict)
    if origin is Literal:
        return _quick_word(frozenset(arguments))
    if origin is tuple:
        return _quick_items(_quick(arguments[0], defaults))
    if hasattr(kind, "__dataclass_fields__"):
        decode = _quick_object(kind, frozenset(), defaults)
        return lambda plain: decode(plain, {})
    return _QUICK_NUMBERS[kind] if kind in _QUICK_NUMBERS else _quick_scalar(kind)


def _quick_scalar(kind: type) -> Callable[[Any], Any]:
    def decode(plain: Any) -> Any:
        if type(plain) is kind:
            return plain
        raise _UnusualError

    return decode


def _quick_numbers(plain: Any) -> Any:
    if type(plain) is not dict:
        raise _UnusualError
    for item in plain.values():
        _quick_float(item)
    return plain


def _quick_word(words: frozenset[Any]) -> Callable[[Any], Any]:
    def decode(plain: Any) -> Any:
        if type(plain) is str and plain in words:
            return plain
        raise _UnusualError

    return decode


def _quick_items(one: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decode(plain: Any) -> Any:
        if type(plain) is list:
            return tuple([one(item) for item in plain])
        raise _UnusualError

    return decode


def _quick_int(plain: Any) -> int:
    if type(plain) is int and -_LARGEST < plain < _LARGEST:
        return plain
    raise _UnusualError


def _quick_float(plain: Any) -> float:
    if type(plain) is float and -math.inf < plain < math.inf:
        return plain
    return float(_quick_int(plain))


_QUICK_NUMBERS: Mapping[Any, Callable[[Any], Any]] = {int: _quick_int, float: _quick_float}


@cache
def _quick_object(
    kind: Any, ready: frozenset[str], defaults: bool
) -> Callable[[Any, Mapping[str, Any]], Any]:
    """The function that decodes a ``kind`` from its plain fields and those that are ``ready``."""
    fields = [(name, _quick(hint, defaults)) for name, hint in _hints(kind).items() if name not in ready]
    names = {name for name, _ in fields}
    needed = {name for name in names if not (defaults and _has_default(kind, name))}
    slots = _slots(kind)

    def decode(plain: Any, given: Mapping[str, Any]) -> Any:
        if type(plain) is not dict:
            raise _UnusualError
        if plain.keys() != names:
            # Earlier versions did not have all.
            if not needed <= plain.keys() <= names:
                raise _UnusualError
            return kind(**given, **{name: one(plain[name]) for name, one in fields if name in plain})
        if slots is None:
            return kind(**given, **{name: one(plain[name]) for name, one in fields})
        made = object.__new__(kind)
        for name, value in given.items():
            slots[name](made, value)
        for name, one in fields:
            slots[name](made, one(plain[name]))
        return made

    return decode


def _slots(kind: Any) -> Mapping[str, Callable[[Any, Any], None]] | None:
    """What sets the fields of a new ``kind``: a frozen dataclass's ``__init__`` takes three times as long.

    None where it has no slots, or does more than that.
    """
    found = {name: getattr(kind, name, None) for name in _names(kind)}
    plainly = all(isinstance(slot, types.MemberDescriptorType) for slot in found.values())
    if not plainly or hasattr(kind, "__post_init__"):
        return None
    return {name: slot.__set__ for name, slot in found.items() if slot is not None}


# What types say is asked once.


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {name: hints[name] for name in _names(kind)}


@cache
def _parts(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(kind), get_args(kind)


@cache
def _is_dataclass(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind)


@cache
def _has_default(kind: Any, name: str) -> bool:
    field = next(field for field in dataclasses.fields(kind) if field.name == name)
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
