"""The limits of a matrix: from marked values."""

from __future__ import annotations

from pytest_odfperf.matrix.model import KeyLimits
from pytest_odfperf.matrix.pattern import Pattern
from pytest_odfperf.matrix.reading import fields
from pytest_odfperf.matrix.reading.yaml_marks import Marked
from pytest_odfperf.matrix.values.limit import parse_limit


def read_limits(item: Marked) -> tuple[KeyLimits, ...]:
    """``limits:``, a mapping of key patterns to limits; an empty list takes a base's limits away.

    Raises `InputError`.
    """
    found = []
    for pattern, entry in fields.mapping(item, "limits").items():
        # Of a base, if it is taken over from there.
        place = f"{entry.source}:{item.key_lines.get(pattern, entry.line)}"
        Pattern.parse(pattern, option="limits pattern", place=place)
        found.append(KeyLimits(pattern=pattern, texts=_texts(entry, pattern), place=place))
    return tuple(found)


def _texts(item: Marked, pattern: str) -> tuple[str, ...]:
    if item.value is None or item.value == []:
        return ()
    if isinstance(item.value, str):
        return (_limit(item, "limit"),)
    return fields.each(item, f"limits of {pattern:.80}", "limit", _limit)


def _limit(item: Marked, what: str) -> str:
    return parse_limit(fields.text(item, what), place=item.place).text
