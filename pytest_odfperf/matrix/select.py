"""Which keys of a matrix run: patterns over their six fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import FIELDS, Key
from pytest_odfperf.matrix.reading.fields import did_you_mean

FORM = ":".join(FIELDS)
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Pattern:
    """Six shell-style globs, one for each field of a key; case matters."""

    globs: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, *, option: str = "pattern") -> Pattern:
        """The pattern ``rep*:*:150Gi:1:random-rw:4k`` and its like. Raises `InputError`."""
        if len(text) > _LONGEST:
            raise InputError(f"{option} {text[:60]!r}... is longer than {_LONGEST} characters")
        globs = tuple(text.split(":"))
        if len(globs) != len(FIELDS):
            fields = "field" if len(globs) == 1 else "fields"
            raise InputError(
                f"{option} {text!r} has {len(globs)} {fields}, not {len(FIELDS)}: write {FORM}, "
                "with * for any and globs inside a field (rep*:*:*:1:random-*:4k)"
            )
        for name, glob in zip(FIELDS, globs, strict=True):
            if not glob:
                raise InputError(f"{option} {text!r}: {name} is empty; write * for any ({FORM})")
        return cls(globs)

    def matches(self, key: Key) -> bool:
        return all(map(fnmatchcase, key.fields, self.globs))

    def __str__(self) -> str:
        return ":".join(self.globs)


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
                f"--odf-filter {str(pattern)!r} matches no key of the matrix{_hint(pattern, keys)}"
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


def _hint(pattern: Pattern, keys: Sequence[Key]) -> str:
    """The field that nothing in the matrix has, and what it could be."""
    for index, name in enumerate(FIELDS):
        values = tuple(dict.fromkeys(key.fields[index] for key in keys))
        if not any(fnmatchcase(value, pattern.globs[index]) for value in values):
            return (
                f": {name} {pattern.globs[index]!r} is not there{did_you_mean(pattern.globs[index], values)}"
            )
    return ": each field alone does, but no key has all of them"
