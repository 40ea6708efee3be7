"""YAML as plain values that remember the line they were written on.

PyYAML's ``safe_load`` forgets the lines, lets the later of two equal keys win, and expands a few lines of
aliases to gigabytes. So the nodes are composed by `yaml.SafeLoader` and turned into values here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from pytest_odfperf.errors import InputError

#: The full matrix has some 300 values.
MOST_VALUES = 20_000
DEEPEST = 32

_PREFIX = "tag:yaml.org,2002:"
_SCALARS = ("str", "int", "float", "bool", "null")

#: What a value is called in messages.
KINDS: Mapping[type, str] = {
    dict: "a mapping",
    list: "a list",
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "empty",
}


@dataclass(frozen=True, slots=True)
class Marked:
    """A value and where it was written. The values inside a mapping or a list are marked as well."""

    value: Any
    source: str
    line: int
    #: The scalar as written, before YAML made ``4096`` a number.
    text: str = ""
    #: Of a mapping: the line of each key.
    key_lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source

    @property
    def kind(self) -> str:
        return KINDS[type(self.value)]

    def key_place(self, key: str) -> str:
        return f"{self.source}:{self.key_lines.get(key, self.line)}"

    def plain(self) -> Any:
        """The value without marks."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def marked(value: Any, source: str = "") -> Marked:
    """A plain value as one that was read, without lines."""
    if isinstance(value, Mapping):
        return Marked({str(key): marked(item, source) for key, item in value.items()}, source, 0)
    if isinstance(value, list | tuple):
        return Marked([marked(item, source) for item in value], source, 0)
    return Marked(value, source, 0, text=str(value))


def read_yaml(text: str, source: str) -> Marked:
    """The one document of ``text``. Raises `InputError` with the line."""
    loader: yaml.SafeLoader | None = None
    try:
        _check_size(text, source)
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise InputError("the file is empty", place=source)
        return _Reader(loader, source).read(node, 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "not YAML"
        raise InputError(
            problem, place=f"{source}:{mark.line + 1}" if mark is not None else source
        ) from error
    except yaml.YAMLError as error:
        raise InputError(" ".join(str(error).split()), place=source) from error
    finally:
        if loader is not None:
            loader.dispose()


def _check_size(text: str, source: str) -> None:
    """Refuse what composing would recurse too deeply for, or take minutes for; events are flat."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST or number > 2 * MOST_VALUES:
            mark = event.start_mark
            raise _too_much(f"{source}:{mark.line + 1}" if mark else source, deep=depth > DEEPEST)


def _too_much(place: str, *, deep: bool) -> InputError:
    if deep:
        return InputError(f"values are nested more than {DEEPEST} deep", place=place)
    return InputError(f"more than {MOST_VALUES} values, aliases counted where they are used", place=place)


class _Reader:
    """Turns nodes into values, and counts them: an alias shares its node, but not its value."""

    def __init__(self, loader: yaml.SafeLoader, source: str) -> None:
        self._loader = loader
        self._source = source
        self._count = 0

    def read(self, node: yaml.Node, depth: int) -> Marked:
        line = node.start_mark.line + 1
        self._count += 1
        # An alias inside its own anchor has no end.
        if depth > DEEPEST or self._count > MOST_VALUES:
            raise _too_much(f"{self._source}:{line}", deep=depth > DEEPEST)
        tag = node.tag.removeprefix(_PREFIX)
        if isinstance(node, yaml.MappingNode) and tag == "map":
            return self._mapping(node, line, depth)
        if isinstance(node, yaml.SequenceNode) and tag == "seq":
            return Marked([self.read(item, depth + 1) for item in node.value], self._source, line)
        if isinstance(node, yaml.ScalarNode) and tag in (*_SCALARS, "timestamp"):
            return Marked(self._scalar(node, tag, line), self._source, line, text=node.value)
        raise InputError(f"the tag {node.tag} is not allowed here", place=f"{self._source}:{line}")

    def _scalar(self, node: yaml.ScalarNode, tag: str, line: int) -> Any:
        place = f"{self._source}:{line}"
        if tag in ("str", "timestamp"):
            return self._text(node, place)
        try:
            value = self._loader.construct_object(node)
        except ValueError as error:
            raise InputError(f"{node.value[:40]!r} is not a number", place=place) from error
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{node.value[:40]!r} is no usable number", place=place)
        return value

    def _text(self, node: yaml.ScalarNode, place: str) -> str:
        """The text of a scalar; half a surrogate pair (``"\\ud800"``) could not be written anywhere."""
        value: str = node.value
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise InputError("a surrogate is not a character", place=place)
        return value

    def _mapping(self, node: yaml.MappingNode, line: int, depth: int) -> Marked:
        values: dict[str, Marked] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            key_line = key_node.start_mark.line + 1
            place = f"{self._source}:{key_line}"
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError("a name is expected, not a mapping or a list", place=place)
            key = self._text(key_node, place)
            if key_node.tag == f"{_PREFIX}merge":
                raise InputError("merge keys (<<) are not supported; a matrix can use extends", place=place)
            if key in values:
                raise InputError(f"{key!r} is there twice, first on line {lines[key]}", place=place)
            lines[key] = key_line
            values[key] = self.read(value_node, depth + 1)
        return Marked(values, self._source, line, key_lines=lines)
