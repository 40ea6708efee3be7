"""Which keys of a matrix run: patterns over their six fields."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import FIELDS, Key
from pytest_odfperf.matrix.pattern import Pattern
from pytest_odfperf.matrix.reading.fields import did_you_mean


def select(
    keys: Sequence[Key], filters: Sequence[str] = (), excludes: Sequence[str] = (), pools: Sequence[str] = ()
) -> tuple[Key, ...]:
    """The keys of ``pools`` that match one of ``filters`` and none of ``excludes``; none given: all.

    Raises `InputError` for an unknown pool, for a filter that matches no key at all, and if nothing is left.
    """
    known = tuple(dict.fromkeys(key.pool for key in keys))
    for pool in pools:
        if pool not in known:
            raise InputError(f"--odf-pool {pool!r} is not a pool of the matrix{did_you_mean(pool, known)}")
    wanted = [Pattern.parse(text, option="--odf-filter") for text in filters]
    unwanted = [Pattern.parse(text, option="--odf-exclude") for text in excludes]
    for pattern in wanted:
        if not any(map(pattern.matches, keys)):
            raise InputError(
                f"--odf-filter {str(pattern)!r} matches no key of the matrix{hint(pattern, keys)}"
            )
    selected = tuple(
        key
        for key in keys
        if (not pools or key.pool in pools)
        and (not wanted or any(pattern.matches(key) for pattern in wanted))
        and not any(pattern.matches(key) for pattern in unwanted)
    )
    if not selected:
        raise InputError(
            f"no key is left: {len(keys)} in the matrix, none passes pools, filters and excludes together"
        )
    return selected


def hint(pattern: Pattern, keys: Sequence[Key]) -> str:
    """The field that nothing in the matrix has, and what it could be."""
    for index, name in enumerate(FIELDS):
        values = tuple(dict.fromkeys(key.fields[index] for key in keys))
        if not any(fnmatchcase(value, pattern.globs[index]) for value in values):
            return (
                f": {name} {pattern.globs[index]!r} is not there{did_you_mean(pattern.globs[index], values)}"
            )
    return ": each field alone does, but no key has all of them"
