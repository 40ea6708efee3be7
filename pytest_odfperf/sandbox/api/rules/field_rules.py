"""What rules are made of: places in an object, and checks of what is there.

A path is fields with dots; ``[*]`` behind a field is each entry of its list. A check gives the problems of
the value at a place. A rule of a value that is not there is not asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.quantity import parse_quantity
from pytest_odfperf.sandbox.api.objects.status import cause

Obj = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and at which place below that of the rule. In the words ``{at}`` is the whole
    place, and ``{root}`` that of the object.
    """

    reason: str
    words: str
    below: str = ""


Check = Callable[[Any], Iterable[Problem]]
#: A path and what is checked there.
Rule = tuple[str, Check]


def places(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every place of ``path`` in ``value`` that is there, with its name."""
    yield from _places(value, path.split(".") if path else [], "")


def _places(value: Any, parts: Sequence[str], name: str) -> Iterator[tuple[str, Any]]:
    if not parts:
        yield name, value
        return
    if not isinstance(value, dict):
        return
    field = parts[0].removesuffix("[*]")
    below = value.get(field)
    if below is None:
        return
    here = f"{name}.{field}" if name else field
    if field == parts[0]:
        yield from _places(below, parts[1:], here)
    elif isinstance(below, list):
        for number, entry in enumerate(below):
            yield from _places(entry, parts[1:], f"{here}[{number}]")


def causes_of(rules: Iterable[Rule], value: Any, root: str = "") -> list[dict[str, str]]:
    """The causes of all problems of ``value``, whose own place is ``root``."""
    found = []
    for path, check in rules:
        for name, there in places(value, path):
            at = f"{root}.{name}" if root and name else root or name
            for problem in check(there):
                below = problem.below
                where = at + below if below[:1] in ("[", "") else f"{at}.{below}".lstrip(".")
                words = problem.words.replace("{at}", where).replace("{root}", root)
                found.append(cause(problem.reason, where, words))
    return found


def shown(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def invalid(value: Any, problem: str, below: str = "") -> Problem:
    return Problem("FieldValueInvalid", f"Invalid value: {shown(value)}: {problem}", below)


def missing(below: str = "", problem: str = "") -> Problem:
    return Problem("FieldValueRequired", f"Required value: {problem}" if problem else "Required value", below)


def forbidden(problem: str, below: str = "") -> Problem:
    return Problem("FieldValueForbidden", f"Forbidden: {problem}", below)


def duplicate(value: Any, below: str = "") -> Problem:
    return Problem("FieldValueDuplicate", f"Duplicate value: {shown(value)}", below)


def unsupported(value: Any, known: Iterable[str], below: str = "") -> Problem:
    names = ", ".join(f'"{name}"' for name in known)
    words = f"Unsupported value: {shown(value)}: supported values: {names}"
    return Problem("FieldValueNotSupported", words, below)


def matches(pattern: str, problem: str, longest: int = 0) -> Check:
    """A text of this form."""
    form = re.compile(pattern, re.ASCII)

    def check(value: Any) -> Iterator[Problem]:
        if longest and len(value) > longest:
            yield invalid(value, f"must be no more than {longest} characters")
        if not form.fullmatch(value):
            yield invalid(value, problem)

    return check


def one_of(*known: str) -> Check:
    return lambda value: [] if value in known else [unsupported(value, known)]


def between(least: float | None, most: float | None, problem: str) -> Check:
    """A number, both ends included."""

    def check(value: Any) -> Iterator[Problem]:
        if (least is not None and value < least) or (most is not None and value > most):
            yield invalid(value, problem)

    return check


def required(*fields: str) -> Check:
    """Of an object: fields that are not empty."""
    return lambda value: [missing(field) for field in fields if value.get(field) in (None, "", [], {})]


def unique(field: str) -> Check:
    """Of a list of objects: no two have the same ``field``; empty ones do not count."""

    def check(entries: Any) -> Iterator[Problem]:
        seen = set()
        for number, entry in enumerate(entries):
            name = entry.get(field)
            if name and name in seen:
                yield duplicate(name, f"[{number}].{field}")
            seen.add(name)

    return check


def at_most_one(what: str, known: Sequence[str]) -> Check:
    """Of an object: at most one of these fields; each further one is named."""

    def check(value: Any) -> Iterator[Problem]:
        for name in sorted(set(value) & set(known))[1:]:
            yield forbidden(f"may not specify more than 1 {what}", name)

    return check


def keys(check_key: Check) -> Check:
    """Of a map: what is wrong with each key, told at ``[key]``."""

    def check(value: Any) -> Iterator[Problem]:
        for key in value:
            for problem in check_key(key):
                yield replace(problem, below=f"[{key}]")

    return check


def number_of(text: Any) -> Decimal | None:
    """The value of a quantity; None for what is none."""
    try:
        return parse_quantity(str(text))
    except InputError:
        return None


def both(*checks: Check) -> Check:
    return lambda value: [problem for check in checks for problem in check(value)]


def sources(known: Iterable[str], value: Mapping[str, Any]) -> list[str]:
    """Which of the fields of which one must be there are there."""
    return [name for name in known if value.get(name) is not None]
