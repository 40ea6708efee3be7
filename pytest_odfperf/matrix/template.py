"""A profile's template as text: what of it is a comment, which variables it uses, which files it includes.

A matrix is complete without its files, so included lines are put in where fio would read them, between
comments that say where each comes from.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from pytest_odfperf.errors import InputError

#: fio takes each line that begins so for an include (``init.c``).
INCLUDE = "include"
_INCLUDE = re.compile(r"include[ =\t]([^\s/#;$][^#;$]*)")
_DEEPEST = 8
_MOST_LINES = 10_000
#: What C calls a space; Python knows more of them.
BLANKS = " \t\r\v\f"

#: ``; line 3 of more.fio``: the place of the line after it.
PLACE_MARK = re.compile(r"; line ([0-9]{1,6}) of ([^\r\n]+)")


def content_of(line: str) -> str:
    """``line`` without its comment, which begins at the first ``#`` or ``;`` wherever that is."""
    return re.split("[#;]", line, maxsplit=1)[0].strip(BLANKS)


def uses(template: str, variable: str) -> bool:
    """Whether ``template`` uses a variable, other than in a comment."""
    return any(f"${{{variable}}}" in content_of(line) for line in template.split("\n"))


def with_includes(text: str, path: Path, shown: str, read: Callable[[Path, str], str]) -> str:
    """``text`` of the file ``path`` with what it includes, from beside it; ``shown`` is its name in messages.

    ``read`` is given a path and the place of the include. Raises `InputError` with the line.
    """
    return "\n".join(_lines(text, path, shown, read, ()))


def _lines(
    text: str, path: Path, shown: str, read: Callable[[Path, str], str], chain: tuple[Path, ...]
) -> list[str]:
    found: list[str] = []
    in_section = bool(chain)
    for number, line in enumerate(text.split("\n"), 1):
        content, place = content_of(line), f"{shown}:{number}"
        if content.startswith("["):
            if chain:
                raise InputError(f"{content[:60]!r}: fio takes no sections in an included file", place=place)
            in_section = True
        if not content.startswith(INCLUDE):
            found.append(line)
            continue
        if not in_section:
            raise InputError(f"{content[:60]!r} stands before the first section", place=place)
        target = _INCLUDE.fullmatch(content)
        if target is None:
            raise InputError(
                f"{content[:60]!r}: fio takes each line that begins so for an include; one is written "
                "include FILE, with one blank and a file beside the template",
                place=place,
            )
        file = path.parent / target[1]
        if len(chain) == _DEEPEST or file in (path, *chain):
            raise InputError(f"{content[:60]!r}: files include each other in a circle", place=place)
        name = str(Path(shown).parent / target[1])
        found.append(f"; line 1 of {name}")
        found += _lines(read(file, place), file, name, read, (*chain, path))
        found.append(f"; line {number + 1} of {shown}")
        if len(found) > _MOST_LINES:
            raise InputError(f"{content[:60]!r}: more than {_MOST_LINES} lines are included", place=place)
    return found
