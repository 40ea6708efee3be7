"""The shapes of the kinds, from the files in ``schemas``.

Their notation:

- ``string``, ``integer``, ``int32``, ``uint32``, ``number``, ``boolean``, ``quantity``, ``int-or-string``,
  ``time``, ``micro-time``, ``base64``, ``any``; a capital letter begins the name of an entry of ``types``.
- ``string(A|B)``: one of these. ``?`` at the end: may be null, else a null counts as absent. ``=x``: the
  default.
- ``{name: ...}``: an object with these fields; ``name!`` must be there. ``"**": any`` among them: fields that
  are not named here are kept; ``"--": any``: they are an error. ``{"*": X}``: a map. ``object``: an object of
  which nothing is known.
- ``[X]``: a list that is applied as a whole. ``[X, key, ...]``: objects told apart by these keys.
  ``[X, "*"]``: a set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from pytest_odfperf.sandbox.api.objects.resources import Resource

_SCALAR = re.compile(r"([A-Za-z][A-Za-z0-9-]*)(?:\(([^)]*)\))?(\?)?(?:=(.*))?")
_LEAVES = {
    "string": (str,),
    "integer": (int,),
    "int32": (int,),
    "uint32": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "quantity": (str, int, float),
    "int-or-string": (str, int),
    "time": (str,),
    "micro-time": (str,),
    "base64": (str,),
    "any": (),
}
#: Of these the type does not say all.
_LOOKED_AT = ("quantity", "time", "micro-time", "base64", "int32", "uint32")


@dataclass(slots=True, eq=False, kw_only=True)
class Shape:
    """What a value must look like. ``sort`` is a leaf's name, ``object``, ``map``, ``array`` or ``any``."""

    sort: str
    #: Types that JSON gives such a value in Python; empty: any.
    accepts: tuple[type, ...] = ()
    nullable: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None
    fields: dict[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    #: Whether fields that are not named are kept.
    open: bool = False
    #: Whether fields that are not named are an error, whatever is asked of unknown fields.
    closed: bool = False
    #: Of a map's values or an array's entries.
    below: Shape | None = None
    #: What tells an array's entries apart; ``("*",)``: their value. Empty: the array is one value.
    keys: tuple[str, ...] = ()
    #: Fields with a default.
    filled: tuple[str, ...] = ()
    #: Types whose values are right without a closer look.
    plain: tuple[type, ...] = ()


ANY = Shape(sort="any", nullable=True)


class _Reader:
    def __init__(self, types: dict[str, Any]) -> None:
        self._types = types
        self._read: dict[str, Shape] = {}

    def shape(self, notation: Any) -> Shape:
        if isinstance(notation, list):
            keys = tuple(notation[1:])
            return Shape(sort="array", accepts=(list,), below=self.shape(notation[0]), keys=keys)
        if isinstance(notation, dict):
            return self._object(notation)
        if notation == "object":
            return Shape(sort="object", accepts=(dict,), open=True, plain=(dict,))
        if notation[0].isupper():
            if notation not in self._read:
                self._read[notation] = self.shape(self._types[notation])
            return self._read[notation]
        found = _SCALAR.fullmatch(notation)
        assert found is not None, notation
        sort, choices, null, default = found.groups()
        return Shape(
            sort=sort,
            accepts=_LEAVES[sort],
            nullable=bool(null) or sort == "any",
            choices=tuple(choices.split("|")) if choices else (),
            default=int(default) if default and sort in ("integer", "int32", "uint32") else default,
            plain=() if choices or sort in _LOOKED_AT else _LEAVES[sort],
        )

    def _object(self, notation: dict[str, Any]) -> Shape:
        if set(notation) == {"*"}:
            return Shape(sort="map", accepts=(dict,), below=self.shape(notation["*"]))
        fields = {
            name.rstrip("!"): self.shape(below)
            for name, below in notation.items()
            if name not in ("**", "--")
        }
        return Shape(
            sort="object",
            accepts=(dict,),
            fields=fields,
            required=tuple(name[:-1] for name in notation if name.endswith("!")),
            open="**" in notation,
            closed="--" in notation,
            filled=tuple(name for name, below in fields.items() if below.default is not None),
        )


@cache
def _shapes() -> dict[tuple[str, str], Shape]:
    """By apiVersion and kind."""
    types: dict[str, Any] = {}
    kinds: dict[str, Any] = {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for file in sorted(
        files("pytest_odfperf.sandbox.api.shapes").joinpath("schemas").iterdir(), key=lambda f: f.name
    ):
        document = yaml.load(file.read_text(encoding="utf-8"), loader)  # noqa: S506 - a safe loader
        types |= document.get("types") or {}
        kinds |= document["kinds"]
    reader = _Reader(types)
    head = {"apiVersion": "string", "kind": "string", "metadata": "ObjectMeta"}
    shapes = {}
    for name, notation in kinds.items():
        version, _, kind = name.rpartition("/")
        shapes[version, kind] = reader.shape({**head, **notation})
    return shapes


def shape_of(resource: Resource) -> Shape:
    """What objects of a kind look like; anything goes for kinds without a schema."""
    return _shapes().get((resource.api_version, resource.kind), ANY)
