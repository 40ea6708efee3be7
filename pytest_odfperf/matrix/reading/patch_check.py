"""Whether a merge patch of a matrix leaves what the plugin relies on, see `matrix.vm_patch`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_odfperf.errors import InputError
from pytest_odfperf.matrix.reading import fields
from pytest_odfperf.matrix.reading.yaml_marks import Marked
from pytest_odfperf.matrix.vm_patch import (
    FREE,
    KEPT,
    METADATA,
    NAMES,
    PROTECTED,
    SSH,
    UNWANTED,
    Path,
    own_label,
)


def check_patch(item: Marked, what: str) -> dict[str, Any]:
    """The patch, in plain JSON types. Raises `InputError` for what the plugin could not work with."""
    if not fields.mapping(item, what):
        raise InputError(f"{what} is empty; leave it out", place=item.place)
    _check(item, (), what)
    plain: dict[str, Any] = item.plain()
    return plain


def _check(item: Marked, path: Path, what: str) -> None:
    for name, entry in item.value.items():
        here = (*path, name)
        place = item.key_place(name)
        if why := _protected(here):
            raise InputError(f"{what}: {'.'.join(here)} can not be patched: {why}", place=place)
        if here in KEPT:
            _kept(entry, here, what)
        elif path[:-1] in METADATA and path[-1:] in (("labels",), ("annotations",)):
            _named_text(entry, here, what)
        elif isinstance(entry.value, dict):
            _check(entry, here, what)
        elif below := _below(here):
            raise InputError(
                f"{what}: {'.'.join(here)} must be a mapping, since {'.'.join(below)} can not be patched "
                "away",
                place=place,
            )


def _protected(path: Path) -> str | None:
    if path in PROTECTED:
        return PROTECTED[path]
    if path[:-1] in METADATA and path[-1] not in FREE:
        return NAMES
    if path[:-2] in METADATA and path[-2] == "labels":
        return own_label(path[-1])
    return None


def _below(path: Path) -> Path | None:
    """Something protected below ``path``."""
    labels = tuple((*metadata, "labels") for metadata in METADATA)
    every = (*PROTECTED, *KEPT, *labels)
    return next((one for one in every if one[: len(path)] == path), None)


def _named_text(item: Marked, path: Path, what: str) -> None:
    if item.value is not None and not isinstance(item.value, str):
        raise fields.wrong(item, f"{what}: {'.'.join(path)}", "a text, in quotes")


def _kept(item: Marked, path: Path, what: str) -> None:
    """A list replaces the plugin's, so it has to have what the plugin needs."""
    name = ".".join(path)
    entries = fields.items(item, f"{what}: {name}") if item.value is not None else []
    named: dict[Any, list[Any]] = {}
    for entry in entries:
        plain = fields.mapping(entry, f"{what}: an entry of {name}") and entry.plain()
        named.setdefault(str(plain.get("name")), []).append(plain)
    for needed in KEPT[path]:
        found = named.get(needed["name"], [])
        if len(found) != 1 or not _contains(found[0], needed):
            why = "the measured disk is found by it" if path[-1] == "disks" else SSH
            raise InputError(
                f"{what}: {name} replaces the whole list, and must have {_flow(needed)} in it: {why}",
                place=item.place,
            )
        for unwanted, problem in UNWANTED[path[-1]].items():
            if _at(found[0], unwanted) is not None:
                raise InputError(
                    f"{what}: {name}: {needed['name']} can not have {'.'.join(unwanted)}: {problem}",
                    place=item.place,
                )


def _at(found: Any, path: Path) -> Any:
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _contains(found: Any, needed: Any) -> bool:
    if isinstance(needed, Mapping):
        return isinstance(found, Mapping) and all(
            name in found and _contains(found[name], value) for name, value in needed.items()
        )
    return bool(found == needed and type(found) is type(needed))


def _flow(value: Any) -> str:
    """A value as YAML writes it in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(part)}" for name, part in value.items()) + "}"
    return str(value)
