"""Patterns over the six fields of a key."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.keys import FIELDS, Key

FORM = ":".join(FIELDS)
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Pattern:
    """Six shell-style globs, one for each field of a key; case matters."""

    globs: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, *, option: str = "pattern", place: str | None = None) -> Pattern:
        """The pattern ``rep*:*:150Gi:1:random-rw:4k`` and its like. Raises `InputError`."""
        if len(text) > _LONGEST:
            raise InputError(f"{option} {text[:60]!r}... is longer than {_LONGEST} characters", place=place)
        globs = tuple(text.split(":"))
        if len(globs) != len(FIELDS):
            fields = "field" if len(globs) == 1 else "fields"
            raise InputError(
                f"{option} {text!r} has {len(globs)} {fields}, not {len(FIELDS)}: write {FORM}, "
                "with * for any and globs inside a field (rep*:*:*:1:random-*:4k)",
                place=place,
            )
        for name, glob in zip(FIELDS, globs, strict=True):
            if not glob:
                raise InputError(f"{option} {text!r}: {name} is empty; write * for any ({FORM})", place=place)
        return cls(globs)

    def matches(self, key: Key) -> bool:
        return all(map(fnmatchcase, key.fields, self.globs))

    def __str__(self) -> str:
        return ":".join(self.globs)
