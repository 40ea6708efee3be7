"""What a dataclass's types say of its fields, each asked once, and the quickest way to make one."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints


def without_none(hint: Any) -> Any:
    """The type of what is there: of ``X | None`` X."""
    origin, arguments = parts(hint)
    if origin in (Union, types.UnionType) and type(None) in arguments:
        return next(one for one in arguments if one is not type(None))
    return hint


def maker(kind: Any) -> Callable[..., Any] | None:
    """What makes a ``kind`` of its fields in their order. Its own ``__init__`` takes three times as long.

    None where the fields are not all in slots, or ``__init__`` does more than to set them.
    """
    names = names_of(kind)
    plainly = all(isinstance(getattr(kind, name, None), types.MemberDescriptorType) for name in names)
    if not plainly or hasattr(kind, "__post_init__"):
        return None
    # Its twin has the same slots in the same places, and is not frozen.
    free = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    twin = type(kind.__name__, kind.__bases__, {"__slots__": kind.__slots__, **free})
    set_all = "; ".join(f"made.{name} = {name}" for name in names)
    text = f"def make({', '.join(names)}): made = new(twin); {set_all}; made.__class__ = kind; return made"
    scope = {"new": object.__new__, "twin": twin, "kind": kind}
    exec(text, scope)  # noqa: S102 - names of fields of our own, as dataclasses does it
    make: Callable[..., Any] = scope["make"]
    try:
        make(*names)
    except TypeError:  # of a Python with other rules for that
        return None
    return make


@cache
def names_of(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass."""
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def hints_of(kind: Any) -> Mapping[str, Any]:
    """The types of a dataclass's fields, by name, in their order."""
    hints = get_type_hints(kind)
    return {name: hints[name] for name in names_of(kind)}


@cache
def parts(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Of a type like ``tuple[X, ...]`` what it is, and of what."""
    return get_origin(kind), get_args(kind)


@cache
def is_dataclass(kind: Any) -> bool:
    """Whether a type is one."""
    return dataclasses.is_dataclass(kind)


@cache
def has_default(kind: Any, name: str) -> bool:
    """Whether the field ``name`` may be left out."""
    field = next(field for field in dataclasses.fields(kind) if field.name == name)
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
