"""Dataclasses to plain JSON types and, strictly, back."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import hypot
from operator import itemgetter
from typing import Any, Literal, TypeVar, Union

from pytest_odfperf.dataclass_fields import (
    has_default,
    hints_of,
    is_dataclass,
    maker,
    names_of,
    parts,
    without_none,
)

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
        return {name: to_plain(getattr(value, name)) for name in names_of(type(value))}
    return value


def from_plain(kind: type[T], plain: Any, where: str, *, defaults: bool = False, **ready: Any) -> T:
    """``plain`` as a ``kind``, whose fields in ``ready`` are decoded already.

    Raises `ValueError` that names the field: unknown and missing fields, wrong types, and numbers that
    are none are refused. With ``defaults``, fields that have one may be missing, at any depth.
    """
    dataclass: Any = kind
    try:
        if type(plain) is not dict or ready.keys() & plain.keys():
            raise _UnusualError
        value: T = _quick_whole(dataclass, frozenset(ready), defaults)({**plain, **ready})
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
    origin, arguments = parts(kind)
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
    if is_dataclass(kind):
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
    hints = hints_of(kind)
    names = hints.keys() - ready.keys() if ready else hints.keys()
    if names != plain.keys():
        missing, unknown = sorted(names - plain.keys()), sorted(map(str, plain.keys() - names))
        if defaults:
            missing = [name for name in missing if not has_default(kind, name)]
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
    origin, arguments = parts(kind)
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
        return _quick_whole(kind, frozenset(), defaults)
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


def _as_it_is(value: Any) -> Any:
    return value


#: Of one kind; so many ways to be made of types are no run's.
_MOST_PLANS = 100
#: Of numbers that are as large together each is looked at.
_LARGE = 2.0**62
_Step = tuple[int, Callable[[Any], Any]]
_Plan = tuple[Callable[[Any], Any] | None, Sequence[_Step]]


@cache
def _quick_whole(kind: Any, ready: frozenset[str], defaults: bool) -> Callable[[Any], Any]:
    """The function that decodes a ``kind`` from a dictionary; the fields in ``ready`` are in it as they are.

    As a rule all fields are there. Then the types of all values are looked at together, and what is to be
    done with values of such types is found out once.
    """
    names, hints = names_of(kind), list(hints_of(kind).values())
    decoders: list[Callable[[Any], Any]] = [
        _as_it_is if name in ready else _quick(hint, defaults)
        for name, hint in zip(names, hints, strict=True)
    ]
    needed = {name for name in names if not (defaults and has_default(kind, name))}
    known = frozenset(names)

    def decode_some(plain: Any) -> Any:
        # Earlier versions did not have all.
        if type(plain) is not dict or not needed <= plain.keys() <= known:
            raise _UnusualError
        fields = zip(names, decoders, strict=True)
        return kind(**{name: one(plain[name]) for name, one in fields if name in plain})

    make = maker(kind)
    if make is None or len(names) < 2:
        return decode_some
    every: Sequence[_Step] = list(enumerate(decoders))
    values_of, count = itemgetter(*names), len(names)
    plans: dict[tuple[type, ...], _Plan] = {}

    def decode(plain: Any) -> Any:
        if type(plain) is not dict or len(plain) != count:
            return decode_some(plain)
        try:
            values = values_of(plain)
        except KeyError:
            raise _UnusualError from None
        types_ = tuple(map(type, values))
        if (plan := plans.get(types_)) is None:
            plan = _plan(hints, decoders, types_)
            if len(plans) < _MOST_PLANS:
                plans[types_] = plan
        numbers_of, steps = plan
        if numbers_of is not None:
            try:
                usual = hypot(*numbers_of(values)) < _LARGE
            except OverflowError:
                usual = False
            if not usual:
                steps = every
        if steps:
            values = list(values)
            for place, one in steps:
                values[place] = one(values[place])
        return make(*values)

    return decode


def _plan(hints: Sequence[Any], decoders: Sequence[Callable[[Any], Any]], types_: Sequence[type]) -> _Plan:
    """What gets the numbers out of values of these types, and what is to be done with the others."""
    numbers, steps = [], []
    for place, (hint, own) in enumerate(zip(hints, types_, strict=True)):
        one = without_none(hint)
        if own is one and own in (int, float):
            numbers.append(place)
        elif not (own is one and own in (str, bool)) and not (own is type(None) and one is not hint):
            steps.append((place, decoders[place]))
    if len(numbers) < 2:  # what gets one alone gives no tuple
        return None, [*((place, decoders[place]) for place in numbers), *steps]
    return itemgetter(*numbers), steps
