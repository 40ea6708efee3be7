"""Variants of a profile: one for each queue depth and number of workers of a list.

``random-rw`` with ``iodepth: [1, 32]`` is the profiles ``random-rw.qd1`` and ``random-rw.qd32``; with
``numjobs: [1, 4]`` beside it they are ``random-rw.qd1.nj1`` and so on. A list names its variants even if it
has one number; a single number leaves the profile's own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.model import Profile
from pytest_odfperf.matrix.template import uses

#: fio settings that can be lists, the variable that a template takes them by, and their part of a name.
LISTED: Mapping[str, tuple[str, str]] = {"iodepth": ("IODEPTH", "qd"), "numjobs": ("NUMJOBS", "nj")}

#: Numbers by fio setting.
Lists = Mapping[str, tuple[int, ...]]


def variant_name(profile: str, numbers: Mapping[str, int]) -> str:
    """The name of the variant of ``profile`` with these listed numbers; without any, its own name.

    Different variants of one profile have different names, since no number holds a dot.
    """
    return profile + "".join(f".{LISTED[name][1]}{numbers[name]}" for name in LISTED if name in numbers)


def variants(profile: Profile, lists: Lists) -> tuple[Profile, ...]:
    """``profile``, once for each number of ``lists`` that its template uses; the last list changes first.

    A number that the profile has already (``profile.iodepth``) goes before a list.
    """
    listed = {
        name: lists[name]
        for name, (variable, _) in LISTED.items()
        if name in lists and getattr(profile, name) is None and uses(profile.template, variable)
    }
    if not listed:
        return (profile,)
    return tuple(
        replace(
            profile,
            name=variant_name(profile.name, numbers),
            base=profile.name,
            iodepth=numbers.get("iodepth", profile.iodepth),
            numjobs=numbers.get("numjobs", profile.numjobs),
        )
        for values in product(*listed.values())
        for numbers in [dict(zip(listed, values, strict=True))]
    )


def listed_numbers(profile: Profile) -> dict[str, int]:
    """The numbers that made ``profile`` a variant; empty if it is none.

    Raises `InputError` if its name is not the one of its numbers.
    """
    own = {name: number for name in LISTED if (number := getattr(profile, name)) is not None}
    for count in range(1 << len(own)):
        numbers = {name: number for bit, (name, number) in enumerate(own.items()) if count >> bit & 1}
        if variant_name(profile.base or profile.name, numbers) == profile.name:
            return numbers
    raise InputError(f"profile {profile.name!r} is no variant of {profile.base!r}")


def without(profiles: Iterable[Profile], names: Iterable[str], lists: Lists) -> tuple[Profile, ...]:
    """``profiles`` without what they say of the settings ``names``, and with the variants of ``lists``.

    For the command line, which goes before all that a matrix says.
    """
    dropped = set(names)
    bare: dict[str, Profile] = {}
    kept: dict[str, dict[str, dict[int, None]]] = {}
    for profile in profiles:
        name = profile.base or profile.name
        listed = listed_numbers(profile)
        gone = dropped | set(listed)
        one = replace(
            profile,
            name=name,
            base=None,
            iodepth=None if "iodepth" in gone else profile.iodepth,
            numjobs=None if "numjobs" in gone else profile.numjobs,
        )
        bare.setdefault(name, one)
        for setting in set(listed) - dropped:
            kept.setdefault(name, {}).setdefault(setting, {})[listed[setting]] = None
    return tuple(
        variant
        for name, profile in bare.items()
        for variant in variants(
            profile,
            {**{setting: tuple(numbers) for setting, numbers in kept.get(name, {}).items()}, **lists},
        )
    )


def check_different(profiles: Iterable[Profile], place: str | None = None) -> None:
    """Raise `InputError` if two profiles, or a profile and a variant of another, have one name."""
    seen: dict[str, Profile] = {}
    for profile in profiles:
        other = seen.setdefault(profile.name, profile)
        if other is not profile:
            variant = next((one.base for one in (profile, other) if one.base not in (None, one.name)), None)
            why = f": it is also a variant of {variant!r}" if variant else ""
            raise InputError(f"profile {profile.name!r} is there twice{why}", place=place)
